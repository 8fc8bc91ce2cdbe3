/* A WAV file of 16-bit samples that grows while its sound is made. Its header is right after every
 * step, so that what was written is a whole file whenever the program is killed; and from 4 GB on
 * it says RF64 (EBU Tech 3306), for which room is kept at its start.
 *
 * A file that is already there is never opened.
 *
 * Owner: the caller. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAV_HEADER 80 /* bytes */

typedef struct WavOut WavOut;

/* ERR_CONFLICT when `path` is already there. */
WavOut *wav_out_open(const char *path, int rate, int channels, GError **error);

/* `count` samples, of all channels together. When there is no room for all of them, the file ends
 * with the last step. */
bool wav_out_add(WavOut *out, const int16_t *samples, size_t count, GError **error);

uint64_t wav_out_frames(const WavOut *out);

/* Brings it to the disk. */
bool wav_out_sync(WavOut *out, GError **error);
void wav_out_close(WavOut *out);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WavOut, wav_out_close)

/* The header before so many bytes of samples. */
void wav_header(uint8_t header[WAV_HEADER], int rate, int channels, uint64_t data_bytes);
