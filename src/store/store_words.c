/* Search by words: the places of each word once, scores from counts and lengths, the best kept in
 * a heap. */
#include "store_words.h"

#include "bm25.h"
#include "words.h"

#include <string.h>

#define MAX_WORDS 256 /* different ones of a query; the rest is not looked for */

/* -- the query -- */

typedef struct {
    char *stem, *written;
    int times; /* in the query: Lucene adds a word's score as often as it is asked for */
} Term;

static void term_clear(void *term) {
    g_free(((Term *)term)->stem);
    g_free(((Term *)term)->written);
}

static bool add_term(void *user, const char *stem, int stem_len, const char *written,
                     int written_len) {
    GArray *terms = user;
    for (guint i = 0; i < terms->len; i++) {
        Term *term = &g_array_index(terms, Term, i);
        if (strlen(term->stem) != (size_t)stem_len || memcmp(term->stem, stem, (size_t)stem_len))
            continue;
        term->times++;
        return true;
    }
    if (terms->len >= MAX_WORDS) return true;
    Term term = {g_strndup(stem, (gsize)stem_len), g_strndup(written, (gsize)written_len), 1};
    g_array_append_val(terms, term);
    return true;
}

static GArray *terms_of(Store *store, const char *text, GError **error) {
    g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(Term));
    g_array_set_clear_func(terms, term_clear);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return words_split(store, valid, add_term, terms, error) ? g_steal_pointer(&terms) : NULL;
}

/* -- scoring -- */

typedef struct {
    Store *store;
    WordTotal totals[STORE_WORD_COLUMNS];
    double norms[STORE_WORD_COLUMNS][256];
    GHashTable *blocks;                /* number → codes; of word_length, as they are needed */
    GArray *postings;                  /* of the term at hand */
    double weight[STORE_WORD_COLUMNS]; /* of the term at hand: boost · idf · times in the query */
} Scorer;

static void scorer_clear(Scorer *scorer) {
    if (scorer->blocks) g_hash_table_unref(scorer->blocks);
    if (scorer->postings) g_array_unref(scorer->postings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scorer, scorer_clear)

static bool scorer_init(Scorer *scorer, Store *store, GError **error) {
    *scorer = (Scorer){.store = store};
    scorer->blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    scorer->postings = g_array_new(FALSE, FALSE, sizeof(Posting));
    if (!words_totals(store, scorer->totals, error)) return false;
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) {
        const WordTotal *total = scorer->totals + i;
        if (total->clips < 0 || total->words < total->clips)
            return store_damaged(store, "counts of words", error);
        bm25_norms((double)MAX(total->words, 1) / (double)MAX(total->clips, 1), scorer->norms[i]);
    }
    return true;
}

static const uint8_t *codes_of_block(Scorer *scorer, int64_t block, GError **error) {
    uint8_t *codes = g_hash_table_lookup(scorer->blocks, &block);
    if (codes) return codes;
    codes = g_malloc(WORD_BLOCK_BYTES);
    g_hash_table_insert(scorer->blocks, g_memdup2(&block, sizeof block), codes);
    return words_lengths(scorer->store, block, codes, error) ? codes : NULL;
}

static bool find_term(Scorer *scorer, const Term *term, GError **error) {
    g_array_set_size(scorer->postings, 0);
    if (!words_postings(scorer->store, term->written, scorer->postings, error)) return false;
    int64_t with_term[STORE_WORD_COLUMNS] = {0};
    for (guint i = 0; i < scorer->postings->len; i++)
        with_term[g_array_index(scorer->postings, Posting, i).column]++;
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) {
        if (with_term[i] > scorer->totals[i].clips)
            return store_damaged(scorer->store, "counts of words", error);
        scorer->weight[i] =
            store_word_boosts[i] * term->times * bm25_idf(scorer->totals[i].clips, with_term[i]);
    }
    return true;
}

typedef void (*EachScore)(void *user, const Posting *posting, double score);

/* Scores of the term at hand, by clip, then column. */
static bool each_score(Scorer *scorer, EachScore each, void *user, GError **error) {
    const Posting *postings = &g_array_index(scorer->postings, Posting, 0);
    const uint8_t *codes = NULL;
    int64_t block = -1;
    for (guint i = 0; i < scorer->postings->len; i++) {
        const Posting *at = postings + i;
        if (at->clip / WORD_BLOCK != block) {
            block = at->clip / WORD_BLOCK;
            codes = codes_of_block(scorer, block, error);
            if (!codes) return false;
        }
        const uint8_t code = codes[at->clip % WORD_BLOCK * STORE_WORD_COLUMNS + at->column];
        each(user, at,
             scorer->weight[at->column] * at->count /
                 (at->count + scorer->norms[at->column][code]));
    }
    return true;
}

/* All terms, one after the other; `next` (may be NULL) is called before each. */
static bool score_text(Store *store, const char *text, void (*next)(void *user), EachScore each,
                       void *user, GError **error) {
    g_autoptr(GArray) terms = terms_of(store, text, error);
    g_auto(Scorer) scorer = {0};
    if (!terms || !scorer_init(&scorer, store, error)) return false;
    for (guint i = 0; i < terms->len; i++) {
        if (next) next(user);
        if (!find_term(&scorer, &g_array_index(terms, Term, i), error) ||
            !each_score(&scorer, each, user, error))
            return false;
    }
    return true;
}

/* -- the best of all -- */

/* Both lists are by clip. */
typedef struct {
    GArray *sums; /* of StoreHit: terms so far */
    GArray *term; /* of StoreHit: the term at hand */
    GArray *spare;
} Summing;

static void add_score(void *user, const Posting *posting, double score) {
    GArray *term = ((Summing *)user)->term;
    if (term->len && g_array_index(term, StoreHit, term->len - 1).clip == posting->clip) {
        g_array_index(term, StoreHit, term->len - 1).score += score;
        return;
    }
    StoreHit hit = {posting->clip, score};
    g_array_append_val(term, hit);
}

static guint merge(const StoreHit *a, guint a_len, const StoreHit *b, guint b_len, StoreHit *out) {
    guint i = 0, j = 0, n = 0;
    while (i < a_len || j < b_len) {
        if (j == b_len || (i < a_len && a[i].clip < b[j].clip))
            out[n++] = a[i++];
        else if (i == a_len || b[j].clip < a[i].clip)
            out[n++] = b[j++];
        else {
            out[n++] = (StoreHit){a[i].clip, a[i].score + b[j].score};
            i++;
            j++;
        }
    }
    return n;
}

static void finish_term(void *user) {
    Summing *summing = user;
    GArray *sums = summing->sums, *term = summing->term, *spare = summing->spare;
    g_array_set_size(spare, sums->len + term->len);
    guint len = merge((StoreHit *)sums->data, sums->len, (StoreHit *)term->data, term->len,
                      (StoreHit *)spare->data);
    g_array_set_size(spare, len);
    g_array_set_size(term, 0);
    summing->sums = spare;
    summing->spare = sums;
}

/* Keeps the hits whose clips the condition names. */
static bool filter_hits(Store *store, const StoreWhere *where, GArray *hits, GError **error) {
    if (!where || !hits->len) return true;
    StoreHit *all = (StoreHit *)hits->data;
    sqlite3_stmt *row = store_where_prepare(store, "c.number", where, all[0].clip - 1, -1, error);
    if (!row) return false;
    guint at = 0, kept = 0;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        const int64_t clip = sqlite3_column_int64(row, 0);
        while (at < hits->len && all[at].clip < clip) at++;
        if (at < hits->len && all[at].clip == clip) all[kept++] = all[at];
    }
    sqlite3_finalize(row);
    g_array_set_size(hits, kept);
    return step == STEP_DONE;
}

static int by_rank(const void *a, const void *b) {
    const StoreHit *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

/* heap[0] is the worst of those kept. */
static void sink(StoreHit *heap, guint len) {
    const StoreHit hit = heap[0];
    guint at = 0;
    for (guint child; (child = 2 * at + 1) < len; at = child) {
        if (child + 1 < len && by_rank(heap + child, heap + child + 1) < 0) child++;
        if (by_rank(&hit, heap + child) >= 0) break;
        heap[at] = heap[child];
    }
    heap[at] = hit;
}

/* The first `most` are sorted, so they are a heap from worst to best when read backwards. */
static void keep_best(GArray *hits, guint most) {
    StoreHit *all = (StoreHit *)hits->data;
    if (hits->len > most) {
        qsort(all, most, sizeof *all, by_rank);
        for (guint i = 0; i < most / 2; i++) {
            StoreHit swapped = all[i];
            all[i] = all[most - 1 - i];
            all[most - 1 - i] = swapped;
        }
        for (guint i = most; i < hits->len; i++) {
            if (by_rank(all + i, all) >= 0) continue;
            all[0] = all[i];
            sink(all, most);
        }
        g_array_set_size(hits, most);
    }
    if (hits->len) qsort(hits->data, hits->len, sizeof *all, by_rank);
}

static GArray *hits_new(void) {
    return g_array_new(FALSE, FALSE, sizeof(StoreHit));
}

GArray *store_search_words(Store *store, const char *text, const StoreWhere *where, int most,
                           GError **error) {
    if (!snapshot_begin(store, error)) return NULL;
    Summing summing = {hits_new(), hits_new(), hits_new()};
    bool ok = score_text(store, text, finish_term, add_score, &summing, error);
    if (ok) finish_term(&summing);
    ok = ok && filter_hits(store, where, summing.sums, error);
    snapshot_end(store);
    g_array_unref(summing.term);
    g_array_unref(summing.spare);
    if (ok && most > 0) keep_best(summing.sums, (guint)most);
    if (ok && most <= 0) g_array_set_size(summing.sums, 0);
    if (!ok) g_clear_pointer(&summing.sums, g_array_unref);
    return summing.sums;
}

/* -- some of them -- */

typedef struct {
    GHashTable *places; /* clip → its place + 1 */
    StoreHit *hits;
    double *columns;
} Explaining;

static void explain(void *user, const Posting *posting, double score) {
    Explaining *explaining = user;
    const int place = GPOINTER_TO_INT(g_hash_table_lookup(explaining->places, &posting->clip)) - 1;
    if (place < 0) return;
    explaining->hits[place].score += score;
    if (explaining->columns)
        explaining->columns[place * STORE_WORD_COLUMNS + posting->column] += score;
}

bool store_score_words(Store *store, const char *text, StoreHit *hits, int count, double *columns,
                       GError **error) {
    g_autoptr(GHashTable) places = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (int i = 0; i < count; i++) {
        hits[i].score = 0;
        g_hash_table_insert(places, &hits[i].clip, GINT_TO_POINTER(i + 1));
    }
    if (columns) memset(columns, 0, (size_t)count * STORE_WORD_COLUMNS * sizeof *columns);
    if (!snapshot_begin(store, error)) return false;
    bool ok = score_text(store, text, NULL, explain, &(Explaining){places, hits, columns}, error);
    snapshot_end(store);
    return ok;
}
