/* Judgments in a library. See library_judgments.h. */
#include "library_judgments.h"

#include "error.h"

#include <math.h>
#include <string.h>

#define KEY "judgments" /* JSON Lines */

static const char *const modes[RELEVANCE_MODES] = {
    [MODE_HYBRID] = "hybrid", [MODE_VECTOR] = "vector", [MODE_BM25] = "bm25"};

/* ---- kept ---- */

bool judgments_of_library(Library *library, Judgments **judgments, GError **error) {
    GError *fault = NULL;
    Backend *backend = library_backend(library);
    g_autoptr(GBytes) kept = backend->ops->get(backend, KEY, &fault);
    gsize len = 0;
    const char *data = kept ? g_bytes_get_data(kept, &len) : NULL;
    *judgments = NULL;
    if (fault) {
        g_propagate_error(error, fault);
        return false;
    }
    if (!len) {
        *judgments = judgments_new();
        return true;
    }
    g_autofree char *name = g_strdup_printf("%s: judgments", library_name(library));
    g_autofree char *text = g_strndup(data, len);
    *judgments = judgments_parse(name, text, strlen(text), JUDGED_JSONL, error);
    return *judgments != NULL;
}

static bool keep(Library *library, const Judgments *judgments, GError **error) {
    Backend *backend = library_backend(library);
    g_autoptr(GBytes) bytes = judgments_bytes(judgments, JUDGED_JSONL, error);
    if (!bytes) return false;
    if (g_bytes_get_size(bytes) > LIBRARY_MAX_JUDGMENTS)
        return error_fail(error, ERR_LIMIT, "%s: no room for more than %d MB of judgments",
                          library_name(library), LIBRARY_MAX_JUDGMENTS >> 20);
    return backend->ops->put(backend, KEY, judgments->rows->len ? bytes : NULL, error) &&
           backend->ops->sync(backend, error);
}

/* The whole id of the clip; of one that is gone what was given. */
static char *id_of(Library *library, const char *id, bool may_be_gone, GError **error) {
    GError *fault = NULL;
    char digits[2 * CLIP_HASH + 1];
    const char *hex = g_str_has_prefix(id, "id:") ? id + strlen("id:") : id;
    g_autofree char *what = g_strconcat("id:", hex, NULL);
    Backend *backend = library_backend(library);
    g_autoptr(Clip) clip = backend->ops->find(backend, what, false, &fault);
    if (clip) return g_strdup(clip->id);
    bool gone = may_be_gone && g_error_matches(fault, EARSHOT_ERROR, ERR_NOT_FOUND);
    if (gone && clip_id_parse(hex, digits)) {
        g_clear_error(&fault);
        return g_strndup(digits, CLIP_ID);
    }
    g_propagate_error(error, fault);
    return NULL;
}

bool library_judge(Library *library, const char *query, const char *id, double rating,
                   GError **error) {
    g_autoptr(Judgments) judgments = NULL;
    if (strlen(query) > QUERY_MAX_BYTES)
        return error_fail(error, ERR_LIMIT, "a query of more than %d bytes", QUERY_MAX_BYTES);
    g_autofree char *whole = id_of(library, id, isnan(rating), error);
    if (!whole || !judgments_of_library(library, &judgments, error)) return false;
    g_autoptr(Judgments) changed = judgments_with(judgments, query, whole, rating, error);
    return changed && keep(library, changed, error);
}

static json_t *number_json(double value) {
    if (isnan(value)) return json_null();
    return value == rint(value) ? json_integer(lrint(value)) : json_real(value);
}

json_t *judgments_json(const Judgments *j, const char *query) {
    json_t *list = json_array();
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        if (query && strcmp(row->query, query) != 0) continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "query", row->query, "id",
                                              row->document, "rating", number_json(row->rating)));
    }
    return list;
}

/* ---- how good the answers are ---- */

/* By whichever of its names the judges knew the clip. */
static char *name_of(const Judgments *judgments, const char *query, const Clip *clip) {
    g_autofree char *last = g_path_get_basename(clip_path(clip));
    const char *names[] = {clip->id, clip_path(clip), last};
    double rating;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (judgments_rating(judgments, query, names[i], &rating)) return g_strdup(names[i]);
    return g_strdup(clip->id);
}

bool relevance_ask(Library *library, const JudgedQuery *asked, const SearchOptions *how,
                   const Judgments *judgments, GArray *hits, GError **error) {
    g_autoptr(SearchResult) result = library_search(library, asked->query, how, error);
    if (!result) return false;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < result->hits->len; i++) {
        const SearchHit *found = result->hits->pdata[i];
        g_autofree char *name = name_of(judgments, asked->id, found->clip);
        if (g_hash_table_contains(seen, name)) continue; /* two clips of one name are one */
        RunHit hit = {g_strdup(asked->id), g_steal_pointer(&name), found->score, asked->place};
        g_hash_table_add(seen, hit.document);
        g_array_append_val(hits, hit);
    }
    RunHit nothing = {.place = asked->place};
    if (result->hits->len) return true;
    nothing.query = g_strdup(asked->id);
    g_array_append_val(hits, nothing);
    return true;
}

static bool measure_mode(Library *library, const JudgedQuery *asked, const Judgments *judgments,
                         SearchMode mode, int n, double *ndcg, GError **error) {
    const RankMetric metric = {"ndcg", n};
    g_autofree char *words = query_words(asked->query);
    *ndcg = NAN;
    if (mode == MODE_BM25 && !words) return true;
    SearchOptions how = SEARCH_DEFAULTS;
    how.mode = mode, how.n = n;
    g_autoptr(GArray) hits = run_new();
    if (!relevance_ask(library, asked, &how, judgments, hits, error)) return false;
    g_autoptr(Relevance) r = relevance_of(hits, judgments, LIKE_TREC, &metric, 1, error);
    if (r) *ndcg = r->means[0];
    return r != NULL;
}

static int count_judged(const Judgments *j, const char *query) {
    int count = 0;
    for (guint i = 0; i < j->rows->len; i++)
        count += strcmp(g_array_index(j->rows, Judgment, i).query, query) == 0;
    return count;
}

bool relevance_of_library(Library *library, const char *query, int n, LibraryRelevance *relevance,
                          GError **error) {
    g_autoptr(Judgments) judgments = NULL;
    *relevance = (LibraryRelevance){0, {NAN, NAN, NAN}};
    if (n < 1 || n > RELEVANCE_MOST)
        return error_fail(error, ERR_USAGE, "n is %d; 1 to %d can be had", n, RELEVANCE_MOST);
    g_autoptr(Query) parsed = query_parse_line(query, error);
    if (!parsed || !judgments_of_library(library, &judgments, error)) return false;
    const JudgedQuery asked = {query, parsed, 1};
    relevance->judged = count_judged(judgments, query);
    for (int mode = 0; relevance->judged && mode < RELEVANCE_MODES; mode++)
        if (!measure_mode(library, &asked, judgments, (SearchMode)mode, n, &relevance->ndcg[mode],
                          error))
            return false;
    return true;
}

json_t *library_relevance_json(const char *query, int n, const LibraryRelevance *relevance) {
    g_autofree char *metric = g_strdup_printf("ndcg@%d", n);
    json_t *by_mode = json_object();
    for (int mode = 0; mode < RELEVANCE_MODES; mode++) {
        double value = relevance->ndcg[mode];
        json_object_set_new(
            by_mode, modes[mode],
            json_pack("{s:o}", metric, isnan(value) ? json_null() : json_real(value)));
    }
    return json_pack("{s:s, s:i, s:o}", "query", query, "judged", relevance->judged, "modes",
                     by_mode);
}
