/* Activations and other arithmetic element by element. In place where there is one array; nothing
 * is allocated. exp and erf are polynomial approximations of our own, |relative error| of exp ≤
 * 2e-7, |error| of erf ≤ 2e-7. */
#pragma once
#include <stddef.h>

void nn_gelu(float *x, size_t n); /* x · Φ(x), the erf form: Hendrycks & Gimpel 2016 */
void nn_relu(float *x, size_t n);
void nn_tanh(float *x, size_t n);
void nn_sigmoid(float *x, size_t n);
void nn_add(float *x, const float *y, size_t n); /* x += y */

/* Backward: dx[n] += dy · the derivative, at x for GELU, from y = f(x) for the others. */
void nn_gelu_back(const float *x, const float *dy, size_t n, float *dx);
void nn_relu_back(const float *y, const float *dy, size_t n, float *dx);
void nn_tanh_back(const float *y, const float *dy, size_t n, float *dx);
void nn_sigmoid_back(const float *y, const float *dy, size_t n, float *dx);
