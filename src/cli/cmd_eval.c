/* earshot eval: how good a model is. */
#include "app.h"
#include "error.h"
#include "eval_plot.h"
#include "eval_relevance.h"
#include "inputs.h"
#include "measure.h"

#include <string.h>

typedef struct {
    char *labels_file, **templates, *folds, *svg;
    RelevanceOptions relevance;
} Options;

#define RELEVANCE(field) offsetof(Options, relevance.field)

static const Option options[] = {
    {OPTION_TEXT, "labels-file", 0, offsetof(Options, labels_file), "F",
     "candidates, a label a line (default: the labels of the sounds)"},
    {OPTION_TEXTS, "template", 0, offsetof(Options, templates), "T",
     "a sentence with {} for the label; may be given often (default: the bare label, and \"This is "
     "a sound of {}.\")"},
    {OPTION_TEXT, "folds", 0, offsetof(Options, folds), "N|COLUMN",
     "parts of the cross-validation: so many, or by a manifest's column (default: 5)"},
    {OPTION_TEXT, "svg", 0, offsetof(Options, svg), "FILE",
     "draw what was taken for what (zeroshot, probe)"},
    {OPTION_TEXT, "judgments", 0, RELEVANCE(judgments), "F",
     "ratings: TREC, Quepid, SRW or JSON Lines"},
    {OPTION_TEXT, "queries", 0, RELEVANCE(queries), "F", "a query a line, or ID<TAB>QUERY"},
    {OPTION_CHOICE, "mode", 0, RELEVANCE(mode), "MODE", "hybrid, vector or bm25",
     .choices = "hybrid|vector|bm25"},
    {OPTION_CHOICE, "like", 0, RELEVANCE(like), "TOOL",
     "count as trec (default), quepid or srw does", .choices = "trec|quepid|srw"},
    {OPTION_TEXTS, "metric", 0, RELEVANCE(metrics), "M",
     "ndcg@k p@k recall@k map[@k] rr[@k] err@k bpref[@k]; may be given often"},
    {OPTION_TEXT, "run", 0, RELEVANCE(run), "F", "judge this TREC run, no library"},
    {OPTION_TEXT, "run-out", 0, RELEVANCE(run_out), "F", "write what was found as a TREC run"},
    {OPTION_FLAG, "sweep", 0, RELEVANCE(sweep), NULL,
     "try the fusions and weights, and say which is best"},
    {OPTION_CHOICE, "from", 0, RELEVANCE(from), "FORMAT", "of the judgments that are read",
     .choices = "trec|quepid|srw|jsonl"},
    {OPTION_CHOICE, "to", 0, RELEVANCE(to), "FORMAT", "of those that are written",
     .choices = "trec|quepid|srw|jsonl"},
    {OPTION_END},
};

typedef struct {
    App *app;
    Progress *progress;
} Reporting;

static void report_fault(void *user, const char *message) {
    Reporting *r = user;
    progress_clear(r->progress);
    app_fault(r->app, message);
}

static void report_done(void *user) {
    progress_add(((Reporting *)user)->progress, 1);
}

static EmbeddedSet *embed(App *app, Engine *engine, const Examples *examples, GError **error) {
    Reporting r = {app, app_progress(app, "embedding", "files", examples->paths->len)};
    MeasureReport report = {report_fault, report_done, &r, app->stop};
    EmbeddedSet *set = embedded_set_new(engine, examples, &report, error);
    progress_free(r.progress);
    if (set) app->done = set->count;
    return set;
}

/* ---- output ---- */

static json_t *json_retrieval(const RetrievalMetrics *m) {
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "queries", m->queries, "r@1", m->recall[0],
                     "r@5", m->recall[1], "r@10", m->recall[2], "map@10", m->map10, "median_rank",
                     m->median_rank);
}

static void print_retrieval(const char *what, const RetrievalMetrics *m) {
    printf("%-14s R@1 %.3f  R@5 %.3f  R@10 %.3f  mAP@10 %.3f  median rank %g  (%d queries)\n", what,
           m->recall[0], m->recall[1], m->recall[2], m->map10, m->median_rank, m->queries);
}

static int class_total(const ClassMetrics *m, int class) {
    int sum = 0;
    for (int c = 0; c < m->classes; c++) sum += class_confusion(m, class, c);
    return sum;
}

static json_t *json_classes(const ClassMetrics *m, char **labels) {
    json_t *per_class = json_array(), *confusion = json_array(), *names = json_array();
    for (int c = 0; c < m->classes; c++) {
        json_t *row = json_array();
        int total = class_total(m, c);
        for (int d = 0; d < m->classes; d++)
            json_array_append_new(row, json_integer(class_confusion(m, c, d)));
        json_array_append_new(confusion, row);
        json_array_append_new(names, json_string(labels[c]));
        double right = class_confusion(m, c, c);
        json_array_append_new(per_class, json_pack("{s:s, s:i, s:f}", "label", labels[c], "count",
                                                   total, "accuracy", total ? right / total : 0));
    }
    return json_pack("{s:i, s:f, s:o, s:o, s:o}", "count", m->count, "accuracy", m->accuracy,
                     "per_class", per_class, "labels", names, "confusion", confusion);
}

static void print_classes(const ClassMetrics *m, char **labels) {
    int width = 0;
    for (int c = 0; c < m->classes; c++)
        if (class_total(m, c)) width = MAX(width, (int)g_utf8_strlen(labels[c], -1));
    printf("accuracy %.3f of %d sounds\n", m->accuracy, m->count);
    for (int c = 0; c < m->classes; c++) {
        int total = class_total(m, c), other = -1;
        if (!total) continue;
        for (int d = 0; d < m->classes; d++)
            if (d != c && (other < 0 || class_confusion(m, c, d) > class_confusion(m, c, other)))
                other = d;
        int taken = other < 0 ? 0 : class_confusion(m, c, other);
        g_autofree char *name = error_printable(labels[c]);
        printf("  %-*s %5.3f of %d", width, name, class_confusion(m, c, c) / (double)total, total);
        g_autofree char *wrong = taken ? error_printable(labels[other]) : NULL;
        if (taken) printf("  (%d taken for %s)", taken, wrong);
        putchar('\n');
    }
}

/* ---- what is measured ---- */

typedef struct {
    App *app;
    const Options *options;
    const char *where;
} Eval;

static char **candidates(const Eval *e, const Examples *examples, GError **error) {
    return e->options->labels_file ? input_lines(e->options->labels_file, error)
                                   : examples_classes(examples, e->where, error);
}

static bool draw(const Eval *e, const ClassMetrics *m, char **labels, GError **error) {
    return !e->options->svg || eval_plot_confusion(m, labels, e->options->svg, error);
}

static bool zeroshot(const Eval *e, Engine *engine, GError **error) {
    static const char *const standard[] = {"{}", "This is a sound of {}.", NULL};
    g_autoptr(Examples) examples = examples_read(e->where, NULL, error);
    g_auto(GStrv) labels = examples ? candidates(e, examples, error) : NULL;
    g_autoptr(EmbeddedSet) set = labels ? embed(e->app, engine, examples, error) : NULL;
    if (!set) return false;
    const char *const *templates =
        e->options->templates ? (const char *const *)e->options->templates : standard;
    g_autoptr(ClassMetrics) m = measure_zeroshot(engine, examples, set, labels, templates, error);
    if (!m || !draw(e, m, labels, error)) return false;
    if (e->app->common.json) {
        json_t *root = json_classes(m, labels);
        json_object_set_new(root, "map@10", json_real(m->retrieval.map10));
        json_object_set_new(root, "text_to_audio", json_retrieval(&m->retrieval));
        app_print_document(root);
        return true;
    }
    print_classes(m, labels);
    print_retrieval("text to sound", &m->retrieval);
    return true;
}

static bool probe(const Eval *e, Engine *engine, GError **error) {
    const char *text = e->options->folds ? e->options->folds : "5";
    char *end;
    gint64 number = g_ascii_strtoll(text, &end, 10);
    bool counted = !*end;
    if (counted && number < 2)
        return error_fail(error, ERR_USAGE, "--folds %s: at least 2, or a column", text);
    if (!counted && g_file_test(e->where, G_FILE_TEST_IS_DIR))
        return error_fail(error, ERR_USAGE, "--folds %s: a folder has no columns; give a number",
                          text);
    g_autoptr(Examples) examples = examples_read(e->where, counted ? NULL : text, error);
    g_auto(GStrv) labels = examples ? examples_classes(examples, e->where, error) : NULL;
    g_autoptr(EmbeddedSet) set = labels ? embed(e->app, engine, examples, error) : NULL;
    if (!set) return false;
    g_autoptr(ClassMetrics) m =
        measure_probe(examples, set, labels, counted ? (int)MIN(number, 1000) : 0, error);
    if (!m || !draw(e, m, labels, error)) return false;
    if (e->app->common.json)
        app_print_document(json_classes(m, labels));
    else
        print_classes(m, labels);
    return true;
}

static bool retrieval(const Eval *e, Engine *engine, GError **error) {
    g_autoptr(Examples) examples = examples_read(e->where, NULL, error);
    if (!examples) return false;
    if (examples->captions->len == 0)
        return error_fail(error, ERR_FORMAT, "%s: has no column caption", e->where);
    g_autoptr(EmbeddedSet) set = embed(e->app, engine, examples, error);
    RetrievalMetrics by_text, by_sound;
    if (!set || !measure_retrieval(engine, examples, set, &by_text, &by_sound, error)) return false;
    if (e->app->common.json) {
        app_print_document(json_pack("{s:o, s:o}", "text_to_audio", json_retrieval(&by_text),
                                     "audio_to_text", json_retrieval(&by_sound)));
        return true;
    }
    print_retrieval("text to sound", &by_text);
    print_retrieval("sound to text", &by_sound);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(const Eval *e, Engine *engine, GError **error);
} kinds[] = {{"zeroshot", zeroshot}, {"probe", probe}, {"retrieval", retrieval}};

/* An option that the kind does not know is an error, not passed over. */
static bool check_options(const Options *o, const char *kind, GError **error) {
    const RelevanceOptions *r = &o->relevance;
    const struct {
        const char *name, *kinds;
        bool given;
    } wanted[] = {
        {"labels-file", "zeroshot", o->labels_file},
        {"template", "zeroshot", o->templates},
        {"folds", "probe", o->folds},
        {"svg", "zeroshot probe", o->svg},
        {"judgments", "relevance", r->judgments},
        {"queries", "relevance", r->queries},
        {"mode", "relevance", r->mode},
        {"like", "relevance", r->like},
        {"metric", "relevance", r->metrics},
        {"run", "relevance", r->run},
        {"run-out", "relevance", r->run_out},
        {"sweep", "relevance", r->sweep},
        {"from", "judgments", r->from},
        {"to", "judgments", r->to},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (wanted[i].given && !strstr(wanted[i].kinds, kind))
            return error_fail(error, ERR_USAGE, "--%s is of eval %s", wanted[i].name,
                              wanted[i].kinds);
    if (r->run && (r->queries || r->mode || r->run_out || r->sweep))
        return error_fail(error, ERR_USAGE,
                          "--run is judged as it is: leave --queries, --mode, --run-out and "
                          "--sweep out");
    return !r->sweep || (!r->mode && !r->run_out) ||
           error_fail(error, ERR_USAGE,
                      "--sweep tries hybrid searches: leave --mode and --run-out "
                      "out");
}

static bool measure(App *app, const Options *o, char **args, GError **error) {
    if (args[1] && !check_options(o, args[1], error)) return false;
    if (g_strcmp0(args[1], "relevance") == 0 && !args[2])
        return eval_relevance(app, &o->relevance, error);
    if (g_strcmp0(args[1], "judgments") == 0 && g_strcmp0(args[2], "convert") == 0)
        return eval_convert(&o->relevance, args + 3, error);
    for (gsize i = 0; args[1] && i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(args[1], kinds[i].name) != 0) continue;
        if (!args[2] || args[3])
            return error_fail(error, ERR_USAGE, "eval %s wants one folder or manifest", args[1]);
        g_autoptr(Engine) engine = app_open_engine(app, error);
        Eval e = {app, o, args[2]};
        return engine && kinds[i].run(&e, engine, error);
    }
    return error_fail(error, ERR_USAGE,
                      "what to measure is one of zeroshot, probe, retrieval, relevance");
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_eval, &o, &args, error) && measure(app, &o, args, error);
    options_clear(options, &o);
    return well;
}

const Command command_eval = {
    .name = "eval",
    .usage = "eval zeroshot DIR|MANIFEST [--labels-file F] [--template T]... [--svg FILE]\n"
             "eval probe DIR|MANIFEST [--folds N|COLUMN] [--svg FILE]\n"
             "eval retrieval MANIFEST\n"
             "eval relevance --queries F --judgments F [--mode M] [--like trec|quepid|srw] "
             "[--metric M]... "
             "[--run F] [--run-out F] [--sweep]\n"
             "eval judgments convert IN OUT --from FORMAT --to FORMAT",
    .summary = "measure how good a model is",
    .more =
        "DIR holds one folder a class; MANIFEST is CSV with a column path, and label or caption.\n"
        "ESC-50's and UrbanSound8K's tables are understood as they are.",
    .options = options,
    .run = run,
};
