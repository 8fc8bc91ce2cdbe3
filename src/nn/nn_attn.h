/* Scaled dot-product attention (Vaswani et al. 2017) over one group of tokens: a window of HTS-AT,
 * or a text. Self-attention alone, all heads, with an additive bias per head and a mask that heads
 * share. */
#pragma once
#include "arena.h"

/* The face of nn_attn and nn_attn_rounded. */
typedef void NnAttn(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
                    float *out, Arena *arena);

/* qkv[n][3][heads][d] (one row of the stacked q, k, v product each) → out[n][heads][d]:
 *   out = softmax(q·kᵀ / √d + bias[heads][n][n] + mask[n][n]) · v.  bias and mask may be NULL. */
void nn_attn(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
             float *out, Arena *arena);

/* The same for weights of fewer bits than f32: q, k, v and the softmax rounded to bf16 where the
 * CPU has tiles for that (AMX); elsewhere exactly the same. */
void nn_attn_rounded(const float *qkv, int n, int heads, int d, const float *bias,
                     const float *mask, float *out, Arena *arena);

/* Bytes of arena that either takes and gives back; heads come one after the other. */
size_t nn_attn_scratch(int n, int d);

/* The gradient: from dout to dqkv (written) and, where they are not NULL, dbias[heads][n][n] (added
 * to). The forward pass is done again inside. */
void nn_attn_back(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
                  const float *dout, float *dqkv, float *dbias, Arena *arena);
size_t nn_attn_back_scratch(int n, int d);
