/* Spectrograms on disk: made once, made anew when a sound changes, damaged ones never used. */
#include "files.h"
#include "mel_cache.h"

#include <math.h>
#include <string.h>

static void put_tone(const char *dir, const char *name, int samples) {
    GByteArray *wav = g_byte_array_new();
    guint32 bytes = (guint32)samples * 2, rate = 48000, byte_rate = 96000, riff = bytes + 36,
            size = 16;
    guint16 pcm = 1, mono = 1, block = 2, bits = 16;
#define PUT(x) g_byte_array_append(wav, (const guint8 *)&(x), sizeof(x))
    g_byte_array_append(wav, (const guint8 *)"RIFF", 4);
    PUT(riff);
    g_byte_array_append(wav, (const guint8 *)"WAVEfmt ", 8);
    PUT(size), PUT(pcm), PUT(mono), PUT(rate), PUT(byte_rate), PUT(block), PUT(bits);
    g_byte_array_append(wav, (const guint8 *)"data", 4);
    PUT(bytes);
    for (int i = 0; i < samples; i++) {
        gint16 s = (gint16)lrint(9000 * sin(2 * G_PI * 1000 * i / 48000.0));
        PUT(s);
    }
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_assert_true(g_file_set_contents(path, (const char *)wav->data, (gssize)wav->len, NULL));
    g_byte_array_unref(wav);
}

static int reports;

static bool count_report(void *user, int done, int count) {
    reports++;
    return true;
}

typedef struct {
    char *dir, *path, *sounds[3];
    ClapFeatures features;
    MelCacheHow how;
} Place;

static void place_up(Place *p, const void *unused) {
    p->dir = files_dir();
    p->path = g_build_filename(p->dir, "mels", NULL);
    put_tone(p->dir, "a.wav", 48000);
    put_tone(p->dir, "b.wav", 300);
    p->sounds[0] = g_build_filename(p->dir, "a.wav", NULL);
    p->sounds[1] = g_build_filename(p->dir, "b.wav", NULL);
    p->sounds[2] = g_build_filename(p->dir, "gone.wav", NULL);
    p->features = (ClapFeatures){48000, 1024, 480, 32, 1, 50, 14000, false};
    p->how = (MelCacheHow){&p->features, 2, count_report, NULL};
    reports = 0;
}

static void place_down(Place *p, const void *unused) {
    for (int i = 0; i < 3; i++) g_free(p->sounds[i]);
    g_free(p->path);
    files_remove(p->dir);
}

static int loudest_bin(const MelCache *cache, int speed) {
    int frames, best = 0;
    const int16_t *mel = mel_cache_mel(cache, 0, speed, &frames);
    const int16_t *middle = mel + (frames / 2) * 32;
    for (int b = 1; b < 32; b++) best = middle[b] > middle[best] ? b : best;
    return best;
}

static void speeds_move_pitch_and_length(Place *p, const void *unused) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MelCache) cache = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
    g_assert_no_error(error);
    int plain, slow, fast, tiny;
    mel_cache_mel(cache, 0, 0, &plain);
    mel_cache_mel(cache, 0, 1, &slow);
    mel_cache_mel(cache, 0, 4, &fast);
    mel_cache_mel(cache, 1, 0, &tiny);
    g_assert_cmpint(plain, ==, 101);
    g_assert_cmpint(abs(slow - 141), <=, 1);
    g_assert_cmpint(abs(fast - 72), <=, 1);
    g_assert_cmpint(tiny, >=, 1);
    g_assert_cmpint(loudest_bin(cache, 1), <, loudest_bin(cache, 0));
    g_assert_cmpint(loudest_bin(cache, 4), >, loudest_bin(cache, 0));
}

static void it_is_made_once_and_anew_when_something_changed(Place *p, const void *unused) {
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 2; i++) {
        g_autoptr(MelCache) cache = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
        g_assert_no_error(error);
    }
    g_assert_cmpint(reports, ==, 1);
    put_tone(p->dir, "b.wav", 5000);
    g_autoptr(MelCache) changed = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
    g_assert_no_error(error);
    g_assert_cmpint(reports, ==, 2);
    p->features.hop_length = 240;
    g_autoptr(MelCache) other = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
    g_assert_cmpint(reports, ==, 3);
}

static void a_damaged_one_is_made_anew(Place *p, const void *unused) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MelCache) first = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
    g_assert_no_error(error);
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(p->path, &bytes, &len, NULL));
    for (gsize at = 56; at < 56 + 160; at += 8) { /* every offset and count */
        g_autofree char *damaged = g_memdup2(bytes, len);
        memset(damaged + at, 0x7f, 8);
        g_assert_true(g_file_set_contents(p->path, damaged, (gssize)len, NULL));
        int before = reports;
        g_autoptr(MelCache) again = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
        g_assert_no_error(error);
        g_assert_cmpint(reports, ==, before + 1);
    }
    g_assert_true(g_file_set_contents(p->path, bytes, (gssize)len / 2, NULL));
    int before = reports;
    g_autoptr(MelCache) again = mel_cache_open(p->path, p->sounds, 2, &p->how, &error);
    g_assert_cmpint(reports, ==, before + 1);
}

static void a_sound_that_is_gone_is_named(Place *p, const void *unused) {
    GError *error = NULL;
    g_assert_null(mel_cache_open(p->path, p->sounds, 3, &p->how, &error));
    files_expect_error(&error, "*gone.wav: *");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/mel_cache/" #name, Place, NULL, place_up, name, place_down)
    ADD(speeds_move_pitch_and_length);
    ADD(it_is_made_once_and_anew_when_something_changed);
    ADD(a_damaged_one_is_made_anew);
    ADD(a_sound_that_is_gone_is_named);
    return g_test_run();
}
