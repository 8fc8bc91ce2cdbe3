/* AdamW (Loshchilov & Hutter, arXiv 1711.05101), as PyTorch computes it: the decay is taken off the
 * weight itself, not added to the gradient. Plain arrays; nothing is allocated. */
#pragma once
#include <stddef.h>

typedef struct {
    float rate, beta1, beta2, eps;
    float power1, power2; /* beta1 and beta2 to the power of the step, counted from 1 */
    float clip;           /* gradients are multiplied by it first */
} NnAdamw;

/* One step of w[n]; m and v [n] are the running means of the gradient and of its square, zero
 * before the first step. */
void nn_adamw_step(const NnAdamw *how, float decay, size_t n, const float *gradient, float *m,
                   float *v, float *w);
