/* Binding by table. See bind.h. */
#include "bind.h"

#include <stdio.h>

#define NAME_MAX_LENGTH 256

typedef struct {
    Weights *weights;
    char name[NAME_MAX_LENGTH];
    int rank;
    int64_t shape[BIND_RANK];
} Wanted;

static const float *bind_floats(const Wanted *wanted, const char *suffix, int rank,
                                GError **error) {
    char name[NAME_MAX_LENGTH + 16];
    snprintf(name, sizeof name, "%s%s", wanted->name, suffix);
    return weights_floats(wanted->weights, name, rank, wanted->shape, error);
}

static bool bind_norm(const Wanted *wanted, Norm *norm, GError **error) {
    norm->gamma = bind_floats(wanted, ".weight", 1, error);
    if (!norm->gamma) return false;
    norm->beta = bind_floats(wanted, ".bias", 1, error);
    return norm->beta != NULL;
}

static bool bind_batch_norm(const Wanted *wanted, BatchNorm *norm, GError **error) {
    Norm affine;
    if (!bind_norm(wanted, &affine, error)) return false;
    const float *mean = bind_floats(wanted, ".running_mean", 1, error);
    if (!mean) return false;
    const float *var = bind_floats(wanted, ".running_var", 1, error);
    *norm = (BatchNorm){.gamma = affine.gamma, .beta = affine.beta, .mean = mean, .var = var};
    return var != NULL;
}

/* Convolutions are few and small: whatever the file's type, they are computed in f32. */
static bool bind_conv(const Wanted *wanted, NnMatrix *conv, GError **error) {
    const int64_t *shape = wanted->shape;
    const float *weight = bind_floats(wanted, ".weight", BIND_RANK, error);
    if (!weight) return false;
    const float *bias = bind_floats(wanted, ".bias", 1, error);
    *conv = (NnMatrix){.type = NN_F32,
                       .n = (int)shape[0],
                       .k = (int)(shape[1] * shape[2] * shape[3]),
                       .w = weight,
                       .bias = bias};
    return bias != NULL;
}

static bool bind_field(const Wanted *wanted, BindKind kind, void *field, GError **error) {
    const int64_t *shape = wanted->shape;
    switch (kind) {
    case BIND_NORM:
        return bind_norm(wanted, field, error);
    case BIND_BATCH_NORM:
        return bind_batch_norm(wanted, field, error);
    case BIND_LINEAR:
        return weights_matrix(wanted->weights, wanted->name, (int)shape[0], (int)shape[1],
                              shape[2] != 0, field, error);
    case BIND_CONV:
        return bind_conv(wanted, field, error);
    case BIND_FLOATS:
        break;
    }
    const float **floats = field;
    *floats = bind_floats(wanted, "", wanted->rank, error);
    return *floats != NULL;
}

bool bind_rows(Weights *weights, const char *prefix, const BindRow *rows, int count,
               const int64_t *sizes, void *into, GError **error) {
    for (int i = 0; i < count; i++) {
        Wanted wanted = {.weights = weights};
        snprintf(wanted.name, sizeof wanted.name, "%s%s", prefix, rows[i].name);
        for (int d = 0; d < BIND_RANK && rows[i].shape[d] != BIND_END; d++)
            wanted.shape[wanted.rank++] = sizes[rows[i].shape[d]];
        if (!bind_field(&wanted, rows[i].kind, (char *)into + rows[i].offset, error)) return false;
    }
    return true;
}
