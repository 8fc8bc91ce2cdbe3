/* Attentional feature fusion. See aff.h. */
#include "aff.h"

#include "nn_act.h"
#include "nn_norm.h"
#include "scratch.h"

#include <string.h>

/* conv, norm, relu, conv, norm; `down` and `up` are the convolutions with their norms folded in,
 * in memory of ours. */
typedef struct {
    NnMatrix conv1, conv2;
    BatchNorm norm1, norm2;
    NnMatrix down, up;
} Path;

struct Aff {
    Path local, global;
    NnLinear *local_down, *local_up;
    int channels, tokens;
};

enum { CHANNELS = 1, INNER, ONE, SIZES };

static const BindRow rows[] = {
    {"local_att.0", BIND_CONV, offsetof(Aff, local.conv1), {INNER, CHANNELS, ONE, ONE}},
    {"local_att.1", BIND_BATCH_NORM, offsetof(Aff, local.norm1), {INNER}},
    {"local_att.3", BIND_CONV, offsetof(Aff, local.conv2), {CHANNELS, INNER, ONE, ONE}},
    {"local_att.4", BIND_BATCH_NORM, offsetof(Aff, local.norm2), {CHANNELS}},
    {"global_att.1", BIND_CONV, offsetof(Aff, global.conv1), {INNER, CHANNELS, ONE, ONE}},
    {"global_att.2", BIND_BATCH_NORM, offsetof(Aff, global.norm1), {INNER}},
    {"global_att.4", BIND_CONV, offsetof(Aff, global.conv2), {CHANNELS, INNER, ONE, ONE}},
    {"global_att.5", BIND_BATCH_NORM, offsetof(Aff, global.norm2), {CHANNELS}},
};

Aff *aff_bind(Weights *weights, const char *prefix, int channels, int ratio, GError **error) {
    const int64_t sizes[SIZES] = {[CHANNELS] = channels, [INNER] = channels / ratio, [ONE] = 1};
    Aff *aff = g_new0(Aff, 1);
    aff->channels = channels;
    if (bind_rows(weights, prefix, rows, G_N_ELEMENTS(rows), sizes, aff, error)) return aff;
    aff_free(aff);
    return NULL;
}

static void free_folded(NnMatrix *folded) {
    g_free((void *)folded->w);
    g_free((void *)folded->bias);
}

void aff_free(Aff *aff) {
    if (!aff) return;
    nn_linear_free(aff->local_down);
    nn_linear_free(aff->local_up);
    Path *paths[] = {&aff->local, &aff->global};
    for (int i = 0; i < 2; i++) {
        free_folded(&paths[i]->down);
        free_folded(&paths[i]->up);
    }
    g_free(aff);
}

/* norm(W·x + b) = (s·W)·x + (s·b + t). A new matrix. */
static NnMatrix fold(const NnMatrix *conv, const BatchNorm *norm) {
    g_autofree float *scale = g_new(float, conv->n);
    float *w = g_new(float, (size_t)conv->n * conv->k), *bias = g_new(float, conv->n);
    nn_batch_norm_fold(norm->gamma, norm->beta, norm->mean, norm->var, BATCH_NORM_EPS, conv->n,
                       scale, bias);
    for (int i = 0; i < conv->n; i++) {
        bias[i] += scale[i] * conv->bias[i];
        for (int j = 0; j < conv->k; j++) {
            size_t at = (size_t)i * conv->k + j;
            w[at] = scale[i] * ((const float *)conv->w)[at];
        }
    }
    return (NnMatrix){.type = NN_F32, .n = conv->n, .k = conv->k, .w = w, .bias = bias};
}

void aff_pack(Aff *aff, int tokens) {
    Path *paths[] = {&aff->local, &aff->global};
    for (int i = 0; i < 2; i++) {
        paths[i]->down = fold(&paths[i]->conv1, &paths[i]->norm1);
        paths[i]->up = fold(&paths[i]->conv2, &paths[i]->norm2);
    }
    aff->tokens = tokens;
    aff->local_down = nn_linear_new(&aff->local.down, 1, tokens, NN_ACT_RELU);
    aff->local_up = nn_linear_new(&aff->local.up, 1, tokens, NN_ACT_NONE);
}

/* path_g(mean over tokens of a[tokens][channels]) → out[channels] */
static void run_global(const Aff *aff, const float *a, float *out, Arena *arena) {
    size_t mark = arena_mark(arena);
    float *mean = arena_floats(arena, aff->channels);
    float *inner = arena_floats(arena, aff->global.down.n);
    memset(mean, 0, sizeof(float) * aff->channels);
    for (int i = 0; i < aff->tokens; i++)
        nn_add(mean, a + (size_t)i * aff->channels, aff->channels);
    for (int c = 0; c < aff->channels; c++) mean[c] /= (float)aff->tokens;
    nn_linear_small(&aff->global.down, NN_ACT_RELU, 1, mean, inner, arena);
    nn_linear_small(&aff->global.up, NN_ACT_NONE, 1, inner, out, arena);
    arena_reset(arena, mark);
}

void aff_run(const Aff *aff, float *x, const float *local, Arena *arena) {
    int channels = aff->channels;
    size_t mark = arena_mark(arena), size = (size_t)aff->tokens * channels;
    float *a = arena_floats(arena, size), *w = arena_floats(arena, size);
    float *inner = arena_floats(arena, (size_t)aff->tokens * aff->local.down.n);
    float *global = arena_floats(arena, channels);
    memcpy(a, x, sizeof(float) * size);
    nn_add(a, local, size);
    run_global(aff, a, global, arena);
    nn_linear_run(aff->local_down, a, inner, arena);
    nn_linear_run(aff->local_up, inner, w, arena);
    for (int i = 0; i < aff->tokens; i++) nn_add(w + (size_t)i * channels, global, channels);
    nn_sigmoid(w, size);
    for (size_t i = 0; i < size; i++) x[i] = 2 * x[i] * w[i] + 2 * local[i] * (1 - w[i]);
    arena_reset(arena, mark);
}

size_t aff_scratch(const Aff *aff) {
    size_t square = scratch_floats((size_t)aff->tokens * aff->channels);
    size_t inner = scratch_floats((size_t)aff->tokens * aff->local.down.n);
    size_t small = scratch_max(nn_linear_small_scratch(&aff->global.down, 1),
                               nn_linear_small_scratch(&aff->global.up, 1));
    size_t large =
        scratch_max(nn_linear_scratch(aff->local_down), nn_linear_scratch(aff->local_up));
    return 2 * square + inner + 3 * scratch_floats(aff->channels) + small + large;
}
