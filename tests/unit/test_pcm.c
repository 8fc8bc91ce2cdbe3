/* Any file to mono samples: formats, channels, lengths, tags, and what is wrong with a file. The
 * compressed files are made by tools/make_audio_fixtures.sh: a second of 440 Hz at amplitude 0.5.
 */
#include "error.h"
#include "pcm.h"
#include "wav.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#define RATE 48000
#define ROOM (2 * RATE)

#define BEFORE_CHUNKS 12 /* bytes of a WAV file before its first chunk */

static char *folder;

static char *fixture(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "audio", name, NULL);
}

static Pcm *open_good(const char *path, int rate) {
    g_autoptr(GError) error = NULL;
    Pcm *pcm = pcm_open(path, rate, &error);
    g_assert_no_error(error);
    return pcm;
}

/* Reads to the end in pieces of `piece`; samples has ROOM. */
static gsize read_all(Pcm *pcm, float *samples, gsize piece) {
    g_autoptr(GError) error = NULL;
    gsize done = 0;
    for (gssize n = 1; n > 0; done += n) {
        n = pcm_read(pcm, samples + done, MIN(piece, ROOM - done), &error);
        g_assert_no_error(error);
    }
    return done;
}

static char *write_wav(const char *name, WavFormat format, const void *data, gsize size) {
    g_autoptr(GByteArray) file = wav_make(format, data, size);
    return wav_write(folder, name, file->data, file->len);
}

/* Amplitude of what samples[count] hold at `hz`. */
static double amplitude_at(const float *samples, gsize count, double hz) {
    double re = 0, im = 0;
    for (gsize i = 0; i < count; i++) {
        re += samples[i] * cos(2 * G_PI * hz * i / RATE);
        im += samples[i] * sin(2 * G_PI * hz * i / RATE);
    }
    return 2 * hypot(re, im) / count;
}

static void a_tone_arrives_from_every_format(void) {
    const struct {
        const char *file, *container, *codec;
        int rate;
    } kinds[] = {
        {"tone.flac", "flac", "flac", 11025},  {"tone.mp3", "mp3", "mp3", 44100},
        {"tone.ogg", "ogg", "vorbis", 44100},  {"tone.opus", "ogg", "opus", 48000},
        {"tone.m4a", "mov", "aac", 44100},     {"tone.webm", "matroska", "opus", 48000},
        {"tone.aiff", "aiff", "pcm_s8", 8000}, {"tone.wv", "wv", "wavpack", 8000},
        {"tone.w64", "w64", "pcm_u8", 8000},   {"tone.au", "au", "pcm_mulaw", 8000},
        {"tone.mp4", "mov", "aac", 44100},
    };
    g_autofree float *samples = g_new(float, ROOM);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = fixture(kinds[i].file);
        g_autoptr(Pcm) pcm = open_good(path, RATE);
        gsize count = read_all(pcm, samples, 5000);
        g_test_message("%s: %zu samples, amplitude %.3f", kinds[i].file, count,
                       amplitude_at(samples + RATE / 4, RATE / 2, 440));
        g_assert_cmpstr(pcm_info(pcm)->container, ==, kinds[i].container);
        g_assert_cmpstr(pcm_info(pcm)->codec, ==, kinds[i].codec);
        g_assert_cmpint(pcm_info(pcm)->rate, ==, kinds[i].rate);
        g_assert_cmpint(pcm_info(pcm)->channels, ==, 1);
        g_assert_cmpint(labs((long)count - RATE), <=, 1);
        g_assert_cmpfloat_with_epsilon(amplitude_at(samples + RATE / 4, RATE / 2, 440), 0.5, 0.03);
        g_assert_cmpfloat(amplitude_at(samples + RATE / 4, RATE / 2, 500), <, 0.01);
        g_assert_cmpfloat(amplitude_at(samples, RATE / 20, 440), >, 0.45);
        g_assert_cmpfloat(amplitude_at(samples + RATE * 19 / 20, RATE / 20, 440), >, 0.45);
        g_assert_null(pcm_warning(pcm));
    }
}

static void every_sample_format_has_the_same_scale(void) {
    const struct {
        WavFormat format;
        guint8 half[8]; /* 0.5, little-endian */
    } kinds[] = {
        {{RATE, 1, 8, FALSE}, {192}},
        {{RATE, 1, 16, FALSE}, {0, 0x40}},
        {{RATE, 1, 24, FALSE}, {0, 0, 0x40}},
        {{RATE, 1, 32, FALSE}, {0, 0, 0, 0x40}},
        {{RATE, 1, 64, FALSE}, {0, 0, 0, 0, 0, 0, 0, 0x40}},
        {{RATE, 1, 32, TRUE}, {0, 0, 0, 0x3f}},
        {{RATE, 1, 64, TRUE}, {0, 0, 0, 0, 0, 0, 0xe0, 0x3f}},
    };
    g_autofree float *samples = g_new(float, ROOM);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        int bytes = kinds[i].format.bits / 8;
        guint8 data[800];
        for (int k = 0; k < 100; k++) memcpy(data + k * bytes, kinds[i].half, bytes);
        g_autofree char *path = write_wav("scale.wav", kinds[i].format, data, 100 * bytes);
        g_autoptr(Pcm) pcm = open_good(path, RATE);
        g_assert_cmpuint(read_all(pcm, samples, ROOM), ==, 100);
        for (int k = 0; k < 100; k++) g_assert_cmpfloat(samples[k], ==, 0.5f);
    }
}

static void mono_is_the_mean_of_all_channels(void) {
    g_autofree float *samples = g_new(float, ROOM);
    for (int channels = 1; channels <= PCM_MAX_CHANNELS; channels++) {
        g_autofree gint16 *data = g_new(gint16, 50 * channels);
        for (int i = 0; i < 50 * channels; i++) data[i] = 100 * (i % channels) + i / channels;
        WavFormat format = {RATE, channels, 16, FALSE};
        g_autofree char *path = write_wav("mean.wav", format, data, 100 * channels);
        g_autoptr(Pcm) pcm = open_good(path, RATE);
        g_assert_cmpint(pcm_info(pcm)->channels, ==, channels);
        g_assert_cmpuint(read_all(pcm, samples, ROOM), ==, 50);
        for (int i = 0; i < 50; i++)
            g_assert_cmpfloat_with_epsilon(samples[i], (50.0 * (channels - 1) + i) / 32768, 1e-6);
    }
}

static void any_rate_keeps_the_length_and_the_level(void) {
    const int rates[] = {1000, 8000, 11025, 22050, 32000, 44100, 44101, 96000, 192000};
    g_autofree float *samples = g_new(float, ROOM), *in = g_new(float, 192000);
    for (gsize i = 0; i < G_N_ELEMENTS(rates); i++) {
        gsize count = rates[i] * 0.7;
        for (gsize k = 0; k < count; k++) in[k] = 0.5f;
        g_autofree char *path = wav_write_floats(folder, "rate.wav", rates[i], in, count);
        g_autoptr(Pcm) pcm = open_good(path, RATE);
        gsize got = read_all(pcm, samples, 1 + i * 777);
        g_assert_cmpfloat(fabs(got - (double)count * RATE / rates[i]), <=, 1.0);
        for (gsize k = got / 4; k < got * 3 / 4; k++)
            g_assert_cmpfloat_with_epsilon(samples[k], 0.5, 1e-4);
    }
}

static void pieces_do_not_show(void) {
    g_autofree char *path = fixture("tone.mp3");
    g_autofree float *whole = g_new(float, ROOM), *pieces = g_new(float, ROOM);
    g_autoptr(Pcm) a = open_good(path, RATE), b = open_good(path, RATE);
    gsize count = read_all(a, whole, ROOM);
    g_assert_cmpuint(read_all(b, pieces, 17), ==, count);
    g_assert_cmpmem(whole, count * sizeof(float), pieces, count * sizeof(float));
}

static void expect_error(const char *path, int code, const char *what) {
    g_autoptr(GError) error = NULL;
    g_assert_null(pcm_open(path, RATE, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, EARSHOT_ERROR, code);
    g_assert_nonnull(strstr(error->message, what));
    g_assert_null(strchr(error->message, '\n'));
}

static void expect_error_of(const char *name, const void *data, gsize size, int code,
                            const char *what) {
    g_autofree char *path = wav_write(folder, name, data, size);
    expect_error(path, code, what);
}

static void expect_error_of_text(const char *name, const char *text, int code, const char *what) {
    expect_error_of(name, text, strlen(text), code, what);
}

static void files_that_are_no_sound_are_named(void) {
    g_autofree char *fifo = g_build_filename(folder, "fifo.wav", NULL);
    g_autofree char *video = fixture("silent.mp4");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    expect_error("no/such/file.wav", ERR_NOT_FOUND, "no/such/file.wav: no such file");
    expect_error(folder, ERR_UNSUPPORTED, "is a directory");
    expect_error(fifo, ERR_UNSUPPORTED, "not a regular file");
    expect_error("/dev/zero", ERR_UNSUPPORTED, "not a regular file");
    expect_error(video, ERR_UNSUPPORTED, "no audio stream");
    expect_error_of_text("empty.wav", "", ERR_FORMAT, "empty");
    expect_error_of_text("text.wav", "I am no sound, but a text.\n", ERR_FORMAT, "not a sound");
    expect_error_of_text("text.mp3", "I am no sound, but a text.\n", ERR_FORMAT, "not a sound");
    expect_error_of_text("x\n\033[1m.wav", "no", ERR_FORMAT, "not a sound");
}

static void unreadable_files_are_named(void) {
    if (geteuid() == 0) {
        g_test_skip("root may read everything");
        return;
    }
    g_autofree char *path = wav_write(folder, "secret.wav", "RIFF", 4);
    g_assert_cmpint(chmod(path, 0), ==, 0);
    expect_error(path, ERR_DENIED, "permission denied");
}

static void headers_that_make_no_sense_are_named(void) {
    const struct {
        WavFormat format;
        int code;
        const char *what;
    } bad[] = {
        {{0, 1, 16, FALSE}, ERR_FORMAT, "0 Hz"},
        {{50, 1, 16, FALSE}, ERR_FORMAT, "50 Hz"},
        {{RATE, 65, 16, FALSE}, ERR_LIMIT, "65 channels"},
        {{RATE, 512, 16, FALSE}, ERR_LIMIT, "512 channels"},
    };
    static const guint8 data[102400];
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = write_wav("bad.wav", bad[i].format, data, sizeof data);
        expect_error(path, bad[i].code, bad[i].what);
    }
}

static void files_that_point_elsewhere_are_refused(void) {
    g_autofree char *target = fixture("tone.mp3");
    g_autofree char *playlist = g_strdup_printf("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
                                                "%s\n#EXT-X-ENDLIST\n",
                                                target);
    g_autofree char *concat = g_strdup_printf("ffconcat version 1.0\nfile '%s'\n", target);
    const char *sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                      "m=audio 5004 RTP/AVP 0\n";
    const char *dash = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                       "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"></MPD>\n";
    expect_error_of_text("list.m3u8", playlist, ERR_UNSUPPORTED, "not a sound file");
    expect_error_of_text("list.wav", concat, ERR_UNSUPPORTED, "not a sound file");
    expect_error_of_text("session.sdp", sdp, ERR_UNSUPPORTED, "not a sound file");
    expect_error_of_text("live.mpd", dash, ERR_UNSUPPORTED, "not a sound file");
}

static void names_of_any_bytes_open(void) {
    const char *names[] = {"-i.wav", "http:x.wav", "concat:a|b.wav", "%03d.wav", "\xff\xfe.wav"};
    float samples[100] = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = wav_write_floats(folder, names[i], RATE, samples, 100);
        g_autofree char *here = g_get_current_dir();
        g_assert_cmpint(g_chdir(folder), ==, 0);
        g_autoptr(Pcm) pcm = open_good(names[i], RATE);
        g_assert_cmpint(g_chdir(here), ==, 0);
        g_assert_cmpint(pcm_read(pcm, samples, 100, NULL), ==, 100);
    }
}

/* A file cut to `size` bytes gives between `least` and `most` samples, and says that it was. */
static void check_cut(const char *path, gsize size, gsize least, gsize most) {
    g_autofree char *bytes = NULL;
    g_autofree float *samples = g_new(float, ROOM);
    g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    g_autofree char *cut = wav_write(folder, "cut", bytes, size);
    g_autoptr(Pcm) pcm = open_good(cut, RATE);
    gsize count = read_all(pcm, samples, ROOM);
    g_test_message("%s: %zu samples, %s", path, count, pcm_warning(pcm));
    g_assert_cmpuint(count, >=, least);
    g_assert_cmpuint(count, <=, most);
    g_assert_nonnull(pcm_warning(pcm));
    g_assert_nonnull(strstr(pcm_warning(pcm), "cut: truncated"));
}

static void truncated_files_give_what_is_there_and_a_warning(void) {
    static const float silence[RATE];
    g_autofree char *wav = wav_write_floats(folder, "whole.wav", RATE, silence, RATE);
    g_autofree char *flac = fixture("tone.flac"), *mp3 = fixture("tone.mp3");
    g_autofree char *webm = fixture("tone.webm");
    check_cut(wav, 44 + RATE * 2, RATE / 2 - 1, RATE / 2);
    check_cut(flac, 11000, RATE / 10, RATE * 9 / 10);
    check_cut(mp3, 4000, RATE * 3 / 10, RATE * 6 / 10);
    check_cut(webm, 3000, RATE * 2 / 10, RATE * 7 / 10);
    check_cut(webm, 6000, RATE * 9 / 10, RATE);
}

static void put_number(GByteArray *out, guint64 value, int bytes, bool big) {
    for (int i = 0; i < bytes; i++) {
        guint8 byte = (guint8)(value >> 8 * (big ? bytes - 1 - i : i));
        g_byte_array_append(out, &byte, 1);
    }
}

/* A second of silence at 8 kHz in 16 bits as CAF; `claimed`: bytes its data chunk says it has. */
static char *write_caf(gint64 claimed, gsize behind) {
    static const guint8 silence[16000];
    g_autoptr(GByteArray) file = g_byte_array_new();
    const double rate = 8000;
    guint64 bits;
    memcpy(&bits, &rate, sizeof bits);
    g_byte_array_append(file, (const guint8 *)"caff\0\1\0\0desc", 12);
    put_number(file, 32, 8, true);
    put_number(file, bits, 8, true);
    g_byte_array_append(file, (const guint8 *)"lpcm", 4);
    const guint32 fields[] = {0, 2, 1, 1, 16}; /* flags, bytes, frames, channels, bits */
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) put_number(file, fields[i], 4, true);
    g_byte_array_append(file, (const guint8 *)"data", 4);
    put_number(file, (guint64)claimed, 8, true);
    put_number(file, 0, 4, true); /* edits */
    g_byte_array_append(file, silence, sizeof silence);
    g_byte_array_append(file, silence, (guint)behind);
    return wav_write(folder, "whole.caf", file->data, file->len);
}

static void check_whole(const char *path) {
    g_autofree float *samples = g_new(float, ROOM);
    g_autoptr(Pcm) pcm = open_good(path, RATE);
    g_assert_cmpuint(read_all(pcm, samples, ROOM), >, RATE / 2);
    g_assert_cmpstr(pcm_warning(pcm), ==, NULL);
}

static void containers_that_say_their_size_are_held_to_it(void) {
    g_autofree char *caf = write_caf(16004, 0);
    g_autofree char *w64 = fixture("tone.w64"), *wma = fixture("tone.wma");
    check_whole(caf);
    check_whole(wma);
    check_cut(caf, 8000, RATE * 4 / 10, RATE * 6 / 10);
    check_cut(w64, 4000, RATE * 4 / 10, RATE * 6 / 10);
    check_cut(wma, 3000, RATE * 2 / 10, RATE * 9 / 10);
    g_autofree char *open_ended = write_caf(-1, 0);
    check_whole(open_ended);
    g_autofree char *tagged = write_caf(16004, 128);
    check_whole(tagged);
}

/* One of the many pages is changed, of less sound than a file may lack without being truncated. */
static void damaged_ogg_pages_are_counted(void) {
    g_autofree char *path = fixture("pages.opus"), *bytes = NULL;
    g_autofree float *samples = g_new(float, ROOM);
    gsize size;
    check_whole(path);
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    bytes[size / 2] ^= 0x55;
    g_autofree char *damaged = wav_write(folder, "damaged.opus", bytes, size);
    g_autoptr(Pcm) pcm = open_good(damaged, RATE);
    g_assert_cmpuint(read_all(pcm, samples, ROOM), >, RATE * 3 / 4);
    g_assert_nonnull(pcm_warning(pcm));
    g_assert_true(g_str_has_suffix(pcm_warning(pcm), ": damaged Ogg pages left out: 1"));
}

/* What follows the last page, or lies between two, is looked through to its end and no further. */
static void bytes_that_are_no_ogg_pages_end(void) {
    g_autofree char *path = fixture("pages.opus"), *bytes = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    const char *tails[] = {"OggS", "OggSOggSOggSOggSOggSOggSOggSOggS",
                           "no page, and nothing like one"};
    for (gsize i = 0; i < G_N_ELEMENTS(tails); i++) {
        g_autofree float *samples = g_new(float, ROOM);
        g_autofree char *longer = g_malloc(size + 100);
        memcpy(longer, bytes, size);
        memcpy(longer + size, tails[i], strlen(tails[i]));
        g_autofree char *file = wav_write(folder, "tail.opus", longer, size + strlen(tails[i]));
        g_autoptr(Pcm) pcm = open_good(file, RATE);
        g_assert_cmpuint(read_all(pcm, samples, ROOM), >, RATE * 9 / 10);
    }
}

static void damaged_samples_are_zero_and_counted(void) {
    float samples[6] = {NAN, 0.25f, INFINITY, -INFINITY, 1e30f, -0.5f};
    const float expected[6] = {0, 0.25f, 0, 0, 0, -0.5f};
    g_autofree char *path = wav_write_floats(folder, "nan.wav", RATE, samples, 6);
    g_autoptr(Pcm) pcm = open_good(path, RATE);
    g_assert_cmpint(pcm_read(pcm, samples, 6, NULL), ==, 6);
    g_assert_cmpmem(samples, sizeof samples, expected, sizeof expected);
    g_assert_cmpint(pcm_read(pcm, samples, 6, NULL), ==, 0);
    g_assert_true(g_str_has_suffix(pcm_warning(pcm), "NaN or infinite samples taken as 0: 4"));
}

static void corrupt_packets_are_left_out_with_a_warning(void) {
    g_autofree char *path = fixture("tone.flac"), *bytes = NULL;
    g_autofree float *samples = g_new(float, ROOM);
    gsize size;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    for (gsize i = size * 3 / 4; i < size * 3 / 4 + 40; i++) bytes[i] ^= 0x55;
    g_autofree char *damaged = wav_write(folder, "damaged.flac", bytes, size);
    g_autoptr(Pcm) pcm = open_good(damaged, RATE);
    gsize count = read_all(pcm, samples, ROOM);
    g_test_message("%zu samples, %s", count, pcm_warning(pcm));
    g_assert_cmpuint(count, >, RATE / 4);
    g_assert_nonnull(pcm_warning(pcm));
    g_assert_nonnull(strstr(pcm_warning(pcm), "damaged"));
}

static void put_text(guint8 *at, const char *text) {
    memcpy(at, text, strlen(text));
}

/* A second at a rate that is not the file's; the header may claim what it likes. */
static void expect_most(const char *path, double most, const char *pattern) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Pcm) pcm = open_good(path, RATE);
    g_autofree float *samples = g_new(float, ROOM);
    gssize n;
    pcm_set_most(pcm, most);
    do n = pcm_read(pcm, samples, 1000, &error);
    while (n > 0);
    g_assert_true((n < 0) == (pattern != NULL));
    if (!pattern) return;
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    files_expect_error(&error, pattern);
}

static void what_is_decoded_is_held_to_the_most_seconds(void) {
    g_autofree gint16 *data = g_new0(gint16, 44100);
    g_autoptr(GByteArray) file =
        wav_make((WavFormat){44100, 1, 16, FALSE}, data, 44100 * sizeof *data);
    g_autofree char *path = wav_write(folder, "second.wav", file->data, file->len);
    expect_most(path, 0, NULL);
    expect_most(path, 1, NULL);
    expect_most(path, 0.999, "*/second.wav: longer than 0.999 s");
    memset(file->data + 40, 0xff, 4); /* all that a stream's header can say of its length */
    g_autofree char *claims = wav_write(folder, "claims.wav", file->data, file->len);
    expect_most(claims, 1, NULL);
    expect_most(claims, 0.5, "*/claims.wav: longer than 0.5 s");
    const char *const names[] = {"tone.flac", "tone.mp3", "tone.ogg", "tone.opus", "tone.m4a"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *tone = fixture(names[i]);
        expect_most(tone, 1.1, NULL);
        expect_most(tone, 0.9, "*: longer than 0.9 s");
    }
}

static void tags_are_lower_case_and_include_bwf(void) {
    guint8 chunk[8 + 602] = "bext\x5a\x02\0\0", data[100] = {0};
    put_text(chunk + 8, "Thunder over hills");
    put_text(chunk + 8 + 256, "Recorder");
    put_text(chunk + 8 + 320, "2024-05-01");
    g_autoptr(GByteArray) file = wav_make((WavFormat){RATE, 1, 16, FALSE}, data, sizeof data);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    g_byte_array_append(whole, file->data, BEFORE_CHUNKS);
    g_byte_array_append(whole, chunk, sizeof chunk);
    g_byte_array_append(whole, file->data + BEFORE_CHUNKS, file->len - BEFORE_CHUNKS);
    whole->data[4] = (whole->len - 8) & 255, whole->data[5] = (whole->len - 8) >> 8;
    g_autofree char *path = wav_write(folder, "bwf.wav", whole->data, whole->len);
    g_autoptr(Pcm) pcm = open_good(path, RATE);
    GHashTable *tags = pcm_info(pcm)->tags;
    g_assert_cmpstr(g_hash_table_lookup(tags, "comment"), ==, "Thunder over hills");
    g_assert_cmpstr(g_hash_table_lookup(tags, "encoded_by"), ==, "Recorder");
    g_assert_cmpstr(g_hash_table_lookup(tags, "date"), ==, "2024-05-01");
}

static void tags_of_container_and_stream_are_found(void) {
    const char *names[] = {"tone.flac", "tone.mp3", "tone.ogg", "tone.opus", "tone.m4a"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = fixture(names[i]);
        g_autoptr(Pcm) pcm = open_good(path, RATE);
        g_assert_cmpstr(g_hash_table_lookup(pcm_info(pcm)->tags, "title"), ==, "Tone");
        g_assert_cmpstr(g_hash_table_lookup(pcm_info(pcm)->tags, "artist"), ==, "Nobody");
    }
}

#define ADD(test) g_test_add_func("/pcm/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = files_dir();
    ADD(a_tone_arrives_from_every_format);
    ADD(every_sample_format_has_the_same_scale);
    ADD(mono_is_the_mean_of_all_channels);
    ADD(any_rate_keeps_the_length_and_the_level);
    ADD(pieces_do_not_show);
    ADD(files_that_are_no_sound_are_named);
    ADD(unreadable_files_are_named);
    ADD(headers_that_make_no_sense_are_named);
    ADD(files_that_point_elsewhere_are_refused);
    ADD(names_of_any_bytes_open);
    ADD(truncated_files_give_what_is_there_and_a_warning);
    ADD(containers_that_say_their_size_are_held_to_it);
    ADD(damaged_ogg_pages_are_counted);
    ADD(bytes_that_are_no_ogg_pages_end);
    ADD(damaged_samples_are_zero_and_counted);
    ADD(corrupt_packets_are_left_out_with_a_warning);
    ADD(what_is_decoded_is_held_to_the_most_seconds);
    ADD(tags_are_lower_case_and_include_bwf);
    ADD(tags_of_container_and_stream_are_found);
    int status = g_test_run();
    files_remove(folder);
    return status;
}
