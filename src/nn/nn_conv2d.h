/* Convolutions over images with channels side by side (x[h][w][c]), and what stands between two of
 * them in a network of the PANN family: BatchNorm, ReLU, average pooling. Forward and backward, for
 * one sample each; samples are shared out among threads by the caller. Plain arrays; scratch is the
 * caller's arena.
 *
 * Kernels are square and odd, padding is half of them, so a stride of 1 keeps the image's size.
 *
 * A sample is laid out as a *strip*: its rows one after the other, `pad` zero positions between
 * them (the right margin of a row is the left margin of the next) and `pad` zero rows above and
 * below. Then a position's patch is `kernel` pieces of kernel·c floats a row of the strip apart,
 * and patches of all positions lie a fixed distance from each other: a product in place, without
 * im2col. */
#pragma once
#include "arena.h"

#include <stdbool.h>

typedef struct {
    int h, w, in; /* of the input image */
    int out;      /* channels */
    int kernel, stride_h, stride_w;
} NnConv2d;

int nn_conv2d_rows(const NnConv2d *conv); /* of the output */
int nn_conv2d_cols(const NnConv2d *conv);

/* A normalised image as the next layer sees it: averages over pool × pool of
 * max(0, y · scale + shift), y[h][w][c]; rows and columns that fill no pool are left out. scale
 * NULL: the image itself (pool 1). */
typedef struct {
    int h, w, channels, pool;
    const float *scale, *shift; /* [channels] */
} NnImage;

size_t nn_strip_floats(const NnImage *image, int pad);

/* y → its strip for convolutions of kernel 2·pad + 1. */
void nn_strip_fill(const NnImage *image, const float *y, int pad, float *strip);

/* Weights w[out][in][kernel][kernel], as PyTorch stores them, laid out for the functions below.
 * Made anew whenever they change. `turned`: for the gradient of the input (kernel turned by 180°,
 * in and out exchanged). */
size_t nn_conv2d_packed_floats(const NnConv2d *conv);
void nn_conv2d_pack(const NnConv2d *conv, const float *w, float *packed);
void nn_conv2d_pack_turned(const NnConv2d *conv, const float *w, float *packed);

/* strip → y[rows][cols][out]. */
void nn_conv2d_run(const NnConv2d *conv, const float *packed, const float *strip, float *y,
                   Arena *arena);

/* dy → dx[h][w][in] (written, not added to). dy_strip: dy as a strip of the same pad, with `turned`
 * weights, for a stride of 1; else dy is read from the strip, and w itself is wanted. */
void nn_conv2d_back_input(const NnConv2d *conv, const float *turned, const float *w,
                          const float *dy_strip, float *dx, Arena *arena);

/* dw[kernel·kernel·in] of each output, in the strip's order (row, column, channel), is added to. */
void nn_conv2d_back_weights(const NnConv2d *conv, const float *strip, const float *dy_strip,
                            float *dw, Arena *arena);

/* dw from the strip's order to that of w[out][in][kernel][kernel], added. */
void nn_conv2d_add_weights(const NnConv2d *conv, const float *dw, float *w);

/* Bytes of arena that any of them takes and gives back. */
size_t nn_conv2d_scratch(const NnConv2d *conv);

/* -- BatchNorm in training, between a convolution's y and the next layer's image -- */

/* Σ y, Σ y² over y[count][channels], added to sum and square [channels]. part: 2 · channels. */
void nn_moments(const float *y, int count, int channels, float *part, double *sum, double *square);

/* Σ dz and Σ dz · y, added; dz is the gradient of y · scale + shift that comes back from da, the
 * gradient of the image [h/pool][w/pool][channels]. part: 2 · channels. */
void nn_image_back_moments(const NnImage *image, const float *y, const float *da, float *part,
                           double *sum, double *product);

/* dy = scale · dz + p + q · y → a strip. */
void nn_image_back(const NnImage *image, const float *y, const float *da, const float *p,
                   const float *q, int pad, float *dy_strip);
