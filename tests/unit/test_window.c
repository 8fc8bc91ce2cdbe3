/* Windows of a stream against a plain model that has the whole clip in memory. */
#include "error.h"
#include "wav.h"
#include "window.h"

#define RATE 8000

static char *folder;

static WindowCutter *cut(const float *clip, gsize len, gsize window, gsize hop, Pcm **pcm) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = wav_write_floats(folder, "clip.wav", RATE, clip, len);
    *pcm = pcm_open(path, RATE, &error);
    g_assert_no_error(error);
    return window_cutter_new(*pcm, window, hop);
}

static float *random_clip(gsize len) {
    float *clip = g_new(float, len + 1);
    for (gsize i = 0; i < len; i++) clip[i] = g_test_rand_double_range(-1, 1);
    return clip;
}

/* The model: starts at 0, hop, 2·hop … as far as whole windows fit; one more at the end if that
 * leaves samples over. */
static GArray *expected_starts(gint64 len, gint64 window, gint64 hop) {
    GArray *starts = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 at = 0;
    for (; at + window <= len; at += hop) g_array_append_val(starts, at);
    gint64 last = MAX(len - window, 0);
    if (starts->len == 0 || g_array_index(starts, gint64, starts->len - 1) != last)
        g_array_append_val(starts, last);
    return starts;
}

static float expected_sample(const float *clip, gint64 len, gint64 window, gint64 start, gint64 i) {
    if (len >= window) return clip[start + i];
    return i < window / len * len ? clip[i % len] : 0;
}

static void check_clip(gint64 len, gint64 window, gint64 hop) {
    g_autoptr(Pcm) pcm = NULL;
    g_autofree float *clip = random_clip(len), *out = g_new(float, window);
    g_autoptr(WindowCutter) cutter = cut(clip, len, window, hop, &pcm);
    g_autoptr(GArray) starts = expected_starts(len, window, hop);
    for (guint w = 0; w < starts->len; w++) {
        Window where;
        gint64 start = g_array_index(starts, gint64, w);
        g_assert_cmpint(window_next(cutter, out, &where, NULL), ==, 1);
        g_assert_cmpint(where.first, ==, start);
        g_assert_cmpint(where.last, ==, MIN(start + window, len));
        for (gint64 i = 0; i < window; i++)
            g_assert_cmpfloat(out[i], ==, expected_sample(clip, len, window, start, i));
    }
    Window none;
    g_assert_cmpint(window_next(cutter, out, &none, NULL), ==, 0);
    g_assert_cmpint(window_next(cutter, out, &none, NULL), ==, 0);
    g_assert_cmpint(window_clip_length(cutter), ==, len);
}

static void random_clips_are_cut_as_the_model_says(void) {
    for (int round = 0; round < 200; round++) {
        gint64 window = g_test_rand_int_range(1, 300), hop = g_test_rand_int_range(1, 700);
        check_clip(g_test_rand_int_range(1, 3000), window, hop);
    }
}

static void lengths_around_multiples_are_cut_as_the_model_says(void) {
    for (gint64 hop = 50; hop <= 150; hop += 50)
        for (gint64 multiple = 1; multiple <= 4; multiple++)
            for (gint64 off = -1; off <= 1; off++) check_clip(100 * multiple + off, 100, hop);
}

static void a_clip_without_samples_is_an_error(void) {
    g_autoptr(Pcm) pcm = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(WindowCutter) cutter = cut(NULL, 0, 10, 10, &pcm);
    float out[10];
    Window where;
    g_assert_cmpint(window_next(cutter, out, &where, &error), ==, -1);
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_true(g_str_has_suffix(error->message, "clip.wav: holds no sound at all"));
}

static void repeat_pad_repeats_whole_copies_only(void) {
    float samples[8] = {1, 2, 3, 9, 9, 9, 9, 9};
    const float expected[8] = {1, 2, 3, 1, 2, 3, 0, 0};
    window_repeat_pad(samples, 3, 8);
    g_assert_cmpmem(samples, sizeof samples, expected, sizeof expected);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = files_dir();
    g_test_add_func("/window/random_clips_are_cut_as_the_model_says",
                    random_clips_are_cut_as_the_model_says);
    g_test_add_func("/window/lengths_around_multiples_are_cut_as_the_model_says",
                    lengths_around_multiples_are_cut_as_the_model_says);
    g_test_add_func("/window/a_clip_without_samples_is_an_error",
                    a_clip_without_samples_is_an_error);
    g_test_add_func("/window/repeat_pad_repeats_whole_copies_only",
                    repeat_pad_repeats_whole_copies_only);
    int status = g_test_run();
    files_remove(folder);
    return status;
}
