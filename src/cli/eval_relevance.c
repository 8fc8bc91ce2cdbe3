/* See eval_relevance.h. */
#include "eval_relevance.h"

#include "app_library.h"
#include "error.h"
#include "file.h"
#include "inputs.h"
#include "library_judgments.h"
#include "query.h"
#include "relevance.h"

#include <string.h>

#define HITS_A_QUERY 1000 /* as trec_eval's runs usually have */
#define TEST_ROUNDS  10000

static const char *const standard_metrics[] = {"ndcg@10", "p@10", "recall@10", "map", "rr", NULL};
static const char *const formats[] = {"", "trec", "quepid", "srw", "jsonl"};
static const char *const likes[] = {"trec", "quepid", "srw"};

static int place_of(const char *word, const char *const *words, int count) {
    for (int i = 0; word && i < count; i++)
        if (strcmp(word, words[i]) == 0) return i;
    return 0;
}

static JudgedFormat format_of(const char *name) {
    return (JudgedFormat)place_of(name, formats, G_N_ELEMENTS(formats));
}

/* ---- what is asked ---- */

typedef struct {
    const char *const *names;
    RankMetric *metrics;
    int count;
    RankLike like;
} Wanted;

static bool parse_metrics(const RelevanceOptions *o, Wanted *w, GError **error) {
    w->names = o->metrics ? (const char *const *)o->metrics : standard_metrics;
    w->count = (int)g_strv_length((char **)w->names);
    w->metrics = g_new(RankMetric, w->count);
    w->like = (RankLike)place_of(o->like, likes, G_N_ELEMENTS(likes));
    for (int i = 0; i < w->count; i++) {
        w->metrics[i] = rank_metric_parse(w->names[i]);
        if (!w->metrics[i].name)
            return error_fail(error, ERR_USAGE,
                              "--metric %s: is none of ndcg@k p@k recall@k map[@k] rr[@k] err@k "
                              "bpref[@k]",
                              w->names[i]);
    }
    return true;
}

/* ---- asking the library ---- */

/* "ID<TAB>TEXT", or a text that is its own id. */
static bool ask(Library *library, const char *line, int place, const SearchOptions *how,
                const Judgments *judgments, GArray *hits, GError **error) {
    g_auto(GStrv) parts = g_strsplit(line, "\t", 2);
    const char *id = parts[0], *text = parts[1] ? parts[1] : parts[0];
    const char *terms[] = {text, NULL};
    g_autoptr(Query) query = query_parse(terms, error);
    const JudgedQuery asked = {id, query, place};
    return query && relevance_ask(library, &asked, how, judgments, hits, error);
}

static GArray *ask_all(App *app, Library *library, char **queries, const SearchOptions *how,
                       const Judgments *judgments, GError **error) {
    g_autoptr(GArray) hits = run_new();
    for (int i = 0; queries[i]; i++)
        if (!app_go_on(app, error) || !ask(library, queries[i], i + 1, how, judgments, hits, error))
            return NULL;
    return g_steal_pointer(&hits);
}

/* Text that is ready goes to stdout, or to a file that appears whole or not at all. */
static bool put_out(const char *path, const char *text, size_t bytes, GError **error) {
    if (strcmp(path, "-") != 0) return file_output_bytes(path, text, bytes, error);
    fwrite(text, 1, bytes, stdout);
    return app_flush(stdout, "standard output", error);
}

/* Blanks of a query become "_"; a document with some has no place in the format. */
static bool write_run(const char *path, const GArray *hits, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    int rank = 0;
    for (guint i = 0; i < hits->len; i++) {
        const RunHit *hit = &g_array_index(hits, RunHit, i);
        bool same = i > 0 && g_array_index(hits, RunHit, i - 1).place == hit->place;
        if (!hit->document) continue;
        if (strpbrk(hit->document, " \t\r\n"))
            return error_fail(
                error, ERR_FORMAT,
                "%s: a document with blanks cannot stand in a run; judge it by its id",
                hit->document);
        rank = same ? rank + 1 : 1;
        g_autofree char *query = g_strdelimit(g_strdup(hit->query), " \t\r\n", '_');
        g_string_append_printf(text, "%s Q0 %s %d %.9g earshot\n", query, hit->document, rank,
                               hit->score);
    }
    return put_out(path, text->str, text->len, error);
}

/* ---- output ---- */

static void print_relevance(App *app, const Wanted *w, const Relevance *r) {
    if (app->common.json) {
        json_t *means = json_object(), *queries = json_array();
        for (int m = 0; m < w->count; m++)
            json_object_set_new(means, w->names[m], json_real(r->means[m]));
        for (guint i = 0; i < r->rows->len; i++) {
            const RelevanceRow *row = &g_array_index(r->rows, RelevanceRow, i);
            json_t *entry = json_pack("{s:s}", "query", row->query);
            for (int m = 0; m < w->count; m++)
                json_object_set_new(entry, w->names[m],
                                    json_real(rank_rounded(w->like, row->values[m])));
            json_array_append_new(queries, entry);
        }
        app_print_document(json_pack("{s:s, s:o, s:o}", "like", likes[w->like], "metrics", means,
                                     "queries", queries));
        return;
    }
    for (int m = 0; m < w->count; m++) printf("%-10s %.4f\n", w->names[m], r->means[m]);
    printf("(%u queries, as %s counts)\n", r->rows->len, likes[w->like]);
}

/* ---- fusions and weights against each other ---- */

typedef struct {
    Fusion fusion;
    double weight;
    Relevance *relevance;
} Trial;

static void trial_clear(void *data) {
    relevance_free(((Trial *)data)->relevance);
}

static const char *fusion_name(Fusion fusion) {
    return fusion == FUSION_RRF ? "rrf" : "minmax";
}

static bool try_all(App *app, Library *library, char **queries, const Judgments *judgments,
                    const Wanted *w, GArray *trials, GError **error) {
    for (int i = 0; i < 22; i++) {
        SearchOptions how = SEARCH_DEFAULTS;
        how.n = HITS_A_QUERY;
        how.fusion = i < 11 ? FUSION_MINMAX : FUSION_RRF;
        how.weight = i % 11 / 10.0;
        g_autoptr(GArray) hits = ask_all(app, library, queries, &how, judgments, error);
        if (!hits) return false;
        Trial trial = {how.fusion, how.weight,
                       relevance_of(hits, judgments, w->like, w->metrics, w->count, error)};
        if (!trial.relevance) return false;
        g_array_append_val(trials, trial);
    }
    return true;
}

/* The present fusion and weight are those that search takes when nobody says. */
static const Trial *present_of(const GArray *trials) {
    return &g_array_index(trials, Trial, (int)(SEARCH_WEIGHT * 10 + 0.5));
}

static void print_sweep(App *app, const Wanted *w, const GArray *trials) {
    const Trial *best = &g_array_index(trials, Trial, 0), *present = present_of(trials);
    json_t *rows = json_array();
    for (guint i = 0; i < trials->len; i++) {
        const Trial *t = &g_array_index(trials, Trial, i);
        if (t->relevance->means[0] > best->relevance->means[0]) best = t;
        json_array_append_new(rows,
                              json_pack("{s:s, s:f, s:f}", "fusion", fusion_name(t->fusion),
                                        "weight", t->weight, w->names[0], t->relevance->means[0]));
        if (!app->common.json)
            printf("%-7s %.1f  %s %.4f\n", fusion_name(t->fusion), t->weight, w->names[0],
                   t->relevance->means[0]);
    }
    double p = relevance_test(best->relevance, present->relevance, 0, TEST_ROUNDS, 1);
    if (app->common.json) {
        app_print_document(json_pack(
            "{s:s, s:o, s:{s:s, s:f, s:f}, s:f, s:f}", "metric", w->names[0], "trials", rows,
            "best", "fusion", fusion_name(best->fusion), "weight", best->weight, w->names[0],
            best->relevance->means[0], "present", present->relevance->means[0], "p", p));
        return;
    }
    json_decref(rows);
    printf("best: --fusion %s --weight %.1f; at present (minmax, %.1f) %.4f; p = %.4f\n",
           fusion_name(best->fusion), best->weight, SEARCH_WEIGHT, present->relevance->means[0], p);
}

static bool sweep(App *app, Library *library, char **queries, const Judgments *judgments,
                  const Wanted *w, GError **error) {
    g_autoptr(GArray) trials = g_array_new(FALSE, FALSE, sizeof(Trial));
    g_array_set_clear_func(trials, trial_clear);
    if (!try_all(app, library, queries, judgments, w, trials, error)) return false;
    print_sweep(app, w, trials);
    return true;
}

/* ---- all together ---- */

static bool judge_run(App *app, const RelevanceOptions *o, const Judgments *judgments,
                      const Wanted *w, GError **error) {
    g_autoptr(GArray) hits = run_read(o->run, error);
    g_autoptr(Relevance) r =
        hits ? relevance_of(hits, judgments, w->like, w->metrics, w->count, error) : NULL;
    if (r) print_relevance(app, w, r);
    return r != NULL;
}

static bool judge_library(App *app, const RelevanceOptions *o, const Judgments *judgments,
                          const Wanted *w, GError **error) {
    static const char *const modes[] = {"hybrid", "vector", "bm25"};
    if (!o->queries) return error_fail(error, ERR_USAGE, "name the queries: --queries F");
    g_auto(GStrv) queries = input_lines(o->queries, error);
    g_autoptr(Library) library = queries ? app_open_library(app, STORE_READ, error) : NULL;
    if (!library) return false;
    if (o->sweep) return sweep(app, library, queries, judgments, w, error);
    SearchOptions how = SEARCH_DEFAULTS;
    how.n = HITS_A_QUERY;
    how.mode = (SearchMode)place_of(o->mode, modes, G_N_ELEMENTS(modes));
    g_autoptr(GArray) hits = ask_all(app, library, queries, &how, judgments, error);
    if (!hits || (o->run_out && !write_run(o->run_out, hits, error))) return false;
    g_autoptr(Relevance) r = relevance_of(hits, judgments, w->like, w->metrics, w->count, error);
    if (r) print_relevance(app, w, r);
    return r != NULL;
}

bool eval_relevance(App *app, const RelevanceOptions *o, GError **error) {
    Wanted w = {0};
    if (!o->judgments) return error_fail(error, ERR_USAGE, "name the judgments: --judgments F");
    g_autoptr(Judgments) judgments =
        parse_metrics(o, &w, error) ? judgments_read(o->judgments, JUDGED_AUTO, error) : NULL;
    bool well = judgments && (o->run ? judge_run : judge_library)(app, o, judgments, &w, error);
    g_free(w.metrics);
    return well;
}

bool eval_convert(const RelevanceOptions *o, char **args, GError **error) {
    if (!args[0] || !args[1] || args[2] || !o->to)
        return error_fail(error, ERR_USAGE, "eval judgments convert wants IN OUT and --to");
    g_autoptr(Judgments) judgments = judgments_read(args[0], format_of(o->from), error);
    if (!judgments) return false;
    g_autoptr(GBytes) text = judgments_bytes(judgments, format_of(o->to), error);
    return text && put_out(args[1], g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
}
