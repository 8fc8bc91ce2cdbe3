/* Judgments that a library keeps, in every format, and nDCG by them. */
#include "library_judgments.h"

#include "library_fixture.h"

static Library *indexed(Fixture *f) {
    static const char *const names[] = {"zebra hoof.wav", "zebra.wav", "rain.wav"};
    *f = fixture_new();
    for (int i = 0; i < 3; i++) fixture_put_tone(f, names[i], 0.02 + 0.1 * i, 0.4);
    Library *library = fixture_library(f);
    IngestReport report = fixture_index(f, library, (IngestOptions){0});
    ingest_report_clear(&report);
    return library;
}

static void judge(Library *library, const char *query, const Clip *clip, double rating) {
    g_autoptr(GError) error = NULL;
    g_assert_true(library_judge(library, query, clip->id, rating, &error));
    g_assert_no_error(error);
}

/* "query id rating; …" with ids as the letters of `clips`. */
static void expect_judgments(Library *library, Clip *const *clips, const char *wanted) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Judgments) judgments = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_assert_true(judgments_of_library(library, &judgments, &error));
    g_assert_no_error(error);
    for (guint i = 0; i < judgments->rows->len; i++) {
        const Judgment *row = &g_array_index(judgments->rows, Judgment, i);
        char letter = '?';
        for (int c = 0; c < 3; c++)
            if (strcmp(clips[c]->id, row->document) == 0) letter = (char)('a' + c);
        g_string_append_printf(text, "%s%s %c %g", i ? "; " : "", row->query, letter, row->rating);
    }
    g_assert_cmpstr(text->str, ==, wanted);
}

static void get_clips(const Fixture *f, Library *library, Clip **clips) {
    clips[0] = fixture_clip(f, library, "zebra hoof.wav");
    clips[1] = fixture_clip(f, library, "zebra.wav");
    clips[2] = fixture_clip(f, library, "rain.wav");
}

static void free_clips(Clip **clips) {
    for (int i = 0; i < 3; i++) clip_free(clips[i]);
}

static void judgments_are_kept_changed_and_taken_back(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(GError) error = NULL;
    Library *library = indexed(&f);
    get_clips(&f, library, clips);
    expect_judgments(library, clips, "");
    judge(library, "zebra", clips[0], 3);
    judge(library, "ze\"bra, \u00e4", clips[1], 0.5);
    judge(library, "zebra", clips[2], 0);
    judge(library, "zebra", clips[0], 2);
    library_close(library);
    library = fixture_open(&f, STORE_WRITE, NULL, &error);
    g_assert_no_error(error);
    expect_judgments(library, clips, "zebra a 2; ze\"bra, \u00e4 b 0.5; zebra c 0");
    judge(library, "zebra", clips[1], NAN); /* was none */
    judge(library, "zebra", clips[0], NAN);
    expect_judgments(library, clips, "ze\"bra, \u00e4 b 0.5; zebra c 0");
    judge(library, "zebra", clips[2], NAN);
    judge(library, "ze\"bra, \u00e4", clips[1], NAN);
    expect_judgments(library, clips, "");
    library_close(library);
    free_clips(clips);
    fixture_free(&f);
}

static void expect_refused(Library *library, const char *query, const char *id, double rating,
                           ErrorCode code) {
    g_autoptr(GError) error = NULL;
    g_assert_false(library_judge(library, query, id, rating, &error));
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    files_expect_error(&error, "*");
}

static void what_is_no_judgment_is_refused_and_changes_nothing(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    get_clips(&f, library, clips);
    judge(library, "zebra", clips[0], 3);
    g_autofree char *longest = g_strnfill(QUERY_MAX_BYTES + 1, 'x');
    expect_refused(library, "", clips[0]->id, 1, ERR_USAGE);
    expect_refused(library, "two\nlines", clips[0]->id, 1, ERR_USAGE);
    expect_refused(library, "\xff", clips[0]->id, 1, ERR_USAGE);
    expect_refused(library, longest, clips[0]->id, 1, ERR_LIMIT);
    expect_refused(library, "zebra", clips[0]->id, INFINITY, ERR_USAGE);
    expect_refused(library, "zebra", clips[0]->id, 1001, ERR_USAGE);
    expect_refused(library, "zebra", "ffffffffffffffff", 1, ERR_NOT_FOUND);
    expect_refused(library, "zebra", "../etc", NAN, ERR_NOT_FOUND);
    g_autoptr(Library) reader = fixture_open(&f, STORE_READ, NULL, &error);
    expect_refused(reader, "zebra", clips[1]->id, 1, ERR_DENIED);
    expect_judgments(library, clips, "zebra a 3");
    free_clips(clips);
    fixture_free(&f);
}

static void judgments_of_clips_that_went_can_be_taken_back(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    Backend *backend = library_backend(library);
    get_clips(&f, library, clips);
    judge(library, "zebra", clips[0], 3);
    g_assert_true(backend->ops->remove_clip(backend, clip_number_of_id(clips[0]->id), &error));
    expect_judgments(library, clips, "zebra a 3");
    judge(library, "zebra", clips[0], NAN);
    expect_judgments(library, clips, "");
    free_clips(clips);
    fixture_free(&f);
}

static void what_is_kept_and_cannot_be_read_is_not_overwritten(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    Backend *backend = library_backend(library);
    get_clips(&f, library, clips);
    g_autoptr(GBytes) broken = g_bytes_new_static("{\"query\":", 9);
    g_assert_true(backend->ops->put(backend, "judgments", broken, &error));
    g_assert_false(library_judge(library, "zebra", clips[0]->id, 1, &error));
    files_expect_error(&error, "*/library: judgments:1: is not *");
    g_autoptr(GBytes) kept = backend->ops->get(backend, "judgments", NULL);
    g_assert_true(g_bytes_equal(kept, broken));
    free_clips(clips);
    fixture_free(&f);
}

static void every_format_reads_back_from_memory(void) {
    const JudgedFormat formats[] = {JUDGED_TREC, JUDGED_QUEPID, JUDGED_SRW, JUDGED_JSONL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Judgments) none = judgments_new();
    g_autoptr(Judgments) one = judgments_with(none, "dog", "0f3c", 3, &error);
    g_autoptr(Judgments) two = judgments_with(one, "rain", "0f3c", 1, &error);
    g_autoptr(Judgments) all = judgments_with(two, "dog", "77aa", 0, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        gsize len;
        g_autoptr(GBytes) bytes = judgments_bytes(all, formats[i], &error);
        g_assert_no_error(error);
        const char *data = g_bytes_get_data(bytes, &len);
        g_autofree char *text = g_strndup(data, len);
        g_autoptr(Judgments) back = judgments_parse("memory", text, len, formats[i], &error);
        g_assert_no_error(error);
        g_assert_cmpuint(back->rows->len, ==, 3);
        double rating;
        g_assert_true(judgments_rating(back, "dog", "0f3c", &rating));
        g_assert_cmpfloat(rating, ==, 3);
        g_autoptr(GBytes) nothing = judgments_bytes(none, formats[i], &error);
        g_assert_no_error(error);
        g_assert_nonnull(nothing);
    }
    g_autoptr(Judgments) half = judgments_with(all, "dog", "0f3c", 0.5, &error);
    g_assert_null(judgments_bytes(half, JUDGED_TREC, &error));
    files_expect_error(&error, "0f3c: a rating that is a fraction *");
}

/* -- nDCG -- */

static LibraryRelevance relevance(Library *library, const char *query, int n) {
    g_autoptr(GError) error = NULL;
    LibraryRelevance relevance;
    g_assert_true(relevance_of_library(library, query, n, &relevance, &error));
    g_assert_no_error(error);
    return relevance;
}

static void ndcg_is_that_of_each_modes_order(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(Library) library = indexed(&f);
    get_clips(&f, library, clips);
    LibraryRelevance before = relevance(library, "zebra", 10);
    g_assert_cmpint(before.judged, ==, 0);
    g_assert_true(isnan(before.ndcg[MODE_HYBRID]) && isnan(before.ndcg[MODE_BM25]));
    judge(library, "zebra", clips[0], 1);
    judge(library, "zebra", clips[1], 3);
    judge(library, "other", clips[1], 3);
    LibraryRelevance got = relevance(library, "zebra", 10);
    g_assert_cmpint(got.judged, ==, 2);
    g_assert_cmpfloat(got.ndcg[MODE_BM25], ==, 1); /* the shorter name comes first */
    judge(library, "zebra", clips[0], 3);
    judge(library, "zebra", clips[1], 1);
    double ideal = 3 + 1 / log2(3), turned = 1 + 3 / log2(3);
    got = relevance(library, "zebra", 10);
    g_assert_cmpfloat_with_epsilon(got.ndcg[MODE_BM25], turned / ideal, 1e-4);
    got = relevance(library, "zebra", 1);
    g_assert_cmpfloat_with_epsilon(got.ndcg[MODE_BM25], 1.0 / 3, 1e-4);
    for (int mode = 0; mode < RELEVANCE_MODES; mode++)
        g_assert_true(got.ndcg[mode] >= 0 && got.ndcg[mode] <= 1);
    free_clips(clips);
    fixture_free(&f);
}

static void a_query_without_words_has_no_figure_by_words(void) {
    Fixture f;
    Clip *clips[3];
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    get_clips(&f, library, clips);
    g_autofree char *query = g_strconcat("id:", clips[2]->id, NULL);
    judge(library, query, clips[2], 3);
    LibraryRelevance got = relevance(library, query, 5);
    g_assert_cmpfloat(got.ndcg[MODE_VECTOR], ==, 1);
    g_assert_true(isnan(got.ndcg[MODE_BM25]));
    json_auto_t *json = library_relevance_json(query, 5, &got);
    json_t *by_mode = json_object_get(json, "modes");
    g_assert_cmpfloat(
        json_real_value(json_object_get(json_object_get(by_mode, "vector"), "ndcg@5")), ==, 1);
    g_assert_true(json_is_null(json_object_get(json_object_get(by_mode, "bm25"), "ndcg@5")));
    g_assert_false(relevance_of_library(library, query, 0, &got, &error));
    files_expect_error(&error, "n is 0; *");
    g_assert_false(relevance_of_library(library, " ", 5, &got, &error));
    files_expect_error(&error, "*");
    free_clips(clips);
    fixture_free(&f);
}

#define ADD(test) g_test_add_func("/library_judgments/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD(judgments_are_kept_changed_and_taken_back);
    ADD(what_is_no_judgment_is_refused_and_changes_nothing);
    ADD(judgments_of_clips_that_went_can_be_taken_back);
    ADD(what_is_kept_and_cannot_be_read_is_not_overwritten);
    ADD(every_format_reads_back_from_memory);
    ADD(ndcg_is_that_of_each_modes_order);
    ADD(a_query_without_words_has_no_figure_by_words);
    return g_test_run();
}
