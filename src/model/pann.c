/* The PANN's pass over one window. See pann.h. */
#include "pann.h"

#include "nn_conv2d.h"
#include "nn_norm.h"
#include "projection.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "audio_model.audio_encoder."

typedef struct {
    const float *weight; /* [out][in][kernel][kernel] */
    BatchNorm norm;
    NnConv2d conv;
    NnImage image; /* of its output: BatchNorm folded to scale and shift by pann_pack */
    float *packed, *folded;
} Conv;

struct Pann {
    int frames, bins, hidden, layers;
    BatchNorm mel_norm;
    float *mel_folded; /* scale and shift */
    Conv conv[CLAP_MAX_CONVS];
    NnMatrix fc1;
    Projection projection;
};

/* ---- weights ---- */

enum { BINS = 1, IN, OUT, KERNEL, CHANNELS, HIDDEN, BIASED, SIZES };

static const BindRow tower_rows[] = {
    {"bn0", BIND_BATCH_NORM, offsetof(Pann, mel_norm), {BINS}},
    {"fc1", BIND_LINEAR, offsetof(Pann, fc1), {HIDDEN, CHANNELS, BIASED}},
};

static const BindRow layer_rows[] = {
    {"conv.weight", BIND_FLOATS, offsetof(Conv, weight), {OUT, IN, KERNEL, KERNEL}},
    {"bn", BIND_BATCH_NORM, offsetof(Conv, norm), {OUT}},
};

static void set_shapes(Pann *pann, const ClapConfig *config) {
    const ClapPannConfig *shape = &config->audio.pann;
    int before[2], size[2], pooled[2], channels = 1;
    clap_config_pann_size(config, -1, size, before);
    pann->frames = size[0];
    pann->bins = size[1];
    pann->hidden = config->audio.hidden_size;
    pann->layers = shape->layers;
    for (int i = 0; i < pann->layers; i++) {
        Conv *conv = &pann->conv[i];
        clap_config_pann_size(config, i, size, pooled);
        conv->conv = (NnConv2d){.h = before[0],
                                .w = before[1],
                                .in = channels,
                                .out = shape->conv_channels[i],
                                .kernel = shape->conv_kernel[i],
                                .stride_h = shape->conv_stride[i][0],
                                .stride_w = shape->conv_stride[i][1]};
        channels = shape->conv_channels[i];
        conv->image = (NnImage){size[0], size[1], channels, shape->pool[i], NULL, NULL};
        memcpy(before, pooled, sizeof before);
    }
}

static bool bind_all(Pann *pann, Weights *weights, const ClapConfig *config, GError **error) {
    int64_t sizes[SIZES] = {[BINS] = pann->bins,
                            [CHANNELS] = pann->conv[pann->layers - 1].conv.out,
                            [HIDDEN] = pann->hidden,
                            [BIASED] = true};
    if (!bind_rows(weights, PREFIX, tower_rows, G_N_ELEMENTS(tower_rows), sizes, pann, error))
        return false;
    for (int i = 0; i < pann->layers; i++) {
        Conv *conv = &pann->conv[i];
        char prefix[64];
        snprintf(prefix, sizeof prefix, PREFIX "layers.%d.", i);
        sizes[IN] = conv->conv.in, sizes[OUT] = conv->conv.out, sizes[KERNEL] = conv->conv.kernel;
        if (!bind_rows(weights, prefix, layer_rows, G_N_ELEMENTS(layer_rows), sizes, conv, error))
            return false;
    }
    return projection_bind(&pann->projection, weights, "audio_projection.", pann->hidden, config,
                           error);
}

Pann *pann_bind(Weights *weights, const ClapConfig *config, GError **error) {
    Pann *pann = g_new0(Pann, 1);
    set_shapes(pann, config);
    if (bind_all(pann, weights, config, error)) return pann;
    pann_free(pann);
    return NULL;
}

void pann_free(Pann *pann) {
    if (!pann) return;
    g_free(pann->mel_folded);
    for (int i = 0; i < pann->layers; i++) {
        g_free(pann->conv[i].packed);
        g_free(pann->conv[i].folded);
    }
    g_free(pann);
}

/* ---- packing ---- */

/* → scale[channels], shift[channels]. */
static float *fold(const BatchNorm *norm, int channels) {
    float *folded = g_new(float, 2 * channels);
    nn_batch_norm_fold(norm->gamma, norm->beta, norm->mean, norm->var, BATCH_NORM_EPS, channels,
                       folded, folded + channels);
    return folded;
}

void pann_pack(Pann *pann) {
    pann->mel_folded = fold(&pann->mel_norm, pann->bins);
    for (int i = 0; i < pann->layers; i++) {
        Conv *conv = &pann->conv[i];
        conv->packed = g_new(float, nn_conv2d_packed_floats(&conv->conv));
        nn_conv2d_pack(&conv->conv, conv->weight, conv->packed);
        conv->folded = fold(&conv->norm, conv->conv.out);
        conv->image.scale = conv->folded;
        conv->image.shift = conv->folded + conv->conv.out;
    }
}

/* ---- the pass ---- */

static size_t image_floats(const NnImage *image) {
    return (size_t)image->h * image->w * image->channels;
}

/* The image of the layer before, as layer i wants it; for the first the normed mel. */
static NnImage input_of(const Pann *pann, int i) {
    if (i > 0) return pann->conv[i - 1].image;
    return (NnImage){pann->frames, pann->bins, 1, 1, NULL, NULL};
}

/* x[h][w][c] → p[c]: mean over w, then mean over h + maximum over h. */
static void pool_all(const float *x, int h, int w, int channels, float *p, float *row,
                     float *most) {
    for (int i = 0; i < h; i++) {
        memset(row, 0, sizeof *row * channels);
        for (int j = 0; j < w; j++, x += channels)
            for (int c = 0; c < channels; c++) row[c] += x[c];
        for (int c = 0; c < channels; c++) {
            row[c] /= (float)w;
            p[c] = i ? p[c] + row[c] : row[c];
            most[c] = i && most[c] > row[c] ? most[c] : row[c];
        }
    }
    for (int c = 0; c < channels; c++) p[c] = p[c] / (float)h + most[c];
}

static void tap_layer(const Tap *t, int layer, const NnImage *image, const float *x) {
    char name[32];
    if (!t) return;
    snprintf(name, sizeof name, "audio.layer%d", layer);
    int rows = image->h / image->pool * (image->w / image->pool);
    tap(t, name, x, rows, image->channels);
}

/* The last layer's y → the pooled features. */
static void run_end(const Pann *pann, const NnImage *image, const float *y, float *strip,
                    float *out, Arena *arena, const Tap *t) {
    int channels = image->channels;
    float *pooled = arena_floats(arena, channels), *hidden = arena_floats(arena, pann->hidden);
    float *row = arena_floats(arena, channels), *most = arena_floats(arena, channels);
    nn_strip_fill(image, y, 0, strip);
    tap_layer(t, pann->layers - 1, image, strip);
    pool_all(strip, image->h / image->pool, image->w / image->pool, channels, pooled, row, most);
    tap(t, "audio.pooled", pooled, 1, channels);
    nn_linear_small(&pann->fc1, NN_ACT_RELU, 1, pooled, hidden, arena);
    tap(t, "audio.features", hidden, 1, pann->hidden);
    projection_run(&pann->projection, hidden, out, arena, t, "audio.projection", "audio.embedding");
}

static size_t strip_most(const Pann *pann) {
    size_t most = nn_strip_floats(&pann->conv[pann->layers - 1].image, 0);
    for (int i = 0; i < pann->layers; i++) {
        NnImage image = input_of(pann, i);
        most = scratch_max(most, nn_strip_floats(&image, pann->conv[i].conv.kernel / 2));
    }
    return most;
}

static size_t output_most(const Pann *pann) {
    size_t most = (size_t)pann->frames * pann->bins;
    for (int i = 0; i < pann->layers; i++)
        most = scratch_max(most, image_floats(&pann->conv[i].image));
    return most;
}

/* What layer i sees: a tap wants it without margins. */
static void tap_input(const Pann *pann, int i, const float *y, Arena *arena, const Tap *t) {
    if (!t || i == 0) return;
    size_t mark = arena_mark(arena);
    const NnImage *image = &pann->conv[i - 1].image;
    float *plain = arena_floats(arena, nn_strip_floats(image, 0));
    nn_strip_fill(image, y, 0, plain);
    tap_layer(t, i - 1, image, plain);
    arena_reset(arena, mark);
}

void pann_run(const Pann *pann, const float *mel, float *out, Arena *arena, const Tap *t) {
    size_t mark = arena_mark(arena);
    float *y = arena_floats(arena, output_most(pann));
    float *strip = arena_floats(arena, strip_most(pann));
    nn_affine(mel, pann->frames, pann->bins, pann->mel_folded, pann->mel_folded + pann->bins, y);
    tap(t, "audio.norm", y, pann->frames, pann->bins);
    for (int i = 0; i < pann->layers; i++) {
        const Conv *conv = &pann->conv[i];
        NnImage input = input_of(pann, i);
        tap_input(pann, i, y, arena, t);
        nn_strip_fill(&input, y, conv->conv.kernel / 2, strip);
        nn_conv2d_run(&conv->conv, conv->packed, strip, y, arena);
    }
    run_end(pann, &pann->conv[pann->layers - 1].image, y, strip, out, arena, t);
    arena_reset(arena, mark);
}

size_t pann_scratch(const Pann *pann) {
    size_t inside = scratch_floats(strip_most(pann)); /* a tap's copy */
    for (int i = 0; i < pann->layers; i++)
        inside = scratch_max(inside, nn_conv2d_scratch(&pann->conv[i].conv));
    size_t channels = pann->conv[pann->layers - 1].conv.out;
    size_t end =
        3 * scratch_floats(channels) + scratch_floats(pann->hidden) +
        scratch_max(nn_linear_small_scratch(&pann->fc1, 1), projection_scratch(&pann->projection));
    return scratch_floats(output_most(pann)) + scratch_floats(strip_most(pann)) +
           scratch_max(inside, end);
}
