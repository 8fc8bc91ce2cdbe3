/* The faces of the elementwise kernels. */
#include "nn_act.h"

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
