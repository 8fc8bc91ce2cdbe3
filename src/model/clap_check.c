/* The self-check of clap.h: does a tower answer the same to everything? Published weights have been
 * broken like that, and nothing else would show it but useless results. */
#include "clap.h"
#include "clap_internal.h"
#include "nn_norm.h"

#include <math.h>

/* Mean cosine between answers to different inputs above which a tower counts as collapsed. Broken
 * as published, larger_clap_music's text tower has 0.9993 and working ones 0.18 to 0.29 (four
 * unrelated texts; mteb issue 5069); towers with random weights reach 0.996 in the measurements of
 * docs/MODEL.md, and have not collapsed. */
#define COLLAPSED 0.998

#define CHECK_MELS 4

/* Of all pairs of rows of vectors[count][dim]; not a number if any of them is. */
static double mean_cosine(const float *vectors, int count, int dim) {
    double sum = 0;
    for (int a = 1; a < count; a++)
        for (int b = 0; b < a; b++)
            sum += nn_cosine(vectors + (size_t)a * dim, vectors + (size_t)b * dim, dim);
    return sum / (count * (count - 1) / 2.0);
}

static char *verdict(const char *tower, const float *vectors, int count, int dim) {
    if (count < 2) return NULL;
    double mean = mean_cosine(vectors, count, dim);
    if (isnan(mean))
        return g_strdup_printf("the %s tower gives vectors that are zero or not numbers: its "
                               "weights are broken",
                               tower);
    if (mean <= COLLAPSED) return NULL;
    return g_strdup_printf("the %s tower answers nearly the same to everything (mean cosine %.4f "
                           "between %d different inputs): its weights look broken",
                           tower, mean, count);
}

char *clap_check_text(ClapRun *text, const int32_t *const *ids, const int *counts, int texts) {
    int dim = clap_dim(clap_run_model(text));
    g_autofree float *vectors = g_new(float, (size_t)texts *dim);
    for (int i = 0; i < texts; i++)
        clap_embed_tokens(text, ids[i], counts[i], vectors + (size_t)i * dim);
    return verdict("text", vectors, texts, dim);
}

/* Mels of silence, a steady hum, a rising tone and clicks, −100 … 0 dB. */
static float check_level(int which, int frame, int bin, int frames, int bins) {
    bool heard[CHECK_MELS] = {false, bin == bins / 8, bin == frame * bins / frames,
                              frame % 50 == 0};
    return heard[which] ? -10.0f : which ? -60.0f : -100.0f;
}

char *clap_check_audio(ClapRun *audio) {
    const Clap *clap = clap_run_model(audio);
    int dim = clap_dim(clap), bins = clap_config(clap)->audio.num_mel_bins;
    int frames = clap_config_frames(clap_config(clap));
    g_autofree float *mel = g_new(float, (size_t)frames *bins);
    g_autofree float *vectors = g_new(float, CHECK_MELS *(size_t)dim);
    for (int i = 0; i < CHECK_MELS; i++) {
        for (int f = 0; f < frames; f++)
            for (int b = 0; b < bins; b++) mel[f * bins + b] = check_level(i, f, b, frames, bins);
        clap_embed_mel(audio, mel, vectors + (size_t)i * dim);
    }
    return verdict("audio", vectors, CHECK_MELS, dim);
}
