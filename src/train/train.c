/* A run from its options to its end. See train.h. */
#include "train.h"

#include "error.h"
#include "train_private.h"

#include <math.h>
#include <string.h>

#define SAVE_SECONDS 120 /* between two checkpoints within an epoch */

/* ---- the model ---- */

static unsigned parts_of(const Train *train) {
    switch (train->options->only) {
    case TRAIN_PROJECTIONS:
        return PARAM_PROJECTION | PARAM_SCALE;
    case TRAIN_AUDIO:
        return PARAM_AUDIO | PARAM_PROJECTION | PARAM_SCALE;
    case TRAIN_TEXT:
        return PARAM_TEXT | PARAM_PROJECTION | PARAM_SCALE;
    case TRAIN_ALL:
        break;
    }
    return PARAM_AUDIO | PARAM_TEXT | PARAM_PROJECTION | PARAM_SCALE;
}

/* With --only text the sounds' projection stays; a teacher's vectors need no scale. */
static void choose_parts(Train *train) {
    params_train(train->params, parts_of(train));
    for (int i = 0; i < train->params->count; i++) {
        Param *p = &train->params->param[i];
        bool sounds = g_str_has_prefix(p->name, "audio_projection.");
        if (train->options->only == TRAIN_TEXT && sounds) p->trained = false;
        if (train->distils && p->part == PARAM_SCALE) p->trained = false;
    }
}

static void begin_scales(Train *train) {
    static const char *const names[] = {"logit_scale_a", "logit_scale_t"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const Param *p = params_find(train->params, names[i]);
        train->params->value[p->at] = (float)log(train->options->recipe.scale);
    }
}

static bool open_model(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    if (!clap_config_read(train_origin(o), &train->config, error)) return false;
    train->bpe = bpe_open(train_origin(o), error);
    if (!train->bpe) return false;
    if (bpe_vocab_count(train->bpe) > train->config.text.vocab_size)
        return error_fail(error, ERR_FORMAT, "%s: the vocabulary has %d tokens, vocab_size is %d",
                          train_origin(o), bpe_vocab_count(train->bpe),
                          train->config.text.vocab_size);
    train->params =
        o->from ? params_load(o->from, error) : params_new(&train->config, o->seed, error);
    if (!train->params) return false;
    if (!o->from) begin_scales(train);
    train->clap = clap_graph_new(&train->config);
    train->team = team_new(o->threads);
    train->graph = graph_new(train->params, train->team);
    return true;
}

static bool open_teacher(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    if (!o->teacher) return true;
    train->teacher = teacher_read(o->teacher, o->only != TRAIN_TEXT, error);
    if (!train->teacher) return false;
    train->distils = o->only == TRAIN_TEXT;
    if (train->teacher->dim != train->config.projection_dim)
        return error_fail(error, ERR_USAGE, "%s: vectors of %d numbers, the model's have %d",
                          o->teacher, train->teacher->dim, train->config.projection_dim);
    return true;
}

/* A teacher that knows none of the sounds teaches nothing. */
static bool teacher_fits(const Train *train, GError **error) {
    bool knows = !train->teacher;
    for (guint i = 0; !knows && i < train->clips->len; i++)
        knows = teacher_vector(train->teacher, g_array_index(train->clips, TrainClip, i).path);
    return knows ||
           error_fail(error, ERR_NOT_FOUND, "%s: names none of the sounds", train->teacher->lines);
}

/* ---- sounds ---- */

void train_prepare(const Train *train, const char *what, int done, int count) {
    if (train->options->prepare) train->options->prepare(train->options->user, what, done, count);
}

void train_warn(const Train *train, const char *line) {
    if (train->options->warn) train->options->warn(train->options->user, line);
}

static bool stopped(const Train *train) {
    return train->options->stop && g_atomic_int_get(train->options->stop);
}

static bool mels_progress(void *user, int done, int count) {
    const Train *train = user;
    train_prepare(train, "spectrograms", done, count);
    return !stopped(train);
}

static bool open_sounds(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    int count = (int)train->clips->len, threads = team_threads(train->team);
    int frames = clap_config_frames(&train->config), bins = train->config.audio.num_mel_bins;
    g_autofree char **paths = g_new0(char *, count + 1);
    for (int i = 0; i < count; i++) paths[i] = g_array_index(train->clips, TrainClip, i).path;
    g_autofree char *path = g_build_filename(o->out, TRAIN_DIR, "mels", NULL);
    MelCacheHow how = {&train->config.features, o->threads, mels_progress, train};
    train->mels = mel_cache_open(path, paths, count, &how, error);
    if (!train->mels) return false;
    train->augment = augment_new(&o->recipe, frames, bins);
    gsize size = (gsize)frames * (gsize)bins;
    train->mel_batch = g_new(float, size *(gsize)o->batch);
    train->mel_scratch = g_new0(float *, threads);
    for (int i = 0; i < threads; i++) train->mel_scratch[i] = g_new(float, size);
    return train->audio_trained || train_freeze_audio(train, error);
}

static void close_sounds(Train *train) {
    for (int i = 0; train->mel_scratch && i < team_threads(train->team); i++)
        g_free(train->mel_scratch[i]);
    g_free(train->mel_scratch);
    g_free(train->mel_batch);
    g_free(train->audio_features);
    mel_cache_close(train->mels);
    augment_free(train->augment);
}

/* ---- the run ---- */

static int64_t steps_an_epoch(const Train *train) {
    int64_t examples = train->distils ? train->teacher->count : (int64_t)train->clips->len;
    return (examples + train->options->batch - 1) / train->options->batch;
}

static void choose_rate(Train *train) {
    bool transformer =
        train->text_trained || (train->audio_trained && train->config.audio.kind == CLAP_HTSAT);
    train->rate = train->options->rate > 0 ? train->options->rate : transformer ? 5e-4 : 1e-3;
}

static bool open_all(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    train->text_trained = o->only == TRAIN_TEXT || o->only == TRAIN_ALL;
    train->audio_trained = o->only == TRAIN_AUDIO || o->only == TRAIN_ALL;
    if (!open_model(train, error) || !open_teacher(train, error)) return false;
    if (!train->distils && !o->data)
        return error_fail(error, ERR_USAGE, "nothing to learn from: --data MANIFEST");
    choose_parts(train);
    choose_rate(train);
    if (!train_out_open(train, error) || !train_data_open(train, error) ||
        !train_out_make(train, error))
        return false;
    if (!train->text_trained) text_bank_freeze(train->texts, train->clap, train->graph);
    train_prepare_classes(train);
    if (!train->distils && (!teacher_fits(train, error) || !open_sounds(train, error)))
        return false;
    train->state.steps = steps_an_epoch(train) * o->epochs;
    train->key = train_key(train);
    optimiser_open(train);
    return o->resume ? checkpoint_load(train, error) : train_log_begin(train, error);
}

static void close_all(Train *train) {
    optimiser_close(train);
    if (train->mels || train->mel_batch) close_sounds(train);
    validation_close(train);
    train_data_close(train);
    teacher_free(train->teacher);
    graph_free(train->graph);
    team_free(train->team);
    clap_graph_free(train->clap);
    params_free(train->params);
    bpe_close(train->bpe);
    train_out_close(train);
    g_free(train->soft);
    g_free(train->near);
    g_free(train->kept);
    g_free(train->key);
}

static bool one_step(Train *train, GError **error) {
    memset(train->params->gradient, 0, sizeof(float) * train->params->floats);
    Node *loss = train_objective(train, train->state.step);
    if (!isfinite(*loss->x))
        return error_fail(error, ERR_FORMAT, "step %" G_GINT64_FORMAT ": the loss is not a number",
                          train->state.step + 1);
    graph_backward(train->graph, loss);
    if (!optimiser_step(train, error)) return false;
    train->loss_sum += *loss->x;
    train->loss_count++;
    return true;
}

typedef struct {
    gint64 began, saved, epoch_began; /* microseconds */
    int64_t first, epoch_first;       /* steps */
} Clock;

static bool end_epoch(Train *train, Clock *clock, GError **error) {
    int64_t each = steps_an_epoch(train), step = train->state.step;
    double seconds = (double)(g_get_monotonic_time() - clock->epoch_began) * 1e-6;
    double all = (double)(g_get_monotonic_time() - clock->began) * 1e-6;
    TrainEpoch epoch = {.epoch = (int)(step / each),
                        .loss = train->loss_sum / MAX(1, train->loss_count),
                        .clips_per_second =
                            (double)(step - clock->epoch_first) * train->options->batch / seconds,
                        .seconds = all};
    epoch.seconds_left = all / (double)(step - clock->first) * (double)(train->state.steps - step);
    validation_run(train, &epoch);
    train->loss_sum = 0, train->loss_count = 0;
    if (!train_log_add(train, &epoch, error) || !train_save_model(train, error) ||
        !checkpoint_save(train, error))
        return false;
    if (train->options->report) train->options->report(train->options->user, &epoch);
    clock->epoch_began = clock->saved = g_get_monotonic_time();
    clock->epoch_first = step;
    return true;
}

/* Time is up, or the user wants an end: what was learnt is kept. */
static bool leave(Train *train, GError **error) {
    if (!train_save_model(train, error) || !checkpoint_save(train, error)) return false;
    if (stopped(train)) return error_fail(error, ERR_CANCELLED, "interrupted; go on with --resume");
    g_autofree char *line = g_strdup_printf("time is up after step %" G_GINT64_FORMAT
                                            " of %" G_GINT64_FORMAT "; go on with --resume",
                                            train->state.step, train->state.steps);
    train_warn(train, line);
    return true;
}

static bool run(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    int64_t each = steps_an_epoch(train);
    Clock clock = {.first = train->state.step, .began = g_get_monotonic_time()};
    clock.epoch_first = clock.first;
    clock.saved = clock.epoch_began = clock.began;
    while (train->state.step < train->state.steps) {
        gint64 now = g_get_monotonic_time();
        bool late = o->limit_seconds > 0 && (double)(now - clock.began) * 1e-6 >= o->limit_seconds;
        if (late || stopped(train)) return leave(train, error);
        if (now - clock.saved > (gint64)SAVE_SECONDS * G_USEC_PER_SEC) {
            if (!checkpoint_save(train, error)) return false;
            clock.saved = now;
        }
        if (!one_step(train, error)) return false;
        if (train->state.step % each == 0 && !end_epoch(train, &clock, error)) return false;
    }
    return true;
}

bool train_run(const TrainOptions *options, GError **error) {
    Train *train = g_new0(Train, 1);
    train->options = options;
    bool well = open_all(train, error) && run(train, error);
    close_all(train);
    g_free(train);
    return well;
}
