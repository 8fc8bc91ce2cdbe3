/* earshot train: a model of one's own. */
#include "app.h"
#include "error.h"
#include "team.h"
#include "train.h"

#include <math.h>
#include <string.h>

typedef struct {
    char **data;
    char *config, *out, *only, *loss, *valid, *teacher, *captions, *recipe, *from, *seed;
    int epochs, batch;
    double rate, limit;
    gboolean resume, file_words;
} Options;

static const Option options[] = {
    {OPTION_TEXTS, "data", 0, offsetof(Options, data), "MANIFEST[:SHARE]",
     "sounds and their captions or labels; may be given often, with the share of each"},
    {OPTION_TEXT, "from", 0, offsetof(Options, from), "MODEL", "begin with this model"},
    {OPTION_TEXT, "config", 0, offsetof(Options, config), "DIR",
     "begin anew: a directory with config.json, preprocessor_config.json and a vocabulary"},
    {OPTION_TEXT, "output", 'o', offsetof(Options, out), "DIR", "the model's directory"},
    {OPTION_CHOICE, "only", 0, offsetof(Options, only), "PART",
     "projections, text, audio (with the projections) or all",
     .choices = "projections|text|audio|all"},
    {OPTION_CHOICE, "loss", 0, offsetof(Options, loss), "LOSS",
     "classes or pairs (default: by what the manifests have)", .choices = "classes|pairs"},
    {OPTION_INT, "epochs", 0, offsetof(Options, epochs), "N", "passes over the data (20)", 1, 1e6},
    {OPTION_INT, "batch", 0, offsetof(Options, batch), "N", "sounds a step (32)", 2, 4096},
    {OPTION_NUMBER, "rate", 0, offsetof(Options, rate), "X", "the highest learning rate", 1e-9, 10},
    {OPTION_TEXT, "valid", 0, offsetof(Options, valid), "MANIFEST",
     "sounds to measure with (default: a tenth is held out)"},
    {OPTION_TEXT, "teacher", 0, offsetof(Options, teacher), "FILE",
     "vectors to learn from, of texts (with --only text) or of sounds"},
    {OPTION_TEXT, "captions", 0, offsetof(Options, captions), "FILE",
     "sentences about sounds, one a line"},
    {OPTION_FLAG, "file-words", 0, offsetof(Options, file_words), NULL,
     "a row without a text takes the words of its file's name"},
    {OPTION_TEXT, "recipe", 0, offsetof(Options, recipe), "FILE",
     "JSON with the knobs of docs/TRAINING.md"},
    {OPTION_TEXT, "seed", 0, offsetof(Options, seed), "N", "of everything that is drawn (0)"},
    {OPTION_FLAG, "resume", 0, offsetof(Options, resume), NULL, "go on where the last run stopped"},
    {OPTION_NUMBER, "limit-seconds", 0, offsetof(Options, limit), "S",
     "stop after so long, to be resumed", 0.01, 1e9},
    {OPTION_END},
};

static void print_epoch(App *app, const TrainEpoch *e) {
    if (app->common.json) {
        json_t *valid = json_object();
        if (!isnan(e->map10)) {
            json_object_set_new(valid, "r@1", json_real(e->recall[0]));
            json_object_set_new(valid, "r@5", json_real(e->recall[1]));
            json_object_set_new(valid, "r@10", json_real(e->recall[2]));
            json_object_set_new(valid, "map@10", json_real(e->map10));
        }
        if (!isnan(e->cosine)) json_object_set_new(valid, "cosine", json_real(e->cosine));
        app_print_line(json_pack("{s:i, s:f, s:o, s:f, s:f}", "epoch", e->epoch, "loss", e->loss,
                                 "valid", valid, "clips_per_second", e->clips_per_second, "seconds",
                                 e->seconds));
        return;
    }
    printf("epoch %d: loss %.4f", e->epoch, e->loss);
    if (!isnan(e->map10))
        printf(", held out R@1 %.3f, R@5 %.3f, R@10 %.3f, mAP@10 %.3f", e->recall[0], e->recall[1],
               e->recall[2], e->map10);
    if (!isnan(e->cosine)) printf(", held out cosine %.4f", e->cosine);
    printf(", %.1f clips/s, %.0f s, %.0f s left\n", e->clips_per_second, e->seconds,
           e->seconds_left);
}

typedef struct {
    App *app;
    Progress *progress; /* of what is prepared; NULL: of nothing */
    int done;
} Reporting;

static void end_progress(Reporting *r) {
    if (r->progress) progress_free(r->progress);
    r->progress = NULL;
    r->done = 0;
}

static void take_prepared(void *user, const char *what, int done, int count) {
    Reporting *r = user;
    if (!r->progress) r->progress = app_progress(r->app, "making", what, (uint64_t)count);
    progress_add(r->progress, (uint64_t)(done - r->done));
    r->done = done;
    if (done == count) end_progress(r);
}

static void take_epoch(void *user, const TrainEpoch *epoch) {
    print_epoch(((Reporting *)user)->app, epoch);
    fflush(stdout);
}

static void take_warning(void *user, const char *line) {
    Reporting *r = user;
    if (r->progress) progress_clear(r->progress);
    app_warn(r->app, "%s", line);
}

/* "MANIFEST:0.65" → the path and its share; without a share every manifest counts by its clips. */
static bool split_shares(const Options *o, char **paths, double *shares, bool *shared,
                         GError **error) {
    int with = 0, count = 0;
    for (; o->data && o->data[count]; count++) {
        const char *colon = strrchr(o->data[count], ':');
        char *end = NULL;
        double share = colon ? g_ascii_strtod(colon + 1, &end) : 0;
        bool is_share = colon && end != colon + 1 && !*end;
        if (is_share && !(share >= 1e-6 && share <= 1e6))
            return error_fail(error, ERR_USAGE, "--data %s: a share is from 1e-6 to 1e6",
                              o->data[count]);
        paths[count] = is_share ? g_strndup(o->data[count], (gsize)(colon - o->data[count]))
                                : g_strdup(o->data[count]);
        shares[count] = share;
        with += is_share;
    }
    *shared = with > 0;
    return with == 0 || with == count ||
           error_fail(error, ERR_USAGE, "--data: either every manifest has a share or none");
}

/* The place of `word` among `words`; 0 when none was given. */
static int choice(const char *word, const char *const *words, int count) {
    for (int i = 0; word && i < count; i++)
        if (strcmp(word, words[i]) == 0) return i;
    return 0;
}

static bool parse_seed(const char *text, guint64 *seed, GError **error) {
    return !text || g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, seed, NULL) ||
           error_fail(error, ERR_USAGE, "--seed %s: is not a number from 0 to 2^64 - 1", text);
}

static bool fill(App *app, const Options *o, TrainOptions *t, GError **error) {
    static const char *const only[] = {"all", "projections", "text", "audio"};
    static const char *const loss[] = {"", "classes", "pairs"};
    *t = (TrainOptions){.config = o->config,
                        .out = o->out,
                        .valid = o->valid,
                        .teacher = o->teacher,
                        .captions = o->captions,
                        .file_words = o->file_words,
                        .only = (TrainOnly)choice(o->only, only, G_N_ELEMENTS(only)),
                        .loss = (TrainLoss)choice(o->loss, loss, G_N_ELEMENTS(loss)),
                        .epochs = o->epochs ? o->epochs : 20,
                        .batch = o->batch ? o->batch : 32,
                        .rate = o->rate,
                        .resume = o->resume,
                        .limit_seconds = o->limit,
                        .stop = app->stop,
                        .report = take_epoch,
                        .prepare = take_prepared,
                        .warn = take_warning};
    t->threads = app->common.threads > 0 ? app->common.threads : (int)g_get_num_processors();
    t->threads = MIN(t->threads, TEAM_MOST);
    recipe_standard(&t->recipe);
    if (o->recipe && !recipe_read(o->recipe, &t->recipe, error)) return false;
    return parse_seed(o->seed, &t->seed, error);
}

static bool check(const App *app, const Options *o, char **args, GError **error) {
    if (args[1])
        return error_fail(error, ERR_USAGE, "%s: unexpected; sounds come with --data", args[1]);
    if (!o->out) return error_fail(error, ERR_USAGE, "name the model's directory: -o DIR");
    if (o->config && o->from)
        return error_fail(error, ERR_USAGE, "--from and --config exclude each other");
    bool texts_alone = o->teacher && o->only && strcmp(o->only, "text") == 0;
    if (texts_alone && (o->data || o->valid || o->captions))
        return error_fail(error, ERR_USAGE,
                          "--teacher with --only text learns from the texts of FILE; leave --data, "
                          "--valid and --captions out");
    if (!texts_alone && !o->data)
        return error_fail(error, ERR_USAGE, "nothing to learn from: --data MANIFEST");
    return true;
}

static bool train(App *app, const Options *o, GError **error) {
    TrainOptions t = {0};
    guint count = o->data ? g_strv_length(o->data) : 0;
    g_auto(GStrv) paths = g_new0(char *, count + 1);
    g_autofree double *shares = g_new0(double, count + 1);
    g_autofree char *from = NULL;
    bool shared = false;
    if (!fill(app, o, &t, error) || !split_shares(o, paths, shares, &shared, error)) return false;
    if (!o->config) {
        from = app_model_dir(app,
                             o->from             ? o->from
                             : app->common.model ? app->common.model
                                                 : "builtin",
                             error);
        if (!from) return false;
    }
    t.from = from;
    t.data = count ? paths : NULL;
    t.shares = shared ? shares : NULL;
    Reporting reporting = {.app = app};
    t.user = &reporting;
    bool well = train_run(&t, error);
    end_progress(&reporting);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_train, &o, &args, error) && check(app, &o, args, error) &&
                train(app, &o, error);
    options_clear(options, &o);
    return well;
}

const Command command_train = {
    .name = "train",
    .usage = "train --data MANIFEST [--from MODEL | --config DIR] -o OUT [--only "
             "projections|text|audio|all]",
    .summary = "make a model, or make one yours",
    .more =
        "A manifest is CSV with a column path, and caption, label or tags (parted by ';'). What a "
        "run needs to go on\n"
        "(--resume), and the sounds' spectrograms, lie in OUT/.train, which may be removed when "
        "all is done.",
    .options = options,
    .run = run,
};
