/* RoBERTa's forward pass. See roberta.h. */
#include "roberta.h"

#include "nn_act.h"
#include "nn_attn.h"
#include "nn_norm.h"
#include "projection.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "text_model."

typedef struct {
    NnMatrix query, key, value, out, up, down;
    Norm attention_norm, output_norm;
} Layer;

struct Roberta {
    ClapTextConfig config;
    NnMatrix word, position, type; /* embeddings: rows are looked up */
    Norm embedding_norm;
    Layer *layers;
    NnMatrix pooler;
    Projection projection;
};

enum { HIDDEN = 1, INNER, VOCAB, POSITIONS, TYPES, BIASED, SIZES };

static const BindRow tower_rows[] = {
    {"embeddings.word_embeddings", BIND_LINEAR, offsetof(Roberta, word), {VOCAB, HIDDEN}},
    {"embeddings.position_embeddings",
     BIND_LINEAR,
     offsetof(Roberta, position),
     {POSITIONS, HIDDEN}},
    {"embeddings.token_type_embeddings", BIND_LINEAR, offsetof(Roberta, type), {TYPES, HIDDEN}},
    {"embeddings.LayerNorm", BIND_NORM, offsetof(Roberta, embedding_norm), {HIDDEN}},
    {"pooler.dense", BIND_LINEAR, offsetof(Roberta, pooler), {HIDDEN, HIDDEN, BIASED}},
};

static const BindRow layer_rows[] = {
    {"attention.self.query", BIND_LINEAR, offsetof(Layer, query), {HIDDEN, HIDDEN, BIASED}},
    {"attention.self.key", BIND_LINEAR, offsetof(Layer, key), {HIDDEN, HIDDEN, BIASED}},
    {"attention.self.value", BIND_LINEAR, offsetof(Layer, value), {HIDDEN, HIDDEN, BIASED}},
    {"attention.output.dense", BIND_LINEAR, offsetof(Layer, out), {HIDDEN, HIDDEN, BIASED}},
    {"attention.output.LayerNorm", BIND_NORM, offsetof(Layer, attention_norm), {HIDDEN}},
    {"intermediate.dense", BIND_LINEAR, offsetof(Layer, up), {INNER, HIDDEN, BIASED}},
    {"output.dense", BIND_LINEAR, offsetof(Layer, down), {HIDDEN, INNER, BIASED}},
    {"output.LayerNorm", BIND_NORM, offsetof(Layer, output_norm), {HIDDEN}},
};

static bool bind_all(Roberta *roberta, Weights *weights, const ClapConfig *config, GError **error) {
    const ClapTextConfig *text = &config->text;
    const int64_t sizes[SIZES] = {
        [HIDDEN] = text->hidden_size,    [INNER] = text->intermediate_size,
        [VOCAB] = text->vocab_size,      [POSITIONS] = text->max_position_embeddings,
        [TYPES] = text->type_vocab_size, [BIASED] = true};
    if (!bind_rows(weights, PREFIX, tower_rows, G_N_ELEMENTS(tower_rows), sizes, roberta, error))
        return false;
    for (int i = 0; i < text->num_hidden_layers; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, PREFIX "encoder.layer.%d.", i);
        if (!bind_rows(weights, prefix, layer_rows, G_N_ELEMENTS(layer_rows), sizes,
                       &roberta->layers[i], error))
            return false;
    }
    return projection_bind(&roberta->projection, weights, "text_projection.", text->hidden_size,
                           config, error);
}

Roberta *roberta_bind(Weights *weights, const ClapConfig *config, GError **error) {
    Roberta *roberta = g_new0(Roberta, 1);
    roberta->config = config->text;
    roberta->layers = g_new0(Layer, config->text.num_hidden_layers);
    if (bind_all(roberta, weights, config, error)) return roberta;
    roberta_free(roberta);
    return NULL;
}

void roberta_free(Roberta *roberta) {
    if (!roberta) return;
    g_free(roberta->layers);
    g_free(roberta);
}

#define LAYER_MATRICES 6

static void layer_matrices(Layer *layer, NnMatrix *matrices[LAYER_MATRICES]) {
    NnMatrix *all[] = {&layer->query, &layer->key, &layer->value,
                       &layer->out,   &layer->up,  &layer->down};
    memcpy(matrices, all, sizeof all);
}

void roberta_touch(const Roberta *roberta) {
    NnMatrix *matrices[LAYER_MATRICES];
    for (int i = 0; i < roberta->config.num_hidden_layers; i++) {
        layer_matrices(&roberta->layers[i], matrices);
        for (int m = 0; m < LAYER_MATRICES; m++) weights_touch(matrices[m]);
    }
}

void roberta_settle(Roberta *roberta, Weights *weights) {
    int layers = roberta->config.num_hidden_layers;
    g_autofree NnMatrix **matrices = g_new(NnMatrix *, layers * LAYER_MATRICES);
    for (int i = 0; i < layers; i++)
        layer_matrices(&roberta->layers[i], matrices + i * LAYER_MATRICES);
    weights_settle(weights, matrices, layers * LAYER_MATRICES);
}

/* → x[count][hidden]. Positions count from pad + 1; a token that is the padding itself (somebody
 * wrote "<pad>") stands at position pad and is not counted, as in the reference. */
static void embed(const Roberta *roberta, const int32_t *ids, int count, float *x, Arena *arena) {
    int hidden = roberta->config.hidden_size, pad = roberta->config.pad_token_id, seen = 0;
    size_t mark = arena_mark(arena);
    float *type = arena_floats(arena, hidden), *position = arena_floats(arena, hidden);
    weights_row(&roberta->type, 0, type);
    for (int i = 0; i < count; i++) {
        float *row = x + (size_t)i * hidden;
        weights_row(&roberta->word, ids[i], row);
        weights_row(&roberta->position, ids[i] == pad ? pad : pad + ++seen, position);
        nn_add(row, type, hidden);
        nn_add(row, position, hidden);
    }
    arena_reset(arena, mark);
    nn_layer_norm(x, count, hidden, roberta->embedding_norm.gamma, roberta->embedding_norm.beta,
                  (float)roberta->config.layer_norm_eps, x);
}

/* part[count][n] → column block `which` of qkv[count][3][n]. */
static void interleave(const float *part, int count, int n, int which, float *qkv) {
    for (int i = 0; i < count; i++)
        memcpy(qkv + ((size_t)i * 3 + which) * n, part + (size_t)i * n, sizeof(float) * n);
}

/* x = LN(x + out(attention(query x, key x, value x))) */
static void attend(const Roberta *roberta, const Layer *layer, int count, float *x, Arena *arena) {
    int hidden = roberta->config.hidden_size, heads = roberta->config.num_attention_heads;
    size_t mark = arena_mark(arena), wide = (size_t)count * hidden;
    float *qkv = arena_floats(arena, 3 * wide), *y = arena_floats(arena, wide);
    const NnMatrix *parts[] = {&layer->query, &layer->key, &layer->value};
    for (int i = 0; i < 3; i++) {
        nn_linear_small(parts[i], NN_ACT_NONE, count, x, y, arena);
        interleave(y, count, hidden, i, qkv);
    }
    float *context = arena_floats(arena, wide);
    nn_attn(qkv, count, heads, hidden / heads, NULL, NULL, context, arena);
    nn_linear_small(&layer->out, NN_ACT_NONE, count, context, y, arena);
    nn_add(x, y, wide);
    nn_layer_norm(x, count, hidden, layer->attention_norm.gamma, layer->attention_norm.beta,
                  (float)roberta->config.layer_norm_eps, x);
    arena_reset(arena, mark);
}

/* x = LN(x + down(gelu(up x))) */
static void feed_forward(const Roberta *roberta, const Layer *layer, int count, float *x,
                         Arena *arena) {
    int hidden = roberta->config.hidden_size;
    size_t mark = arena_mark(arena), wide = (size_t)count * hidden;
    float *inner = arena_floats(arena, (size_t)count * layer->up.n);
    float *y = arena_floats(arena, wide);
    nn_linear_small(&layer->up, NN_ACT_GELU, count, x, inner, arena);
    nn_linear_small(&layer->down, NN_ACT_NONE, count, inner, y, arena);
    nn_add(x, y, wide);
    nn_layer_norm(x, count, hidden, layer->output_norm.gamma, layer->output_norm.beta,
                  (float)roberta->config.layer_norm_eps, x);
    arena_reset(arena, mark);
}

static void tap_layer(const Tap *t, int layer, const float *x, int rows, int cols) {
    if (!t) return;
    char stage[32];
    snprintf(stage, sizeof stage, "text.layer%d", layer);
    tap(t, stage, x, rows, cols);
}

void roberta_run(const Roberta *roberta, const int32_t *ids, int count, float *out, Arena *arena,
                 const Tap *t) {
    int hidden = roberta->config.hidden_size;
    size_t mark = arena_mark(arena);
    float *x = arena_floats(arena, (size_t)count * hidden);
    embed(roberta, ids, count, x, arena);
    tap(t, "text.embeddings", x, count, hidden);
    for (int i = 0; i < roberta->config.num_hidden_layers; i++) {
        attend(roberta, &roberta->layers[i], count, x, arena);
        feed_forward(roberta, &roberta->layers[i], count, x, arena);
        tap_layer(t, i, x, count, hidden);
    }
    float *pooled = arena_floats(arena, hidden);
    nn_linear_small(&roberta->pooler, NN_ACT_TANH, 1, x, pooled, arena);
    tap(t, "text.pooled", pooled, 1, hidden);
    projection_run(&roberta->projection, pooled, out, arena, t, "text.projection",
                   "text.embedding");
    arena_reset(arena, mark);
}

static size_t layer_scratch(const Roberta *roberta, const Layer *layer, int count) {
    int hidden = roberta->config.hidden_size, heads = roberta->config.num_attention_heads;
    size_t wide = scratch_floats((size_t)count * hidden);
    size_t square = scratch_max(nn_linear_small_scratch(&layer->query, count),
                                nn_attn_scratch(count, hidden / heads));
    size_t attention = scratch_floats((size_t)count * hidden * 3) + 2 * wide + square;
    size_t linear = scratch_max(nn_linear_small_scratch(&layer->up, count),
                                nn_linear_small_scratch(&layer->down, count));
    return scratch_max(attention, scratch_floats((size_t)count * layer->up.n) + wide + linear);
}

size_t roberta_scratch(const Roberta *roberta, int count) {
    size_t hidden = roberta->config.hidden_size;
    size_t most = scratch_max(nn_linear_small_scratch(&roberta->pooler, 1),
                              projection_scratch(&roberta->projection));
    most = scratch_max(most, 2 * scratch_floats(hidden));
    for (int i = 0; i < roberta->config.num_hidden_layers; i++)
        most = scratch_max(most, layer_scratch(roberta, &roberta->layers[i], count));
    return scratch_floats((size_t)count * hidden) + scratch_floats(hidden) + most;
}
