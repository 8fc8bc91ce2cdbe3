/* The four mels of a clip against the reference's, with the same chunk starts. */
#include "error.h"
#include "mel_fusion.h"
#include "mel_fusion_start.h"
#include "wav.h"

#include <math.h>
#include <stdio.h>

#define RATE   48000
#define BINS   64
#define WINDOW 9600
#define CHUNK  (WINDOW / 480 + 1)
#define PART   (CHUNK * BINS)

static char *folder;
static const MelConfig clap = {RATE, 1024, 480, BINS, 50, 14000, false};

static char *load(const char *name, gsize *size) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path =
        g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "mel", name, NULL);
    char *bytes = NULL;
    g_file_get_contents(path, &bytes, size, &error);
    g_assert_no_error(error);
    return bytes;
}

static bool fuse(const float *samples, gsize count, float *out, double *seconds) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = wav_write_floats(folder, "clip.wav", RATE, samples, count);
    g_autoptr(Mel) mel = mel_new(&clap, NULL);
    g_autofree char *warning = NULL;
    bool is_longer;
    mel_fusion_run(mel, path, WINDOW, 0, out, &is_longer, seconds, &warning, &error);
    g_assert_no_error(error);
    g_assert_null(warning);
    return is_longer;
}

static void the_four_mels_are_the_references(void) {
    gsize count, size;
    g_autofree char *samples = load("fusion.f32", &count);
    g_autofree char *bytes = load("fusion.mels.f32", &size);
    const float *reference = (const float *)bytes;
    float out[4 * PART];
    double seconds;
    g_assert_cmpuint(size, ==, sizeof out);
    g_assert_true(fuse((float *)samples, count / sizeof(float), out, &seconds));
    g_assert_cmpfloat(seconds, ==, 26123.0 / RATE);
    for (gsize i = 0; i < G_N_ELEMENTS(out); i++)
        if (fabsf(out[i] - reference[i]) > 1e-4f)
            g_error("mel %zu frame %zu bin %zu is %.7g dB, not %.7g", i / PART, i % PART / BINS,
                    i % BINS, out[i], reference[i]);
}

static void chunk_starts_are_the_references(void) {
    gsize size;
    g_autofree char *text = load("starts", &size);
    gint64 total, chunk, start[3];
    int seen = 0, taken;
    for (const char *at = text; sscanf(at, "%ld %ld %ld %ld %ld\n%n", &total, &chunk, start,
                                       start + 1, start + 2, &taken) == 5;
         at += taken, seen++)
        for (int third = 0; third < 3; third++)
            g_assert_cmpint(mel_fusion_start(total, chunk, third), ==, start[third]);
    g_assert_cmpint(seen, ==, 17);
}

static void check_copies(gsize count, const float *padded, gsize padded_count) {
    g_autoptr(Mel) mel = mel_new(&clap, NULL);
    float out[4 * PART], expected[PART];
    mel_run(mel, padded, padded_count, expected);
    g_assert_false(fuse(padded, count, out, NULL));
    for (int copy = 0; copy < 4; copy++)
        g_assert_cmpmem(out + copy * PART, sizeof expected, expected, sizeof expected);
}

static void clips_of_no_more_frames_than_a_window_are_copied(void) {
    float samples[WINDOW + 479];
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) samples[i] = g_test_rand_double_range(-1, 1);
    check_copies(WINDOW, samples, WINDOW);
    check_copies(WINDOW + 479, samples, WINDOW + 479);
    memcpy(samples + WINDOW / 2, samples, sizeof(float) * WINDOW / 2);
    check_copies(WINDOW / 2, samples, WINDOW);
}

/* Pieces, reflections and forgetting must not show: chunks are rows of the whole clip's mel. */
static void check_chunks(const MelConfig *config, gsize count) {
    gsize chunk = WINDOW / config->hop + 1, bins = config->bins, total = count / config->hop + 1;
    g_autoptr(Mel) mel = mel_new(config, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree float *samples = g_new(float, count), *whole = g_new(float, total *bins);
    g_autofree float *out = g_new(float, 4 * chunk * bins);
    for (gsize i = 0; i < count; i++) samples[i] = g_test_rand_double_range(-1, 1);
    g_autofree char *path = wav_write_floats(folder, "clip.wav", RATE, samples, count);
    mel_run(mel, samples, count, whole);
    bool is_longer;
    mel_fusion_run(mel, path, WINDOW, 0, out, &is_longer, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(is_longer);
    for (int c = 0; c < 3; c++)
        g_assert_cmpmem(out + (c + 1) * chunk * bins, chunk * bins * 4,
                        whole + mel_fusion_start(total, chunk, c) * bins, chunk * bins * 4);
}

static void chunks_are_rows_of_the_whole_mel_whatever_the_hop(void) {
    for (int hop = 1; hop <= 4000; hop += hop / 2 + 160) {
        MelConfig config = {RATE, 1024, hop, 8, 50, 14000, true};
        for (int rest = -1; rest <= 1; rest++)
            check_chunks(&config, (WINDOW / hop + 18) * hop + rest + (rest < 0 ? hop : 0));
    }
}

static void an_unreadable_clip_is_an_error(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Mel) mel = mel_new(&clap, NULL);
    float out[4 * PART];
    bool is_longer;
    g_assert_false(
        mel_fusion_run(mel, "no/such.wav", WINDOW, 0, out, &is_longer, NULL, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = files_dir();
    g_test_add_func("/mel_fusion/the_four_mels_are_the_references",
                    the_four_mels_are_the_references);
    g_test_add_func("/mel_fusion/chunk_starts_are_the_references", chunk_starts_are_the_references);
    g_test_add_func("/mel_fusion/clips_of_no_more_frames_than_a_window_are_copied",
                    clips_of_no_more_frames_than_a_window_are_copied);
    g_test_add_func("/mel_fusion/chunks_are_rows_of_the_whole_mel_whatever_the_hop",
                    chunks_are_rows_of_the_whole_mel_whatever_the_hop);
    g_test_add_func("/mel_fusion/an_unreadable_clip_is_an_error", an_unreadable_clip_is_an_error);
    int status = g_test_run();
    files_remove(folder);
    return status;
}
