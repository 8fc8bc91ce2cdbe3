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
    for (int t = 0; t < b->n; t++)
        for (int i = 0; i < b->d; i++)
            *to++ = scale * from[(((size_t)t * parts + part) * b->heads + head) * b->d + i];
}

static void scatter(const Back *b, const float *from, int part, int head, float scale, float *to) {
    for (int t = 0; t < b->n; t++)
        for (int i = 0; i < b->d; i++)
            to[(((size_t)t * 3 + part) * b->heads + head) * b->d + i] = scale * *from++;
}

static void turn(const float *from, int rows, int cols, float *to) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) to[(size_t)c * rows + r] = from[(size_t)r * cols + c];
}

/* p = softmax(q kᵀ + bias + mask); q is scaled already. */
static void attend(const Back *b, const float *bias, const float *mask) {
    turn(b->k, b->n, b->d, b->turned);
    nn_product(b->n, b->n, b->d, b->q, b->d, b->turned, b->n, false, b->p, b->n);
    for (int i = 0; i < b->n * b->n; i++) b->p[i] += (bias ? bias[i] : 0) + (mask ? mask[i] : 0);
    nn_kernels()->softmax(b->p, b->n, b->n);
}

/* ds = p ∘ (dp − Σ p ∘ dp) of each row. */
static void back_softmax(const Back *b) {
    turn(b->v, b->n, b->d, b->turned);
    nn_product(b->n, b->n, b->d, b->dout, b->d, b->turned, b->n, false, b->ds, b->n);
    for (int r = 0; r < b->n; r++) {
        float *ds = b->ds + (size_t)r * b->n, sum = 0;
        const float *p = b->p + (size_t)r * b->n;
        for (int c = 0; c < b->n; c++) sum += p[c] * ds[c];
        for (int c = 0; c < b->n; c++) ds[c] = p[c] * (ds[c] - sum);
    }
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
        for (int i = 0; dbias && i < n * n; i++) dbias[at + i] += b.ds[i];
    }
    arena_reset(arena, mark);
}

static size_t aligned(size_t floats) {
    return (floats * sizeof(float) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

size_t nn_attn_back_scratch(int n, int d) {
    return 5 * aligned((size_t)n * d + SLACK) + 3 * aligned((size_t)n * n + SLACK);
}
