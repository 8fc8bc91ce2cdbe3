/* WAV files that grow: a whole file after every step, RF64 from 4 GB on. */
#include "wav_out.h"

#include "files.h"

#define RATE 44100

static const int16_t samples[] = {0, 1, -1, 32767, -32768, 258};

static guint64 number(const guint8 *at, int bytes) {
    guint64 value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

static void assert_name(const guint8 *at, const char *name) {
    g_assert_cmpmem(at, 4, name, 4);
}

/* The header and the samples of the file agree, and say `count`. */
static void expect_samples(const char *path, gsize count) {
    g_autofree guint8 *file = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, (char **)&file, &size, NULL));
    g_assert_cmpuint(size, ==, WAV_HEADER + 2 * count);
    assert_name(file, "RIFF"), assert_name(file + 8, "WAVE");
    g_assert_cmpuint(number(file + 4, 4), ==, size - 8);
    assert_name(file + WAV_HEADER - 8, "data");
    g_assert_cmpuint(number(file + WAV_HEADER - 4, 4), ==, 2 * count);
    for (gsize i = 0; i < count; i++)
        g_assert_cmpint((int16_t)number(file + WAV_HEADER + 2 * i, 2), ==,
                        samples[i % G_N_ELEMENTS(samples)]);
}

static void the_file_is_whole_after_every_step(void) {
    g_autoptr(GError) error = NULL;
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "take.wav", NULL);
    g_autoptr(WavOut) out = wav_out_open(path, RATE, 1, &error);
    g_assert_no_error(error);
    expect_samples(path, 0);
    for (gsize i = 1; i <= 3; i++) {
        g_assert_true(wav_out_add(out, samples, G_N_ELEMENTS(samples), &error));
        expect_samples(path, i * G_N_ELEMENTS(samples));
    }
    g_assert_cmpuint(wav_out_frames(out), ==, 18);
    g_assert_true(wav_out_sync(out, &error));
    files_remove(dir);
}

static void the_format_is_told_by_the_header(void) {
    guint8 header[WAV_HEADER];
    wav_header(header, RATE, 2, 4000);
    const guint8 *format = header + WAV_HEADER - 8 - 24;
    assert_name(format, "fmt ");
    g_assert_cmpuint(number(format + 8, 2), ==, 1);         /* whole numbers */
    g_assert_cmpuint(number(format + 10, 2), ==, 2);        /* channels */
    g_assert_cmpuint(number(format + 12, 4), ==, RATE);     /* frames a second */
    g_assert_cmpuint(number(format + 16, 4), ==, RATE * 4); /* bytes a second */
    g_assert_cmpuint(number(format + 20, 2), ==, 4);        /* bytes a frame */
    g_assert_cmpuint(number(format + 22, 2), ==, 16);       /* bits a sample */
}

static void from_4_gb_on_it_is_rf64(void) {
    const guint64 last = G_MAXUINT32 - (WAV_HEADER - 8), next = last + 1;
    guint8 header[WAV_HEADER];
    wav_header(header, RATE, 1, last);
    assert_name(header, "RIFF"), assert_name(header + 12, "JUNK");
    g_assert_cmpuint(number(header + 4, 4), ==, G_MAXUINT32);
    wav_header(header, RATE, 1, next);
    assert_name(header, "RF64"), assert_name(header + 12, "ds64");
    g_assert_cmpuint(number(header + 4, 4), ==, G_MAXUINT32);
    g_assert_cmpuint(number(header + 16, 4), ==, 28);
    g_assert_cmpuint(number(header + 20, 8), ==, next + WAV_HEADER - 8);
    g_assert_cmpuint(number(header + 28, 8), ==, next);
    g_assert_cmpuint(number(header + 36, 8), ==, next / 2);
    g_assert_cmpuint(number(header + WAV_HEADER - 4, 4), ==, G_MAXUINT32);
}

static void what_is_there_is_not_overwritten(void) {
    GError *error = NULL;
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "take.wav", NULL), *kept = NULL;
    files_put_text(dir, "take.wav", "mine");
    g_assert_null(wav_out_open(path, RATE, 1, &error));
    files_expect_error(&error, "*take.wav: is already there*");
    g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
    g_assert_cmpstr(kept, ==, "mine");
    files_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wav_out/the_file_is_whole_after_every_step",
                    the_file_is_whole_after_every_step);
    g_test_add_func("/wav_out/the_format_is_told_by_the_header", the_format_is_told_by_the_header);
    g_test_add_func("/wav_out/from_4_gb_on_it_is_rf64", from_4_gb_on_it_is_rf64);
    g_test_add_func("/wav_out/what_is_there_is_not_overwritten", what_is_there_is_not_overwritten);
    return g_test_run();
}
