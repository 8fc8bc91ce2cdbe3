/* Linear layers: y = act(x · Wᵀ + b), with weights as checkpoints store them, [n][k] row after row.
 *
 * Two ways, one face:
 *
 * NnLinear: weights packed once into the panels that the kernels of this CPU want, for many rows
 * (the audio tower).
 *
 * nn_linear_small: weights read where they lie, once, for few rows (a short text), so that nothing
 * has to be packed before the first answer; bound by memory bandwidth.
 *
 * Types: f32; bf16 (products accumulate in f32; where the CPU has no bf16 products the packed
 * weights are widened to f32, and x stays f32); int8 (weights with one scale per output row; rows
 * of x are quantised as they come, one scale a row, symmetric; sums in int32).
 *
 * One thread a call; the caller's arena is the scratch; nothing is allocated while it runs. A
 * result depends on its own row alone: the same bytes whatever m and the other rows hold. (Within
 * one of the two ways.) */
#pragma once
#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { NN_F32, NN_BF16, NN_I8 } NnType;
typedef enum { NN_ACT_NONE, NN_ACT_GELU, NN_ACT_RELU, NN_ACT_TANH } NnAct; /* GELU: the erf form */

/* Borrowed from the weight file's mapping. */
typedef struct {
    NnType type;
    int n, k;           /* outputs, inputs */
    const void *w;      /* [n][k] of `type` */
    const float *scale; /* [n], NN_I8 alone: w ≈ scale · int8 */
    const float *bias;  /* [n], or NULL */
} NnMatrix;

typedef struct NnLinear NnLinear;

/* Packs for exactly m rows at a time. `parts` stacked over each other make one matrix (q, k, v →
 * one product); all have the same type and k, and either all a bias or none. The weights may be
 * unmapped afterwards. */
NnLinear *nn_linear_new(const NnMatrix *parts, int count, int m, NnAct act);
void nn_linear_free(NnLinear *linear);

/* Bytes of arena that nn_linear_run takes and gives back. */
size_t nn_linear_scratch(const NnLinear *linear);

/* x[m][k] → y[m][n]. x and y do not overlap. */
void nn_linear_run(const NnLinear *linear, const float *x, float *y, Arena *arena);

/* y += what nn_linear_run would write: the residual of a block. For linears without activation. */
void nn_linear_add(const NnLinear *linear, const float *x, float *y, Arena *arena);

/* x[m][k] → y[m][n] for any m ≥ 1, unpacked. */
void nn_linear_small(const NnMatrix *w, NnAct act, int m, const float *x, float *y, Arena *arena);
size_t nn_linear_small_scratch(const NnMatrix *w, int m);
