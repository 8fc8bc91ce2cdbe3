/* Normalisations. Row-major plain arrays; nothing is allocated; y may be x. */
#pragma once
#include <stddef.h>

/* y[r][c] = (x − mean_r) / sqrt(var_r + eps) · gamma[c] + beta[c]; biased variance. Ba et al. 2016.
 */
void nn_layer_norm(const float *x, int rows, int cols, const float *gamma, const float *beta,
                   float eps, float *y);

/* y[r][c] = x[r][c] · scale[c] + shift[c]: a BatchNorm in inference whose statistics were folded by
 * nn_batch_norm_fold (scale = gamma / sqrt(var + eps), shift = beta − mean · scale). */
void nn_affine(const float *x, int rows, int cols, const float *scale, const float *shift,
               float *y);
void nn_batch_norm_fold(const float *gamma, const float *beta, const float *mean, const float *var,
                        float eps, int cols, float *scale, float *shift);

/* Not a number where either vector is zero, or holds what is none. */
double nn_cosine(const float *a, const float *b, size_t n);

/* x[n] divided by its Euclidean length; a zero vector stays zero. */
void nn_l2_normalise(float *x, int n);

/* Backward of nn_layer_norm: dx, dgamma and dbeta are added to. */
void nn_layer_norm_back(const float *x, const float *dy, int rows, int cols, const float *gamma,
                        float eps, float *dx, float *dgamma, float *dbeta);

/* Backward of nn_l2_normalise, from y, the unit vector, and the length it had: dx[n] is added to.
 */
void nn_l2_normalise_back(const float *y, const float *dy, float length, int n, float *dx);
