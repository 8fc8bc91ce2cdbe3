/* Private to nn: the inner loops, one table of them per instruction set (nn_cpu.h).
 *
 * The loops are written once, in nn_body_*.inc, on the vectors of nn_vec_*.h, and compiled by one
 * nn_level_*.c per level. Nothing here allocates, keeps state or checks: the faces do. */
#pragma once
#include "nn_adamw.h"
#include "nn_cpu.h"
#include "nn_gemm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A weight matrix as the product kernels read it. Columns of y go in panels of `panel` (the table's
 * field), inputs in groups whose products one instruction adds up: 1 for f32, `group_i8` for int8,
 * 2 for bf16. Both are padded with zeros. */
typedef struct {
    int n, k;
    int k_padded;          /* k rounded up to whole groups */
    const void *panels;    /* [n / panel][k_padded / group][panel][group] */
    const float *bias;     /* [n padded] */
    const float *scale;    /* [n padded], int8 alone */
    const int32_t *offset; /* [n padded], int8 alone: what the +128 on quantised x adds to a sum */
} NnPanels;

/* A product in place, for training: rows of a overlap where lda says so (a convolution's do), and b
 * need not be packed. Row r of a is `pieces` runs of k values: a[r·lda + piece·step + p]; the row
 * of b that belongs to it is b + (piece·k + p)·ldb. Of every `period` rows the first `keep` are
 * written, one after the other, ldc apart. */
typedef struct {
    size_t lda, step, ldb, ldc;
    int pieces, k, period, keep;
    bool add; /* to what is in c */
} NnStrip;

/* What happens to y = x · Wᵀ + bias: the activations of NnAct, or adding to what y holds. */
enum { NN_FINISH_ADD = NN_ACT_TANH + 1, NN_FINISHES };

typedef struct {
    int panel;    /* columns in a panel */
    int group_i8; /* 4: quantised x in uint8 with 128 added, W in int8; 2: both in int16 */

    void (*gelu)(float *x, size_t n);
    void (*relu)(float *x, size_t n);
    void (*tanh)(float *x, size_t n);
    void (*sigmoid)(float *x, size_t n);
    void (*add)(float *x, const float *y, size_t n);
    void (*layer_norm)(const float *x, int rows, int cols, const float *gamma, const float *beta,
                       float eps, float *y);
    void (*affine)(const float *x, int rows, int cols, const float *scale, const float *shift,
                   float *y);

    /* x[m][k] → y[m][n]; rows of quantised x and of bf16 x are k_padded long. */
    void (*product_f32)(const NnPanels *w, int finish, int m, const float *x, float *y);
    void (*product_i8)(const NnPanels *w, int finish, int m, const void *x, const float *x_scale,
                       float *y);

    /* m rows of a by one panel of b, of which `columns` are wanted; whole panels of b are read. */
    void (*strip_f32)(const NnStrip *s, int m, const float *a, const float *b, int columns,
                      float *c);

    /* x[m][k] → quantised rows, `stride` elements apart and zero from k on, and a scale a row. */
    void (*quantise)(const float *x, int m, int k, void *q, size_t stride, float *scale);

    /* x[m][k] → y[m][n], W as it lies in the checkpoint; no activation. The int8 one takes rows of
     * quantised x whose stride is a multiple of 64. */
    void (*small_f32)(const NnMatrix *w, int m, const float *x, float *y);
    void (*small_bf16)(const NnMatrix *w, int m, const float *x, float *y);
    void (*small_i8)(const NnMatrix *w, int m, const void *x, size_t stride, const float *x_scale,
                     float *y);

    /* Scratch as nn_attn_scratch says. */
    void (*attn)(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
                 float *out, float *scratch);

    /* Of training; nn_body_train.inc says what each computes. part[2·channels] is scratch. */
    void (*turn)(const float *from, size_t stride, int count, int n, float *to, size_t ld);
    void (*scale_rows)(const float *from, size_t from_ld, int rows, int cols, float scale,
                       float *to, size_t to_ld);
    void (*moments)(const float *y, int count, int channels, float *part, double *sum,
                    double *square);
    void (*pool_row)(const float *y, size_t row, int w, int channels, int pool, const float *scale,
                     const float *shift, float *out);
    void (*back_moments)(const float *y, const float *da, int channels, float share,
                         const float *scale, const float *shift, float *sum, float *product);
    void (*back_position)(const float *y, const float *da, int channels, float share,
                          const float *scale, const float *shift, const float *p, const float *q,
                          float *dy);
    void (*gelu_back)(const float *x, const float *dy, size_t n, float *dx);
    void (*layer_norm_back)(const float *x, const float *dy, int cols, const float *gamma,
                            float eps, float *dx, float *dgamma, float *dbeta);
    void (*softmax)(float *x, const float *bias, const float *mask, int rows, int cols);
    void (*softmax_back)(const float *p, float *dp, int rows, int cols);
    void (*adamw)(const NnAdamw *how, float decay, size_t n, const float *gradient, float *m,
                  float *v, float *w);
} NnKernels;

/* Where the CPU multiplies bf16: x rounded to bf16 in rows of k_padded, products two at a time.
 * k_padded is a multiple of `inputs`; of x are read `rows` at a time, and what the last that do not
 * count hold is of no matter. */
typedef struct {
    int panel, rows, inputs;
    void (*round)(const float *x, int m, int k, uint16_t *h, size_t stride);
    void (*product)(const NnPanels *w, int finish, int m, const uint16_t *x, float *y);

    /* NnKernels' attn with rounded q, k, v and shares, and the floats of its scratch; NULL: there
     * is none. */
    void (*attn)(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
                 float *out, float *scratch);
    size_t (*attn_scratch)(int n, int d);
} NnKernelsBf16;

/* int8 in tiles: packed as for a group_i8 of 4, with `rows` and `inputs` as above. */
typedef struct {
    int rows, inputs;
    void (*product)(const NnPanels *w, int finish, int m, const void *x, const float *x_scale,
                    float *y);
} NnKernelsI8;

/* Where the CPU has tiles of bf16: f32 as three parts of bf16 (nn_level_split.c), in blocks of
 * NN_SPLIT rows or columns by NN_SPLIT inputs, what is past the edges 0. */
#define NN_SPLIT       32
#define NN_SPLIT_BLOCK (3 * NN_SPLIT * NN_SPLIT) /* bf16 in a block */

typedef struct {
    /* x[m][k], rows ld apart → blocks, a row of blocks after the other. */
    void (*rows)(const float *x, size_t ld, int m, int k, uint16_t *to);

    /* b[k][n], n ≤ NN_SPLIT → a column of blocks. */
    void (*panel)(const float *b, size_t ld, int k, int n, uint16_t *to);

    /* NN_SPLIT rows become a panel of so many columns, and the other way round. */
    void (*turn)(uint16_t *blocks, int count);

    /* m rows by one panel, of which `columns` are wanted → c, rows ldc apart; `add` to what it
     * holds. */
    void (*product)(const uint16_t *a, const uint16_t *b, int blocks, int m, int columns, bool add,
                    float *c, size_t ldc);

    /* Rows x by the panels of w, with bias → y[m][n]. */
    void (*linear)(const NnPanels *w, int finish, int m, const uint16_t *x, float *y);
} NnKernelsSplit;

/* The table of the level in use, and of any level the machine has (for tests). */
const NnKernels *nn_kernels(void);
const NnKernels *nn_kernels_of(NnCpu level);

/* NULL where nn_cpu_has_bf16 is false. */
const NnKernelsBf16 *nn_kernels_bf16(void);

/* NULL where the level has no tiles: NnKernels' product it is. */
const NnKernelsI8 *nn_kernels_i8(void);
const NnKernelsSplit *nn_kernels_split(void);

#define NN_PANEL_MOST 32 /* no level's panel is wider */
