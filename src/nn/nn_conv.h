/* Convolutions as gather and product, and resampling. Plain arrays, nothing allocated. */
#pragma once

/* x[h][w] (one channel) → columns[oh·ow][kh·kw], zero padding ph, pw; oh = (h + 2ph − kh)/sh + 1,
 * likewise ow. A product with a [n][kh·kw] matrix makes it a convolution with tokens in rows. */
void nn_im2col(const float *x, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
               float *columns);

/* x[h][w] → y[oh][ow], bicubic with a = −0.75, align_corners = true (PyTorch's interpolate; Keys
 * 1981). */
void nn_resize_bicubic(const float *x, int h, int w, int oh, int ow, float *y);

/* Its transpose: dx[h][w] += what dy[oh][ow] gives back. */
void nn_resize_bicubic_back(const float *dy, int h, int w, int oh, int ow, float *dx);

/* The transpose of nn_im2col: dx[h][w] is added to. */
void nn_col2im(const float *columns, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw,
               float *dx);
