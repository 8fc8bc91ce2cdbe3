/* Attentional feature fusion (2009.14082), with which fused checkpoints mix the shrunk whole clip
 * (global) and its three chunks (local) after patch embedding:
 *
 *   a = global + local
 *   w = sigmoid(path_l(a) + path_g(mean over tokens of a))
 *   out = 2·w·global + 2·(1 − w)·local
 *   path: 1×1 conv, BatchNorm, ReLU, 1×1 conv, BatchNorm
 *
 * A 1×1 convolution is a linear layer over tokens, and the BatchNorm after it is folded into it.
 *
 * Owner: the Htsat. Thread: read-only after aff_pack. */
#pragma once
#include "arena.h"
#include "bind.h"

typedef struct Aff Aff;

/* channels: of a token; `prefix` ends in "fusion_model.". */
Aff *aff_bind(Weights *weights, const char *prefix, int channels, int ratio, GError **error);
void aff_free(Aff *aff);

/* Folds and packs for `tokens` rows. */
void aff_pack(Aff *aff, int tokens);
size_t aff_scratch(const Aff *aff);

/* x[tokens][channels]: global in, out mixed; local[tokens][channels]. */
void aff_run(const Aff *aff, float *x, const float *local, Arena *arena);
