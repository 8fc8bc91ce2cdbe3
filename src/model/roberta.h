/* The text tower: RoBERTa (1907.11692), a post-LN transformer encoder, its pooled first token
 * projected.
 *
 *   x = LN(word[id] + type[0] + position)
 *   x = LN(x + attention(x)); x = LN(x + down(gelu(up(x))))        for each layer
 *   out = projection(tanh(pool(x[0])))
 *
 * Weights are read where they lie: a short text needs each of them once, so nothing is packed.
 *
 * Owner: the Clap. Thread: read-only after binding; the arena belongs to the caller. */
#pragma once
#include "arena.h"
#include "bind.h"
#include "tap.h"

typedef struct Roberta Roberta;

Roberta *roberta_bind(Weights *weights, const ClapConfig *config, GError **error);
void roberta_free(Roberta *roberta);

/* Copies the layers' weights into huge pages, before the first text; see weights_settle. */
void roberta_settle(Roberta *roberta, Weights *weights);

/* Maps the layers' weights into memory before the first text; see weights_touch. */
void roberta_touch(const Roberta *roberta);

/* Bytes of arena for a text of `count` tokens. */
size_t roberta_scratch(const Roberta *roberta, int count);

/* ids[count] → out[dim], a unit vector. */
void roberta_run(const Roberta *roberta, const int32_t *ids, int count, float *out, Arena *arena,
                 const Tap *t);
