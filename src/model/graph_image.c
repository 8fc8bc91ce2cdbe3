/* What is done to spectrograms: HTSAT's image and patches, and the layers of a PANN. See graph.h.
 *
 * A PANN's image is kept as the convolution left it, y; whoever reads it applies BatchNorm, ReLU
 * and pool on the way (nn_conv2d.h), forward and backward, so that activations go through memory as
 * seldom as can be. dx is the gradient of what is read, not of y. */
#include "graph_private.h"
#include "nn_conv.h"

#include <math.h>
#include <string.h>

#define NORM_EPS 1e-5
#define MOMENTUM 0.1

/* ---- HTSAT's stem ---- */

typedef struct {
    const Node *from, *to;
    float *dx;
    int frames, bins, spec, ratio;
    Arena **scratch;
} Fold;

/* image[spec][spec] and y[ratio · spec][spec / ratio]: pieces of time above each other. */
static void fold(const Fold *f, float *image, float *y, bool back) {
    int height = f->spec / f->ratio;
    for (int row = 0; row < f->spec; row++)
        for (int col = 0; col < f->spec; col++) {
            float *in = y + ((size_t)(row / height) * f->spec + col) * height + row % height;
            float *out = image + (size_t)row * f->spec + col;
            if (back)
                *in = *out;
            else
                *out = *in;
        }
}

static void fold_one(void *context, int item, int thread) {
    const Fold *f = context;
    size_t mark = arena_mark(f->scratch[thread]), square = (size_t)f->spec * f->spec;
    float *y = arena_floats(f->scratch[thread], square);
    const float *mel = f->from->x + (size_t)item * f->frames * f->bins;
    nn_resize_bicubic(mel, f->frames, f->bins, f->spec * f->ratio, f->spec / f->ratio, y);
    fold(f, f->to->x + item * square, y, false);
    arena_reset(f->scratch[thread], mark);
}

static void fold_back_one(void *context, int item, int thread) {
    const Fold *f = context;
    size_t mark = arena_mark(f->scratch[thread]), square = (size_t)f->spec * f->spec;
    float *y = arena_floats(f->scratch[thread], square);
    fold(f, f->to->dx + item * square, y, true);
    nn_resize_bicubic_back(y, f->frames, f->bins, f->spec * f->ratio, f->spec / f->ratio,
                           f->dx + (size_t)item * f->frames * f->bins);
    arena_reset(f->scratch[thread], mark);
}

static Fold fold_of(Graph *g, Node *from, Node *to, int count, int ratio) {
    return (Fold){from, to, NULL, from->rows / count, from->cols, to->cols, ratio, g->scratch};
}

static void fold_back(Graph *g, Op *op) {
    Fold f = fold_of(g, op->in[0], op->out, op->size[0], op->size[1]);
    f.dx = graph_gradient(g, op->in[0]);
    graph_each(g, op->size[0], fold_back_one, &f);
}

Node *graph_fold(Graph *g, Node *mels, int count, int spec, int ratio) {
    Node *y = graph_node(g, count * spec, spec, mels->wanted);
    Fold f = fold_of(g, mels, y, count, ratio);
    graph_each(g, count, fold_one, &f);
    Op *op = graph_record(g, fold_back, y);
    if (op) op->in[0] = mels, op->size[0] = count, op->size[1] = ratio;
    return y;
}

typedef struct {
    const Node *images, *columns;
    float *dx;
    PatchShape shape;
    size_t columns_floats;
} Patches;

static void patches_one(void *context, int item, int thread) {
    const Patches *p = context;
    const PatchShape *s = &p->shape;
    nn_im2col(p->images->x + (size_t)item * s->spec * s->spec, s->spec, s->spec, s->kh, s->kw,
              s->stride_h, s->stride_w, s->pad_h, s->pad_w,
              p->columns->x + item * p->columns_floats);
}

static void patches_back_one(void *context, int item, int thread) {
    const Patches *p = context;
    const PatchShape *s = &p->shape;
    nn_col2im(p->columns->dx + item * p->columns_floats, s->spec, s->spec, s->kh, s->kw,
              s->stride_h, s->stride_w, s->pad_h, s->pad_w,
              p->dx + (size_t)item * s->spec * s->spec);
}

static void patches_back(Graph *g, Op *op) {
    Patches p = {op->in[0], op->out, graph_gradient(g, op->in[0]), *(const PatchShape *)op->data,
                 node_floats(op->out) / (size_t)op->size[0]};
    graph_each(g, op->size[0], patches_back_one, &p);
}

Node *graph_patches(Graph *g, Node *images, int count, const PatchShape *shape) {
    int rows = (shape->spec + 2 * shape->pad_h - shape->kh) / shape->stride_h + 1;
    int cols = (shape->spec + 2 * shape->pad_w - shape->kw) / shape->stride_w + 1;
    Node *y = graph_node(g, count * rows * cols, shape->kh * shape->kw, images->wanted);
    PatchShape *kept = arena_bytes(g->arena, sizeof *kept);
    *kept = *shape;
    Patches p = {images, y, NULL, *shape, node_floats(y) / (size_t)count};
    graph_each(g, count, patches_one, &p);
    Op *op = graph_record(g, patches_back, y);
    if (op) op->in[0] = images, op->data = kept, op->size[0] = count;
    return y;
}

/* ---- a PANN's images ---- */

struct Image {
    Node *node; /* x is y, [count · h][w · channels]; dx of what is read, [count][h / pool] … */
    int count;
    NnImage image; /* of one sample; scale and shift are BatchNorm's, NULL: the spectrogram */
    float *mean, *inverse;
    Param *gamma, *beta;
};

static size_t read_floats(const NnImage *image) {
    return (size_t)(image->h / image->pool) * (image->w / image->pool) * image->channels;
}

static size_t image_floats(const NnImage *image) {
    return (size_t)image->h * image->w * image->channels;
}

Image *graph_image(Graph *g, Node *x, int count, int h, int w) {
    Image *image = arena_bytes(g->arena, sizeof *image);
    *image = (Image){.node = x, .count = count, .image = {h, w, 1, 1, NULL, NULL}};
    return image;
}

typedef struct {
    Graph *g;
    Image *in, *out; /* out NULL: the pool at the end */
    NnConv2d conv;
    const float *packed, *weight;
    float *turned;       /* weights for the gradient of the input */
    double *sums;        /* [count][2][channels of out] */
    const float *p, *q;  /* of the BatchNorm's gradient */
    float *dx, *dweight; /* dweight: [parts][weights] */
    int parts;
    const Node *pooled; /* the pool's y: [count][channels] */
    int *most;          /* row of each channel's maximum */
} Conv;

static void conv_one(void *context, int item, int thread) {
    const Conv *c = context;
    Arena *arena = c->g->scratch[thread];
    size_t mark = arena_mark(arena), floats = image_floats(&c->out->image);
    int pad = c->conv.kernel / 2, channels = c->conv.out;
    float *strip = arena_floats(arena, nn_strip_floats(&c->in->image, pad));
    float *part = arena_floats(arena, 2 * (size_t)channels), *y = c->out->node->x + item * floats;
    double *sums = c->sums + (size_t)item * 2 * channels;
    nn_strip_fill(&c->in->image, c->in->node->x + item * image_floats(&c->in->image), pad, strip);
    nn_conv2d_run(&c->conv, c->packed, strip, y, arena);
    memset(sums, 0, sizeof *sums * 2 * channels);
    if (c->g->training)
        nn_moments(y, c->out->image.h * c->out->image.w, channels, part, sums, sums + channels);
    arena_reset(arena, mark);
}

/* Sums of the samples → mean, inverse deviation, scale, shift; running statistics move. */
static void set_norm(Graph *g, Image *image, const char *name, const double *sums) {
    int channels = image->image.channels;
    double n = (double)image->count * image->image.h * image->image.w;
    float *running_mean = graph_value(g, graph_param(g, name, ".bn.running_mean"));
    float *running_var = graph_value(g, graph_param(g, name, ".bn.running_var"));
    float *scale = arena_floats(g->arena, 4 * (size_t)channels), *shift = scale + channels;
    image->mean = shift + channels;
    image->inverse = image->mean + channels;
    for (int c = 0; c < channels; c++) {
        double sum = 0, square = 0, mean = running_mean[c], var = running_var[c];
        for (int i = 0; i < image->count; i++) {
            sum += sums[(size_t)i * 2 * channels + c];
            square += sums[((size_t)i * 2 + 1) * channels + c];
        }
        if (g->training) {
            mean = sum / n, var = fmax(0, square / n - mean * mean);
            running_mean[c] += (float)(MOMENTUM * (mean - running_mean[c]));
            running_var[c] += (float)(MOMENTUM * (var * n / fmax(1, n - 1) - running_var[c]));
        }
        double inverse = 1 / sqrt(var + NORM_EPS);
        image->mean[c] = (float)mean, image->inverse[c] = (float)inverse;
        scale[c] = (float)(graph_value(g, image->gamma)[c] * inverse);
        shift[c] = (float)(graph_value(g, image->beta)[c] - mean * scale[c]);
    }
    image->image.scale = scale;
    image->image.shift = shift;
}

static void moments_back_one(void *context, int item, int thread) {
    const Conv *c = context;
    Arena *arena = c->g->scratch[thread];
    size_t mark = arena_mark(arena);
    int channels = c->conv.out;
    double *sums = c->sums + (size_t)item * 2 * channels;
    float *part = arena_floats(arena, 2 * (size_t)channels);
    memset(sums, 0, sizeof *sums * 2 * channels);
    nn_image_back_moments(&c->out->image, c->out->node->x + item * image_floats(&c->out->image),
                          c->out->node->dx + item * read_floats(&c->out->image), part, sums,
                          sums + channels);
    arena_reset(arena, mark);
}

/* dgamma, dbeta, and p and q such that dy = scale · dz + p + q · y. */
static void back_norm(Graph *g, Conv *c, float *p, float *q) {
    Image *image = c->out;
    int channels = c->conv.out;
    double n = (double)image->count * image->image.h * image->image.w;
    float *dgamma = graph_param_gradient(g, image->gamma);
    float *dbeta = graph_param_gradient(g, image->beta);
    graph_each(g, image->count, moments_back_one, c);
    for (int i = 0; i < channels; i++) {
        double sum = 0, product = 0, mean = image->mean[i], inverse = image->inverse[i];
        for (int s = 0; s < image->count; s++) {
            sum += c->sums[(size_t)s * 2 * channels + i];
            product += c->sums[((size_t)s * 2 + 1) * channels + i];
        }
        double normed = (product - mean * sum) * inverse; /* Σ dz · x̂ */
        if (dgamma) dgamma[i] += (float)normed, dbeta[i] += (float)sum;
        double share = g->training ? image->image.scale[i] / n : 0;
        q[i] = (float)(-share * inverse * normed);
        p[i] = (float)(-share * sum + share * inverse * normed * mean);
    }
    c->p = p, c->q = q;
}

static void back_sample(const Conv *c, int sample, float *dweight, Arena *arena) {
    size_t mark = arena_mark(arena);
    int pad = c->conv.kernel / 2;
    const NnImage *out = &c->out->image, *in = &c->in->image;
    NnImage whole = {out->h, out->w, out->channels, 1, NULL, NULL};
    float *dy = arena_floats(arena, nn_strip_floats(&whole, pad));
    nn_image_back(out, c->out->node->x + sample * image_floats(out),
                  c->out->node->dx + sample * read_floats(out), c->p, c->q, pad, dy);
    if (dweight) {
        float *strip = arena_floats(arena, nn_strip_floats(in, pad));
        nn_strip_fill(in, c->in->node->x + sample * image_floats(in), pad, strip);
        nn_conv2d_back_weights(&c->conv, strip, dy, dweight, arena);
    }
    if (c->dx)
        nn_conv2d_back_input(&c->conv, c->turned, c->weight, dy, c->dx + sample * read_floats(in),
                             arena);
    arena_reset(arena, mark);
}

#define WEIGHT_PARTS 16 /* samples are shared out in so many runs, each with a sum of its own */

static void conv_back_part(void *context, int item, int thread) {
    const Conv *c = context;
    size_t weights = (size_t)c->conv.out * c->conv.in * c->conv.kernel * c->conv.kernel;
    float *dweight = c->dweight ? c->dweight + item * weights : NULL;
    if (dweight) memset(dweight, 0, sizeof *dweight * weights);
    int count = c->out->count;
    for (int i = count * item / c->parts; i < count * (item + 1) / c->parts; i++)
        back_sample(c, i, dweight, c->g->scratch[thread]);
}

static void conv_back(Graph *g, Op *op) {
    Conv c = *(const Conv *)op->data;
    Arena *arena = g->scratch[0];
    const Param *weight = op->param[0];
    size_t mark = arena_mark(arena), weights = weight->count;
    size_t inputs = (size_t)c.in->count * read_floats(&c.in->image);
    int channels = c.conv.out;
    float *p = arena_floats(arena, channels), *q = arena_floats(arena, channels);
    c.sums = arena_bytes(arena, sizeof(double) * 2 * channels * c.out->count);
    back_norm(g, &c, p, q);
    c.parts = MIN(WEIGHT_PARTS, c.out->count);
    c.weight = graph_value(g, weight);
    if (weight->trained) c.dweight = arena_floats(arena, c.parts * weights);
    if (c.in->node->wanted) {
        c.turned = arena_floats(arena, nn_conv2d_packed_floats(&c.conv));
        nn_conv2d_pack_turned(&c.conv, c.weight, c.turned);
        c.dx = c.in->node->dx = arena_floats(g->arena, inputs); /* nobody else reads the image */
    }
    graph_each(g, c.parts, conv_back_part, &c);
    for (int i = 1; c.dweight && i < c.parts; i++)
        graph_add_parts(g, c.dweight + i * weights, 1, weights, c.dweight);
    if (c.dweight) nn_conv2d_add_weights(&c.conv, c.dweight, graph_param_gradient(g, weight));
    arena_reset(arena, mark);
}

Image *graph_conv(Graph *g, Image *x, const char *name, int out, int kernel, const int stride[2],
                  int pool) {
    const NnImage *in = &x->image;
    Param *weight = graph_param(g, name, ".conv.weight");
    Conv *c = arena_bytes(g->arena, sizeof *c);
    *c = (Conv){.g = g, .in = x};
    c->conv = (NnConv2d){in->h / in->pool, in->w / in->pool, in->channels, out,
                         kernel,           stride[0],        stride[1]};
    Image *y = c->out = arena_bytes(g->arena, sizeof *y);
    int h = nn_conv2d_rows(&c->conv), w = nn_conv2d_cols(&c->conv);
    *y = (Image){.count = x->count, .image = {h, w, out, pool, NULL, NULL}};
    y->gamma = graph_param(g, name, ".bn.weight");
    y->beta = graph_param(g, name, ".bn.bias");
    y->node = graph_node(g, x->count * h, w * out, x->node->wanted || weight->trained);
    size_t mark = arena_mark(g->scratch[0]);
    float *packed = arena_floats(g->scratch[0], nn_conv2d_packed_floats(&c->conv));
    c->sums = arena_bytes(g->scratch[0], sizeof(double) * 2 * out * x->count);
    nn_conv2d_pack(&c->conv, graph_value(g, weight), packed);
    c->packed = packed;
    graph_each(g, x->count, conv_one, c);
    set_norm(g, y, name, c->sums);
    arena_reset(g->scratch[0], mark);
    Op *op = graph_record(g, conv_back, y->node);
    if (op) op->data = c, op->param[0] = weight;
    return y;
}

/* ---- the pool at the end ---- */

static void pool_one(void *context, int item, int thread) {
    const Conv *c = context;
    const NnImage *image = &c->in->image;
    Arena *arena = c->g->scratch[thread];
    size_t mark = arena_mark(arena);
    int h = image->h / image->pool, w = image->w / image->pool, channels = image->channels;
    float *x = arena_floats(arena, nn_strip_floats(image, 0)), *row = arena_floats(arena, channels);
    float *most = arena_floats(arena, channels), *p = c->pooled->x + (size_t)item * channels;
    int *at = c->most + (size_t)item * channels;
    nn_strip_fill(image, c->in->node->x + item * image_floats(image), 0, x);
    memset(p, 0, sizeof *p * channels);
    for (int i = 0; i < h; i++) {
        memset(row, 0, sizeof *row * channels);
        for (int j = 0; j < w; j++, x += channels)
            for (int k = 0; k < channels; k++) row[k] += x[k] / (float)w;
        for (int k = 0; k < channels; k++) {
            p[k] += row[k] / (float)h;
            if (i == 0 || row[k] > most[k]) most[k] = row[k], at[k] = i;
        }
    }
    for (int k = 0; k < channels; k++) p[k] += most[k];
    arena_reset(arena, mark);
}

static void pool_back_one(void *context, int item, int thread) {
    const Conv *c = context;
    const NnImage *image = &c->in->image;
    int h = image->h / image->pool, w = image->w / image->pool, channels = image->channels;
    const float *dp = c->pooled->dx + (size_t)item * channels;
    const int *at = c->most + (size_t)item * channels;
    float *dx = c->dx + item * read_floats(image);
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++, dx += channels)
            for (int k = 0; k < channels; k++)
                dx[k] = dp[k] / (float)w * (1.0f / (float)h + (float)(at[k] == i));
}

static void pool_back(Graph *g, Op *op) {
    Conv c = *(const Conv *)op->data;
    c.dx = c.in->node->dx = arena_floats(g->arena, (size_t)c.in->count * read_floats(&c.in->image));
    graph_each(g, c.in->count, pool_back_one, &c);
}

Node *graph_image_pool(Graph *g, Image *x) {
    int channels = x->image.channels;
    Conv *c = arena_bytes(g->arena, sizeof *c);
    Node *y = graph_node(g, x->count, channels, x->node->wanted);
    *c = (Conv){.g = g, .in = x, .pooled = y};
    c->most = arena_bytes(g->arena, sizeof(int) * channels * x->count);
    graph_each(g, x->count, pool_one, c);
    Op *op = graph_record(g, pool_back, y);
    if (op) op->data = c;
    return y;
}
