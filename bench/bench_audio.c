/* How long do decoding to 48 kHz mono and the mel of ten seconds take?
 *
 *     bench_audio [FILE...]             name, median and least milliseconds of each, one a line
 *     bench_audio --mel BANK IN OUT     raw float32 samples → raw float32 mel, for
 * tools/check_mel.py
 *
 * BANK is htk or slaney. */
#include "mel.h"
#include "pcm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE   48000
#define CLIP   (10 * RATE)
#define ROUNDS 21

typedef void Work(void *what);

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, Work *work, void *what) {
    double ms[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        gint64 start = g_get_monotonic_time();
        work(what);
        ms[i] = (g_get_monotonic_time() - start) / 1000.0;
    }
    qsort(ms, ROUNDS, sizeof *ms, by_size);
    printf("%s\t%.3f\t%.3f\n", name, ms[ROUNDS / 2], ms[0]);
}

static void decode(void *path) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Pcm) pcm = pcm_open(path, RATE, &error);
    g_autofree float *samples = g_new(float, RATE);
    gssize n = pcm ? 1 : -1;
    while (n > 0) n = pcm_read(pcm, samples, RATE, &error);
    if (n < 0) g_error("%s", error->message);
}

typedef struct {
    Mel *mel;
    float *samples, *out;
    gsize count;
} MelWork;

static void run_mel(void *what) {
    MelWork *work = what;
    mel_run(work->mel, work->samples, work->count, work->out);
}

static Mel *open_mel(bool slaney) {
    MelConfig config = {RATE, 1024, 480, 64, 50, 14000, slaney};
    return mel_new(&config, NULL);
}

static int write_mel(const char *bank, const char *in, const char *out) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Mel) mel = open_mel(strcmp(bank, "slaney") == 0);
    g_autofree char *bytes = NULL;
    gsize len;
    if (!g_file_get_contents(in, &bytes, &len, &error)) g_error("%s", error->message);
    MelWork work = {mel, (float *)bytes, NULL, len / sizeof(float)};
    gsize values = mel_frames(mel, work.count) * 64;
    g_autofree float *made = work.out = g_new(float, values);
    run_mel(&work);
    if (!g_file_set_contents(out, (char *)made, values * sizeof(float), &error))
        g_error("%s", error->message);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "--mel") == 0) return write_mel(argv[2], argv[3], argv[4]);
    g_autoptr(Mel) mel = open_mel(false);
    g_autofree float *samples = g_new(float, CLIP);
    g_autofree float *out = g_new(float, mel_frames(mel, CLIP) * 64);
    for (int i = 0; i < CLIP; i++) samples[i] = (i * 7919u % 20011) / 20011.0f - 0.5f;
    MelWork work = {mel, samples, out, CLIP};
    measure("mel of 10 s", run_mel, &work);
    for (int i = 1; i < argc; i++) measure(argv[i], decode, argv[i]);
    return 0;
}
