/* Peaks of sounds, against plain loops over all samples. */
#include "peaks.h"

#include "error.h"
#include "wav.h"

#include <math.h>

#define N 40

static char *folder;

static float *noise(gsize count) {
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    float *samples = g_new(float, count);
    for (gsize i = 0; i < count; i++)
        samples[i] = (float)(g_rand_double_range(random, -0.9, 0.9) *
                             (0.2 + 0.8 * fabs(sin((double)i * 0.0007))));
    return samples;
}

/* least and most of samples [first, end). */
static void plain(const float *samples, gsize first, gsize end, float *least, float *most) {
    *least = 1, *most = -1;
    for (gsize i = first; i < end; i++) {
        *least = MIN(*least, samples[i]);
        *most = MAX(*most, samples[i]);
    }
}

static void read_peaks(const char *path, int n, float *least, float *most, double *seconds) {
    g_autoptr(GError) error = NULL;
    g_assert_true(peaks_read(path, n, 0, NULL, least, most, seconds, &error));
    g_assert_no_error(error);
}

static void short_sounds_are_exact(void) {
    const gsize counts[] = {1, 7, N - 1, N, N + 1, 100, 16 * N};
    for (gsize c = 0; c < G_N_ELEMENTS(counts); c++) {
        float least[N], most[N], low, high;
        double seconds;
        const gsize count = counts[c];
        g_autofree float *samples = noise(count);
        g_autofree char *path = wav_write_floats(folder, "short.wav", 8000, samples, count);
        read_peaks(path, N, least, most, &seconds);
        g_assert_cmpfloat_with_epsilon(seconds, (double)count / 8000, 1e-9);
        for (gsize i = 0; i < N; i++) {
            gsize first = i * count / N;
            plain(samples, first, MAX((i + 1) * count / N, first + 1), &low, &high);
            g_assert_cmpfloat(least[i], ==, low);
            g_assert_cmpfloat(most[i], ==, high);
        }
    }
}

static void long_sounds_reach_into_their_neighbours_by_an_eighth_at_most(void) {
    const gsize counts[] = {16 * N + 1, 32 * N + 1, 100003, 400000};
    for (gsize c = 0; c < G_N_ELEMENTS(counts); c++) {
        float least[N], most[N], low, high, wide_low, wide_high;
        double seconds;
        const gsize count = counts[c], reach = count / N / 8 + 1;
        g_autofree float *samples = noise(count);
        g_autofree char *path = wav_write_floats(folder, "long.wav", 8000, samples, count);
        read_peaks(path, N, least, most, &seconds);
        for (gsize i = 0; i < N; i++) {
            gsize first = i * count / N, end = (i + 1) * count / N;
            plain(samples, first, end, &low, &high);
            plain(samples, first - MIN(first, reach), MIN(end + reach, count), &wide_low,
                  &wide_high);
            g_assert_cmpfloat(least[i], <=, low);
            g_assert_cmpfloat(least[i], >=, wide_low);
            g_assert_cmpfloat(most[i], >=, high);
            g_assert_cmpfloat(most[i], <=, wide_high);
        }
    }
}

static void the_header_says_nothing_of_the_length(void) {
    float least[N], most[N], claimed[N], above[N];
    double seconds, claims;
    const gsize count = 50000;
    g_autofree float *samples = noise(count);
    g_autoptr(GByteArray) file =
        wav_make((WavFormat){8000, 1, 32, TRUE}, samples, count * sizeof *samples);
    g_autofree char *honest = wav_write(folder, "honest.wav", file->data, file->len);
    memset(file->data + 40, 0xff, 4);
    g_autofree char *other = wav_write(folder, "claims.wav", file->data, file->len);
    read_peaks(honest, N, least, most, &seconds);
    read_peaks(other, N, claimed, above, &claims);
    g_assert_cmpfloat(seconds, ==, claims);
    g_assert_cmpmem(least, sizeof least, claimed, sizeof claimed);
    g_assert_cmpmem(most, sizeof most, above, sizeof above);
}

static void peaks_stay_within_full_scale(void) {
    float least[2], most[2];
    double seconds;
    const float samples[] = {3, NAN, -1e8F, 0.5F};
    g_autofree char *path = wav_write_floats(folder, "loud.wav", 8000, samples, 4);
    read_peaks(path, 2, least, most, &seconds);
    g_assert_cmpfloat(least[0], ==, 0); /* what is no number counts as 0 */
    g_assert_cmpfloat(most[0], ==, 1);
    g_assert_cmpfloat(least[1], ==, -1);
    g_assert_cmpfloat(most[1], ==, 0.5);
}

static void expect_error(const char *path, int n, double most_seconds, const gint *stop,
                         ErrorCode code, const char *pattern) {
    g_autoptr(GError) error = NULL;
    g_autofree float *values = g_new0(float, 2 * MAX(n, 1));
    double seconds;
    g_assert_false(
        peaks_read(path, n, most_seconds, stop, values, values + MAX(n, 1), &seconds, &error));
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    files_expect_error(&error, pattern);
}

static void what_cannot_be_had_is_said(void) {
    const gint stop = 1;
    g_autofree float *samples = noise(9000);
    g_autofree char *path = wav_write_floats(folder, "some.wav", 8000, samples, 9000);
    g_autofree char *none = wav_write_floats(folder, "none.wav", 8000, samples, 0);
    expect_error(path, 0, 0, NULL, ERR_USAGE, "0 peaks; *");
    expect_error(path, PEAKS_MOST + 1, 0, NULL, ERR_USAGE, "10001 peaks; *");
    expect_error(path, N, 1, NULL, ERR_LIMIT, "*/some.wav: longer than 1 s");
    expect_error(path, N, 0, &stop, ERR_CANCELLED, "interrupted");
    expect_error("/not/there", N, 0, NULL, ERR_NOT_FOUND, "/not/there: *");
    expect_error(none, N, 0, NULL, ERR_FORMAT, "*/none.wav: *");
}

#define ADD(test) g_test_add_func("/peaks/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = files_dir();
    ADD(short_sounds_are_exact);
    ADD(long_sounds_reach_into_their_neighbours_by_an_eighth_at_most);
    ADD(the_header_says_nothing_of_the_length);
    ADD(peaks_stay_within_full_scale);
    ADD(what_cannot_be_had_is_said);
    int status = g_test_run();
    files_remove(folder);
    return status;
}
