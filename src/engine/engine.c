/* A model directory opened for work: tokenizer, front end, towers. Long files go through
 * embedder.c. */
#include "engine.h"

#include "error.h"

#include <math.h>
#include <string.h>

struct Engine {
    char *dir;
    int threads;
    Clap *clap;
    Bpe *bpe; /* this and its error are the reader's until it is joined */
    GError *bpe_error;
    GMutex lock;     /* over all below */
    GThread *reader; /* of the vocabulary; NULL once joined */
    bool text_probed;
    char *warning;
};

/* The vocabulary is read by a thread of its own, beside the first sounds; the first text maps
 * the tower's weights meanwhile. */
static gpointer read_vocabulary(gpointer data) {
    Engine *engine = data;
    int known = clap_config(engine->clap)->text.vocab_size;
    engine->bpe = bpe_open(engine->dir, &engine->bpe_error);
    if (engine->bpe && bpe_vocab_count(engine->bpe) > known)
        error_fail(&engine->bpe_error, ERR_FORMAT,
                   "%s: the vocabulary has %d entries, but text_config.vocab_size is %d",
                   engine->dir, bpe_vocab_count(engine->bpe), known);
    return NULL;
}

/* Waits for the vocabulary. NULL: it cannot be used. */
static const Bpe *vocabulary(Engine *engine, GError **error) {
    g_mutex_lock(&engine->lock);
    if (engine->reader) g_thread_join(g_steal_pointer(&engine->reader));
    g_mutex_unlock(&engine->lock);
    if (!engine->bpe_error) return engine->bpe;
    g_propagate_error(error, g_error_copy(engine->bpe_error));
    return NULL;
}

bool engine_vocabulary_ready(Engine *engine, GError **error) {
    return vocabulary(engine, error) != NULL;
}

bool engine_vector_is_finite(const Engine *engine, const float *vector) {
    int i = 0, dim = clap_dim(engine->clap);
    while (i < dim && isfinite(vector[i])) i++;
    return i == dim;
}

/* A system that gives no thread (a limit on memory or processes) only costs the time won by it. */
static void start_reader(Engine *engine) {
    engine->reader = g_thread_try_new("vocabulary", read_vocabulary, engine, NULL);
    if (!engine->reader) read_vocabulary(engine);
}

Engine *engine_open(const char *dir, int threads, GError **error) {
    g_autoptr(Engine) engine = g_new0(Engine, 1);
    g_mutex_init(&engine->lock);
    engine->dir = g_strdup(dir);
    engine->threads = threads > 0 ? threads : (int)g_get_num_processors();
    engine->clap = clap_open(dir, error);
    if (!engine->clap) return NULL;
    start_reader(engine);
    return g_steal_pointer(&engine);
}

void engine_close(Engine *engine) {
    if (!engine) return;
    if (engine->reader) g_thread_join(engine->reader);
    g_clear_error(&engine->bpe_error);
    bpe_close(engine->bpe);
    clap_close(engine->clap);
    g_mutex_clear(&engine->lock);
    g_free(engine->warning);
    g_free(engine->dir);
    g_free(engine);
}

Clap *engine_clap(const Engine *engine) {
    return engine->clap;
}

const char *engine_dir(const Engine *engine) {
    return engine->dir;
}

int engine_threads(const Engine *engine) {
    return engine->threads;
}

int engine_rate(const Engine *engine) {
    return clap_config(engine->clap)->features.sampling_rate;
}

gsize engine_window_samples(const Engine *engine) {
    return (gsize)clap_config_window_samples(clap_config(engine->clap));
}

double engine_window_seconds(const Engine *engine) {
    return (double)engine_window_samples(engine) / engine_rate(engine);
}

bool engine_is_fused(const Engine *engine) {
    return clap_config(engine->clap)->audio.enable_fusion;
}

Mel *engine_mel_new(const Engine *engine, GError **error) {
    const ClapFeatures *f = &clap_config(engine->clap)->features;
    MelConfig config = {
        .rate = f->sampling_rate,
        .n_fft = f->n_fft,
        .hop = f->hop_length,
        .bins = f->feature_size,
        .f_min = f->frequency_min,
        .f_max = f->frequency_max,
        .slaney = !f->fusion,
    };
    return mel_new(&config, error);
}

/* Texts to embed, shared by the workers: each takes the next one until all are taken or one is at
 * fault. */
typedef struct {
    Engine *engine;
    const char *const *texts;
    int count;
    float *out;
    bool *cut;
    gint next;
    gint stopped;
    GMutex lock;
    GError *error; /* the first fault, under the lock */
} TextWork;

static void text_fault(TextWork *work, GError *error) {
    g_mutex_lock(&work->lock);
    if (!work->error)
        work->error = error;
    else
        g_error_free(error);
    g_mutex_unlock(&work->lock);
    g_atomic_int_set(&work->stopped, 1);
}

static int32_t *encode(Engine *engine, const char *text, int *count, bool *cut, GError **error) {
    const Bpe *bpe = vocabulary(engine, error);
    int most = clap_config_tokens(clap_config(engine->clap));
    return bpe ? bpe_encode(bpe, text, -1, most, count, cut, error) : NULL;
}

static bool embed_text(TextWork *work, ClapRun *run, int i, GError **error) {
    int count;
    bool cut;
    g_autofree int32_t *ids = encode(work->engine, work->texts[i], &count, &cut, error);
    if (!ids) return false;
    float *out = work->out + (gsize)i * (gsize)clap_dim(work->engine->clap);
    clap_embed_tokens(run, ids, count, out);
    if (work->cut) work->cut[i] = cut;
    return engine_vector_is_finite(work->engine, out) ||
           error_fail(
               error, ERR_FORMAT,
               "%s: the text tower gives vectors that are not numbers: its weights are broken",
               work->engine->dir);
}

static gpointer text_worker(gpointer data) {
    TextWork *work = data;
    GError *error = NULL;
    g_autoptr(ClapRun) run = clap_run_new(work->engine->clap, CLAP_TEXT, &error);
    while (run && !error && !g_atomic_int_get(&work->stopped)) {
        int i = g_atomic_int_add(&work->next, 1);
        if (i >= work->count) return NULL;
        embed_text(work, run, i, &error);
    }
    if (error) text_fault(work, error);
    return NULL;
}

static bool embed_all(Engine *engine, const char *const *texts, int count, float *out, bool *cut,
                      GError **error) {
    TextWork work = {.engine = engine, .texts = texts, .count = count, .out = out, .cut = cut};
    if (count == 0) return true;
    g_mutex_init(&work.lock);
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    for (int i = 1; i < MIN(engine->threads, count); i++) {
        GThread *thread = g_thread_try_new("texts", text_worker, &work, NULL);
        if (thread) g_ptr_array_add(threads, thread);
    }
    text_worker(&work);
    for (guint i = 0; i < threads->len; i++) g_thread_join(threads->pdata[i]);
    g_mutex_clear(&work.lock);
    if (!work.error) return true;
    g_propagate_error(error, work.error);
    return false;
}

/* Texts that any working text tower tells apart. */
static const char *const unlike[] = {"a dog barks", "rain on a tin roof", "piano",
                                     "a crowd cheers in a stadium"};

static char *check_text(Engine *engine, GError **error) {
    int32_t *ids[G_N_ELEMENTS(unlike)] = {0};
    int counts[G_N_ELEMENTS(unlike)];
    char *fault = NULL;
    g_autoptr(ClapRun) run = clap_run_new(engine->clap, CLAP_TEXT, error);
    gsize made = 0;
    while (run && made < G_N_ELEMENTS(unlike)) {
        ids[made] = encode(engine, unlike[made], &counts[made], NULL, error);
        if (!ids[made]) break;
        made++;
    }
    if (made == G_N_ELEMENTS(unlike))
        fault = clap_check_text(run, (const int32_t *const *)ids, counts, (int)made);
    for (gsize i = 0; i < made; i++) g_free(ids[i]);
    return fault;
}

/* A first look: the first text that is embedded has a short probe beside it, on another thread
 * where there is one. Only when both get the same vector is the tower looked at closely. */
#define ALIKE 0.999

static const char *probe_for(const char *text) {
    return strcmp(text, "a") == 0 ? "music" : "a";
}

static bool take_probe(Engine *engine) {
    g_mutex_lock(&engine->lock);
    bool first = !engine->text_probed;
    engine->text_probed = true;
    g_mutex_unlock(&engine->lock);
    return first;
}

static void look_closely(Engine *engine) {
    g_autofree char *fault = check_text(engine, NULL);
    if (!fault) return;
    g_mutex_lock(&engine->lock);
    engine->warning = g_strdup_printf("%s: %s", engine->dir, fault);
    g_mutex_unlock(&engine->lock);
}

static bool embed_with_probe(Engine *engine, const char *text, float *out, bool *cut,
                             GError **error) {
    const char *const both[] = {text, probe_for(text)};
    gsize dim = (gsize)clap_dim(engine->clap);
    g_autofree float *vectors = g_new(float, 2 * dim);
    bool were_cut[2];
    double dot = 0;
    if (!embed_all(engine, both, 2, vectors, were_cut, error)) return false;
    memcpy(out, vectors, dim * sizeof(float));
    if (cut) *cut = were_cut[0];
    for (gsize i = 0; i < dim; i++) dot += (double)vectors[i] * (double)vectors[dim + i];
    if (!(dot < ALIKE)) look_closely(engine);
    return true;
}

const char *engine_warning(Engine *engine) {
    g_mutex_lock(&engine->lock);
    const char *warning = engine->warning;
    g_mutex_unlock(&engine->lock);
    return warning;
}

bool engine_embed_texts(Engine *engine, const char *const *texts, int count, float *out, bool *cut,
                        GError **error) {
    int done = 0;
    if (count > 0 && take_probe(engine)) {
        if (!embed_with_probe(engine, texts[0], out, cut, error)) return false;
        done = 1;
    }
    gsize dim = (gsize)clap_dim(engine->clap);
    return embed_all(engine, texts + done, count - done, out + (gsize)done * dim,
                     cut ? cut + done : NULL, error);
}

char **engine_check(Engine *engine, GError **error) {
    GError *fault = NULL;
    g_autoptr(GStrvBuilder) faults = g_strv_builder_new();
    g_autofree char *text = check_text(engine, &fault);
    g_autoptr(ClapRun) run = fault ? NULL : clap_run_new(engine->clap, CLAP_AUDIO, &fault);
    if (fault) {
        g_propagate_error(error, fault);
        return NULL;
    }
    g_autofree char *audio = clap_check_audio(run);
    if (text) g_strv_builder_add(faults, text);
    if (audio) g_strv_builder_add(faults, audio);
    return g_strv_builder_end(faults);
}
