/* Scaled dot-product attention (Vaswani et al. 2017) over one group of tokens: a window of HTS-AT,
 * or a text. Self-attention alone, all heads, with an additive bias per head and a mask that heads
 * share. */
#pragma once
#include "arena.h"

/* qkv[n][3][heads][d] (one row of the stacked q, k, v product each) → out[n][heads][d]:
 *   out = softmax(q·kᵀ / √d + bias[heads][n][n] + mask[n][n]) · v.  bias and mask may be NULL.
 * `row` maps the group's tokens to rows of qkv and of out: token t lies at row[t] (NULL: t itself),
 * so that shifted and partitioned windows need no copy. */
void nn_attn(const float *qkv, const int *row, int n, int heads, int d, const float *bias,
             const float *mask, float *out, Arena *arena);
size_t nn_attn_scratch(int n, int heads, int d);
