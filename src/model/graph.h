/* A tape: each operation computes at once, and remembers how its gradient goes back. The training
 * passes of the towers are written with it, so they read like the formulas, and their gradients
 * cannot drift away from them.
 *
 *   graph_begin(g);
 *   Node *y = graph_linear(g, x, "text_model.pooler.dense");
 *   graph_backward(g, loss);        gradients of the parameters are added up in params->gradient
 *
 * Matrices are row-major. Weights are named as in the file. A frozen parameter gets no gradient,
 * and what depends on no trained parameter is not gone through again.
 *
 * Memory comes from arenas that are kept: from the second step of the same shapes on, nothing is
 * allocated. Work is shared out among a team; results are the same bytes whatever its size.
 *
 * Owner: whoever made it; nodes live until the next graph_begin. Params and Team are borrowed.
 * Thread: one at a time. */
#pragma once
#include "nn_conv2d.h"
#include "params.h"
#include "team.h"

typedef struct Graph Graph;

typedef struct {
    float *x;  /* [rows][cols] */
    float *dx; /* the loss's gradient; NULL until something came back, and where none is wanted */
    int rows, cols;
    bool wanted; /* it depends on what is trained */
} Node;

/* training: BatchNorm takes the batch's statistics and updates the running ones (momentum 0.1).
 * Otherwise it takes the running ones, and nothing is remembered for a way back. */
Graph *graph_new(Params *params, Team *team);
void graph_free(Graph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Graph, graph_free)
void graph_begin(Graph *graph, bool training);

/* Adds the gradients of `weight` · loss to params->gradient, where `loss` is 1 × 1. */
void graph_backward(Graph *graph, Node *loss);

/* Bytes that all arenas have used at most. */
size_t graph_bytes(const Graph *graph);

/* Memory until the next graph_begin, for indices, targets and masks. */
void *graph_keep(Graph *graph, size_t bytes);

/* ---- leaves ---- */

/* A copy of x. */
Node *graph_input(Graph *g, int rows, int cols, const float *x);

/* The parameter as [rows][cols]; errors in names are faults of the program. */
Node *graph_parameter(Graph *g, const char *name);

/* ---- layers ---- */

/* y = x · Wᵀ + b; NAME.weight [n][…] with k numbers a row, NAME.bias [n] where there is one. */
Node *graph_linear(Graph *g, Node *x, const char *name);

/* Rows of NAME.weight; row `padding` (−1: none) gets no gradient, as in the reference. */
Node *graph_embedding(Graph *g, const char *name, const int32_t *ids, int count, int padding);
Node *graph_layer_norm(Graph *g, Node *x, const char *name, float eps);

/* Over the columns of x; NAME.weight, .bias, .running_mean, .running_var. */
Node *graph_batch_norm(Graph *g, Node *x, const char *name);
Node *graph_gelu(Graph *g, Node *x);
Node *graph_relu(Graph *g, Node *x);
Node *graph_tanh(Graph *g, Node *x);
Node *graph_sigmoid(Graph *g, Node *x);

/* ---- arithmetic and gathering ---- */

Node *graph_add(Graph *g, Node *a, Node *b);
Node *graph_add_groups(Graph *g, Node *a, Node *b); /* b's row r to every row of a's group r */

/* 2·w·a + 2·(1 − w)·b, element by element. */
Node *graph_mix(Graph *g, Node *w, Node *a, Node *b);

/* y[i] = x[index[i]]; zero where index is −1. `index` must live until the backward pass is done. */
Node *graph_rows(Graph *g, Node *x, const int *index, int count);
Node *graph_reshape(Graph *g, Node *x, int rows, int cols);
Node *graph_mean(Graph *g, Node *x, int group); /* of each `group` rows */
Node *graph_unit(Graph *g, Node *x);            /* each row divided by its length */

/* ---- attention ---- */

/* Groups of rows that attend to each other: group i is rows first[i] … first[i + 1]. */
typedef struct {
    int count;
    const int *first; /* [count + 1] */
    int heads;
    const float *const *mask; /* of group i: mask[i % masks], which may be NULL; NULL: none */
    int masks;
} AttnGroups;

/* q, k, v, each [rows][heads · d]. bias: NULL, or [heads][n · n] for groups of n rows. */
Node *graph_attention(Graph *g, Node *q, Node *k, Node *v, Node *bias, const AttnGroups *groups);

/* Swin's relative position bias from its table: [heads][window⁴]. */
Node *graph_swin_bias(Graph *g, const char *name, int window, int heads);

/* ---- images ---- */

/* What HTSAT's stem does to each of `count` normed mels [frames][bins]: bicubic, folded to
 * [count · spec][spec]. */
Node *graph_fold(Graph *g, Node *mels, int count, int spec, int ratio);

/* Patches of kh × kw of each image [spec][spec]: [count · oh · ow][kh · kw]. */
typedef struct {
    int spec, kh, kw, stride_h, stride_w, pad_h, pad_w;
} PatchShape;
Node *graph_patches(Graph *g, Node *images, int count, const PatchShape *shape);

/* A PANN's layer: a convolution NAME.conv, and the BatchNorm NAME.bn behind it, whose output is
 * rectified and pooled by whatever reads it. */
typedef struct Image Image;
Image *graph_image(Graph *g, Node *x, int count, int h, int w); /* x [count · h][w], one channel */
Image *graph_conv(Graph *g, Image *x, const char *name, int out, int kernel, const int stride[2],
                  int pool);

/* Mean over columns, then mean + maximum over rows: [count][channels]. */
Node *graph_image_pool(Graph *g, Image *x);

/* ---- losses: 1 × 1 ---- */

/* a · bᵀ · e^scale; scale: a parameter's name, or NULL for `factor` alone. */
Node *graph_similarity(Graph *g, Node *a, Node *b, const char *scale, float factor);

/* nn_loss.h; targets and masks must live until the backward pass is done. */
Node *graph_cross_entropy(Graph *g, Node *logits, const float *target, const bool *left_out);
Node *graph_mean_square(Graph *g, Node *x, const float *target);
Node *graph_cosine_loss(Graph *g, Node *x, const float *target);
Node *graph_transpose(Graph *g, Node *x);

/* Σ weight · loss. */
Node *graph_sum(Graph *g, int count, Node *const *losses, const float *weights);
