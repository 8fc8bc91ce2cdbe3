/* The face of the model: opening, lazy packing, runs. See clap.h. */
#include "clap.h"

#include "clap_internal.h"
#include "error.h"
#include "htsat.h"
#include "pann.h"
#include "quant.h"
#include "roberta.h"
#include "sha256.h"
#include "weights.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* The audio towers, by ClapAudioKind; htsat_run_longer is HTSAT's alone. */
typedef struct {
    void *(*bind)(Weights *, const ClapConfig *, GError **);
    void (*free)(void *);
    void (*pack)(void *);
    size_t (*scratch)(const void *);
    void (*run)(const void *, const float *mel, float *out, Arena *, const Tap *);
} AudioTower;

/* Functions of towers take their own struct; these take any. */
#define TOWER(name)                                                                                \
    static void *name##_bind_any(Weights *weights, const ClapConfig *config, GError **error) {     \
        return name##_bind(weights, config, error);                                                \
    }                                                                                              \
    static void name##_free_any(void *tower) {                                                     \
        name##_free(tower);                                                                        \
    }                                                                                              \
    static void name##_pack_any(void *tower) {                                                     \
        name##_pack(tower);                                                                        \
    }                                                                                              \
    static size_t name##_scratch_any(const void *tower) {                                          \
        return name##_scratch(tower);                                                              \
    }                                                                                              \
    static void name##_run_any(const void *tower, const float *mel, float *out, Arena *arena,      \
                               const Tap *t) {                                                     \
        name##_run(tower, mel, out, arena, t);                                                     \
    }
TOWER(htsat)
TOWER(pann)

#define TOWER_ENTRY(name)                                                                          \
    { name##_bind_any, name##_free_any, name##_pack_any, name##_scratch_any, name##_run_any }
static const AudioTower towers[] = {
    [CLAP_HTSAT] = TOWER_ENTRY(htsat), [CLAP_PANN] = TOWER_ENTRY(pann)};

struct Clap {
    ClapConfig config;
    Weights *weights;
    const AudioTower *tower;
    void *audio;
    Roberta *text;
    float logit_scale;
    GMutex mutex; /* over all below */
    bool audio_packed, text_touched;
    char *sha256;
};

struct ClapRun {
    const Clap *clap; /* borrowed */
    Arena *arena;
    const Tap *tap;
};

static bool bind_all(Clap *clap, GError **error) {
    const float *scale = weights_floats(clap->weights, "logit_scale_a", 0, NULL, error);
    if (!scale) return false;
    clap->logit_scale = expf(*scale);
    clap->tower = &towers[clap->config.audio.kind];
    clap->audio = clap->tower->bind(clap->weights, &clap->config, error);
    if (!clap->audio) return false;
    clap->text = roberta_bind(clap->weights, &clap->config, error);
    return clap->text != NULL;
}

Clap *clap_open(const char *dir, GError **error) {
    g_autoptr(Clap) clap = g_new0(Clap, 1);
    g_mutex_init(&clap->mutex);
    if (!clap_config_read(dir, &clap->config, error)) return NULL;
    clap->weights = weights_open(dir, error);
    if (!clap->weights || !bind_all(clap, error)) return NULL;
    if (!isfinite(clap->logit_scale)) {
        error_fail(error, ERR_FORMAT, "%s: logit_scale_a: its exponential is not finite", dir);
        return NULL;
    }
    return g_steal_pointer(&clap);
}

Clap *clap_blank(const ClapConfig *config, GError **error) {
    g_autoptr(Clap) clap = g_new0(Clap, 1);
    g_mutex_init(&clap->mutex);
    clap->config = *config;
    clap->weights = weights_blank();
    return bind_all(clap, error) ? g_steal_pointer(&clap) : NULL;
}

Weights *clap_weights(Clap *clap) {
    return clap->weights;
}

void clap_close(Clap *clap) {
    if (!clap) return;
    if (clap->audio) clap->tower->free(clap->audio);
    roberta_free(clap->text);
    weights_close(clap->weights);
    g_mutex_clear(&clap->mutex);
    g_free(clap->sha256);
    g_free(clap);
}

const ClapConfig *clap_config(const Clap *clap) {
    return &clap->config;
}

int clap_dim(const Clap *clap) {
    return clap->config.projection_dim;
}

float clap_logit_scale(const Clap *clap) {
    return clap->logit_scale;
}

int64_t clap_parameters(const Clap *clap) {
    return weights_parameters(clap->weights);
}

const char *clap_type_name(const Clap *clap) {
    return quant_type_name(weights_type(clap->weights));
}

/* The files that tensors lie in, each once, in order of name. */
static GList *weight_files(const Safetensors *tensors) {
    GList *files = NULL;
    for (int i = 0; i < safetensors_count(tensors); i++) {
        const char *path = safetensors_path(tensors, safetensors_at(tensors, i));
        if (!g_list_find_custom(files, path, (GCompareFunc)strcmp))
            files = g_list_insert_sorted(files, (char *)path, (GCompareFunc)strcmp);
    }
    return files;
}

static char *hash_files(const Safetensors *tensors) {
    g_autoptr(Sha256) sha = sha256_new();
    g_autoptr(GList) files = weight_files(tensors);
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    for (GList *file = files; file; file = file->next) {
        GMappedFile *map = g_mapped_file_new(file->data, FALSE, NULL);
        if (!map) return g_strdup("");
        sha256_add(sha, g_mapped_file_get_contents(map), g_mapped_file_get_length(map));
        g_mapped_file_unref(map);
    }
    sha256_end(sha, hash);
    sha256_hex(hash, hex);
    return g_strdup(hex);
}

char *clap_weights_stamp(const Clap *clap) {
    g_autoptr(GList) files = weight_files(weights_tensors(clap->weights));
    GString *stamp = g_string_new(NULL);
    for (GList *file = files; file; file = file->next) {
        struct stat st = {0};
        if (stat(file->data, &st) != 0) g_string_append(stamp, "gone ");
        g_string_append_printf(stamp, "%lld %lld.%09ld %lld.%09ld %llu;", (long long)st.st_size,
                               (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                               (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                               (unsigned long long)st.st_ino);
    }
    return g_string_free(stamp, FALSE);
}

const char *clap_weights_sha256(const Clap *clap) {
    Clap *own = (Clap *)clap; /* a value computed at its first use does not change the model */
    g_mutex_lock(&own->mutex);
    if (!own->sha256) own->sha256 = hash_files(weights_tensors(clap->weights));
    g_mutex_unlock(&own->mutex);
    return own->sha256;
}

/* ---- runs ---- */

static void pack_audio(Clap *clap) {
    g_mutex_lock(&clap->mutex);
    if (!clap->audio_packed) clap->tower->pack(clap->audio);
    clap->audio_packed = true;
    g_mutex_unlock(&clap->mutex);
}

static void touch_text(Clap *clap) {
    g_mutex_lock(&clap->mutex);
    if (!clap->text_touched) roberta_touch(clap->text);
    clap->text_touched = true;
    g_mutex_unlock(&clap->mutex);
}

void clap_settle(Clap *clap) {
    g_mutex_lock(&clap->mutex);
    if (!clap->text_touched) roberta_settle(clap->text, clap->weights);
    clap->text_touched = true;
    g_mutex_unlock(&clap->mutex);
}

ClapRun *clap_run_new(Clap *clap, ClapTower tower, GError **error) {
    ClapRun *run = g_new0(ClapRun, 1);
    run->clap = clap;
    if (tower == CLAP_AUDIO)
        pack_audio(clap);
    else
        touch_text(clap);
    run->arena = arena_new(tower == CLAP_AUDIO ? clap->tower->scratch(clap->audio)
                                               : roberta_scratch(clap->text, CLAP_MAX_TOKENS));
    return run;
}

void clap_run_free(ClapRun *run) {
    if (!run) return;
    arena_free(run->arena);
    g_free(run);
}

const Clap *clap_run_model(const ClapRun *run) {
    return run->clap;
}

void clap_run_tap(ClapRun *run, const Tap *t) {
    run->tap = t;
}

void clap_embed_mel(ClapRun *run, const float *mel, float *out) {
    run->clap->tower->run(run->clap->audio, mel, out, run->arena, run->tap);
}

void clap_embed_mels(ClapRun *run, const float *mels, float *out) {
    g_assert(run->clap->config.audio.enable_fusion);
    htsat_run_longer(run->clap->audio, mels, out, run->arena, run->tap);
}

void clap_embed_tokens(ClapRun *run, const int32_t *ids, int count, float *out) {
    g_assert(count >= 2 && count <= clap_config_tokens(&run->clap->config));
    roberta_run(run->clap->text, ids, count, out, run->arena, run->tap);
}
