/* Frames of a signal, laid out with their padding and run four at a time (mel_lanes.h). See mel.h.
 */
#include "mel.h"
#include "error.h"
#include "mel_lanes.h"

#include <math.h>
#include <string.h>

#define MIN_FFT  64
#define MAX_FFT  65536
#define MAX_BINS 1024

struct Mel {
    MelConfig config;
    MelLanes lanes;
};

static const char *wrong_field(const MelConfig *config) {
    int n = config->n_fft;
    if (config->rate < 1) return "rate";
    if (n < MIN_FFT || n > MAX_FFT || (n & (n - 1))) return "n_fft";
    if (config->hop < 1) return "hop";
    if (config->bins < 1 || config->bins > MAX_BINS) return "bins";
    if (!(config->f_min >= 0)) return "f_min";
    if (!isfinite(config->f_max) || !(config->f_max > config->f_min)) return "f_max";
    return NULL;
}

Mel *mel_new(const MelConfig *config, GError **error) {
    const char *field = wrong_field(config);
    if (field) {
        error_fail(error, ERR_UNSUPPORTED, "mel: %s is out of range", field);
        return NULL;
    }
    Mel *mel = g_new0(Mel, 1);
    mel->config = *config;
    mel_lanes_init(&mel->lanes, config);
    return mel;
}

void mel_free(Mel *mel) {
    if (!mel) return;
    mel_lanes_clear(&mel->lanes);
    g_free(mel);
}

const MelConfig *mel_config(const Mel *mel) {
    return &mel->config;
}

gsize mel_frames(const Mel *mel, gsize count) {
    return count / mel->config.hop + 1;
}

/* Runs the frames that lie in the lanes and writes the first `count` of them to out[count][bins].
 */
static void run_lanes(Mel *mel, gsize count, float *out) {
    gsize bins = mel->config.bins;
    mel_lanes_run(&mel->lanes);
    for (gsize l = 0; l < count; l++)
        for (gsize b = 0; b < bins; b++) out[l * bins + b] = mel->lanes.decibels[b * MEL_LANES + l];
}

/* The frame centred on sample `centre`, reflected at the ends of samples[count]. */
static void lay_out(const float *samples, gint64 count, gint64 centre, int n, float *frame) {
    gint64 first = centre - n / 2;
    if (first >= 0 && first + n <= count) {
        memcpy(frame, samples + first, sizeof(float) * n);
        return;
    }
    for (int i = 0; i < n; i++) {
        gint64 at = ABS(first + i);
        frame[i] = samples[at < count ? at : 2 * (count - 1) - at];
    }
}

void mel_run(Mel *mel, const float *samples, gsize count, float *out) {
    g_assert(count > (gsize)mel->config.n_fft / 2);
    gsize n = mel->config.n_fft, bins = mel->config.bins, frames = mel_frames(mel, count);
    for (gsize f = 0; f < frames; f += MEL_LANES) {
        gsize some = MIN(MEL_LANES, frames - f);
        for (gsize l = 0; l < some; l++)
            lay_out(samples, count, (f + l) * mel->config.hop, n, mel->lanes.frames + l * n);
        run_lanes(mel, some, out + f * bins);
    }
}

void mel_run_frames(Mel *mel, const float *samples, gsize frames, float *out) {
    gsize n = mel->config.n_fft, hop = mel->config.hop, bins = mel->config.bins;
    for (gsize f = 0; f < frames; f += MEL_LANES) {
        gsize some = MIN(MEL_LANES, frames - f);
        for (gsize l = 0; l < some; l++)
            memcpy(mel->lanes.frames + l * n, samples + (f + l) * hop, sizeof(float) * n);
        run_lanes(mel, some, out + f * bins);
    }
}
