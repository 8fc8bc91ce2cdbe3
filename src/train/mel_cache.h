/* Log-mels of all sounds of a training, in one mapped file: each at several speeds, of which a draw
 * takes one. Derived: keyed by the sounds' paths, sizes and times and by the front end; made anew
 * when any of them differs, and written so that it appears whole or not at all.
 *
 * Values are hundredths of a dB in int16. A sound gives at most MEL_CACHE_SECONDS.
 *
 * Owner: the caller. Thread: read-only after opening. */
#pragma once
#include "clap_config.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MEL_CACHE_SECONDS 15
#define MEL_CACHE_SPEEDS  5 /* 1, 0.71, 0.85, 1.18, 1.41; the first is the sound as it is */

typedef struct MelCache MelCache;

/* Called now and then while it is made; false stops (ERR_CANCELLED). */
typedef bool MelCacheProgress(void *user, int done, int count);

typedef struct {
    const ClapFeatures *features;
    int threads;
    MelCacheProgress *progress; /* may be NULL */
    void *user;
} MelCacheHow;

/* The cache at `path` for these sounds; made when it is not there or stale. A sound that cannot be
 * decoded, or has no sample, is an error that names it. */
MelCache *mel_cache_open(const char *path, char **sounds, int count, const MelCacheHow *how,
                         GError **error);
void mel_cache_close(MelCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MelCache, mel_cache_close)

/* SHA-256 of what the cache was made from (SHA256_BYTES). */
const uint8_t *mel_cache_key(const MelCache *cache);

/* [*frames][bins], hundredths of a dB. *frames ≥ 1. */
const int16_t *mel_cache_mel(const MelCache *cache, int sound, int speed, int *frames);
