/* earshot classify: names a sound with labels of the user's own. */
#include "app.h"
#include "embedder.h"
#include "error.h"
#include "inputs.h"
#include "json_path.h"
#include "labels.h"

#include <string.h>

#define BAR_WIDTH 20

typedef struct {
    char *labels, *labels_file, **templates;
    gboolean windows;
    int top;
    double hop;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "labels", 0, offsetof(Options, labels), "LIST",
     "labels between commas: \"dog,cat,rain\""},
    {OPTION_TEXT, "labels-file", 0, offsetof(Options, labels_file), "F",
     "a label a line; - is stdin"},
    {OPTION_TEXTS, "template", 0, offsetof(Options, templates), "T",
     "a sentence with {} for the label; may be given often (default: \"" LABEL_TEMPLATE "\")"},
    {OPTION_INT, "top", 0, offsetof(Options, top), "N", "labels to show (default: 5)", 1,
     LABELS_MAX},
    {OPTION_FLAG, "windows", 0, offsetof(Options, windows), NULL, "also each window of the sound"},
    OPTION_HOP(Options),
    {OPTION_END},
};

typedef struct {
    App *app;
    const Options *options;
    const Labels *labels;
    int dim, top;
    LabelScore *scores; /* [labels] */
    Progress *progress;
} Classifying;

static json_t *json_labels(Classifying *c, const float *vector) {
    json_t *list = json_array();
    labels_score(c->labels, vector, c->scores);
    for (int i = 0; i < c->top; i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "label",
                                              labels_name(c->labels, c->scores[i].label),
                                              "probability", (double)c->scores[i].probability,
                                              "cosine", (double)c->scores[i].cosine));
    return list;
}

static void print_json(Classifying *c, const EmbeddedFile *file) {
    json_t *row = json_object(), *windows = json_array();
    json_set_path(row, file->path);
    json_object_set_new(row, "labels", json_labels(c, file->clip));
    for (int w = 0; c->options->windows && w < file->windows; w++) {
        json_t *window =
            json_pack("{s:f, s:f}", "start", file->spans[w].start, "end", file->spans[w].end);
        json_object_set_new(window, "labels",
                            json_labels(c, file->vectors + (gsize)w * (gsize)c->dim));
        json_array_append_new(windows, window);
    }
    json_object_set_new(row, "windows", windows);
    json_dumpf(row, stdout, JSON_FLOATS);
    putchar('\n');
    fflush(stdout);
    json_decref(row);
}

/* "  0.912 ##################..  dog" */
static void print_scores(Classifying *c, const float *vector) {
    labels_score(c->labels, vector, c->scores);
    for (int i = 0; i < c->top; i++) {
        g_autofree char *label = error_printable(labels_name(c->labels, c->scores[i].label));
        int full = (int)(c->scores[i].probability * BAR_WIDTH + 0.5f);
        printf("  %5.3f ", (double)c->scores[i].probability);
        for (int b = 0; b < BAR_WIDTH; b++) putchar(b < full ? '#' : '.');
        printf("  %s\n", label);
    }
}

static void print_table(Classifying *c, const EmbeddedFile *file) {
    g_autofree char *path = error_printable(file->path);
    printf("%s%s%s\n", c->app->color ? "\033[1m" : "", path, c->app->color ? "\033[0m" : "");
    print_scores(c, file->clip);
    for (int w = 0; c->options->windows && w < file->windows; w++) {
        printf(" %.1f-%.1f s\n", file->spans[w].start, file->spans[w].end);
        print_scores(c, file->vectors + (gsize)w * (gsize)c->dim);
    }
    fflush(stdout);
}

static bool take_file(void *user, const EmbeddedFile *file) {
    Classifying *c = user;
    progress_clear(c->progress);
    if (file->warning) app_warn(c->app, "%s", file->warning);
    if (file->error)
        app_fault(c->app, file->error->message);
    else if (c->app->common.json)
        print_json(c, file);
    else
        print_table(c, file);
    if (!file->error) c->app->done++;
    progress_add(c->progress, 1);
    return !ferror(stdout);
}

static char **read_labels(const Options *o, GError **error) {
    if (o->labels && !o->labels_file) return input_split_commas(o->labels);
    if (o->labels_file && !o->labels) return input_lines(o->labels_file, error);
    error_fail(error, ERR_USAGE, "give the labels with either --labels or --labels-file");
    return NULL;
}

static bool classify(App *app, const Options *o, char **paths, GError **error) {
    g_auto(GStrv) names = read_labels(o, error);
    g_autoptr(Engine) engine = names ? app_open_engine(app, error) : NULL;
    if (!engine) return false;
    g_autoptr(Labels) labels =
        labels_new(engine, (const char *const *)names, (const char *const *)o->templates, error);
    if (!labels) return false;
    app_warn_of_model(app, engine);
    Classifying c = {
        .app = app, .options = o, .labels = labels, .dim = clap_dim(engine_clap(engine))};
    c.top = MIN(o->top ? o->top : 5, labels_count(labels));
    c.scores = g_new(LabelScore, (gsize)labels_count(labels));
    c.progress = app_progress(app, "classifying", "files", g_strv_length(paths));
    EmbedOptions how = {.hop = o->hop, .clip_only = !o->windows, .stop = app->stop};
    bool well = embedder_run(engine, &how, (const char *const *)paths, g_strv_length(paths),
                             take_file, &c, error);
    progress_free(c.progress);
    g_free(c.scores);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_classify, &o, &args, error);
    if (well && !args[1]) {
        error_fail(error, ERR_USAGE, "no file is named");
        well = false;
    }
    well = well && classify(app, &o, args + 1, error);
    options_clear(options, &o);
    return well;
}

const Command command_classify = {
    .name = "classify",
    .usage = "classify FILE... (--labels \"dog,cat,rain\" | --labels-file F) [--template T]... "
             "[--top 5] [--windows]",
    .summary = "name sounds with labels of your own",
    .more = "Each label is put into each template, and the embeddings are averaged. Probabilities "
            "are the softmax over\n"
            "the labels at the model's own temperature: they say which of these labels fits best, "
            "not whether one fits.\n"
            "The model does not understand \"not\" or word order.",
    .options = options,
    .run = run,
};
