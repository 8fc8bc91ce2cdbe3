/* Searches from a vector and words to hits: the three modes, fusion, paging, folding, match,
 * windows; against the plain model and the formulas. */
#include "error.h"
#include "library_model.h"
#include "search.h"
#include "store_words.h"

#include <math.h>

static SearchResult *search(Plain *plain, const float *vector, const char *words,
                            const SearchOptions *options) {
    GError *error = NULL;
    const SearchQuery query = {vector, INDEX_TEXT, words};
    SearchResult *result = search_run(plain->backend, NULL, &query, options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(result->clips, ==, plain->clips->len);
    return result;
}

static const SearchHit *hit(const SearchResult *result, guint i) {
    return result->hits->pdata[i];
}

static uint64_t id_of(const SearchHit *hit) {
    return clip_number_of_id(hit->clip->id);
}

static void a_vector_finds_the_nearest_clips(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 100);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    options.mode = MODE_VECTOR;
    g_autoptr(SearchResult) result = search(plain, query, "rain", &options);
    g_autoptr(GArray) expected = plain_search(plain, query, NULL, true);
    g_assert_cmpuint(result->hits->len, ==, 10);
    for (guint i = 0; i < 10; i++) {
        const WindowHit *plain_hit = &g_array_index(expected, WindowHit, i);
        g_assert_cmphex(id_of(hit(result, i)), ==, plain_hit->clip);
        g_assert_cmpfloat_with_epsilon(hit(result, i)->cosine, plain_hit->cosine, 1e-6);
        g_assert_cmpfloat(hit(result, i)->score, ==, hit(result, i)->cosine);
        g_assert_cmpfloat(hit(result, i)->span.start, ==, plain_hit->span.start);
        g_assert_cmpint(hit(result, i)->rank, ==, (int)i + 1);
        g_assert_true(isnan(hit(result, i)->bm25));
        g_assert_true(hit(result, i)->match >= 0 && hit(result, i)->match <= 1);
    }
    plain_free(plain);
}

/* The score of each hit again, from what is said of its parts. */
static void hybrid_scores_are_the_fused_ones(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 300);
    plain_unit(plain->random, query);
    for (int rrf = 0; rrf < 2; rrf++) {
        SearchOptions options = SEARCH_DEFAULTS;
        options.n = 300;
        options.weight = 0.6;
        options.explain = true;
        options.fusion = rrf ? FUSION_RRF : FUSION_MINMAX;
        g_autoptr(SearchResult) result = search(plain, query, "rain sea", &options);
        g_assert_cmpuint(result->hits->len, ==, 300);
        int both = 0;
        for (guint i = 0; i < result->hits->len; i++) {
            const SearchHit *h = hit(result, i);
            g_assert_cmpfloat_with_epsilon(h->score,
                                           0.6 * h->parts.part[0] + 0.4 * h->parts.part[1], 1e-6);
            both += h->parts.rank[0] && h->parts.rank[1];
            double sum = 0;
            for (int c = 0; c < STORE_WORD_COLUMNS; c++) sum += h->columns[c];
            g_assert_cmpfloat_with_epsilon(h->bm25, sum, 1e-4);
            if (i) g_assert_cmpfloat(hit(result, i - 1)->score, >=, h->score);
        }
        g_assert_cmpint(both, >, 10);
    }
    plain_free(plain);
}

static void words_alone_need_no_vector(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 100);
    SearchOptions options = SEARCH_DEFAULTS;
    options.mode = MODE_BM25;
    options.n = 200;
    g_autoptr(SearchResult) result = search(plain, NULL, "rain door zebra", &options);
    g_assert_cmpuint(result->hits->len, >, 0);
    for (guint i = 0; i < result->hits->len; i++) {
        const SearchHit *h = hit(result, i);
        g_assert_cmpfloat(h->score, ==, h->bm25);
        g_assert_true(isnan(h->cosine));
        g_assert_cmpfloat(h->span.end, ==, h->clip->duration);
        g_assert_cmpfloat(h->match, >, 0);
        g_assert_cmpfloat(h->match, <, 0.99); /* nothing is a zebra */
    }
    g_autoptr(SearchResult) one = search(plain, NULL, "rain", &options);
    g_assert_cmpfloat_with_epsilon(hit(one, 0)->match, 1, 1e-9);
    plain_free(plain);
}

static void words_with_a_vector_get_their_best_window(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 100);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    options.mode = MODE_BM25;
    g_autoptr(SearchResult) result = search(plain, query, "rain", &options);
    g_autoptr(GArray) all = plain_search(plain, query, NULL, true);
    g_assert_cmpuint(result->hits->len, ==, 10);
    for (guint i = 0; i < 10; i++) {
        guint at = 0;
        while (g_array_index(all, WindowHit, at).clip != id_of(hit(result, i))) at++;
        const WindowHit *best = &g_array_index(all, WindowHit, at);
        g_assert_cmpfloat_with_epsilon(hit(result, i)->cosine, best->cosine, 1e-6);
        g_assert_cmpfloat(hit(result, i)->span.start, ==, best->span.start);
    }
    plain_free(plain);
}

static void pages_follow_each_other(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 60);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    options.n = 60;
    g_autoptr(SearchResult) all = search(plain, query, "dog", &options);
    g_assert_cmpuint(all->hits->len, ==, 60);
    options.n = 7;
    for (options.from = 0; options.from < 70; options.from += 7) {
        g_autoptr(SearchResult) page = search(plain, query, "dog", &options);
        g_assert_cmpint(page->hits->len, ==, CLAMP(60 - options.from, 0, 7));
        for (guint i = 0; i < page->hits->len; i++) {
            const SearchHit *same = hit(all, (guint)options.from + i);
            g_assert_cmphex(id_of(hit(page, i)), ==, id_of(same));
            g_assert_cmpint(hit(page, i)->rank, ==, same->rank);
        }
    }
    plain_free(plain);
}

static void what_is_left_out_is_no_hit(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 30);
    const PlainClip *self = plain_any(plain);
    SearchOptions options = SEARCH_DEFAULTS;
    options.n = 30;
    g_autoptr(SearchResult) with = search(plain, self->vectors[0], NULL, &options);
    g_assert_cmphex(id_of(hit(with, 0)), ==, self->id);
    options.leave_out = self->id;
    g_autoptr(SearchResult) without = search(plain, self->vectors[0], NULL, &options);
    g_assert_cmpuint(without->hits->len, ==, 29);
    g_assert_cmphex(id_of(hit(without, 0)), ==, id_of(hit(with, 1)));
    g_assert_cmpint(hit(without, 0)->rank, ==, 1);
    plain_free(plain);
}

/* The same windows once more under another id, changed by more than what rounding to f16 does. */
static PlainClip *add_copy(Plain *plain, const PlainClip *of) {
    Clip *stored;
    uint16_t halves[4 * DIM];
    GError *error = NULL;
    PlainClip *clip = plain_make(plain, &stored, halves);
    clip->windows = of->windows;
    for (int w = 0; w < of->windows; w++) {
        clip->spans[w] = of->spans[w];
        for (int i = 0; i < DIM; i++) clip->vectors[w][i] = of->vectors[w][i] + (i == 3) * 0.1f;
        vec_normalise(clip->vectors[w], DIM);
    }
    vec_to_half(clip->vectors[0], halves, (size_t)of->windows * DIM);
    g_autofree char *path = g_strdup_printf("/sounds/copy%u.wav", plain->clips->len);
    clip_add_path(stored, path, &(FileStamp){1, 2, 3});
    stored->windows = of->windows;
    stored->duration = of->duration;
    plain->backend->ops->add_clip(plain->backend, stored, clip->spans, halves, halves, &error);
    g_assert_no_error(error);
    clip_free(stored);
    g_ptr_array_add(plain->clips, clip);
    return clip;
}

static void near_duplicates_are_folded_into_the_better_hit(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 30);
    const PlainClip *original = plain_any(plain);
    const PlainClip *copy = add_copy(plain, original);
    char id[CLIP_ID + 1];
    clip_id_of_number(copy->id, id);
    SearchOptions options = SEARCH_DEFAULTS;
    options.n = 40;
    g_autoptr(SearchResult) both = search(plain, original->vectors[0], NULL, &options);
    g_assert_cmpuint(both->hits->len, ==, 31);
    g_assert_null(hit(both, 0)->folded);
    options.fold_duplicates = true;
    g_autoptr(SearchResult) folded = search(plain, original->vectors[0], NULL, &options);
    g_assert_cmpuint(folded->hits->len, ==, 30);
    g_assert_cmphex(id_of(hit(folded, 0)), ==, original->id);
    g_assert_cmpuint(hit(folded, 0)->folded->len, ==, 1);
    g_assert_cmpstr(hit(folded, 0)->folded->pdata[0], ==, id);
    options.n = 1; /* duplicates beyond the page are told as well */
    g_autoptr(SearchResult) first = search(plain, original->vectors[0], NULL, &options);
    g_assert_cmpuint(first->hits->len, ==, 1);
    g_assert_cmpuint(hit(first, 0)->folded->len, ==, 1);
    plain_free(plain);
}

/* Three windows that sound the same, twice over: the clip's own stay, the copy's are one duplicate.
 */
static void windows_of_one_clip_are_no_duplicates(void) {
    Plain *plain = plain_new();
    PlainClip steady = {.windows = 3};
    for (int w = 0; w < 3; w++) {
        steady.spans[w] = (ClipWindow){10.0 * w, 10.0 * (w + 1)};
        steady.vectors[w][w + 5] = 0.03f;
        steady.vectors[w][0] = 1;
    }
    const PlainClip *original = add_copy(plain, &steady), *copy = add_copy(plain, original);
    SearchOptions options = SEARCH_DEFAULTS;
    options.windows = options.fold_duplicates = true;
    g_autoptr(SearchResult) folded = search(plain, original->vectors[0], NULL, &options);
    g_assert_cmpuint(folded->hits->len, ==, 3);
    uint64_t kept = id_of(hit(folded, 0));
    g_assert_true(kept == original->id || kept == copy->id);
    guint told = 0;
    for (guint i = 0; i < 3; i++) {
        g_assert_cmphex(id_of(hit(folded, i)), ==, kept);
        told += hit(folded, i)->folded ? hit(folded, i)->folded->len : 0;
    }
    g_assert_cmpuint(told, ==, 1);
    plain_free(plain);
}

static void what_is_not_sure_enough_is_dropped(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 200);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    options.n = 200;
    g_autoptr(SearchResult) all = search(plain, query, NULL, &options);
    double bar = hit(all, 20)->match;
    g_assert_cmpfloat(bar, >, 0);
    options.min_match = bar;
    g_autoptr(SearchResult) sure = search(plain, query, NULL, &options);
    g_assert_cmpuint(sure->hits->len, >=, 20);
    g_assert_cmpuint(sure->hits->len, <, 40);
    for (guint i = 0; i < sure->hits->len; i++) g_assert_cmpfloat(hit(sure, i)->match, >=, bar);
    g_assert_cmpfloat(sure->nearest, <, bar);
    g_assert_cmpfloat(sure->nearest, >, 0);
    plain_free(plain);
}

static void a_filter_that_keeps_nothing_tells_what_came_near(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 20);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    g_autoptr(Filter) filter = filter_parse("duration > 1000", NULL, NULL, NULL);
    g_autoptr(SearchResult) open = search(plain, query, "rain", &options);
    options.filter = filter;
    g_autoptr(SearchResult) none = search(plain, query, "rain", &options);
    g_assert_cmpuint(none->hits->len, ==, 0);
    g_assert_cmpfloat(none->nearest, ==, hit(open, 0)->match);
    plain_free(plain);
}

static void every_window_can_be_a_hit(void) {
    Plain *plain = plain_new();
    float query[DIM];
    plain_add_many(plain, 40);
    plain_unit(plain->random, query);
    SearchOptions options = SEARCH_DEFAULTS;
    options.mode = MODE_VECTOR;
    options.windows = true;
    options.n = 150;
    g_autoptr(SearchResult) result = search(plain, query, NULL, &options);
    g_autoptr(GArray) expected = plain_search(plain, query, NULL, false);
    g_assert_cmpuint(result->hits->len, ==, MIN(expected->len, 150));
    for (guint i = 0; i < result->hits->len; i++)
        g_assert_cmpfloat_with_epsilon(hit(result, i)->cosine,
                                       g_array_index(expected, WindowHit, i).cosine, 1e-6);
    options.mode = MODE_HYBRID;
    g_autoptr(SearchResult) hybrid = search(plain, query, "rain", &options);
    for (guint i = 0; i < hybrid->hits->len; i++) {
        const SearchHit *h = hit(hybrid, i);
        bool rain = false;
        for (guint c = 0; c < plain->clips->len; c++) {
            const PlainClip *clip = plain->clips->pdata[c];
            if (clip->id != id_of(h)) continue;
            rain = strstr(clip->words, "rain") || !strcmp(clip->tag, "rain");
        }
        g_assert_cmpint(rain, ==, !isnan(h->bm25)); /* all windows of a clip have its BM25 */
    }
    plain_free(plain);
}

static void hits_that_are_equal_are_ordered_by_id(void) {
    Plain *plain = plain_new();
    float query[DIM] = {0};
    query[DIM - 1] = 1;
    plain_add_many(plain, 5);
    const PlainClip *original = plain->clips->pdata[0];
    for (int i = 0; i < 5; i++) add_copy(plain, original);
    SearchOptions options = SEARCH_DEFAULTS;
    options.n = 20;
    g_autoptr(SearchResult) result = search(plain, query, NULL, &options);
    for (guint i = 1; i < result->hits->len; i++)
        if (hit(result, i)->score == hit(result, i - 1)->score)
            g_assert_cmphex(id_of(hit(result, i - 1)), <, id_of(hit(result, i)));
    plain_free(plain);
}

static void refuse(Plain *plain, const SearchQuery *query, SearchOptions options, int code,
                   const char *pattern) {
    GError *error = NULL;
    g_assert_null(search_run(plain->backend, NULL, query, &options, &error));
    g_assert_error(error, EARSHOT_ERROR, code);
    files_expect_error(&error, pattern);
}

static void wrong_requests_are_refused(void) {
    Plain *plain = plain_new();
    float vector[DIM] = {1};
    const SearchQuery query = {vector, INDEX_TEXT, NULL}, nothing = {NULL, INDEX_TEXT, NULL};
    refuse(plain, &nothing, (SearchOptions)SEARCH_DEFAULTS, ERR_USAGE, "nothing is asked for");
    refuse(plain, &query, (SearchOptions){.mode = MODE_BM25, .n = 1}, ERR_USAGE, "no words*");
    refuse(plain, &query, (SearchOptions){.n = 10001}, ERR_USAGE, "hits: *");
    refuse(plain, &query, (SearchOptions){.n = 1, .from = 10000}, ERR_USAGE, "hits: *");
    refuse(plain, &query, (SearchOptions){.n = -1}, ERR_USAGE, "hits: *");
    refuse(plain, &query, (SearchOptions){.n = 1, .weight = 1.5}, ERR_USAGE, "weight 1.5: *");
    refuse(plain, &query, (SearchOptions){.n = 1, .weight = NAN}, ERR_USAGE, "weight *");
    refuse(plain, &query, (SearchOptions){.n = 1, .min_match = 2}, ERR_USAGE, "min-match 2: *");
    refuse(plain, &query, (SearchOptions){.n = 1, .fusion = FUSION_SERVER}, ERR_UNSUPPORTED,
           "fusion by the server: *");
    plain_free(plain);
}

static void an_empty_library_has_no_hits(void) {
    Plain *plain = plain_new();
    float vector[DIM] = {1};
    SearchOptions options = SEARCH_DEFAULTS;
    g_autoptr(SearchResult) result = search(plain, vector, "rain", &options);
    g_assert_cmpuint(result->hits->len, ==, 0);
    g_assert_true(isnan(result->nearest));
    plain_free(plain);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/search/" #name, name)
    ADD(a_vector_finds_the_nearest_clips);
    ADD(hybrid_scores_are_the_fused_ones);
    ADD(words_alone_need_no_vector);
    ADD(words_with_a_vector_get_their_best_window);
    ADD(pages_follow_each_other);
    ADD(what_is_left_out_is_no_hit);
    ADD(near_duplicates_are_folded_into_the_better_hit);
    ADD(windows_of_one_clip_are_no_duplicates);
    ADD(what_is_not_sure_enough_is_dropped);
    ADD(a_filter_that_keeps_nothing_tells_what_came_near);
    ADD(every_window_can_be_a_hit);
    ADD(hits_that_are_equal_are_ordered_by_id);
    ADD(wrong_requests_are_refused);
    ADD(an_empty_library_has_no_hits);
    return g_test_run();
}
