/* The mel against recordings of the reference (tools/make_mel_refs.py says what the files hold). */
#include "error.h"
#include "mel.h"
#include "window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BINS      64
#define LOUD      80.0f /* dB below a frame's maximum */
#define LOUD_ERR  1e-4f /* dB, within that */
#define QUIET_ERR 0.05f /* dB, below that */

static const MelConfig clap = {48000, 1024, 480, BINS, 50, 14000, false};

static char *ref_path(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "mel", name, NULL);
}

static float *load(const char *name, const char *kind, gsize *count) {
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(name, kind, ".f32", NULL);
    g_autofree char *path = ref_path(file);
    char *bytes = NULL;
    g_file_get_contents(path, &bytes, count, &error);
    g_assert_no_error(error);
    *count /= sizeof(float);
    return (float *)bytes;
}

static float loudest(const float *frame) {
    float most = frame[0];
    for (int b = 1; b < BINS; b++) most = MAX(most, frame[b]);
    return most;
}

static void compare(const char *stage, const float *ours, const float *reference, gsize frames) {
    for (gsize i = 0; i < frames * BINS; i++) {
        float most = loudest(reference + i / BINS * BINS);
        float allowed = reference[i] > most - LOUD ? LOUD_ERR : QUIET_ERR;
        if (fabsf(ours[i] - reference[i]) <= allowed) continue;
        g_error("%s: frame %zu bin %zu is %.7g dB, not %.7g", stage, i / BINS, i % BINS, ours[i],
                reference[i]);
    }
}

static void compare_bank(const char *name, gsize window, bool slaney) {
    gsize count, expected;
    g_autofree float *samples = load(name, "", &count);
    g_autofree float *reference = load(name, slaney ? ".slaney" : ".htk", &expected);
    if (window) {
        samples = g_renew(float, samples, window);
        window_repeat_pad(samples, count, window);
        count = window;
    }
    MelConfig config = clap;
    config.slaney = slaney;
    g_autoptr(Mel) mel = mel_new(&config, NULL);
    g_assert_cmpuint(mel_frames(mel, count) * BINS, ==, expected);
    g_autofree float *out = g_new(float, expected);
    mel_run(mel, samples, count, out);
    compare(name, out, reference, expected / BINS);
}

static void every_recorded_signal_is_met(void) {
    g_autofree char *path = ref_path("manifest");
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    int seen = 0, taken;
    char name[32];
    unsigned window;
    for (const char *at = text; sscanf(at, "%31s %u\n%n", name, &window, &taken) == 2;
         at += taken) {
        compare_bank(name, window, false);
        compare_bank(name, window, true);
        seen++;
    }
    g_assert_cmpint(seen, ==, 10);
}

static void silence_is_exactly_minus_100(void) {
    g_autoptr(Mel) mel = mel_new(&clap, NULL);
    g_autofree float *samples = g_new0(float, 4800);
    float out[11 * BINS];
    mel_run(mel, samples, 4800, out);
    for (gsize i = 0; i < G_N_ELEMENTS(out); i++) g_assert_cmpfloat(out[i], ==, -100.0f);
}

/* Frames share vectors with their neighbours; that must not show. */
static void a_frame_has_the_same_bytes_alone(void) {
    g_autoptr(Mel) mel = mel_new(&clap, NULL);
    gsize count;
    g_autofree float *samples = load("noise", "", &count);
    gsize frames = (count - 1024) / 480 + 1;
    g_autofree float *all = g_new(float, mel_frames(mel, count) * BINS);
    g_autofree float *some = g_new(float, frames *BINS);
    mel_run(mel, samples, count, all);
    mel_run_frames(mel, samples + 960 - 512, frames - 1, some);
    g_assert_cmpmem(some, (frames - 1) * BINS * 4, all + 2 * BINS, (frames - 1) * BINS * 4);
    float alone[BINS];
    for (gsize f = 2; f < frames; f++) {
        mel_run_frames(mel, samples + f * 480 - 512, 1, alone);
        g_assert_cmpmem(alone, sizeof alone, all + f * BINS, sizeof alone);
    }
}

static double power_by_definition(const float *samples, int n, int k) {
    double re = 0, im = 0;
    for (int i = 0; i < n; i++) {
        double x = samples[i] * (0.5 - 0.5 * cos(2 * G_PI * i / n));
        re += x * cos(2 * G_PI * (double)(i * (gint64)k % n) / n);
        im += x * sin(2 * G_PI * (double)(i * (gint64)k % n) / n);
    }
    return re * re + im * im;
}

/* A triangle of bins around one FFT bin alone shows that bin: HTK, narrow enough a range. */
static void every_fft_size_meets_the_definition(void) {
    for (int n = 64; n <= 4096; n *= 2) {
        double step = 48000.0 / n;
        int k = n / 8 + 3;
        MelConfig one = {48000, n, n, 1, (k - 0.99) * step, (k + 0.99) * step, false};
        g_autoptr(Mel) mel = mel_new(&one, NULL);
        g_autofree float *samples = g_new(float, n);
        for (int i = 0; i < n; i++) samples[i] = g_test_rand_double_range(-1, 1);
        float out;
        mel_run_frames(mel, samples, 1, &out);
        double power = power_by_definition(samples, n, k), db = 10 * log10(power);
        g_assert_cmpfloat(out, <, db + 0.01);
        g_assert_cmpfloat(out, >, db - 1.0); /* the triangle's top lies a little beside the bin */
    }
}

static void fields_out_of_range_are_named(void) {
    const struct {
        const char *field;
        MelConfig config;
    } bad[] = {
        {"rate", {0, 1024, 480, 64, 50, 14000, false}},
        {"n_fft", {48000, 1000, 480, 64, 50, 14000, false}},
        {"n_fft", {48000, 1 << 17, 480, 64, 50, 14000, false}},
        {"hop", {48000, 1024, 0, 64, 50, 14000, false}},
        {"bins", {48000, 1024, 480, 1025, 50, 14000, false}},
        {"f_min", {48000, 1024, 480, 64, NAN, 14000, false}},
        {"f_max", {48000, 1024, 480, 64, 50, 50, false}},
        {"f_max", {48000, 1024, 480, 64, 50, INFINITY, false}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mel_new(&bad[i].config, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, bad[i].field));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mel/every_recorded_signal_is_met", every_recorded_signal_is_met);
    g_test_add_func("/mel/silence_is_exactly_minus_100", silence_is_exactly_minus_100);
    g_test_add_func("/mel/a_frame_has_the_same_bytes_alone", a_frame_has_the_same_bytes_alone);
    g_test_add_func("/mel/every_fft_size_meets_the_definition",
                    every_fft_size_meets_the_definition);
    g_test_add_func("/mel/fields_out_of_range_are_named", fields_out_of_range_are_named);
    return g_test_run();
}
