/* A search from candidates to hits: the order of search_parts.c is walked from its best on; what is
 * not sure enough or sounds like an earlier hit is passed over, until the page is full. */
#include "search.h"

#include "error.h"
#include "search_private.h"
#include "store_words.h"
#include "vec.h"

#include <math.h>

static void hit_free(gpointer data) {
    SearchHit *hit = data;
    clip_free(hit->clip);
    g_free(hit->columns);
    if (hit->folded) g_ptr_array_unref(hit->folded);
    g_free(hit);
}

void search_result_free(SearchResult *result) {
    if (!result) return;
    g_ptr_array_unref(result->hits);
    g_free(result);
}

/* -- what is asked -- */

static bool check_numbers(const SearchOptions *options, GError **error) {
    if (options->n < 0 || options->from < 0 || options->n > SEARCH_MAX_HITS ||
        options->from > SEARCH_MAX_HITS - options->n)
        return error_fail(error, ERR_USAGE, "hits: from %d, %d of them; the last can be the %dth",
                          options->from, options->n, SEARCH_MAX_HITS);
    if (!(options->weight >= 0 && options->weight <= 1))
        return error_fail(error, ERR_USAGE, "weight %g: it is between 0 and 1", options->weight);
    if (!(options->min_match >= 0 && options->min_match <= 1))
        return error_fail(error, ERR_USAGE, "min-match %g: it is between 0 and 1",
                          options->min_match);
    return true;
}

static bool choose_parts(Search *search, GError **error) {
    const SearchMode mode = search->options->mode;
    search->by_vector = mode != MODE_BM25 && search->query->vector;
    search->by_words = mode != MODE_VECTOR && search->query->words;
    if (search->options->fusion == FUSION_SERVER)
        return error_fail(error, ERR_UNSUPPORTED,
                          "fusion by the server: this library is not in OpenSearch");
    if (search->by_vector || search->by_words) return true;
    return error_fail(error, ERR_USAGE,
                      mode == MODE_BM25 ? "no words are asked for" : "nothing is asked for");
}

/* -- near-duplicates -- */

/* Without a query's vector, clips are compared as wholes. */
static bool take_vector(Search *search, Found *found, GError **error) {
    if (search->query->vector || found->vector) return search_complete(search, found, error);
    g_autoptr(Clip) clip =
        search->backend->ops->clip(search->backend, found->best.clip, STORE_VECTOR, NULL);
    if (clip) found->vector = g_steal_pointer(&clip->vector);
    return true;
}

/* The earlier hit that sounds the same, or NULL. Windows of one clip are no duplicates. */
static Found *same_sound(const Search *search, const GPtrArray *kept, const Found *found) {
    for (guint i = 0; found->vector && i < kept->len; i++) {
        Found *other = kept->pdata[i];
        if (other->vector && other->best.clip != found->best.clip &&
            vec_dot(other->vector, found->vector, (size_t)search->dim) >= SEARCH_SAME_SOUND)
            return other;
    }
    return NULL;
}

/* Once, be it with several of its windows. */
static void fold_into(Found *into, const Found *found) {
    char id[CLIP_ID + 1];
    clip_id_of_number(found->best.clip, id);
    if (!into->folded) into->folded = g_ptr_array_new_with_free_func(g_free);
    if (!g_ptr_array_find_with_equal_func(into->folded, id, g_str_equal, NULL))
        g_ptr_array_add(into->folded, g_strdup(id));
}

/* -- walking the order -- */

/* False: it is no hit of its own. Wrong: *error is set. */
static bool is_hit(Search *search, Found *found, const GPtrArray *kept, SearchResult *result,
                   GError **error) {
    const SearchOptions *options = search->options;
    GError *wrong = NULL;
    bool hit = true;
    if (options->min_match > 0 && search_match(search, found, &wrong)) {
        hit = found->match >= options->min_match;
        if (!hit) result->nearest = fmax(found->match, result->nearest);
    }
    if (hit && !wrong && options->fold_duplicates && take_vector(search, found, &wrong)) {
        Found *same = same_sound(search, kept, found);
        if (same) fold_into(same, found);
        hit = !same;
    }
    if (wrong) g_propagate_error(error, wrong);
    return hit && !wrong;
}

/* The hits up to the end of the page → kept. Duplicates are looked for beyond it. */
static bool choose_hits(Search *search, GPtrArray *kept, SearchResult *result, GError **error) {
    const guint enough = (guint)(search->options->from + search->options->n);
    GError *wrong = NULL;
    for (guint i = 0; i < search->found->len && !wrong; i++) {
        Found *found = &g_array_index(search->found, Found, i);
        bool full = kept->len >= enough;
        if (full && !search->options->fold_duplicates) break;
        if (is_hit(search, found, kept, result, &wrong) && !full) g_ptr_array_add(kept, found);
    }
    if (wrong) g_propagate_error(error, wrong);
    return !wrong;
}

/* -- hits -- */

static bool explain(const Search *search, SearchHit *hit, uint64_t clip, GError **error) {
    if (!search->options->explain || !search->query->words) return true;
    hit->columns = g_new0(double, STORE_WORD_COLUMNS);
    if (!search->backend->ops->score_words(search->backend, search->query->words, &clip, 1,
                                           hit->columns, error))
        return false;
    double sum = 0;
    for (int c = 0; c < STORE_WORD_COLUMNS; c++) sum += hit->columns[c];
    if (isnan(hit->bm25)) hit->bm25 = sum;
    return true;
}

static bool fill_hit(Search *search, Found *found, SearchHit *hit, GError **error) {
    if (!search_match(search, found, error) || !explain(search, hit, found->best.clip, error))
        return false;
    bool placed = found->best.cosine > -1.5;
    hit->span = placed ? found->best.span : (ClipWindow){0, hit->clip->duration};
    hit->cosine = placed ? found->best.cosine : NAN;
    hit->match = found->match;
    hit->score = found->fused.score;
    hit->parts = found->fused;
    hit->folded = g_steal_pointer(&found->folded);
    return true;
}

/* A clip that went since is passed over. */
static bool add_hit(Search *search, Found *found, int rank, GPtrArray *hits, GError **error) {
    GError *gone = NULL;
    Clip *clip = search->backend->ops->clip(search->backend, found->best.clip, false, &gone);
    if (g_error_matches(gone, EARSHOT_ERROR, ERR_NOT_FOUND)) {
        g_error_free(gone);
        return true;
    }
    if (!clip) {
        g_propagate_error(error, gone);
        return false;
    }
    SearchHit *hit = g_new0(SearchHit, 1);
    hit->rank = rank;
    hit->clip = clip;
    hit->bm25 = found->bm25;
    g_ptr_array_add(hits, hit);
    return fill_hit(search, found, hit, error);
}

/* Whether anything would have come near without the filter. */
static bool look_nearby(Search *search, SearchResult *result, GError **error) {
    SearchOptions options = *search->options;
    options.filter = NULL;
    options.n = 1;
    options.from = 0;
    Search open = *search;
    open.options = &options;
    open.found = NULL;
    bool ok = search_collect(&open, error);
    if (ok && open.found->len) {
        Found *first = &g_array_index(open.found, Found, 0);
        ok = search_match(&open, first, error);
        if (ok) result->nearest = fmax(first->match, result->nearest);
    }
    if (open.found) g_array_unref(open.found);
    return ok;
}

static bool run(Search *search, SearchResult *result, GError **error) {
    const SearchOptions *options = search->options;
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    if (!search_collect(search, error) || !choose_hits(search, kept, result, error)) return false;
    for (guint i = (guint)options->from; i < kept->len; i++)
        if (!add_hit(search, kept->pdata[i], (int)i + 1, result->hits, error)) return false;
    return kept->len || !options->filter || look_nearby(search, result, error);
}

SearchResult *search_run(Backend *backend, const Background *background, const SearchQuery *query,
                         const SearchOptions *options, GError **error) {
    const gint64 start = g_get_monotonic_time();
    const StoreModel *model = backend->ops->model(backend);
    Search search = {.backend = backend,
                     .background = background,
                     .query = query,
                     .options = options,
                     .dim = model ? model->dim : 0};
    g_autoptr(SearchResult) result = g_new0(SearchResult, 1);
    result->hits = g_ptr_array_new_with_free_func(hit_free);
    result->nearest = NAN;
    bool ok = check_numbers(options, error) && choose_parts(&search, error) &&
              run(&search, result, error);
    if (search.found) g_array_unref(search.found);
    if (!ok) return NULL;
    result->clips = backend->ops->count(backend);
    result->seconds = (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
    return g_steal_pointer(&result);
}
