/* See mel_cache.h. The file: Head, count · MEL_CACHE_SPEEDS of Entry, then the mels. */
#include "mel_cache.h"

#include "error.h"
#include "file.h"
#include "mel.h"
#include "pcm.h"
#include "sha256.h"
#include "team.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC    "EARSHOTM"
#define VERSION  1
#define AT_ONCE  64   /* sounds that are decoded between two writes */
#define SHORTEST 1024 /* samples; shorter sounds are padded with zeros */
#define PER_DB   100.0f

static const double speeds[MEL_CACHE_SPEEDS] = {1, 0.71, 0.85, 1.18, 1.41};

typedef struct {
    char magic[8];
    uint32_t version, bins;
    uint64_t count;
    uint8_t key[SHA256_BYTES];
} Head;

typedef struct {
    uint64_t at, frames; /* in values of int16 from the end of the entries; frames */
} Entry;

struct MelCache {
    GMappedFile *file;
    const Head *head;
    const Entry *entries;
    const int16_t *values;
    int bins, count;
};

/* ---- the key ---- */

static bool make_key(const ClapFeatures *f, char **sounds, int count, uint8_t *key,
                     GError **error) {
    g_autoptr(Sha256) sha = sha256_new();
    g_autofree char *front = g_strdup_printf(
        "%d %d %d %d %.17g %.17g %d %d", f->sampling_rate, f->n_fft, f->hop_length, f->feature_size,
        f->frequency_min, f->frequency_max, f->fusion, MEL_CACHE_SECONDS);
    sha256_add(sha, front, strlen(front) + 1);
    for (int i = 0; i < count; i++) {
        struct stat st;
        if (stat(sounds[i], &st) != 0) return error_fail_errno(error, sounds[i], errno);
        g_autofree char *line =
            g_strdup_printf("%s\n%lld %lld.%09ld\n", sounds[i], (long long)st.st_size,
                            (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        sha256_add(sha, line, strlen(line));
    }
    sha256_end(sha, key);
    return true;
}

/* ---- making ---- */

typedef struct {
    int16_t *values;
    int frames;
    GError *error;
} Made;

typedef struct {
    char **sounds; /* of this round */
    const MelCacheHow *how;
    Mel **mels; /* one a thread */
    Made *made; /* [AT_ONCE][MEL_CACHE_SPEEDS] */
} Round;

/* Samples that the reflection at the ends needs, and SHORTEST. */
static gsize least_samples(const ClapFeatures *f) {
    return MAX((gsize)SHORTEST, (gsize)f->n_fft / 2 + 1);
}

/* All samples at `rate`, MEL_CACHE_SECONDS of the sound at most, zeros up to `least`. Caller frees.
 */
static float *decode(const char *path, int rate, gsize least, gsize *count, GError **error) {
    g_autoptr(Pcm) pcm = pcm_open(path, rate, error);
    if (!pcm) return NULL;
    gsize most = (gsize)(MEL_CACHE_SECONDS * (double)rate), got = 0;
    g_autofree float *samples = g_new0(float, MAX(most, least));
    while (got < most) {
        gssize n = pcm_read(pcm, samples + got, (gssize)(most - got), error);
        if (n < 0) return NULL;
        if (n == 0) break;
        got += (gsize)n;
    }
    *count = MAX(got, least);
    if (got > 0) return g_steal_pointer(&samples);
    error_fail(error, ERR_FORMAT, "%s: has no samples", path);
    return NULL;
}

/* A sound that is heard `speed` times as fast has rate / speed samples a second of its own. */
static void make_one(void *context, int item, int thread) {
    Round *round = context;
    const ClapFeatures *f = round->how->features;
    Made *made = &round->made[item];
    double speed = speeds[item % MEL_CACHE_SPEEDS];
    const char *path = round->sounds[item / MEL_CACHE_SPEEDS];
    gsize count = 0;
    g_autofree float *samples =
        decode(path, (int)lrint(f->sampling_rate / speed), least_samples(f), &count, &made->error);
    if (!samples) return;
    made->frames = (int)mel_frames(round->mels[thread], count);
    gsize n = (gsize)made->frames * (gsize)f->feature_size;
    g_autofree float *mel = g_new(float, n);
    mel_run(round->mels[thread], samples, count, mel);
    made->values = g_new(int16_t, n);
    for (gsize i = 0; i < n; i++)
        made->values[i] = (int16_t)lrintf(CLAMP(mel[i], -300.0f, 300.0f) * PER_DB);
}

typedef struct {
    Head head;
    Entry *entries;
    char **sounds;
    const MelCacheHow *how;
} Making;

static bool write_round(int fd, const char *path, const Made *made, int count, int bins,
                        Entry *entries, uint64_t *at, GError **error) {
    for (int i = 0; i < count; i++) {
        if (made[i].error) {
            g_propagate_error(error, g_error_copy(made[i].error));
            return false;
        }
        uint64_t values = (uint64_t)made[i].frames * (uint64_t)bins;
        entries[i] = (Entry){*at, (uint64_t)made[i].frames};
        *at += values;
        if (!file_put(fd, path, made[i].values, values * sizeof(int16_t), error)) return false;
    }
    return true;
}

static void clear_round(Made *made, int count) {
    for (int i = 0; i < count; i++) {
        g_free(made[i].values);
        g_clear_error(&made[i].error);
        made[i] = (Made){0};
    }
}

static bool write_sounds(int fd, const char *path, Making *making, Team *team, Round *round,
                         GError **error) {
    uint64_t at = 0;
    int count = (int)making->head.count;
    for (int first = 0; first < count; first += AT_ONCE) {
        int some = MIN(AT_ONCE, count - first) * MEL_CACHE_SPEEDS;
        round->sounds = making->sounds + first;
        team_run(team, some, make_one, round);
        bool well = write_round(fd, path, round->made, some, (int)making->head.bins,
                                making->entries + (gsize)first * MEL_CACHE_SPEEDS, &at, error);
        clear_round(round->made, some);
        if (!well) return false;
        if (making->how->progress &&
            !making->how->progress(making->how->user, MIN(first + AT_ONCE, count), count))
            return error_fail(error, ERR_CANCELLED, "interrupted");
    }
    return true;
}

static bool make_mels(const ClapFeatures *f, Mel **mels, int count, GError **error) {
    MelConfig config = {f->sampling_rate, f->n_fft,         f->hop_length, f->feature_size,
                        f->frequency_min, f->frequency_max, !f->fusion};
    for (int i = 0; i < count; i++) {
        mels[i] = mel_new(&config, error);
        if (!mels[i]) return false;
    }
    return true;
}

/* The entries are known last, and written over the room that was left for them. */
static bool write_file(int fd, const char *path, void *user, GError **error) {
    Making *making = user;
    gsize bytes = sizeof(Entry) * making->head.count * MEL_CACHE_SPEEDS;
    Team *team = team_new(making->how->threads);
    int threads = team_threads(team);
    g_autofree Mel **mels = g_new0(Mel *, threads);
    Round round = {.how = making->how, .mels = mels};
    round.made = g_new0(Made, AT_ONCE * MEL_CACHE_SPEEDS);
    bool well = make_mels(making->how->features, mels, threads, error) &&
                file_put(fd, path, &making->head, sizeof making->head, error) &&
                file_put(fd, path, making->entries, bytes, error) &&
                write_sounds(fd, path, making, team, &round, error);
    if (well && lseek(fd, sizeof making->head, SEEK_SET) < 0)
        well = error_fail_errno(error, path, errno);
    well = well && file_put(fd, path, making->entries, bytes, error);
    for (int i = 0; i < threads; i++) mel_free(mels[i]);
    g_free(round.made);
    team_free(team);
    return well;
}

/* ---- opening ---- */

/* Sizes against the file's, entry by entry. */
static bool is_sound(const MelCache *cache, gsize bytes) {
    gsize head = sizeof(Head) + sizeof(Entry) * (gsize)cache->count * MEL_CACHE_SPEEDS;
    if (bytes < head) return false;
    uint64_t values = (bytes - head) / sizeof(int16_t);
    for (int i = 0; i < cache->count * MEL_CACHE_SPEEDS; i++) {
        const Entry *entry = &cache->entries[i];
        if (entry->frames < 1 || entry->frames > values || entry->at > values ||
            entry->frames * (uint64_t)cache->bins > values - entry->at)
            return false;
    }
    return true;
}

static MelCache *open_existing(const char *path, const Head *wanted) {
    GMappedFile *file = g_mapped_file_new(path, FALSE, NULL);
    if (!file) return NULL;
    MelCache *cache = g_new0(MelCache, 1);
    const char *bytes = g_mapped_file_get_contents(file);
    gsize size = g_mapped_file_get_length(file);
    *cache = (MelCache){.file = file, .bins = (int)wanted->bins, .count = (int)wanted->count};
    if (size >= sizeof *wanted && memcmp(bytes, wanted, sizeof *wanted) == 0) {
        cache->head = (const Head *)(const void *)bytes;
        cache->entries = (const Entry *)(const void *)(bytes + sizeof *wanted);
        cache->values = (const int16_t *)(const void *)(cache->entries +
                                                        (gsize)cache->count * MEL_CACHE_SPEEDS);
        if (is_sound(cache, size)) return cache;
    }
    mel_cache_close(cache);
    return NULL;
}

MelCache *mel_cache_open(const char *path, char **sounds, int count, const MelCacheHow *how,
                         GError **error) {
    Making making = {.sounds = sounds, .how = how};
    making.head = (Head){.version = VERSION,
                         .bins = (uint32_t)how->features->feature_size,
                         .count = (uint64_t)count};
    memcpy(making.head.magic, MAGIC, sizeof making.head.magic);
    if (!make_key(how->features, sounds, count, making.head.key, error)) return NULL;
    MelCache *cache = open_existing(path, &making.head);
    if (cache) return cache;
    g_autofree Entry *entries = g_new0(Entry, (gsize)count * MEL_CACHE_SPEEDS);
    making.entries = entries;
    if (!file_replace(path, write_file, &making, error)) return NULL;
    cache = open_existing(path, &making.head);
    if (!cache) error_fail(error, ERR_IO, "%s: cannot be read back", path);
    return cache;
}

void mel_cache_close(MelCache *cache) {
    if (!cache) return;
    g_mapped_file_unref(cache->file);
    g_free(cache);
}

const uint8_t *mel_cache_key(const MelCache *cache) {
    return cache->head->key;
}

const int16_t *mel_cache_mel(const MelCache *cache, int sound, int speed, int *frames) {
    const Entry *entry = &cache->entries[(gsize)sound * MEL_CACHE_SPEEDS + (gsize)speed];
    *frames = (int)entry->frames;
    return cache->values + entry->at;
}
