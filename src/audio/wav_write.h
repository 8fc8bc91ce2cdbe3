/* Any sound file → WAV of 16 bits, for those who cannot play the original: at the file's own rate,
 * one channel when it has one, else two.
 *
 * Thread: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Into `fd`, from where it stands, which is not closed; a file (not a pipe) gets its length written
 * into the head at the end, and a pipe a head that leaves it open. What was written before an error
 * is there: the caller throws it away. ERR_LIMIT: longer than `most_seconds` (0: no limit), or than
 * a WAV can be (4 GiB); ERR_CANCELLED when *stop (may be NULL) became non-zero; and the errors of
 * pcm.h. */
bool wav_transcode(const char *path, int fd, double most_seconds, const gint *stop, GError **error);
