/* From mels to the tokens of the first stage: norm, resize, fold, patches, fusion. See htsat.h. */
#include "htsat_stem.h"

#include "nn_conv.h"
#include "nn_norm.h"
#include "scratch.h"

#include <string.h>

#define PREFIX     "audio_model.audio_encoder."
#define WIDE       3 /* patches that one patch of a local mel spans along time */
#define LOCAL_MELS (STEM_MELS - 1)

enum { BINS = 1, CHANNELS, ONE, PATCH_ROWS, PATCH_COLS, WIDE_COLS, SIZES };

static const BindRow rows[] = {
    {"batch_norm", BIND_BATCH_NORM, offsetof(Stem, mel_norm), {BINS}},
    {"patch_embed.proj", BIND_CONV, offsetof(Stem, patch), {CHANNELS, ONE, PATCH_ROWS, PATCH_COLS}},
};

static const BindRow norm_rows[] = {
    {"patch_embed.norm", BIND_NORM, offsetof(Stem, patch_norm), {CHANNELS}},
};

static const BindRow fusion_rows[] = {
    {"patch_embed.mel_conv2d",
     BIND_CONV,
     offsetof(Stem, wide),
     {CHANNELS, ONE, PATCH_ROWS, WIDE_COLS}},
};

static int padding(const Stem *stem, int axis) {
    return (stem->config.patch_size[axis] - stem->config.patch_stride[axis]) / 2;
}

/* Patches of `size` every `stride` along an axis of the image. */
static int patches(const Stem *stem, int axis, int wide) {
    const ClapAudioConfig *config = &stem->config;
    int length = config->spec_size + 2 * padding(stem, axis);
    return (length - config->patch_size[axis] * wide) / (config->patch_stride[axis] * wide) + 1;
}

static void set_shapes(Stem *stem, const ClapConfig *config) {
    stem->config = config->audio;
    stem->frames = clap_config_frames(config);
    stem->ratio = clap_config_ratio(config);
    stem->rows = patches(stem, 0, 1);
    stem->cols = patches(stem, 1, 1);
    stem->local_cols = patches(stem, 1, WIDE);
}

bool stem_bind(Stem *stem, Weights *weights, const ClapConfig *config, GError **error) {
    set_shapes(stem, config);
    const ClapAudioConfig *audio = &stem->config;
    const int64_t sizes[SIZES] = {[BINS] = audio->num_mel_bins,
                                  [CHANNELS] = audio->patch_embeds_hidden_size,
                                  [ONE] = 1,
                                  [PATCH_ROWS] = audio->patch_size[0],
                                  [PATCH_COLS] = audio->patch_size[1],
                                  [WIDE_COLS] = audio->patch_size[1] * WIDE};
    if (!bind_rows(weights, PREFIX, rows, G_N_ELEMENTS(rows), sizes, stem, error)) return false;
    if (audio->enable_patch_layer_norm &&
        !bind_rows(weights, PREFIX, norm_rows, G_N_ELEMENTS(norm_rows), sizes, stem, error))
        return false;
    if (!audio->enable_fusion) return true;
    if (!bind_rows(weights, PREFIX, fusion_rows, G_N_ELEMENTS(fusion_rows), sizes, stem, error))
        return false;
    stem->aff = aff_bind(weights, PREFIX "patch_embed.fusion_model.",
                         audio->patch_embeds_hidden_size, audio->aff_block_r, error);
    return stem->aff != NULL;
}

void stem_free(Stem *stem) {
    aff_free(stem->aff);
    g_free(stem->scale);
    g_free(stem->shift);
    nn_linear_free(stem->patch_run);
    nn_linear_free(stem->wide_run);
}

void stem_pack(Stem *stem) {
    int bins = stem->config.num_mel_bins;
    stem->scale = g_new(float, bins);
    stem->shift = g_new(float, bins);
    nn_batch_norm_fold(stem->mel_norm.gamma, stem->mel_norm.beta, stem->mel_norm.mean,
                       stem->mel_norm.var, BATCH_NORM_EPS, bins, stem->scale, stem->shift);
    stem->patch_run = nn_linear_new(&stem->patch, 1, stem->rows * stem->cols, NN_ACT_NONE);
    if (!stem->aff) return;
    stem->wide_run = nn_linear_new(&stem->wide, 1, stem->rows * stem->local_cols, NN_ACT_NONE);
    aff_pack(stem->aff, stem->rows * stem->cols);
}

/* y[ratio·width][height] → image[spec][spec]: time is cut into `ratio` pieces, laid one above the
 * other; image row = piece·height + bin, column = frame in the piece. */
static void fold(const Stem *stem, const float *y, float *image) {
    int width = stem->config.spec_size, height = width / stem->ratio;
    for (int row = 0; row < width; row++) {
        const float *from = y + (size_t)(row / height) * width * height + row % height;
        for (int col = 0; col < width; col++)
            image[(size_t)row * width + col] = from[(size_t)col * height];
    }
}

/* mels[count][frames][bins] → images[count][spec][spec]. The image's bins are fewer than its height
 * only where the frames fill its width exactly: the reference resizes either one or the other. */
static void make_images(const Stem *stem, const float *mels, int count, float *images, Arena *arena,
                        const Tap *t) {
    int bins = stem->config.num_mel_bins, spec = stem->config.spec_size, frames = stem->frames;
    int width = spec * stem->ratio, height = spec / stem->ratio;
    size_t mark = arena_mark(arena), mel_size = (size_t)frames * bins;
    float *normed = arena_floats(arena, count * mel_size);
    float *resized = arena_floats(arena, (size_t)width * height);
    nn_affine(mels, count * frames, bins, stem->scale, stem->shift, normed);
    tap(t, "audio.norm", normed, count * frames, bins);
    for (int i = 0; i < count; i++) {
        nn_resize_bicubic(normed + i * mel_size, frames, bins, width, height, resized);
        fold(stem, resized, images + (size_t)i * spec * spec);
    }
    tap(t, "audio.image", images, count * spec, spec);
    arena_reset(arena, mark);
}

/* image[spec][spec] → tokens[rows·cols][channels] by patches, or by wide ones. */
static void convolve(const Stem *stem, const NnLinear *conv, int wide, const float *image,
                     float *tokens, Arena *arena) {
    const ClapAudioConfig *config = &stem->config;
    const int *size = config->patch_size, *stride = config->patch_stride;
    size_t mark = arena_mark(arena);
    int count = stem->rows * patches(stem, 1, wide);
    float *columns = arena_floats(arena, (size_t)count * size[0] * size[1] * wide);
    nn_im2col(image, config->spec_size, config->spec_size, size[0], size[1] * wide, stride[0],
              stride[1] * wide, padding(stem, 0), padding(stem, 1), columns);
    nn_linear_run(conv, columns, tokens, arena);
    arena_reset(arena, mark);
}

static void finish(const Stem *stem, float *x, const Tap *t) {
    int tokens = stem->rows * stem->cols, channels = stem->config.patch_embeds_hidden_size;
    const Norm *norm = &stem->patch_norm;
    if (norm->gamma) nn_layer_norm(x, tokens, channels, norm->gamma, norm->beta, NORM_EPS, x);
    tap(t, "audio.patch", x, tokens, channels);
}

void stem_run(const Stem *stem, const float *mel, float *x, Arena *arena, const Tap *t) {
    int spec = stem->config.spec_size;
    size_t mark = arena_mark(arena);
    float *image = arena_floats(arena, (size_t)spec * spec);
    make_images(stem, mel, 1, image, arena, t);
    convolve(stem, stem->patch_run, 1, image, x, arena);
    finish(stem, x, t);
    arena_reset(arena, mark);
}

/* The tokens of the three local mels side by side, and zeros at the right where they end early:
 * images[3][spec][spec] → local[rows][cols][channels]. */
static void make_local(const Stem *stem, const float *images, float *local, Arena *arena) {
    int spec = stem->config.spec_size, channels = stem->config.patch_embeds_hidden_size;
    size_t mark = arena_mark(arena), strip = (size_t)stem->local_cols * channels;
    float *tokens = arena_floats(arena, stem->rows * strip);
    memset(local, 0, sizeof(float) * stem->rows * stem->cols * channels);
    for (int i = 0; i < LOCAL_MELS; i++) {
        convolve(stem, stem->wide_run, WIDE, images + (size_t)i * spec * spec, tokens, arena);
        for (int row = 0; row < stem->rows; row++)
            memcpy(local + (size_t)row * stem->cols * channels + i * strip, tokens + row * strip,
                   sizeof(float) * strip);
    }
    arena_reset(arena, mark);
}

void stem_run_longer(const Stem *stem, const float *mels, float *x, Arena *arena, const Tap *t) {
    int spec = stem->config.spec_size, channels = stem->config.patch_embeds_hidden_size;
    int tokens = stem->rows * stem->cols;
    size_t mark = arena_mark(arena), image = (size_t)spec * spec;
    float *images = arena_floats(arena, STEM_MELS * image);
    float *local = arena_floats(arena, (size_t)tokens * channels);
    make_images(stem, mels, STEM_MELS, images, arena, t);
    convolve(stem, stem->patch_run, 1, images, x, arena);
    make_local(stem, images + image, local, arena);
    aff_run(stem->aff, x, local, arena);
    tap(t, "audio.fused", x, tokens, channels);
    finish(stem, x, t);
    arena_reset(arena, mark);
}

static size_t convolve_scratch(const Stem *stem, const NnLinear *conv, int wide) {
    size_t count = (size_t)stem->rows * patches(stem, 1, wide);
    const int *size = stem->config.patch_size;
    return scratch_floats(count * size[0] * size[1] * wide) + nn_linear_scratch(conv);
}

size_t stem_scratch(const Stem *stem) {
    size_t spec = stem->config.spec_size, mels = stem->aff ? STEM_MELS : 1;
    size_t tokens = (size_t)stem->rows * stem->cols * stem->config.patch_embeds_hidden_size;
    size_t resize = scratch_floats(mels * stem->frames * stem->config.num_mel_bins) +
                    scratch_floats(spec * spec);
    size_t most = scratch_max(resize, convolve_scratch(stem, stem->patch_run, 1));
    if (stem->aff) {
        size_t local = scratch_floats(tokens) + convolve_scratch(stem, stem->wide_run, WIDE);
        most = scratch_max(most, scratch_max(local, aff_scratch(stem->aff)));
    }
    return scratch_floats(mels * spec * spec) + scratch_floats(tokens) + most;
}
