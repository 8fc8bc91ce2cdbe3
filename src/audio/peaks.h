/* How loud a sound is along its time, to be drawn: the least and the largest sample of each of n
 * equal stretches of the mono mixture.
 *
 * One pass in bounded memory, whatever the header says of the length: stretches begin at one
 * sample, and when there are too many, neighbours are joined, which makes each twice as long. So
 * short sounds are exact; in long ones a stretch may reach into its neighbours by an eighth of its
 * length.
 *
 * Thread: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define PEAKS_MOST 10000

/* least[n], most[n] in [−1, 1]: louder samples are cut. Fewer samples than n: each is repeated.
 * *seconds: the sound's length. ERR_USAGE: n below 1 or above PEAKS_MOST; ERR_LIMIT: longer than
 * `most_seconds` (0: no limit); ERR_CANCELLED when *stop (may be NULL) became non-zero; and the
 * errors of pcm.h. */
bool peaks_read(const char *path, int n, double most_seconds, const gint *stop, float *least,
                float *most, double *seconds, GError **error);
