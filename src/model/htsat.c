/* HTS-AT's stages. See htsat.h. */
#include "htsat.h"

#include "htsat_stem.h"
#include "nn_act.h"
#include "nn_attn.h"
#include "nn_norm.h"
#include "projection.h"
#include "scratch.h"
#include "swin.h"

#include <stdio.h>
#include <string.h>

#define PREFIX       "audio_model.audio_encoder."
#define ROWS_AT_ONCE 512 /* tokens that go through a block together; 4·512·96 floats are in L2 */

typedef struct {
    Norm norm1, norm2;
    const float *bias_table;
    NnMatrix query, key, value, out, up, down;
    float *bias; /* bias_table as [heads][n][n]; this and the rest come from htsat_pack */
    NnLinear *qkv_run, *out_run, *up_run, *down_run;
} Block;

typedef struct {
    int rows, cols, channels, heads, blocks;
    int windows_at_once, rows_at_once; /* divide the windows, the tokens */
    Block *block;
    SwinWindows *even, *odd; /* even blocks' windows, odd blocks' (shifted) */
    Norm merge_norm;         /* gamma NULL: the last stage */
    NnMatrix merge;
    NnLinear *merge_run;
} Stage;

struct Htsat {
    ClapAudioConfig config;
    Stem stem;
    Stage stage[CLAP_MAX_STAGES];
    Norm norm;
    Projection projection;
};

/* ---- weights ---- */

enum { CHANNELS = 1, CHANNELS2, CHANNELS4, INNER, HEADS, BIASES, QKV_BIASED, BIASED, SIZES };

static const BindRow block_rows[] = {
    {"layernorm_before", BIND_NORM, offsetof(Block, norm1), {CHANNELS}},
    {"attention.self.relative_position_bias_table",
     BIND_FLOATS,
     offsetof(Block, bias_table),
     {BIASES, HEADS}},
    {"attention.self.query", BIND_LINEAR, offsetof(Block, query), {CHANNELS, CHANNELS, QKV_BIASED}},
    {"attention.self.key", BIND_LINEAR, offsetof(Block, key), {CHANNELS, CHANNELS, QKV_BIASED}},
    {"attention.self.value", BIND_LINEAR, offsetof(Block, value), {CHANNELS, CHANNELS, QKV_BIASED}},
    {"attention.output.dense", BIND_LINEAR, offsetof(Block, out), {CHANNELS, CHANNELS, BIASED}},
    {"layernorm_after", BIND_NORM, offsetof(Block, norm2), {CHANNELS}},
    {"intermediate.dense", BIND_LINEAR, offsetof(Block, up), {INNER, CHANNELS, BIASED}},
    {"output.dense", BIND_LINEAR, offsetof(Block, down), {CHANNELS, INNER, BIASED}},
};

static const BindRow merge_rows[] = {
    {"downsample.norm", BIND_NORM, offsetof(Stage, merge_norm), {CHANNELS4}},
    {"downsample.reduction", BIND_LINEAR, offsetof(Stage, merge), {CHANNELS2, CHANNELS4}},
};

static const BindRow end_rows[] = {
    {"norm", BIND_NORM, offsetof(Htsat, norm), {CHANNELS}},
};

static bool bind_stage(Htsat *htsat, Weights *weights, int s, GError **error) {
    const ClapAudioConfig *config = &htsat->config;
    Stage *stage = &htsat->stage[s];
    int span = 2 * config->window_size - 1;
    const int64_t sizes[SIZES] = {[CHANNELS] = stage->channels,
                                  [CHANNELS2] = 2 * stage->channels,
                                  [CHANNELS4] = 4 * stage->channels,
                                  [INNER] = (int)(config->mlp_ratio * stage->channels),
                                  [HEADS] = stage->heads,
                                  [BIASES] = span * span,
                                  [QKV_BIASED] = config->qkv_bias,
                                  [BIASED] = true};
    char prefix[96];
    for (int b = 0; b < stage->blocks; b++) {
        snprintf(prefix, sizeof prefix, PREFIX "layers.%d.blocks.%d.", s, b);
        if (!bind_rows(weights, prefix, block_rows, G_N_ELEMENTS(block_rows), sizes,
                       &stage->block[b], error))
            return false;
    }
    if (s == config->stages - 1)
        return bind_rows(weights, PREFIX, end_rows, G_N_ELEMENTS(end_rows), sizes, htsat, error);
    snprintf(prefix, sizeof prefix, PREFIX "layers.%d.", s);
    return bind_rows(weights, prefix, merge_rows, G_N_ELEMENTS(merge_rows), sizes, stage, error);
}

static void set_shapes(Htsat *htsat) {
    const ClapAudioConfig *config = &htsat->config;
    for (int s = 0; s < config->stages; s++)
        htsat->stage[s] = (Stage){
            .rows = htsat->stem.rows >> s,
            .cols = htsat->stem.cols >> s,
            .channels = config->patch_embeds_hidden_size << s,
            .heads = config->num_attention_heads[s],
            .blocks = config->depths[s],
            .block = g_new0(Block, config->depths[s]),
        };
}

static bool bind_all(Htsat *htsat, Weights *weights, const ClapConfig *config, GError **error) {
    if (!stem_bind(&htsat->stem, weights, config, error)) return false;
    set_shapes(htsat);
    for (int s = 0; s < config->audio.stages; s++)
        if (!bind_stage(htsat, weights, s, error)) return false;
    return projection_bind(&htsat->projection, weights, "audio_projection.",
                           config->audio.hidden_size, config, error);
}

Htsat *htsat_bind(Weights *weights, const ClapConfig *config, GError **error) {
    Htsat *htsat = g_new0(Htsat, 1);
    htsat->config = config->audio;
    if (bind_all(htsat, weights, config, error)) return htsat;
    htsat_free(htsat);
    return NULL;
}

static void free_block(Block *block) {
    g_free(block->bias);
    NnLinear *runs[] = {block->qkv_run, block->out_run, block->up_run, block->down_run};
    for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) nn_linear_free(runs[i]);
}

static void free_stage(Stage *stage) {
    for (int b = 0; b < stage->blocks; b++) free_block(&stage->block[b]);
    g_free(stage->block);
    if (stage->odd != stage->even) swin_windows_free(stage->odd);
    swin_windows_free(stage->even);
    nn_linear_free(stage->merge_run);
}

void htsat_free(Htsat *htsat) {
    if (!htsat) return;
    for (int s = 0; s < CLAP_MAX_STAGES; s++) free_stage(&htsat->stage[s]);
    stem_free(&htsat->stem);
    g_free(htsat);
}

/* ---- packing ---- */

static void pack_block(Block *block, const Stage *stage, int window) {
    int windowed = stage->windows_at_once * window * window;
    const NnMatrix qkv[] = {block->query, block->key, block->value};
    block->bias = swin_bias_new(block->bias_table, window, stage->heads);
    block->qkv_run = nn_linear_new(qkv, 3, windowed, NN_ACT_NONE);
    block->out_run = nn_linear_new(&block->out, 1, windowed, NN_ACT_NONE);
    block->up_run = nn_linear_new(&block->up, 1, stage->rows_at_once, NN_ACT_GELU);
    block->down_run = nn_linear_new(&block->down, 1, stage->rows_at_once, NN_ACT_NONE);
}

/* The largest part of `whole` that divides it and is at most `most`, but at least 1. */
static int portion(int whole, int most) {
    int n = MAX(1, MIN(whole, most));
    while (whole % n) n--;
    return n;
}

/* Reference's quirk: a stage whose shorter side is a single window is not shifted at all. */
static void pack_stage(Stage *stage, int window) {
    bool shifts = MIN(stage->rows, stage->cols) > window && window > 1;
    stage->even = swin_windows_new(stage->rows, stage->cols, window, 0);
    stage->odd =
        shifts ? swin_windows_new(stage->rows, stage->cols, window, window / 2) : stage->even;
    stage->windows_at_once = portion(stage->even->count, ROWS_AT_ONCE / (window * window));
    stage->rows_at_once = portion(stage->rows * stage->cols, ROWS_AT_ONCE);
    for (int b = 0; b < stage->blocks; b++) pack_block(&stage->block[b], stage, window);
    if (stage->merge_norm.gamma)
        stage->merge_run =
            nn_linear_new(&stage->merge, 1, stage->rows * stage->cols / 4, NN_ACT_NONE);
}

void htsat_pack(Htsat *htsat) {
    stem_pack(&htsat->stem);
    for (int s = 0; s < htsat->config.stages; s++)
        pack_stage(&htsat->stage[s], htsat->config.window_size);
}

/* ---- the pass ---- */

/* y[count][channels] = LN(x[token[i]]), zero where there is padding. */
static void gather_norm(const Norm *norm, float eps, const float *x, const int *token, int count,
                        int channels, float *y) {
    for (int i = 0, run; i < count; i += run) {
        run = 1;
        if (token[i] == SWIN_PADDING) {
            memset(y + (size_t)i * channels, 0, sizeof(float) * channels);
            continue;
        }
        while (i + run < count && token[i + run] == token[i] + run) run++;
        nn_layer_norm(x + (size_t)token[i] * channels, run, channels, norm->gamma, norm->beta, eps,
                      y + (size_t)i * channels);
    }
}

/* x[token[i]] += y[i] */
static void scatter_add(const float *y, const int *token, int count, int channels, float *x) {
    for (int i = 0, run; i < count; i += run) {
        run = 1;
        if (token[i] == SWIN_PADDING) continue;
        while (i + run < count && token[i + run] == token[i] + run) run++;
        nn_add(x + (size_t)token[i] * channels, y + (size_t)i * channels, (size_t)run * channels);
    }
}

/* Windows first … first + windows_at_once: x += out(attention(LN x)). */
static void attend(const Block *block, const Stage *stage, float eps, const SwinWindows *windows,
                   int first, float *x, Arena *arena) {
    int channels = stage->channels, heads = stage->heads, n = windows->tokens;
    int count = stage->windows_at_once * n;
    const int *token = windows->token + (size_t)first * n;
    size_t mark = arena_mark(arena);
    float *y = arena_floats(arena, (size_t)count * channels);
    float *qkv = arena_floats(arena, (size_t)count * channels * 3);
    float *context = arena_floats(arena, (size_t)count * channels);
    gather_norm(&block->norm1, eps, x, token, count, channels, y);
    nn_linear_run(block->qkv_run, y, qkv, arena);
    NnAttn *attention = block->query.type == NN_F32 ? nn_attn : nn_attn_rounded;
    for (int i = 0; i < stage->windows_at_once; i++)
        attention(qkv + (size_t)i * n * channels * 3, n, heads, channels / heads, block->bias,
                  windows->mask[first + i], context + (size_t)i * n * channels, arena);
    nn_linear_run(block->out_run, context, y, arena);
    scatter_add(y, token, count, channels, x);
    arena_reset(arena, mark);
}

/* x[rows_at_once][channels] += down(gelu(up(LN x))) */
static void feed_forward(const Block *block, const Stage *stage, float eps, float *x,
                         Arena *arena) {
    int channels = stage->channels, rows = stage->rows_at_once;
    size_t mark = arena_mark(arena);
    float *y = arena_floats(arena, (size_t)rows * channels);
    float *inner = arena_floats(arena, (size_t)rows * block->up.n);
    nn_layer_norm(x, rows, channels, block->norm2.gamma, block->norm2.beta, eps, y);
    nn_linear_run(block->up_run, y, inner, arena);
    nn_linear_add(block->down_run, inner, x, arena);
    arena_reset(arena, mark);
}

/* The four neighbours of each token of the halved grid side by side, in the reference's order:
 * (row 0, col 0), (1, 0), (0, 1), (1, 1); x[rows·cols][c] → y[rows/2 · cols/2][4c]. */
static void gather_neighbours(const Stage *stage, const float *x, float *y) {
    size_t channels = stage->channels;
    for (int row = 0; row < stage->rows; row += 2)
        for (int col = 0; col < stage->cols; col += 2)
            for (int i = 0; i < 4; i++, y += channels) {
                size_t token = (size_t)(row + i % 2) * stage->cols + col + i / 2;
                memcpy(y, x + token * channels, sizeof(float) * channels);
            }
}

/* x = reduce(LN(neighbours of x)): half as many rows and columns, twice the channels */
static void merge(const Stage *stage, float *x, Arena *arena) {
    int tokens = stage->rows * stage->cols / 4, wide = stage->channels * 4;
    size_t mark = arena_mark(arena);
    float *y = arena_floats(arena, (size_t)tokens * wide);
    gather_neighbours(stage, x, y);
    nn_layer_norm(y, tokens, wide, stage->merge_norm.gamma, stage->merge_norm.beta, NORM_EPS, y);
    nn_linear_run(stage->merge_run, y, x, arena);
    arena_reset(arena, mark);
}

static void tap_stage(const Tap *t, int stage, const char *part, int number, const float *x,
                      int rows, int cols) {
    if (!t) return;
    char name[48];
    if (number < 0)
        snprintf(name, sizeof name, "audio.stage%d.%s", stage, part);
    else
        snprintf(name, sizeof name, "audio.stage%d.%s%d", stage, part, number);
    tap(t, name, x, rows, cols);
}

static void run_block(const Block *block, const Stage *stage, float eps, const SwinWindows *windows,
                      float *x, Arena *arena) {
    int tokens = stage->rows * stage->cols;
    for (int i = 0; i < windows->count; i += stage->windows_at_once)
        attend(block, stage, eps, windows, i, x, arena);
    for (int i = 0; i < tokens; i += stage->rows_at_once)
        feed_forward(block, stage, eps, x + (size_t)i * stage->channels, arena);
}

static void run_stage(const Htsat *htsat, int s, float *x, Arena *arena, const Tap *t) {
    const Stage *stage = &htsat->stage[s];
    int tokens = stage->rows * stage->cols;
    float eps = (float)htsat->config.layer_norm_eps;
    for (int b = 0; b < stage->blocks; b++) {
        run_block(&stage->block[b], stage, eps, b % 2 ? stage->odd : stage->even, x, arena);
        tap_stage(t, s, "block", b, x, tokens, stage->channels);
    }
    if (!stage->merge_run) return;
    merge(stage, x, arena);
    tap_stage(t, s, "merge", -1, x, tokens / 4, stage->channels * 2);
}

/* Mean of x[rows][cols] over its rows. */
static void mean_rows(const float *x, int rows, int cols, float *mean) {
    memset(mean, 0, sizeof(float) * cols);
    for (int i = 0; i < rows; i++) nn_add(mean, x + (size_t)i * cols, cols);
    for (int c = 0; c < cols; c++) mean[c] /= (float)rows;
}

/* From the stem's tokens x to the vector. */
static void run_stages(const Htsat *htsat, float *x, float *out, Arena *arena, const Tap *t) {
    const Stage *last = &htsat->stage[htsat->config.stages - 1];
    int tokens = last->rows * last->cols, channels = last->channels;
    for (int s = 0; s < htsat->config.stages; s++) run_stage(htsat, s, x, arena, t);
    nn_layer_norm(x, tokens, channels, htsat->norm.gamma, htsat->norm.beta, NORM_EPS, x);
    tap(t, "audio.final", x, tokens, channels);
    float *pooled = arena_floats(arena, channels);
    mean_rows(x, tokens, channels, pooled);
    tap(t, "audio.pooled", pooled, 1, channels);
    projection_run(&htsat->projection, pooled, out, arena, t, "audio.projection",
                   "audio.embedding");
}

static float *new_tokens(const Htsat *htsat, Arena *arena) {
    const Stage *first = &htsat->stage[0];
    return arena_floats(arena, (size_t)first->rows * first->cols * first->channels);
}

void htsat_run(const Htsat *htsat, const float *mel, float *out, Arena *arena, const Tap *t) {
    size_t mark = arena_mark(arena);
    float *x = new_tokens(htsat, arena);
    stem_run(&htsat->stem, mel, x, arena, t);
    run_stages(htsat, x, out, arena, t);
    arena_reset(arena, mark);
}

void htsat_run_longer(const Htsat *htsat, const float *mels, float *out, Arena *arena,
                      const Tap *t) {
    size_t mark = arena_mark(arena);
    float *x = new_tokens(htsat, arena);
    stem_run_longer(&htsat->stem, mels, x, arena, t);
    run_stages(htsat, x, out, arena, t);
    arena_reset(arena, mark);
}

/* ---- scratch ---- */

static size_t block_scratch(const Block *block, const Stage *stage) {
    size_t channels = stage->channels, n = stage->even->tokens;
    size_t windowed = stage->windows_at_once * n * channels;
    size_t rows = stage->rows_at_once;
    size_t inside = scratch_max(
        nn_attn_scratch((int)n, (int)channels / stage->heads),
        scratch_max(nn_linear_scratch(block->qkv_run), nn_linear_scratch(block->out_run)));
    size_t linear =
        scratch_max(nn_linear_scratch(block->up_run), nn_linear_scratch(block->down_run));
    return scratch_max(2 * scratch_floats(windowed) + scratch_floats(windowed * 3) + inside,
                       scratch_floats(rows * channels) + scratch_floats(rows * block->up.n) +
                           linear);
}

static size_t stage_scratch(const Stage *stage) {
    size_t most = 0, x = (size_t)stage->rows * stage->cols * stage->channels;
    if (stage->merge_run) most = scratch_floats(x) + nn_linear_scratch(stage->merge_run);
    for (int b = 0; b < stage->blocks; b++)
        most = scratch_max(most, block_scratch(&stage->block[b], stage));
    return most;
}

size_t htsat_scratch(const Htsat *htsat) {
    const Stage *first = &htsat->stage[0];
    size_t pooled = scratch_floats(htsat->config.hidden_size);
    size_t most = scratch_max(stem_scratch(&htsat->stem), projection_scratch(&htsat->projection));
    for (int s = 0; s < htsat->config.stages; s++)
        most = scratch_max(most, stage_scratch(&htsat->stage[s]));
    return scratch_floats((size_t)first->rows * first->cols * first->channels) + pooled + most;
}
