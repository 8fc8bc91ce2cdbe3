/* The oracle: every kernel of nn once more as the plainest loop that can be read against its
 * formula, in double precision inside. Tests compare the fast kernels with these; no program runs
 * on them. */
#pragma once

#include "nn_conv2d.h"
#include "nn_gemm.h"
#include "nn_matmul.h"

void ref_linear(const NnMatrix *w, NnAct act, int m, const float *x, float *y);
void ref_matmul(NnSides sides, int m, int n, int k, const float *a, const float *b, bool add,
                float *c);
void ref_layer_norm(const float *x, int rows, int cols, const float *gamma, const float *beta,
                    float eps, float *y);
void ref_gelu(float *x, int n);
void ref_attn(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
              float *out);
void ref_im2col(const float *x, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
                float *columns);
void ref_resize_bicubic(const float *x, int h, int w, int oh, int ow, float *y);

/* x[h][w][in], w[out][in][kernel][kernel] → y; dx and dw from dy. */
void ref_conv2d(const NnConv2d *conv, const float *w, const float *x, float *y);
void ref_conv2d_back(const NnConv2d *conv, const float *w, const float *x, const float *dy,
                     float *dx, float *dw);

/* y[h][w][channels] → [h/pool][w/pool][channels]; dy, with p and q as in nn_image_back. */
void ref_image(const NnImage *image, const float *y, float *out);
void ref_image_back(const NnImage *image, const float *y, const float *da, const float *p,
                    const float *q, float *dy);
