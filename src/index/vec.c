/* The face of vec: straight to the kernels of this machine. */
#include "vec.h"
#include "vec_kernels.h"

#include <math.h>

void vec_to_half(const float *from, uint16_t *to, size_t count) {
    vec_kernels()->to_half(from, to, count);
}

void vec_from_half(const uint16_t *from, float *to, size_t count) {
    vec_kernels()->from_half(from, to, count);
}

float vec_dot_half(const uint16_t *row, const float *query, size_t dim) {
    return vec_kernels()->dot_half(row, query, dim);
}

float vec_dot(const float *a, const float *b, size_t dim) {
    return vec_kernels()->dot(a, b, dim);
}

float vec_normalise(float *v, size_t dim) {
    float length = sqrtf(vec_dot(v, v, dim));
    if (!(length > 0)) return 0;
    for (size_t i = 0; i < dim; i++) v[i] /= length;
    return length;
}
