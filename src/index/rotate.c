/* The rotation: signs from a fixed sequence, so that it is the same in every file. */
#include "rotate.h"
#include "index_memory.h"
#include "vec_kernels.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 3 };

int rotate_padded(int dim) {
    return (dim + 63) / 64 * 64;
}

/* SplitMix64 */
static uint64_t bits_at(uint64_t n) {
    uint64_t z = (n + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

Rotation rotate_new(int dim) {
    Rotation r = {.dim = dim, .padded = rotate_padded(dim), .span = 64};
    while (r.span * 2 <= r.padded) r.span *= 2;
    r.signs = memory_take((size_t)(ROUNDS * r.padded), sizeof *r.signs);
    for (int i = 0; i < ROUNDS * r.padded; i++)
        r.signs[i] = bits_at((uint64_t)i / 64) >> i % 64 & 1 ? 1 : -1;
    return r;
}

void rotate_clear(Rotation *rotation) {
    memory_give(rotation->signs);
    rotation->signs = NULL;
}

static void transform(const Rotation *rotation, float *x) {
    float scale = 1 / sqrtf((float)rotation->span);
    vec_kernels()->hadamard(x, rotation->span);
    for (int i = 0; i < rotation->span; i++) x[i] *= scale;
}

void rotate_run(const Rotation *rotation, float *x) {
    for (int round = 0; round < ROUNDS; round++) {
        const float *signs = rotation->signs + round * rotation->padded;
        for (int i = 0; i < rotation->padded; i++) x[i] *= signs[i];
        transform(rotation, x);
        if (rotation->span < rotation->padded)
            transform(rotation, x + rotation->padded - rotation->span);
    }
}

void rotate_half(const Rotation *rotation, const uint16_t *row, float *x) {
    vec_kernels()->from_half(row, x, (size_t)rotation->dim);
    memset(x + rotation->dim, 0, (size_t)(rotation->padded - rotation->dim) * sizeof *x);
    rotate_run(rotation, x);
}

void rotate_float(const Rotation *rotation, const float *q, float *x) {
    memcpy(x, q, (size_t)rotation->dim * sizeof *x);
    memset(x + rotation->dim, 0, (size_t)(rotation->padded - rotation->dim) * sizeof *x);
    rotate_run(rotation, x);
}
