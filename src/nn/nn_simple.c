/* Interim: every face on the oracle, so that others can link while the kernels are written. */
#include "nn_act.h"
#include "nn_attn.h"
#include "nn_conv.h"
#include "nn_cpu.h"
#include "nn_gemm.h"
#include "nn_norm.h"
#include "nn_ref.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

NnCpu nn_cpu(void) { return NN_CPU_SCALAR; }
void nn_cpu_limit(NnCpu most) { (void)most; }
bool nn_cpu_has_bf16(void) { return false; }
const char *nn_cpu_name(NnCpu level) {
    const char *const names[] = {"scalar", "avx2", "avx512", "avx512-vnni"};
    return names[level];
}
void nn_gelu(float *x, size_t n) { ref_gelu(x, (int)n); }
void nn_relu(float *x, size_t n) { for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0; }
void nn_tanh(float *x, size_t n) { for (size_t i = 0; i < n; i++) x[i] = tanhf(x[i]); }
void nn_sigmoid(float *x, size_t n) { for (size_t i = 0; i < n; i++) x[i] = 1 / (1 + expf(-x[i])); }
void nn_add(float *x, const float *y, size_t n) { for (size_t i = 0; i < n; i++) x[i] += y[i]; }
void nn_softmax(float *x, int rows, int cols) { ref_softmax(x, rows, cols); }
void nn_attn(const float *qkv, const int *row, int n, int heads, int d, const float *bias,
             const float *mask, float *out, Arena *arena) {
    ref_attn(qkv, row, n, heads, d, bias, mask, out);
}
size_t nn_attn_scratch(int n, int heads, int d) { return 64; }
void nn_im2col(const float *x, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw, float *c) {
    ref_im2col(x, h, w, kh, kw, sh, sw, ph, pw, c);
}
void nn_resize_bicubic(const float *x, int h, int w, int oh, int ow, float *y) {
    ref_resize_bicubic(x, h, w, oh, ow, y);
}
void nn_layer_norm(const float *x, int rows, int cols, const float *gamma, const float *beta, float eps, float *y) {
    ref_layer_norm(x, rows, cols, gamma, beta, eps, y);
}
void nn_affine(const float *x, int rows, int cols, const float *scale, const float *shift, float *y) {
    for (int r = 0; r < rows; r++, x += cols, y += cols)
        for (int c = 0; c < cols; c++) y[c] = x[c] * scale[c] + shift[c];
}
void nn_batch_norm_fold(const float *gamma, const float *beta, const float *mean, const float *var,
                        float eps, int cols, float *scale, float *shift) {
    for (int c = 0; c < cols; c++) {
        scale[c] = gamma[c] / sqrtf(var[c] + eps);
        shift[c] = beta[c] - mean[c] * scale[c];
    }
}
void nn_l2_normalise(float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
    float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (int i = 0; i < n; i++) x[i] *= scale;
}
struct NnLinear { NnMatrix w; int m; NnAct act; float *f; };
NnLinear *nn_linear_new(const NnMatrix *parts, int count, int m, NnAct act) {
    NnLinear *l = calloc(1, sizeof *l);
    int n = 0, at = 0;
    for (int i = 0; i < count; i++) n += parts[i].n;
    size_t size = parts->type == NN_F32 ? 4 : parts->type == NN_BF16 ? 2 : 1;
    char *w = malloc(size * n * parts->k);
    float *scale = malloc(4 * n), *bias = malloc(4 * n);
    for (int i = 0; i < count; at += parts[i++].n) {
        memcpy(w + size * at * parts->k, parts[i].w, size * parts[i].n * parts->k);
        if (parts->scale) memcpy(scale + at, parts[i].scale, 4 * parts[i].n);
        if (parts->bias) memcpy(bias + at, parts[i].bias, 4 * parts[i].n);
    }
    l->w = (NnMatrix){parts->type, n, parts->k, w, scale, parts->bias ? bias : NULL};
    l->m = m;
    l->act = act;
    return l;
}
void nn_linear_free(NnLinear *l) { free(l); }
size_t nn_linear_scratch(const NnLinear *l) { return 64; }
void nn_linear_run(const NnLinear *l, const float *x, float *y, Arena *a) { ref_linear(&l->w, l->act, l->m, x, y); }
void nn_linear_small(const NnMatrix *w, NnAct act, int m, const float *x, float *y, Arena *a) { ref_linear(w, act, m, x, y); }
size_t nn_linear_small_scratch(const NnMatrix *w, int m) { return 64; }
void nn_gemm_thread_init(void) {}
