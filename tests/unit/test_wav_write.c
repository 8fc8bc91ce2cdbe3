/* Any file to WAV: what the file holds, in a form that everyone plays. */
#include "wav_write.h"

#include "error.h"
#include "pcm.h"
#include "wav.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#define HEAD 44

static char *folder;

static bool transcode(const char *path, double most, const gint *stop, char **bytes, gsize *len,
                      GError **error) {
    g_autofree char *out = g_build_filename(folder, "out.wav", NULL);
    int fd = open(out, O_RDWR | O_CREAT | O_TRUNC, 0600);
    g_assert_cmpint(fd, >=, 0);
    bool well = wav_transcode(path, fd, most, stop, error);
    close(fd);
    g_assert_true(g_file_get_contents(out, bytes, len, NULL));
    return well;
}

static GByteArray *transcoded(const char *path) {
    g_autoptr(GError) error = NULL;
    char *bytes;
    gsize len;
    g_assert_true(transcode(path, 0, NULL, &bytes, &len, &error));
    g_assert_no_error(error);
    return g_byte_array_new_take((guint8 *)bytes, len);
}

static gint16 *some_samples(gsize count) {
    gint16 *samples = g_new(gint16, count);
    for (gsize i = 0; i < count; i++) samples[i] = (gint16)(i * 7919 + i * i);
    samples[0] = G_MININT16, samples[1] = G_MAXINT16;
    return samples;
}

static void files_of_16_bits_come_back_byte_for_byte(void) {
    for (int channels = 1; channels <= 2; channels++) {
        g_autofree gint16 *samples = some_samples(60000);
        const WavFormat format = {22050, channels, 16, FALSE};
        g_autoptr(GByteArray) file = wav_make(format, samples, 60000 * sizeof *samples);
        g_autofree char *path = wav_write(folder, "in.wav", file->data, file->len);
        g_autoptr(GByteArray) back = transcoded(path);
        g_assert_cmpmem(back->data, back->len, file->data, file->len);
    }
}

static void louder_samples_are_cut_and_broken_ones_are_silent(void) {
    const float samples[] = {2, -2, NAN, 0.5F};
    g_autofree char *path = wav_write_floats(folder, "loud.wav", 48000, samples, 4);
    g_autoptr(GByteArray) back = transcoded(path);
    const gint16 *out = (const gint16 *)(const void *)(back->data + HEAD);
    g_assert_cmpint(out[0], ==, G_MAXINT16);
    g_assert_cmpint(out[1], ==, G_MININT16);
    g_assert_cmpint(out[2], ==, 0);
    g_assert_cmpint(out[3], ==, 16384);
}

/* WAVE_FORMAT_EXTENSIBLE with a mask of speakers; 0: it does not say. */
static char *six_channels(guint32 mask, const gint16 *frame, int frames) {
    g_autoptr(GByteArray) out = g_byte_array_new();
    static const guint8 kind[] = {1, 0, 0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
    guint32 data = (guint32)frames * 12;
    wav_put_text(out, "RIFF"), wav_put(out, 60 + data, 4), wav_put_text(out, "WAVE");
    wav_put_text(out, "fmt "), wav_put(out, 40, 4), wav_put(out, 0xfffe, 2), wav_put(out, 6, 2);
    wav_put(out, 44100, 4), wav_put(out, 44100 * 12, 4), wav_put(out, 12, 2), wav_put(out, 16, 2);
    wav_put(out, 22, 2), wav_put(out, 16, 2), wav_put(out, mask, 4);
    g_byte_array_append(out, kind, sizeof kind);
    wav_put_text(out, "data"), wav_put(out, data, 4);
    for (int i = 0; i < frames; i++) g_byte_array_append(out, (const guint8 *)frame, 12);
    return wav_write(folder, "six.wav", out->data, out->len);
}

static void expect_sides(guint32 mask, const gint16 *frame, int left, int right) {
    g_autofree char *path = six_channels(mask, frame, 1000);
    g_autoptr(GByteArray) back = transcoded(path);
    const gint16 *out = (const gint16 *)(const void *)(back->data + HEAD);
    g_assert_cmpuint(back->len, ==, HEAD + 1000 * 4);
    g_assert_cmpint(out[1998], ==, left);
    g_assert_cmpint(out[1999], ==, right);
}

/* 5.1: left, right, centre, bass, back left, back right; a side weighs 1 + √½ + 1. */
static void many_channels_become_two_by_where_they_stand(void) {
    const guint32 five_one = 0x3f;
    expect_sides(five_one, (gint16[]){27071, 0, 0, 0, 0, 0}, 10000, 0);
    expect_sides(five_one, (gint16[]){0, 0, 0, 0, 0, 27071}, 0, 10000);
    expect_sides(five_one, (gint16[]){0, 0, 27071, 0, 0, 0}, 7071, 7071);
    expect_sides(five_one, (gint16[]){0, 0, 0, 27071, 0, 0}, 0, 0);
    const gint16 full[] = {32767, 32767, 32767, 32767, 32767, 32767};
    expect_sides(five_one, full, 32767, 32767);
}

static void compressed_files_keep_their_rate_and_length(void) {
    const char *const names[] = {"tone.flac", "tone.mp3", "tone.ogg", "tone.opus", "tone.m4a"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path =
            g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "audio", names[i], NULL);
        g_autofree char *out = g_build_filename(folder, "out.wav", NULL);
        g_autoptr(GByteArray) back = transcoded(path);
        g_autoptr(Pcm) from = pcm_open_stereo(path, 0, &error);
        g_autoptr(Pcm) made = pcm_open(out, 0, &error);
        g_assert_no_error(error);
        g_assert_cmpint(pcm_info(made)->rate, ==, pcm_info(from)->rate);
        g_assert_cmpint(pcm_info(made)->channels, ==, pcm_channels(from));
        g_assert_cmpfloat_with_epsilon(pcm_info(made)->seconds, 1, 0.06);
    }
}

static void a_pipe_gets_a_head_of_open_length(void) {
    g_autoptr(GError) error = NULL;
    int ends[2];
    guint8 got[8192];
    g_autofree gint16 *samples = some_samples(2000);
    g_autoptr(GByteArray) file =
        wav_make((WavFormat){8000, 1, 16, FALSE}, samples, 2000 * sizeof *samples);
    g_autofree char *path = wav_write(folder, "in.wav", file->data, file->len);
    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_true(wav_transcode(path, ends[1], 0, NULL, &error));
    g_assert_no_error(error);
    close(ends[1]);
    gssize len = 0;
    for (gssize n; (n = read(ends[0], got + len, sizeof got - (gsize)len)) > 0;) len += n;
    close(ends[0]);
    g_assert_cmpmem(got + HEAD, (gsize)len - HEAD, samples, 2000 * sizeof *samples);
    g_assert_cmpmem(got + 40, 4, "\xff\xff\xff\xff", 4);
}

/* Whatever of a file is there: sound comes out, or an error, and never a broken WAV. */
static void truncated_files_give_what_is_there_or_an_error(void) {
    const char *const names[] = {"tone.flac", "tone.mp3", "tone.ogg", "tone.opus", "tone.m4a"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path =
            g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "audio", names[i], NULL);
        g_autofree char *bytes = NULL;
        gsize len;
        g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
        for (gsize cut = 1; cut < 40; cut++) {
            g_autoptr(GError) error = NULL;
            g_autofree char *part = wav_write(folder, names[i], bytes, len * cut / 40);
            g_autofree char *made = NULL;
            gsize size;
            if (transcode(part, 0, NULL, &made, &size, &error))
                g_assert_cmpuint(size, >, HEAD);
            else
                files_expect_error(&error, "*: *");
        }
    }
}

static void expect_error(const char *path, double most, const gint *stop, ErrorCode code,
                         const char *pattern) {
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_false(transcode(path, most, stop, &bytes, &len, &error));
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    files_expect_error(&error, pattern);
}

static void what_cannot_be_had_is_said(void) {
    const gint stop = 1;
    const float samples[9000] = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = wav_write_floats(folder, "some.wav", 8000, samples, 9000);
    expect_error(path, 1, NULL, ERR_LIMIT, "*/some.wav: longer than 1 s");
    expect_error(path, 0, &stop, ERR_CANCELLED, "interrupted");
    expect_error("/not/there", 0, NULL, ERR_NOT_FOUND, "/not/there: *");
    int full = open("/dev/full", O_WRONLY);
    g_assert_false(wav_transcode(path, full, 0, NULL, &error));
    files_expect_error(&error, "*/some.wav: *");
    close(full);
}

#define ADD(test) g_test_add_func("/wav_write/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = files_dir();
    ADD(files_of_16_bits_come_back_byte_for_byte);
    ADD(louder_samples_are_cut_and_broken_ones_are_silent);
    ADD(many_channels_become_two_by_where_they_stand);
    ADD(compressed_files_keep_their_rate_and_length);
    ADD(a_pipe_gets_a_head_of_open_length);
    ADD(truncated_files_give_what_is_there_or_an_error);
    ADD(what_cannot_be_had_is_said);
    int status = g_test_run();
    files_remove(folder);
    return status;
}
