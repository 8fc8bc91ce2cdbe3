/* All tensors of a model as floats that can be changed, with a gradient beside each: what training
 * works on. Which tensors there are follows from the towers' own tables (bind.h), so a model that
 * was saved opens again, here and in the reference.
 *
 * Values lie in one array, and so do gradients, in the same order: an optimiser walks them whole.
 * Running statistics of BatchNorm are tensors without a gradient.
 *
 * Owner: whoever made it. Thread: one at a time. */
#pragma once
#include "clap_config.h"

#include <stdint.h>

#define PARAM_RANK 4

typedef enum { PARAM_AUDIO = 1, PARAM_TEXT = 2, PARAM_PROJECTION = 4, PARAM_SCALE = 8 } ParamPart;

typedef struct {
    char *name;
    int rank;
    int64_t shape[PARAM_RANK];
    size_t at, count; /* in the arrays */
    ParamPart part;
    bool statistic; /* a running mean or variance */
    bool decays;    /* weight decay is for it: matrices, convolutions, embeddings */
    bool trained;   /* false: frozen, its gradient is not computed */
} Param;

typedef struct {
    int count;
    Param *param; /* in order of name */
    size_t floats;
    float *value, *gradient; /* [floats] */
    GHashTable *by_name;
} Params;

/* Of the model in `dir`, whatever type its weights are in. All are trained. */
Params *params_load(const char *dir, GError **error);

/* Of a new model: convolutions and linear layers normal with deviation √(2 / inputs) in front of a
 * ReLU (PANN) and 0.02 else, as the reference begins; norms 1 and 0; scales ln(1 / 0.07). The same
 * seed, the same bytes. */
Params *params_new(const ClapConfig *config, uint64_t seed, GError **error);
void params_free(Params *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Params, params_free)

/* NULL: no such tensor. */
Param *params_find(const Params *params, const char *name);

/* Trains the given parts (ParamPart, or-ed) and freezes the others. */
void params_train(Params *params, unsigned parts);

/* `values` (NULL: its own) as f32 to the file at `path`, atomically. */
bool params_save(const Params *params, const float *values, const char *path, GError **error);
