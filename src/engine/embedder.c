/* The pipeline from files to vectors: readers (decode, cut, mel) → bounded queue of windows →
 * workers (audio tower) → the caller's thread, file by file in order.
 *
 * One lock guards the queue, the files' states and the counters; all waiting is on one condition.
 * Work items take milliseconds, so one lock is enough. A File is written by its one reader until
 * `read`, its vectors by workers; when it is read and nothing of it is pending, it belongs to the
 * caller's thread. */
#include "embedder.h"

#include "error.h"
#include "mel_fusion.h"
#include "nn_norm.h"
#include "window.h"

#include <string.h>

#define QUEUE_PER_WORKER 2
#define STOP_POLL_US     100000

typedef struct {
    gsize number;
    const char *path;
    bool passed_over;
    GError *error;
    char *warning;
    double seconds;
    int rate, channels;
    GHashTable *tags;   /* shared with the Pcm it came from; NULL: not opened */
    GArray *spans;      /* Span */
    GPtrArray *vectors; /* float[dim], one a window, each written by one worker */
    float *clip;        /* float[dim]; fused: written by one worker */
    int pending;        /* jobs of this file not yet done; under the lock */
    gsize held;         /* jobs of this file in all; under the lock */
    bool read;          /* its reader has finished; under the lock */
} File;

typedef struct {
    File *file;
    float *mels;   /* [1 or 4][frames][bins], owned */
    bool fused;    /* four mels of a longer clip */
    float *vector; /* where the result goes; owned by the file */
} Job;

typedef struct {
    Engine *engine;
    const EmbedOptions *options;
    const char *const *paths;
    gsize count, next, given; /* files in all, next to read, given to the caller; under the lock */
    File **files;             /* [count]; made by readers, freed once given */
    GQueue jobs;              /* Job*, under the lock */
    guint jobs_max;
    int workers;
    gsize held;    /* windows of files that were not given yet; under the lock */
    bool closed;   /* no more jobs will come */
    bool stopping; /* leave as soon as possible */
    GError *error; /* a fault of the machinery itself, under the lock */
    GMutex lock;
    GCond changed;
} Pipeline;

static File *file_new(const Pipeline *p, gsize number) {
    File *file = g_new0(File, 1);
    file->number = number;
    file->path = p->paths[number];
    file->spans = g_array_new(FALSE, FALSE, sizeof(Span));
    file->vectors = g_ptr_array_new_with_free_func(g_free);
    return file;
}

static void file_free(File *file) {
    if (!file) return;
    g_clear_error(&file->error);
    g_free(file->warning);
    g_free(file->clip);
    if (file->tags) g_hash_table_unref(file->tags);
    g_array_unref(file->spans);
    g_ptr_array_unref(file->vectors);
    g_free(file);
}

static void job_free(Job *job) {
    g_free(job->mels);
    g_free(job);
}

static gsize dim_of(const Pipeline *p) {
    return (gsize)clap_dim(engine_clap(p->engine));
}

static void stop_with(Pipeline *p, GError *error) {
    g_mutex_lock(&p->lock);
    if (!p->error)
        p->error = error;
    else
        g_clear_error(&error);
    p->stopping = true;
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
}

/* Readers */

/* The queue is full, or so many vectors wait for an earlier file that only that one may go on. */
static bool must_wait(const Pipeline *p, const File *file) {
    bool ahead = p->held >= EMBED_WINDOWS_AHEAD && file->number != p->given;
    return !p->stopping && (ahead || p->jobs.length >= p->jobs_max);
}

/* Blocks while it must; takes the job over. */
static void put_job(Pipeline *p, Job *job) {
    g_mutex_lock(&p->lock);
    while (must_wait(p, job->file)) g_cond_wait(&p->changed, &p->lock);
    job->file->pending++;
    job->file->held++;
    p->held++;
    g_queue_push_tail(&p->jobs, job);
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
}

static bool is_stopping(Pipeline *p) {
    g_mutex_lock(&p->lock);
    bool stopping = p->stopping;
    g_mutex_unlock(&p->lock);
    return stopping;
}

static void put_window(Pipeline *p, File *file, Mel *mel, const float *samples,
                       const Window *where) {
    double rate = engine_rate(p->engine);
    gsize window = engine_window_samples(p->engine);
    gsize bins = (gsize)clap_config(engine_clap(p->engine))->features.feature_size;
    Span span = {(double)where->first / rate, (double)where->last / rate};
    Job *job = g_new0(Job, 1);
    job->file = file;
    job->mels = g_new(float, mel_frames(mel, window) * bins);
    job->vector = g_new(float, dim_of(p));
    mel_run(mel, samples, window, job->mels);
    g_array_append_val(file->spans, span);
    g_ptr_array_add(file->vectors, job->vector);
    put_job(p, job);
}

static void take_info(File *file, const Pcm *pcm) {
    const PcmInfo *info = pcm_info(pcm);
    file->rate = info->rate;
    file->channels = info->channels;
    file->tags = g_hash_table_ref(info->tags);
}

static bool has_room(Pipeline *p, File *file) {
    guint most = (guint)(EMBED_MAX_BYTES / (dim_of(p) * sizeof(float)));
    return file->spans->len < most ||
           error_fail(&file->error, ERR_LIMIT, "%s: more than %u windows; a larger hop is needed",
                      file->path, most);
}

static void read_windows(Pipeline *p, File *file, Mel *mel) {
    gsize window = engine_window_samples(p->engine);
    double hop_seconds = p->options->hop;
    gsize hop = hop_seconds > 0 ? (gsize)(hop_seconds * engine_rate(p->engine) + 0.5) : window;
    g_autoptr(Pcm) pcm = pcm_open(file->path, engine_rate(p->engine), &file->error);
    if (!pcm) return;
    pcm_set_most(pcm, p->options->most_seconds);
    take_info(file, pcm);
    g_autoptr(WindowCutter) cutter = window_cutter_new(pcm, window, MAX(hop, 1));
    g_autofree float *samples = g_new(float, window);
    Window where;
    while (!is_stopping(p) && window_next(cutter, samples, &where, &file->error) > 0 &&
           has_room(p, file))
        put_window(p, file, mel, samples, &where);
    file->seconds = (double)window_clip_length(cutter) / engine_rate(p->engine);
    /* A file that cannot be used is said to be so once. */
    if (!file->warning && !file->error) file->warning = g_strdup(pcm_warning(pcm));
}

static void read_whole_clip(Pipeline *p, File *file, Mel *mel) {
    gsize window = engine_window_samples(p->engine);
    gsize bins = (gsize)clap_config(engine_clap(p->engine))->features.feature_size;
    Job *job = g_new0(Job, 1);
    job->file = file;
    job->mels = g_new(float, 4 * mel_frames(mel, window) * bins);
    if (!mel_fusion_run(mel, file->path, window, p->options->most_seconds, job->mels, &job->fused,
                        &file->seconds, &file->warning, &file->error)) {
        job_free(job);
        return;
    }
    job->vector = file->clip = g_new(float, dim_of(p));
    put_job(p, job);
}

static void decode_file(Pipeline *p, File *file, Mel *mel) {
    bool fused = engine_is_fused(p->engine);
    if (fused) read_whole_clip(p, file, mel);
    if (!file->error && !(fused && p->options->clip_only)) read_windows(p, file, mel);
}

static void read_file(Pipeline *p, File *file, Mel *mel) {
    const EmbedOptions *how = p->options;
    file->passed_over = how->before && !how->before(how->before_user, file->number, &file->error);
    if (!file->passed_over) decode_file(p, file, mel);
    g_mutex_lock(&p->lock);
    file->read = true;
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
}

/* The next file to read, or NULL when there is none. Waits while too many files are ahead of the
 * caller. */
static File *take_file(Pipeline *p) {
    File *file = NULL;
    g_mutex_lock(&p->lock);
    while (!p->stopping && p->next < p->count && p->next >= p->given + EMBED_FILES_AHEAD)
        g_cond_wait(&p->changed, &p->lock);
    if (!p->stopping && p->next < p->count) {
        file = p->files[p->next] = file_new(p, p->next);
        p->next++;
    }
    g_mutex_unlock(&p->lock);
    return file;
}

static gpointer reader(gpointer data) {
    Pipeline *p = data;
    GError *error = NULL;
    g_autoptr(Mel) mel = engine_mel_new(p->engine, &error);
    if (error) stop_with(p, error);
    if (!mel) return NULL;
    for (File *file; (file = take_file(p));) read_file(p, file, mel);
    return NULL;
}

/* Workers */

static Job *take_job(Pipeline *p) {
    g_mutex_lock(&p->lock);
    while (!p->jobs.length && !p->closed && !p->stopping) g_cond_wait(&p->changed, &p->lock);
    Job *job = p->stopping ? NULL : g_queue_pop_head(&p->jobs);
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
    return job;
}

static void finish_job(Pipeline *p, Job *job) {
    g_mutex_lock(&p->lock);
    job->file->pending--;
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
    job_free(job);
}

/* Makes its activations when the first window comes, so that short work does not pay for every
 * core. */
static gpointer worker(gpointer data) {
    Pipeline *p = data;
    GError *error = NULL;
    g_autoptr(ClapRun) run = NULL;
    for (Job *job; (job = take_job(p));) {
        if (!run) run = clap_run_new(engine_clap(p->engine), CLAP_AUDIO, &error);
        if (error)
            stop_with(p, g_steal_pointer(&error));
        else if (job->fused)
            clap_embed_mels(run, job->mels, job->vector);
        else
            clap_embed_mel(run, job->mels, job->vector);
        finish_job(p, job);
        if (!run) break;
    }
    return NULL;
}

/* The caller's side */

/* A clip's vector is the normalised mean of its windows; summed in order, so that it is the same
 * every time. */
static float *mean_of_windows(const float *vectors, guint windows, gsize dim) {
    float *mean = g_new0(float, dim);
    for (guint w = 0; w < windows; w++)
        for (gsize i = 0; i < dim; i++) mean[i] += vectors[w * dim + i];
    nn_l2_normalise(mean, (int)dim);
    return mean;
}

static void check_vectors(const Pipeline *p, File *file) {
    bool finite = !file->clip || engine_vector_is_finite(p->engine, file->clip);
    for (guint w = 0; w < file->vectors->len; w++)
        finite &= engine_vector_is_finite(p->engine, file->vectors->pdata[w]);
    if (!finite && !file->error)
        error_fail(&file->error, ERR_FORMAT,
                   "%s: the model's answer is not a number; its weights look broken", file->path);
}

static bool give(Pipeline *p, File *file, EmbedSink sink, void *user) {
    gsize dim = dim_of(p);
    check_vectors(p, file);
    guint windows = file->error ? 0 : file->vectors->len;
    g_autofree float *vectors = g_new(float, MAX(windows, 1) * dim);
    for (guint w = 0; w < windows; w++)
        memcpy(vectors + w * dim, file->vectors->pdata[w], dim * sizeof(float));
    if (!file->clip && windows) file->clip = mean_of_windows(vectors, windows, dim);
    EmbeddedFile given = {
        .number = file->number,
        .path = file->path,
        .passed_over = file->passed_over,
        .error = file->error,
        .warning = file->warning,
        .seconds = file->seconds,
        .rate = file->rate,
        .channels = file->channels,
        .tags = file->tags,
        .windows = (int)windows,
        .spans = (const Span *)file->spans->data,
        .vectors = vectors,
        .clip = file->clip,
    };
    return sink(user, &given);
}

/* Waits until file i is complete; NULL when everything is to stop instead. */
static File *wait_for(Pipeline *p, gsize i) {
    g_mutex_lock(&p->lock);
    while (!p->stopping && !(p->files[i] && p->files[i]->read && p->files[i]->pending == 0)) {
        g_cond_wait_until(&p->changed, &p->lock, g_get_monotonic_time() + STOP_POLL_US);
        if (p->options->stop && g_atomic_int_get(p->options->stop)) p->stopping = true;
    }
    File *file = p->stopping ? NULL : p->files[i];
    if (file) {
        p->files[i] = NULL;
        p->given = i + 1;
        p->held -= file->held;
    }
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
    return file;
}

static void give_all(Pipeline *p, EmbedSink sink, void *user) {
    bool wanted = true;
    for (gsize i = 0; wanted && i < p->count; i++) {
        File *file = wait_for(p, i);
        if (!file) return;
        wanted = give(p, file, sink, user);
        file_free(file);
    }
    if (!wanted) stop_with(p, g_error_new_literal(EARSHOT_ERROR, ERR_CANCELLED, "stopped"));
}

static void start_some(Pipeline *p, GPtrArray *threads, const char *name, GThreadFunc run,
                       int count) {
    for (int i = 0; i < count; i++) {
        g_autoptr(GError) why = NULL;
        GThread *thread = g_thread_try_new(name, run, p, &why);
        if (!thread) {
            stop_with(p, g_error_new(EARSHOT_ERROR, ERR_LIMIT, "%d threads are too many here: %s",
                                     p->workers, why->message));
            return;
        }
        g_ptr_array_add(threads, thread);
    }
}

static void start(Pipeline *p, GPtrArray *readers, GPtrArray *workers) {
    int threads = p->workers;
    int reading = (int)MIN((gsize)(threads + 1) / 2, p->count);
    g_mutex_init(&p->lock);
    g_cond_init(&p->changed);
    g_queue_init(&p->jobs);
    p->jobs_max = (guint)threads * QUEUE_PER_WORKER;
    start_some(p, readers, "reader", reader, reading);
    start_some(p, workers, "worker", worker, threads);
}

static void join_all(GPtrArray *threads) {
    for (guint i = 0; i < threads->len; i++) g_thread_join(threads->pdata[i]);
}

static void finish(Pipeline *p, GPtrArray *readers, GPtrArray *workers) {
    join_all(readers);
    g_mutex_lock(&p->lock);
    p->closed = true;
    g_cond_broadcast(&p->changed);
    g_mutex_unlock(&p->lock);
    join_all(workers);
    g_queue_clear_full(&p->jobs, (GDestroyNotify)job_free);
    for (gsize i = 0; i < p->count; i++) file_free(p->files[i]);
    g_free(p->files);
    g_mutex_clear(&p->lock);
    g_cond_clear(&p->changed);
}

bool embedder_run(Engine *engine, const EmbedOptions *options, const char *const *paths,
                  gsize count, EmbedSink sink, void *user, GError **error) {
    if (count == 0) return true;
    GError *fault = NULL;
    g_autoptr(GPtrArray) readers = g_ptr_array_new(), workers = g_ptr_array_new();
    Pipeline p = {.engine = engine, .options = options, .paths = paths, .count = count};
    p.files = g_new0(File *, count);
    p.workers = options->workers > 0 ? options->workers : engine_threads(engine);
    start(&p, readers, workers);
    if (!engine_vocabulary_ready(engine, &fault)) stop_with(&p, fault);
    give_all(&p, sink, user);
    bool stopped = p.stopping;
    finish(&p, readers, workers);
    if (!stopped && !p.error) return true;
    if (!p.error) return error_fail(error, ERR_CANCELLED, "interrupted");
    g_propagate_error(error, p.error);
    return false;
}

/* -- one file -- */

typedef struct {
    float *out; /* [dim] */
    gsize dim;
    GError *error;
} One;

static bool take_one(void *user, const EmbeddedFile *file) {
    One *one = user;
    if (file->error)
        one->error = g_error_copy(file->error);
    else
        memcpy(one->out, file->clip, one->dim * sizeof *one->out);
    return true;
}

bool embedder_run_one(Engine *engine, const char *path, const EmbedOptions *options, float *out,
                      GError **error) {
    EmbedOptions how = {.clip_only = true,
                        .hop = options->hop,
                        .workers = options->workers,
                        .most_seconds = options->most_seconds,
                        .stop = options->stop};
    One one = {.out = out, .dim = (gsize)clap_dim(engine_clap(engine))};
    if (!embedder_run(engine, &how, &path, 1, take_one, &one, error)) {
        g_clear_error(&one.error);
        return false;
    }
    if (one.error) g_propagate_error(error, one.error);
    return one.error == NULL;
}
