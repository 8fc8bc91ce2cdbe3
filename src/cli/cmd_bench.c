/* earshot bench: what this machine does with this model. Peers are measured by script/bench, not
 * here. */
#include "app.h"
#include "error.h"
#include "nn_cpu.h"
#include "pcm.h"
#include "synthetic_index.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS_MIN       5
#define RUNS_MAX       200
#define BUDGET_US      3000000 /* per figure, once RUNS_MIN are done */
#define DECODE_SECONDS 60
#define BENCH_TEXT     "rain on a tin roof at night"

typedef struct {
    int rows;
} Options;

#define OPTION_DEFAULTS                                                                            \
    { .rows = 1000000 }

static const Option options[] = {
    {OPTION_INT, "rows", 0, offsetof(Options, rows), "N",
     "search among up to so many windows (default: 1000000)", 0, SYNTHETIC_ROWS_MAX},
    {OPTION_END},
};

typedef struct {
    Engine *engine;
    ClapRun *audio, *text;
    Mel *mel;
    float *samples, *mels, *vector;
    const char *wav;
    SyntheticIndex *index;
} Work;

typedef struct {
    const char *name, *unit, *what;
    bool (*once)(Work *work, GError **error);
} Figure;

static bool run_window(Work *w, GError **error) {
    clap_embed_mel(w->audio, w->mels, w->vector);
    return true;
}

static bool run_text(Work *w, GError **error) {
    static const char *const texts[] = {BENCH_TEXT};
    return engine_embed_texts(w->engine, texts, 1, w->vector, NULL, error);
}

static bool run_mel(Work *w, GError **error) {
    mel_run(w->mel, w->samples, engine_window_samples(w->engine), w->mels);
    return true;
}

static bool run_decode(Work *w, GError **error) {
    g_autoptr(Pcm) pcm = pcm_open(w->wav, engine_rate(w->engine), error);
    gssize got = pcm ? 1 : -1;
    while (got > 0) got = pcm_read(pcm, w->samples, (gsize)engine_rate(w->engine), error);
    return got == 0;
}

static bool run_search(Work *w, GError **error) {
    return synthetic_index_search(w->index) > 0;
}

static const Figure figures[] = {
    {"mel_window", "ms", "log-mel of one window, 1 thread", run_mel},
    {"audio_window", "ms", "audio tower on one window, 1 thread", run_window},
    {"text_query", "ms", "a sentence to its vector", run_text},
    {"decode_60s_wav_44100_stereo", "ms", "60 s of WAV to mono at the model's rate", run_decode},
};

static const struct {
    int rows;
    Figure figure;
} searches[] = {
    {1000, {"search_1k", "ms", "the ten nearest of 1,000 windows, by text, 1 thread", run_search}},
    {10000, {"search_10k", "ms", "of 10,000", run_search}},
    {100000, {"search_100k", "ms", "of 100,000", run_search}},
    {1000000, {"search_1m", "ms", "of 1,000,000", run_search}},
};

/* Uniform noise in [−0.5, 0.5), the same every time. */
static float noise(guint32 *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24) - 0.5f;
}

static void put_le(GByteArray *out, guint32 value, guint bytes) {
    for (guint i = 0; i < bytes; i++) {
        guint8 byte = (guint8)(value >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

/* A 16-bit stereo WAV of noise at 44.1 kHz, in a temporary file; the caller removes and frees. */
static char *make_wav(GError **error) {
    char *path = NULL;
    guint32 state = 1, data = 44100u * 4 * DECODE_SECONDS;
    g_autoptr(GByteArray) wav = g_byte_array_new();
    int fd = g_file_open_tmp("earshot-bench-XXXXXX.wav", &path, error);
    if (fd < 0) return NULL;
    close(fd);
    g_byte_array_append(wav, (const guint8 *)"RIFF", 4);
    put_le(wav, 36 + data, 4);
    g_byte_array_append(wav, (const guint8 *)"WAVEfmt ", 8);
    const guint32 fields[][2] = {{16, 4},        {1, 2}, {2, 2}, {44100, 4},
                                 {44100 * 4, 4}, {4, 2}, {16, 2}};
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) put_le(wav, fields[i][0], fields[i][1]);
    g_byte_array_append(wav, (const guint8 *)"data", 4);
    put_le(wav, data, 4);
    for (guint32 i = 0; i < data / 2; i++) put_le(wav, (guint32)(gint32)(noise(&state) * 32767), 2);
    if (g_file_set_contents(path, (const char *)wav->data, (gssize)wav->len, error)) return path;
    g_unlink(path);
    g_free(path);
    return NULL;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs one figure; *runs sorted milliseconds in ms[]. */
static bool measure(const Figure *figure, Work *work, double *ms, int *runs, GError **error) {
    gint64 begin = g_get_monotonic_time();
    *runs = 0;
    while (*runs < RUNS_MIN || (*runs < RUNS_MAX && g_get_monotonic_time() - begin < BUDGET_US)) {
        gint64 start = g_get_monotonic_time();
        if (!figure->once(work, error)) return false;
        ms[(*runs)++] = (double)(g_get_monotonic_time() - start) / 1000;
    }
    qsort(ms, (size_t)*runs, sizeof *ms, by_value);
    return true;
}

static char *cpu_name(void) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL)) return g_strdup("unknown");
    const char *at = strstr(text, "model name");
    at = at ? strchr(at, ':') : NULL;
    return at ? g_strstrip(g_strndup(at + 1, strcspn(at + 1, "\n"))) : g_strdup("unknown");
}

static json_t *machine(void) {
    g_autofree char *cpu = cpu_name();
    return json_pack("{s:s, s:i, s:s, s:b}", "cpu", cpu, "cores", (int)g_get_num_processors(),
                     "instructions", nn_cpu_name(nn_cpu()), "bf16", nn_cpu_has_bf16());
}

static bool measure_and_tell(App *app, const Figure *f, Work *work, json_t *results,
                             GError **error) {
    double ms[RUNS_MAX];
    int runs;
    if (!app_go_on(app, error) || !measure(f, work, ms, &runs, error)) return false;
    double median = (ms[(runs - 1) / 2] + ms[runs / 2]) / 2;
    json_array_append_new(results,
                          json_pack("{s:s, s:s, s:f, s:f, s:i}", "name", f->name, "unit", f->unit,
                                    "median", median, "min", ms[0], "runs", runs));
    if (!app->common.json)
        printf("%-28s %9.3f %9.3f %-3s %4d   %s\n", f->name, median, ms[0], f->unit, runs, f->what);
    fflush(stdout);
    app->done++;
    return true;
}

/* An index that cannot be made (no room for it) is a fault, and the other figures stay. */
static bool measure_searches(App *app, int rows, Work *work, json_t *results, GError **error) {
    const int dim = clap_dim(engine_clap(work->engine));
    const int threads = app->common.threads ? app->common.threads : (int)g_get_num_processors();
    for (gsize i = 0; i < G_N_ELEMENTS(searches) && searches[i].rows <= rows; i++) {
        g_autoptr(GError) fault = NULL;
        work->index =
            synthetic_index_new(dim, (uint64_t)searches[i].rows, threads, app->stop, &fault);
        if (!app_go_on(app, error)) return false;
        if (!work->index) {
            app_fault(app, fault->message);
            return true;
        }
        bool well = measure_and_tell(app, &searches[i].figure, work, results, error);
        g_clear_pointer(&work->index, synthetic_index_free);
        if (!well) return false;
    }
    return true;
}

static bool measure_all(App *app, int rows, Work *work, json_t *results, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++)
        if (!measure_and_tell(app, &figures[i], work, results, error)) return false;
    return measure_searches(app, rows, work, results, error);
}

static bool prepare(Work *w, GError **error) {
    guint32 state = 1;
    gsize window = engine_window_samples(w->engine);
    clap_settle(engine_clap(w->engine));
    w->mel = engine_mel_new(w->engine, error);
    w->audio = w->mel ? clap_run_new(engine_clap(w->engine), CLAP_AUDIO, error) : NULL;
    if (!w->audio) return false;
    gsize bins = (gsize)clap_config(engine_clap(w->engine))->features.feature_size;
    w->samples = g_new(float, MAX(window, (gsize)engine_rate(w->engine)));
    w->mels = g_new(float, mel_frames(w->mel, window) * bins);
    w->vector = g_new(float, (gsize)clap_dim(engine_clap(w->engine)));
    for (gsize i = 0; i < window; i++) w->samples[i] = noise(&state);
    return true;
}

static void work_clear(Work *w) {
    synthetic_index_free(w->index);
    clap_run_free(w->audio);
    mel_free(w->mel);
    g_free(w->samples);
    g_free(w->mels);
    g_free(w->vector);
}

static bool bench(App *app, int rows, GError **error) {
    g_autoptr(Engine) engine = app_open_engine(app, error);
    g_autofree char *wav = engine ? make_wav(error) : NULL;
    if (!wav) return false;
    Work work = {.engine = engine, .wav = wav};
    json_t *document = json_pack("{s:o, s:[]}", "machine", machine(), "results");
    json_t *results = json_object_get(document, "results");
    if (!app->common.json) printf("%-28s %9s %9s %-3s %4s\n", "", "median", "min", "", "runs");
    bool well = prepare(&work, error) && measure_all(app, rows, &work, results, error);
    if (well && app->common.json)
        json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (well && app->common.json) putchar('\n');
    json_decref(document);
    work_clear(&work);
    g_unlink(wav);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    Options o = OPTION_DEFAULTS;
    if (!app_options(app, &command_bench, &o, &args, error)) return false;
    if (args[1]) return error_fail(error, ERR_USAGE, "bench takes no arguments");
    return bench(app, o.rows, error);
}

const Command command_bench = {
    .name = "bench",
    .usage = "bench [--rows N]",
    .summary = "this machine's figures: sound, sentences, decoding, search",
    .more = "Medians and minima over repeated runs, one thread. Searches run among synthetic "
            "vectors as wide as the\n"
            "model's; to make a million of them takes a minute, and some 2 GB in the folder of "
            "temporary files.",
    .options = options,
    .run = run,
};
