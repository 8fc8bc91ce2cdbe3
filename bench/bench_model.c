/* One kind of earshot's work, on request, with the milliseconds that it took.
 *
 *   bench_model KIND PATH     KIND: audio, pair, text, mel (PATH: a model directory); decode (PATH:
 * Hz)
 *
 * The protocol is that of bench/peers/peer.py, so that a driver can time both in turn without
 * counting the start of a process: "ready" once open; then for each line `IN OUT` on stdin the file
 * IN is read, the work done, its result written to OUT (raw f32; `-`: nowhere), and the time of the
 * work alone printed. Anything wrong ends it with `error: why`.
 *
 * IN: audio and pair: a mel [frames][bins]; text: token ids, int32; mel: samples; decode: a sound
 * file. pair embeds two windows on two workers at once. */
#include "clap.h"
#include "mel.h"
#include "nn_gemm.h"
#include "pcm.h"

#include <stdio.h>
#include <string.h>

#define WORKERS 2

typedef struct {
    Clap *clap;
    ClapRun *runs[WORKERS];
    Mel *mel;
    int rate;
} Bench;

typedef struct {
    const char *path; /* of the file to read */
    char *bytes;      /* its contents, but for decode */
    gsize len;
    GArray *out; /* of float */
} Job;

typedef struct {
    const char *name;
    bool (*open)(Bench *bench, const char *path, GError **error);
    bool (*work)(Bench *bench, Job *job, GError **error);
} Kind;

static double now_ms(void) {
    return (double)g_get_monotonic_time() * 1e-3;
}

static gboolean wrong(GError **error, const char *path, const char *what) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: %s", path, what);
    return FALSE;
}

/* ---- audio and text towers ---- */

static bool open_runs(Bench *bench, const char *dir, ClapTower tower, int count, GError **error) {
    bench->clap = clap_open(dir, error);
    if (!bench->clap) return false;
    if (tower == CLAP_TEXT) clap_settle(bench->clap);
    for (int i = 0; i < count; i++) {
        bench->runs[i] = clap_run_new(bench->clap, tower, error);
        if (!bench->runs[i]) return false;
    }
    return true;
}

static bool open_audio(Bench *bench, const char *dir, GError **error) {
    return open_runs(bench, dir, CLAP_AUDIO, 1, error);
}

static bool open_pair(Bench *bench, const char *dir, GError **error) {
    return open_runs(bench, dir, CLAP_AUDIO, WORKERS, error);
}

/* As in a process that stays: the peers, too, hold their weights in memory of their own. */
static bool open_text(Bench *bench, const char *dir, GError **error) {
    return open_runs(bench, dir, CLAP_TEXT, 1, error);
}

static bool is_mel(const Bench *bench, const Job *job, GError **error) {
    const ClapConfig *config = clap_config(bench->clap);
    gsize floats = (gsize)clap_config_frames(config) * config->features.feature_size;
    return job->len == floats * sizeof(float) || wrong(error, job->path, "not one window's mel");
}

static bool embed_audio(Bench *bench, Job *job, GError **error) {
    if (!is_mel(bench, job, error)) return false;
    g_array_set_size(job->out, clap_dim(bench->clap));
    clap_embed_mel(bench->runs[0], (const float *)job->bytes, (float *)job->out->data);
    return true;
}

typedef struct {
    ClapRun *run;
    const float *mel;
    float *out;
} Worker;

static gpointer work_of_one(gpointer data) {
    Worker *worker = data;
    clap_embed_mel(worker->run, worker->mel, worker->out);
    return NULL;
}

static bool embed_pair(Bench *bench, Job *job, GError **error) {
    if (!is_mel(bench, job, error)) return false;
    int dim = clap_dim(bench->clap);
    g_array_set_size(job->out, WORKERS * dim);
    Worker workers[WORKERS];
    GThread *threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        float *out = (float *)job->out->data + i * dim;
        workers[i] = (Worker){bench->runs[i], (const float *)job->bytes, out};
        threads[i] = g_thread_new("worker", work_of_one, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++) g_thread_join(threads[i]);
    return true;
}

static bool embed_text(Bench *bench, Job *job, GError **error) {
    gsize count = job->len / sizeof(int32_t);
    if (count < 2 || count > CLAP_MAX_TOKENS) return wrong(error, job->path, "not a text's ids");
    g_array_set_size(job->out, clap_dim(bench->clap));
    clap_embed_tokens(bench->runs[0], (const int32_t *)job->bytes, (int)count,
                      (float *)job->out->data);
    return true;
}

/* ---- mel and decoding ---- */

static bool open_mel(Bench *bench, const char *dir, GError **error) {
    ClapConfig config;
    if (!clap_config_read(dir, &config, error)) return false;
    const ClapFeatures *f = &config.features;
    MelConfig mel = {.rate = f->sampling_rate,
                     .n_fft = f->n_fft,
                     .hop = f->hop_length,
                     .bins = f->feature_size,
                     .f_min = f->frequency_min,
                     .f_max = f->frequency_max,
                     .slaney = !f->fusion};
    bench->mel = mel_new(&mel, error);
    bench->rate = mel.bins;
    return bench->mel != NULL;
}

static bool make_mel(Bench *bench, Job *job, GError **error) {
    gsize count = job->len / sizeof(float);
    g_array_set_size(job->out, (guint)(mel_frames(bench->mel, count) * bench->rate));
    mel_run(bench->mel, (const float *)job->bytes, count, (float *)job->out->data);
    return true;
}

static bool open_decode(Bench *bench, const char *rate, GError **error) {
    bench->rate = (int)g_ascii_strtoll(rate, NULL, 10);
    return bench->rate > 0 || wrong(error, rate, "not a rate");
}

static bool decode(Bench *bench, Job *job, GError **error) {
    float block[16384];
    gssize got;
    g_autoptr(Pcm) pcm = pcm_open(job->path, bench->rate, error);
    if (!pcm) return false;
    g_array_set_size(job->out, 0);
    while ((got = pcm_read(pcm, block, G_N_ELEMENTS(block), error)) > 0)
        g_array_append_vals(job->out, block, (guint)got);
    return got == 0;
}

/* ---- the protocol ---- */

static const Kind kinds[] = {
    {"audio", open_audio, embed_audio}, {"pair", open_pair, embed_pair},
    {"text", open_text, embed_text},    {"mel", open_mel, make_mel},
    {"decode", open_decode, decode},
};

static bool answer(Bench *bench, const Kind *kind, char *line, GArray *out, GError **error) {
    g_auto(GStrv) words = g_strsplit(g_strchomp(line), " ", 2);
    if (g_strv_length(words) != 2) return wrong(error, line, "not IN OUT");
    g_autofree char *bytes = NULL;
    Job job = {.path = words[0], .out = out};
    if (kind->work != decode) {
        if (!g_file_get_contents(words[0], &bytes, &job.len, error)) return false;
        job.bytes = bytes;
    }
    double start = now_ms();
    if (!kind->work(bench, &job, error)) return false;
    double took = now_ms() - start;
    bool keep = strcmp(words[1], "-") != 0;
    if (keep && !g_file_set_contents(words[1], out->data, out->len * sizeof(float), error))
        return false;
    printf("%.3f\n", took);
    return true;
}

static bool serve(Bench *bench, const Kind *kind, GError **error) {
    char line[8192];
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(float));
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (!answer(bench, kind, line, out, error)) return false;
        fflush(stdout);
    }
    return true;
}

static void bench_close(Bench *bench) {
    for (int i = 0; i < WORKERS; i++) clap_run_free(bench->runs[i]);
    clap_close(bench->clap);
    mel_free(bench->mel);
}

int main(int argc, char **argv) {
    Bench bench = {0};
    g_autoptr(GError) error = NULL;
    for (gsize i = 0; argc == 3 && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0) continue;
        bool ok = kinds[i].open(&bench, argv[2], &error) && serve(&bench, &kinds[i], &error);
        bench_close(&bench);
        if (!ok) printf("error: %s\n", error->message);
        return ok ? 0 : 1;
    }
    fprintf(stderr, "usage: bench_model audio|pair|text|mel MODEL_DIR  |  bench_model decode HZ\n");
    return 2;
}
