/* The rows of a tower's table of weights: {name, kind, where in the struct, shape}. Binding walks
 * the table once; names, shapes and types are checked on the way (weights.h).
 *
 * Owner: what is bound borrows from the Weights. Thread: used while a model is opened. */
#pragma once
#include "clap_config.h"
#include "weights.h"

typedef struct {
    const float *gamma, *beta;
} Norm; /* LayerNorm: NAME.weight, NAME.bias [c] */

typedef struct {
    const float *gamma, *beta, *mean, *var;
} BatchNorm; /* and NAME.running_mean, NAME.running_var */

#define NORM_EPS       1e-5f /* PyTorch's default, where the reference passes none */
#define BATCH_NORM_EPS 1e-5

typedef enum {
    BIND_FLOATS,     /* const float *; NAME; shape as given */
    BIND_NORM,       /* Norm; shape {c} */
    BIND_BATCH_NORM, /* BatchNorm; shape {c} */
    BIND_LINEAR,     /* NnMatrix; shape {n, k, 1 with a bias or 0 without} */
    BIND_CONV        /* NnMatrix [n][channels·kh·kw] f32, biased; shape {n, channels, kh, kw} */
} BindKind;

#define BIND_RANK 4
#define BIND_END  0 /* ends a shape that has fewer dimensions */

typedef struct {
    const char *name; /* what follows the prefix */
    BindKind kind;
    size_t offset;        /* of the field in the struct that is filled */
    int shape[BIND_RANK]; /* indices into the tower's array of sizes; BIND_END: no more */
} BindRow;

/* Fills `into` from tensors called PREFIX ROW-NAME …. sizes[] holds what the shapes' indices stand
 * for; `sizes[BIND_END]` is not read. */
bool bind_rows(Weights *weights, const char *prefix, const BindRow *rows, int count,
               const int64_t *sizes, void *into, GError **error);
