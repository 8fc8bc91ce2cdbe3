/* Attention backward, head by head:
 *
 *   P = softmax(q kᵀ / √d + bias + mask)      dV = Pᵀ dO      dP = dO vᵀ
 *   dS = P ∘ (dP − Σ P ∘ dP)                  dQ = dS k / √d  dK = dSᵀ q / √d      dbias = dS
 *
 * See nn_attn.h. */
#include "nn_attn.h"

#include "nn_kernels.h"
#include "nn_product.h"

#include <math.h>
#include <string.h>

#define SLACK NN_PANEL_MOST /* floats that nn_product may read past an end */

typedef struct {
    int n, heads, d;
    float *q, *k, *v, *dout, *turned; /* [n][d]; turned [d][n] */
    float *p, *ds, *across;           /* [n][n] */
} Back;

/* A part (of `parts` a token) of one head → rows [n][d], times `scale`. */
static void gather(const Back *b, const float *from, int parts, int part, int head, float scale,
                   float *to) {
    nn_kernels()->scale_rows(from + ((size_t)part * b->heads + head) * b->d,
                             (size_t)parts * b->heads * b->d, b->n, b->d, scale, to, b->d);
}

static void scatter(const Back *b, const float *from, int part, int head, float scale, float *to) {
    nn_kernels()->scale_rows(from, b->d, b->n, b->d, scale,
                             to + ((size_t)part * b->heads + head) * b->d,
                             (size_t)3 * b->heads * b->d);
}

/* from[rows][cols] → to[cols][rows] */
static void turn(const float *from, int rows, int cols, float *to) {
    nn_kernels()->turn(from, (size_t)cols, rows, cols, to, (size_t)rows);
}

/* p = softmax(q kᵀ + bias + mask); q is scaled already. */
static void attend(const Back *b, const float *bias, const float *mask) {
    turn(b->k, b->n, b->d, b->turned);
    nn_product(b->n, b->n, b->d, b->q, b->d, b->turned, b->n, false, b->p, b->n);
    nn_kernels()->softmax(b->p, bias, mask, b->n, b->n);
}

static void back_softmax(const Back *b) {
    turn(b->v, b->n, b->d, b->turned);
    nn_product(b->n, b->n, b->d, b->dout, b->d, b->turned, b->n, false, b->ds, b->n);
    nn_kernels()->softmax_back(b->p, b->ds, b->n, b->n);
}

static void back_head(const Back *b, int head, const float *qkv, const float *bias,
                      const float *mask, const float *dout, float *dqkv) {
    float scale = 1.0f / sqrtf((float)b->d), *out = b->turned;
    gather(b, qkv, 3, 0, head, scale, b->q);
    gather(b, qkv, 3, 1, head, 1, b->k);
    gather(b, qkv, 3, 2, head, 1, b->v);
    gather(b, dout, 1, 0, head, 1, b->dout);
    attend(b, bias, mask);
    back_softmax(b);
    turn(b->p, b->n, b->n, b->across);
    nn_product(b->n, b->d, b->n, b->across, b->n, b->dout, b->d, false, out, b->d);
    scatter(b, out, 2, head, 1, dqkv);
    turn(b->ds, b->n, b->n, b->across);
    nn_product(b->n, b->d, b->n, b->across, b->n, b->q, b->d, false, out, b->d);
    scatter(b, out, 1, head, 1, dqkv);
    nn_product(b->n, b->d, b->n, b->ds, b->n, b->k, b->d, false, out, b->d);
    scatter(b, out, 0, head, scale, dqkv);
}

void nn_attn_back(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
                  const float *dout, float *dqkv, float *dbias, Arena *arena) {
    size_t mark = arena_mark(arena), rows = (size_t)n * d + SLACK, square = (size_t)n * n + SLACK;
    Back b = {n, heads, d};
    float **row[] = {&b.q, &b.k, &b.v, &b.dout, &b.turned}, **all[] = {&b.p, &b.ds, &b.across};
    for (int i = 0; i < 5; i++) *row[i] = arena_floats(arena, rows);
    for (int i = 0; i < 3; i++) *all[i] = arena_floats(arena, square);
    for (int h = 0; h < heads; h++) {
        size_t at = (size_t)h * n * n;
        back_head(&b, h, qkv, bias ? bias + at : NULL, mask, dout, dqkv);
        if (dbias) nn_kernels()->add(dbias + at, b.ds, (size_t)n * n);
    }
    arena_reset(arena, mark);
}

static size_t aligned(size_t floats) {
    return (floats * sizeof(float) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

size_t nn_attn_back_scratch(int n, int d) {
    return 5 * aligned((size_t)n * d + SLACK) + 3 * aligned((size_t)n * n + SLACK);
}
