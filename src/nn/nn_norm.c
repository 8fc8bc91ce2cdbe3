/* The faces of the normalisations; what runs once per load or once per vector is plain here. */
#include "nn_norm.h"

#include "nn_kernels.h"

#include <math.h>

void nn_layer_norm(const float *x, int rows, int cols, const float *gamma, const float *beta,
                   float eps, float *y) {
    nn_kernels()->layer_norm(x, rows, cols, gamma, beta, eps, y);
}

void nn_affine(const float *x, int rows, int cols, const float *scale, const float *shift,
               float *y) {
    nn_kernels()->affine(x, rows, cols, scale, shift, y);
}

void nn_batch_norm_fold(const float *gamma, const float *beta, const float *mean, const float *var,
                        float eps, int cols, float *scale, float *shift) {
    for (int c = 0; c < cols; c++) {
        double factor = gamma[c] / sqrt((double)var[c] + eps);
        scale[c] = (float)factor;
        shift[c] = (float)(beta[c] - mean[c] * factor);
    }
}

double nn_cosine(const float *a, const float *b, size_t n) {
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}

void nn_l2_normalise(float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
    if (sum == 0) return;
    float scale = (float)(1 / sqrt(sum));
    for (int i = 0; i < n; i++) x[i] *= scale;
}

void nn_layer_norm_back(const float *x, const float *dy, int rows, int cols, const float *gamma,
                        float eps, float *dx, float *dgamma, float *dbeta) {
    for (int r = 0; r < rows; r++, x += cols, dy += cols, dx += cols)
        nn_kernels()->layer_norm_back(x, dy, cols, gamma, eps, dx, dgamma, dbeta);
}

void nn_l2_normalise_back(const float *y, const float *dy, float length, int n, float *dx) {
    double dot = 0;
    if (length == 0) return;
    for (int i = 0; i < n; i++) dot += (double)y[i] * dy[i];
    for (int i = 0; i < n; i++) dx[i] += (dy[i] - y[i] * (float)dot) / length;
}
