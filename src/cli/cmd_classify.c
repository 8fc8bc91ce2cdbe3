/* earshot classify: names a sound with labels of the user's own. */
#include "app_library.h"
#include "embedder.h"
#include "error.h"
#include "inputs.h"
#include "labels_json.h"
#include "learned.h"
#include "library_examples.h"

#include <string.h>

#define BAR_WIDTH 20

typedef struct {
    char *labels, *labels_file, **templates, *examples;
    gboolean windows;
    int top;
    double hop;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "labels", 0, offsetof(Options, labels), "LIST",
     "labels between commas: \"dog,cat,rain\""},
    {OPTION_TEXT, "labels-file", 0, offsetof(Options, labels_file), "F",
     "a label a line; - is stdin"},
    {OPTION_TEXT, "examples", 0, offsetof(Options, examples), "X",
     "learn the labels from a folder a label, from CSV, or from the library's tags: library:tags"},
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
    Labeller by;
    int top;
    LabelScore *scores; /* [labels] */
    Progress *progress;
} Classifying;

/* "  0.912 ##################..  dog" */
static void print_scores(Classifying *c, const float *vector) {
    c->by.score(c->by.self, vector, c->scores);
    for (int i = 0; i < c->top; i++) {
        g_autofree char *label = error_printable(c->by.name(c->by.self, c->scores[i].label));
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
        print_scores(c, file->vectors + (gsize)w * (gsize)c->by.dim);
    }
    fflush(stdout);
}

static void print_json(Classifying *c, const EmbeddedFile *file) {
    app_print_line(classified_json(&c->by, file, c->top, c->options->windows));
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

static bool classify(App *app, const Options *o, Engine *engine, Classifying *c, char **paths,
                     GError **error) {
    app_warn_of_model(app, engine);
    c->app = app, c->options = o;
    c->top = MIN(o->top ? o->top : 5, c->by.count);
    c->scores = g_new(LabelScore, (gsize)c->by.count);
    c->progress = app_progress(app, "classifying", "files", g_strv_length(paths));
    EmbedOptions how = {.hop = o->hop, .clip_only = !o->windows, .stop = app->stop};
    bool well = embedder_run(engine, &how, (const char *const *)paths, g_strv_length(paths),
                             take_file, c, error);
    progress_free(c->progress);
    g_free(c->scores);
    return well;
}

static bool by_words(App *app, const Options *o, char **paths, GError **error) {
    g_auto(GStrv) names = read_labels(o, error);
    g_autoptr(Engine) engine = names ? app_open_engine(app, error) : NULL;
    if (!engine) return false;
    g_autoptr(Labels) labels =
        labels_new(engine, (const char *const *)names, (const char *const *)o->templates, error);
    if (!labels) return false;
    Classifying c = {.by = labels_labeller(labels)};
    return classify(app, o, engine, &c, paths, error);
}

/* ---- by examples ---- */

#define FOLDS 5

static void example_fault(void *app, const char *message) {
    app_fault(app, message);
}

/* How well the labels can be learnt: said once, on stderr. */
static void say_accuracy(App *app, const Examples *examples, const EmbeddedSet *set,
                         char **labels) {
    bool has_folds = examples->folds->pdata[0] != NULL;
    g_autoptr(ClassMetrics) m =
        measure_probe(examples, set, labels, has_folds ? 0 : MIN(FOLDS, set->count), NULL);
    if (m)
        app_say(app, "%d labels learnt from %d examples; %.0f %% right in cross-validation",
                m->classes, m->count, 100 * m->accuracy);
}

static bool by_examples(App *app, const Options *o, Engine *engine, const Examples *examples,
                        const EmbeddedSet *set, char **paths, GError **error) {
    g_auto(GStrv) labels = examples_classes(examples, o->examples, error);
    g_autoptr(Learned) learned = labels ? learned_new(examples, set, labels, error) : NULL;
    if (!learned) return false;
    say_accuracy(app, examples, set, labels);
    Classifying c = {.by = learned_labeller(learned)};
    return classify(app, o, engine, &c, paths, error);
}

static bool by_sounds(App *app, const Options *o, char **paths, GError **error) {
    g_autoptr(Examples) examples = examples_read(o->examples, NULL, error);
    g_autoptr(Engine) engine = examples ? app_open_engine(app, error) : NULL;
    if (!engine) return false;
    MeasureReport report = {.fault = example_fault, .user = app, .stop = app->stop};
    g_autoptr(EmbeddedSet) set = embedded_set_new(engine, examples, &report, error);
    return set && by_examples(app, o, engine, examples, set, paths, error);
}

static bool by_tags(App *app, const Options *o, char **paths, GError **error) {
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    Engine *engine = library ? library_engine(library, error) : NULL;
    if (!engine) return false;
    g_autoptr(Examples) examples = NULL;
    g_autoptr(EmbeddedSet) set = NULL;
    return library_examples(library, &examples, &set, error) &&
           by_examples(app, o, engine, examples, set, paths, error);
}

#define LIBRARY_TAGS "library:tags"

static bool by_any_examples(App *app, const Options *o, char **paths, GError **error) {
    if (o->labels || o->labels_file || o->templates)
        return error_fail(error, ERR_USAGE, "--examples bring the labels; leave out the others");
    return (strcmp(o->examples, LIBRARY_TAGS) == 0 ? by_tags : by_sounds)(app, o, paths, error);
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_classify, &o, &args, error);
    if (well && !args[1]) {
        error_fail(error, ERR_USAGE, "no file is named");
        well = false;
    }
    well = well && (o.examples ? by_any_examples : by_words)(app, &o, args + 1, error);
    options_clear(options, &o);
    return well;
}

const Command command_classify = {
    .name = "classify",
    .usage = "classify FILE... (--labels \"dog,cat,rain\" | --labels-file F | --examples X) "
             "[--template T]... "
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
