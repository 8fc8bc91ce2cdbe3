/* The candidates of both parts, fused into one order.
 *
 * With windows as hits the vector part brings windows, and a clip that the words bring stands for
 * those of its windows that are there, else for its best one: each of them has the clip's BM25. */
#include "search_private.h"

#include "error.h"

#include <math.h>
#include <stdlib.h>

static GArray *new_list(void) {
    return g_array_new(FALSE, FALSE, sizeof(Candidate));
}

static void add_candidate(GArray *list, uint64_t id, double score) {
    Candidate candidate = {id, score};
    g_array_append_val(list, candidate);
}

/* One part alone keeps its own scores. */
static GArray *one_part(const GArray *list, int part) {
    GArray *order = g_array_new(FALSE, TRUE, sizeof(Fused));
    for (guint i = 0; i < list->len; i++) {
        const Candidate *candidate = &g_array_index(list, Candidate, i);
        Fused fused = {.id = candidate->id, .score = candidate->score};
        fused.part[part] = candidate->score;
        fused.rank[part] = (int)i + 1;
        g_array_append_val(order, fused);
    }
    return order;
}

static GArray *order_of(const Search *search, const GArray *const lists[2]) {
    const double weights[2] = {search->options->weight, 1 - search->options->weight};
    if (!search->by_words) return one_part(lists[0], 0);
    if (!search->by_vector) return one_part(lists[1], 1);
    if (search->options->fusion == FUSION_RRF) return fuse_rrf(lists, weights);
    return fuse_minmax(lists, weights);
}

static void found_clear(gpointer data) {
    Found *found = data;
    g_free(found->vector);
    if (found->folded) g_ptr_array_unref(found->folded);
}

/* `best` of where the order's ids point to; NULL: they are clips of `vector`. */
static void put_order(Search *search, const GArray *order, const GArray *words,
                      const WindowHit *table, const GArray *vector) {
    search->found = g_array_sized_new(FALSE, TRUE, sizeof(Found), order->len);
    g_array_set_clear_func(search->found, found_clear);
    for (guint i = 0; i < order->len; i++) {
        Found found = {.fused = g_array_index(order, Fused, i), .bm25 = NAN, .match = NAN};
        const int *rank = found.fused.rank;
        if (table)
            found.best = table[found.fused.id];
        else if (rank[0])
            found.best = g_array_index(vector, WindowHit, rank[0] - 1);
        else
            found.best = (WindowHit){.clip = found.fused.id, .cosine = -2};
        if (rank[1]) found.bm25 = g_array_index(words, Candidate, rank[1] - 1).score;
        found.fused.id = found.best.clip;
        if (found.best.clip != search->options->leave_out) g_array_append_val(search->found, found);
    }
}

/* -- clips as hits -- */

static void order_clips(Search *search, const Candidates *candidates) {
    g_autoptr(GArray) cosines = new_list();
    for (guint i = 0; candidates->vector && i < candidates->vector->len; i++) {
        const WindowHit *hit = &g_array_index(candidates->vector, WindowHit, i);
        add_candidate(cosines, hit->clip, hit->cosine);
    }
    g_autoptr(GArray) order = order_of(search, (const GArray *const[]){cosines, candidates->words});
    put_order(search, order, candidates->words, NULL, candidates->vector);
}

/* -- windows as hits -- */

static int by_place(gconstpointer a, gconstpointer b) {
    const WindowHit *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->span.start > y->span.start) - (x->span.start < y->span.start);
}

static bool has_clip(const GHashTable *clips, const uint64_t *clip) {
    return g_hash_table_contains((GHashTable *)clips, clip);
}

/* The best windows of clips that words alone brought. */
static bool add_word_clips(Search *search, const GArray *words, GArray *table, GError **error) {
    g_autoptr(GHashTable) clips = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_autofree uint64_t *fresh = g_new(uint64_t, words->len + 1);
    g_autofree WindowHit *best = g_new0(WindowHit, words->len + 1);
    int count = 0;
    for (guint i = 0; i < table->len; i++)
        g_hash_table_add(clips, &g_array_index(table, WindowHit, i).clip);
    for (guint i = 0; i < words->len; i++) {
        uint64_t *clip = &g_array_index(words, Candidate, i).id;
        if (!has_clip(clips, clip)) fresh[count++] = *clip;
    }
    for (int i = 0; i < count; i++) best[i] = (WindowHit){.clip = fresh[i], .cosine = -2};
    if (search->query->vector &&
        !search->backend->ops->best_windows(search->backend, search->query->vector, fresh, count,
                                            best, error))
        return false;
    g_array_append_vals(table, best, (guint)count);
    return true;
}

/* For each clip of `words`, in their order, its windows in the table. */
static GArray *spread_words(const GArray *words, const GArray *table) {
    GArray *list = new_list();
    g_autoptr(GHashTable) first = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (guint i = table->len; i > 0; i--)
        g_hash_table_insert(first, &g_array_index(table, WindowHit, i - 1).clip,
                            GUINT_TO_POINTER(i - 1));
    for (guint i = 0; i < words->len; i++) {
        const Candidate *word = &g_array_index(words, Candidate, i);
        guint at = GPOINTER_TO_UINT(g_hash_table_lookup(first, &word->id));
        for (; at < table->len && g_array_index(table, WindowHit, at).clip == word->id; at++)
            add_candidate(list, at, word->score);
    }
    return list;
}

/* Those that the vector part brought: not the best windows of the words' clips. */
static GArray *vector_list(const GArray *table, double least) {
    GArray *list = new_list();
    for (guint i = 0; i < table->len; i++) {
        const WindowHit *hit = &g_array_index(table, WindowHit, i);
        if (hit->cosine >= least) add_candidate(list, i, hit->cosine);
    }
    g_array_sort(list, candidate_order);
    return list;
}

static bool order_windows(Search *search, const Candidates *candidates, GError **error) {
    g_autoptr(GArray) table = g_array_new(FALSE, TRUE, sizeof(WindowHit));
    const GArray *vector = candidates->vector;
    double least = INFINITY;
    if (vector && vector->len) {
        g_array_append_vals(table, vector->data, vector->len);
        least = g_array_index(vector, WindowHit, vector->len - 1).cosine;
    }
    if (candidates->words && !add_word_clips(search, candidates->words, table, error)) return false;
    g_array_sort(table, by_place);
    g_autoptr(GArray) cosines = vector_list(table, least);
    g_autoptr(GArray) words =
        candidates->words ? spread_words(candidates->words, table) : new_list();
    g_autoptr(GArray) order = order_of(search, (const GArray *const[]){cosines, words});
    put_order(search, order, words, (const WindowHit *)table->data, NULL);
    return true;
}

bool search_collect(Search *search, GError **error) {
    const SearchOptions *options = search->options;
    const BackendOps *ops = search->backend->ops;
    Candidates candidates = {0};
    CandidateRequest request = {
        .kind = search->query->kind,
        .filter = options->filter,
        .most = MAX(SEARCH_CANDIDATES, options->from + options->n) + (options->leave_out != 0),
        .exact = options->exact,
    };
    if (search->by_words) request.words = search->query->words;
    if (search->by_vector && !options->windows) request.vector = search->query->vector;
    if ((request.words || request.vector) &&
        !ops->candidates(search->backend, &request, &candidates, error))
        return false;
    bool ok = true;
    if (options->windows && search->by_vector) {
        request.vector = search->query->vector;
        candidates.vector = ops->windows(search->backend, &request, error);
        ok = candidates.vector != NULL;
    }
    if (ok && options->windows)
        ok = order_windows(search, &candidates, error);
    else if (ok)
        order_clips(search, &candidates);
    candidates_clear(&candidates);
    return ok;
}
