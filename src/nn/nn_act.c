/* The faces of the elementwise kernels. */
#include "nn_act.h"

#include "nn_adamw.h"
#include "nn_kernels.h"

void nn_gelu(float *x, size_t n) {
    nn_kernels()->gelu(x, n);
}

void nn_relu(float *x, size_t n) {
    nn_kernels()->relu(x, n);
}

void nn_tanh(float *x, size_t n) {
    nn_kernels()->tanh(x, n);
}

void nn_sigmoid(float *x, size_t n) {
    nn_kernels()->sigmoid(x, n);
}

void nn_add(float *x, const float *y, size_t n) {
    nn_kernels()->add(x, y, n);
}

void nn_gelu_back(const float *x, const float *dy, size_t n, float *dx) {
    nn_kernels()->gelu_back(x, dy, n, dx);
}

void nn_relu_back(const float *y, const float *dy, size_t n, float *dx) {
    for (size_t i = 0; i < n; i++) dx[i] += y[i] > 0 ? dy[i] : 0;
}

void nn_tanh_back(const float *y, const float *dy, size_t n, float *dx) {
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * (1 - y[i] * y[i]);
}

void nn_sigmoid_back(const float *y, const float *dy, size_t n, float *dx) {
    for (size_t i = 0; i < n; i++) dx[i] += dy[i] * y[i] * (1 - y[i]);
}

void nn_adamw_step(const NnAdamw *how, float decay, size_t n, const float *gradient, float *m,
                   float *v, float *w) {
    nn_kernels()->adamw(how, decay, n, gradient, m, v, w);
}
