/* Words: names as people read them, lengths in a byte, and BM25 against plain loops over the texts.
 */
#include "store_words.h"

#include "bm25.h"
#include "library.h"
#include "name_words.h"

#include <math.h>
#include <stdlib.h>

static void names_are_split_as_people_read_them(void) {
    static const struct {
        const char *name, *words;
    } table[] = {
        {"DogBark_01-take2", "dog bark 01 take 2"},
        {"DogBark_01-take2.WAV", "dog bark 01 take 2"},
        {"HTTPServer.v2.flac", "http server v 2"},
        {"rain", "rain"},
        {"", ""},
        {"___", ""},
        {".wav", "wav"},
        {"44kHz", "44 k hz"},
        {"\xC3\x84pfelBaum", "\xC3\xA4pfel baum"},
        {"e\xCC\x81"
         "cole",
         "e\xCC\x81"
         "cole"},
        {"a\xff"
         "b",
         "a b"},
        {"\xE9\x9B\xA8\xE9\x9F\xB3"
         "01",
         "\xE9\x9B\xA8\xE9\x9F\xB3 01"},
        {"notes.txt", "notes txt"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *words = name_words(table[i].name);
        g_assert_cmpstr(words, ==, table[i].words);
    }
}

/* -- lengths -- */

static void lengths_are_exact_up_to_forty_and_then_of_four_bits(void) {
    for (int64_t length = 0; length <= 40; length++)
        g_assert_cmpint(bm25_length(bm25_length_code(length)), ==, length);
    static const int64_t table[][2] = {
        {41, 40},    {42, 42}, {56, 56},   {57, 56},       {100, 96},
        {1000, 984}, {-5, 0},  {255, 248}, {65536, 61464}, {INT32_MAX, 2013265944}};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        g_assert_cmpint(bm25_length(bm25_length_code(table[i][0])), ==, table[i][1]);
    for (int code = 1; code < 255; code++)
        if (bm25_length((uint8_t)code) <= INT32_MAX)
            g_assert_cmpint(bm25_length_code(bm25_length((uint8_t)code)), ==, code);
}

/* -- BM25 against plain loops -- */

#define DOCUMENTS 200
#define WORDS     30

/* Letters alone, each its own stem: "ka", "kb", …; */
typedef struct {
    int count[DOCUMENTS + 1][STORE_WORD_COLUMNS][WORDS], length[DOCUMENTS + 1][STORE_WORD_COLUMNS];
    bool gone[DOCUMENTS + 1];
} Texts;

static char *word(int i) {
    return g_strdup_printf("k%c%c", 'b' + i / 10, "bcdfghjkmn"[i % 10]);
}

/* A text for a column, of words that common ones are more often of. */
static char *text_for(Texts *texts, int document, int column) {
    GString *text = g_string_new(NULL);
    const int length = g_test_rand_int_range(0, column == 2 ? 90 : 7);
    for (int i = 0; i < length; i++) {
        const int r = g_test_rand_int_range(0, WORDS * WORDS), which = (int)sqrt(r);
        g_autofree char *chosen = word(which);
        g_string_append_printf(text, " %s", chosen);
        texts->count[document][column][which]++;
        texts->length[document][column]++;
    }
    return g_string_free(text, FALSE);
}

static double oracle_part(const Texts *texts, int document, int column, int which) {
    int documents = 0, with_term = 0, words = 0;
    for (int i = 1; i <= DOCUMENTS; i++) {
        if (texts->gone[i]) continue;
        documents += texts->length[i][column] > 0;
        with_term += texts->count[i][column][which] > 0;
        words += texts->length[i][column];
    }
    const double tf = texts->count[document][column][which];
    if (!tf || texts->gone[document]) return 0;
    const double idf = log(1 + (documents - with_term + 0.5) / (with_term + 0.5));
    int length = texts->length[document][column], step = 1;
    while (length - 24 >= 16 * step) step *= 2; /* four leading bits of what is above 24 */
    if (length > 24) length = 24 + (length - 24) / step * step;
    const double mean = (double)words / documents;
    return store_word_boosts[column] * idf * tf / (tf + 1.2 * (1 - 0.75 + 0.75 * length / mean));
}

static int64_t add_document(Store *store, Texts *texts, int document) {
    int64_t clip = library_put(store, (unsigned)document, NULL, 1);
    Field said[6];
    for (int i = 0; i < 6; i++) {
        memset(texts->count[document][i], 0, sizeof texts->count[document][i]);
        texts->length[document][i] = 0;
        said[i] = (Field){(char *)store_word_columns[i], text_for(texts, document, i), SOURCE_META};
    }
    g_assert_true(store_set_fields(store, clip, said, 6, NULL));
    for (int i = 0; i < 6; i++) g_free(said[i].value);
    return clip;
}

static void check_query(Store *store, const Texts *texts, const int64_t *clips, int a, int b) {
    g_autofree char *first = word(a), *second = word(b);
    g_autofree char *text = g_strdup_printf("\"%s* OR (%s) %s", first, second, first);
    g_autoptr(GArray) hits = store_search_words(store, text, NULL, DOCUMENTS, NULL);
    g_autofree StoreHit *again = g_memdup2(hits->data, hits->len * sizeof(StoreHit));
    g_autofree double *columns = g_new(double, hits->len *STORE_WORD_COLUMNS + 1);
    g_assert_true(store_score_words(store, text, again, (int)hits->len, columns, NULL));
    guint expected_hits = 0;
    for (int i = 1; i <= DOCUMENTS; i++) {
        double expected = 0;
        for (int c = 0; c < 6; c++)
            expected += 2 * oracle_part(texts, i, c, a) + oracle_part(texts, i, c, b);
        expected_hits += expected > 0;
        double found = 0, sum = 0;
        for (guint h = 0; h < hits->len; h++) {
            if (again[h].clip != clips[i]) continue;
            found = g_array_index(hits, StoreHit, h).score;
            g_assert_cmpfloat_with_epsilon(again[h].score, found, 1e-9);
            for (int c = 0; c < STORE_WORD_COLUMNS; c++)
                sum += columns[h * STORE_WORD_COLUMNS + (guint)c];
        }
        g_assert_cmpfloat_with_epsilon(found, expected, 1e-9 * (1 + expected));
        g_assert_cmpfloat_with_epsilon(sum, expected, 1e-9 * (1 + expected));
    }
    g_assert_cmpuint(hits->len, ==, expected_hits);
    for (guint h = 1; h < hits->len; h++) {
        const StoreHit *x = &g_array_index(hits, StoreHit, h - 1), *y = x + 1;
        g_assert_true(x->score > y->score || (x->score == y->score && x->clip < y->clip));
    }
    g_autoptr(GArray) best = store_search_words(store, text, NULL, 7, NULL);
    g_assert_cmpmem(best->data, best->len * sizeof(StoreHit), hits->data,
                    MIN(hits->len, 7) * sizeof(StoreHit));
}

static void scores_are_those_of_the_formula_through_all_changes(void) {
    char *dir = library_dir();
    Store *store = library_new(dir);
    g_autofree Texts *texts = g_new0(Texts, 1);
    int64_t clips[DOCUMENTS + 1] = {0};
    g_assert_true(store_begin(store, NULL));
    for (int i = 1; i <= DOCUMENTS; i++) clips[i] = add_document(store, texts, i);
    g_assert_true(store_end(store, true, NULL));
    for (int round = 0; round < 12; round++) {
        const int i = g_test_rand_int_range(1, DOCUMENTS + 1);
        if (!texts->gone[i]) {
            g_assert_true(store_remove_clip(store, clips[i], NULL));
            texts->gone[i] = true;
        } else {
            clips[i] = add_document(store, texts, i);
            texts->gone[i] = false;
        }
        const int a = g_test_rand_int_range(0, WORDS);
        check_query(store, texts, clips, a, (a + 1 + round) % WORDS);
    }
    store_close(store);
    library_remove(dir);
}

static void words_are_stemmed_and_folded_and_no_syntax_counts(void) {
    char *dir = library_dir();
    Store *store = library_new(dir);
    library_put(store, 1,
                "/Sounds/BarkingDogs_\xC3\x89"
                "cole.wav",
                1);
    static const char *const found[] = {"bark",  "DOG",     "ecole",   "sound",
                                        "\"dog", "NOT dog", "dog AND", "title:dog",
                                        "dog*",  "(dog",    "^dog",    "{a}:dog"};
    static const char *const none[] = {"", "wav", "cat", "*", "\"", "barkingdogs", "\xff"};
    for (size_t i = 0; i < G_N_ELEMENTS(found) + G_N_ELEMENTS(none); i++) {
        const bool first = i < G_N_ELEMENTS(found);
        const char *text = first ? found[i] : none[i - G_N_ELEMENTS(found)];
        GError *error = NULL;
        g_autoptr(GArray) hits = store_search_words(store, text, NULL, 10, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(hits->len, ==, first);
    }
    store_close(store);
    library_remove(dir);
}

static void conditions_take_hits_away_and_leave_scores(void) {
    char *dir = library_dir();
    Store *store = library_new(dir);
    for (unsigned i = 1; i <= 50; i++) {
        g_autofree char *path = g_strdup_printf("/rain_%u.wav", i);
        library_put(store, i, path, 1);
    }
    g_autoptr(StoreWhere) where = store_where_new("c.duration > ? AND c.duration <= ?");
    store_where_bind_number(where, 10);
    store_where_bind_number(where, 13);
    g_autoptr(GArray) all = store_search_words(store, "rain", NULL, 100, NULL);
    g_autoptr(GArray) some = store_search_words(store, "rain", where, 100, NULL);
    g_assert_cmpuint(all->len, ==, 50);
    g_assert_cmpuint(some->len, ==, 3);
    g_assert_cmpfloat(g_array_index(all, StoreHit, 0).score, ==,
                      g_array_index(some, StoreHit, 0).score);
    store_close(store);
    library_remove(dir);
}

/* Else many copies of one sound would each cost as much as all before it. */
static void names_of_the_first_paths_alone_are_words(void) {
    char *dir = library_dir();
    FileStamp stamp = {1, 2, 3};
    g_autoptr(Store) store = library_new(dir);
    int64_t clip = library_put(store, 1, "/rain.wav", 1);
    for (int i = 2; i <= STORE_WORD_PATHS; i++) {
        g_autofree char *path = g_strdup_printf("/%s%d.wav", i < STORE_WORD_PATHS ? "" : "wind", i);
        g_assert_true(store_set_path(store, clip, path, &stamp, NULL));
    }
    g_assert_true(store_set_path(store, clip, "/thunder.wav", &stamp, NULL));
    g_autoptr(GArray) last = store_search_words(store, "wind", NULL, 9, NULL);
    g_autoptr(GArray) beyond = store_search_words(store, "thunder", NULL, 9, NULL);
    g_assert_cmpuint(last->len, ==, 1);
    g_assert_cmpuint(beyond->len, ==, 0);
    g_assert_true(store_remove_path(store, "/2.wav", NULL));
    g_autoptr(GArray) risen = store_search_words(store, "thunder", NULL, 9, NULL);
    g_assert_cmpuint(risen->len, ==, 1);
    library_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/words/" #name, name)
    ADD(names_are_split_as_people_read_them);
    ADD(lengths_are_exact_up_to_forty_and_then_of_four_bits);
    ADD(scores_are_those_of_the_formula_through_all_changes);
    ADD(words_are_stemmed_and_folded_and_no_syntax_counts);
    ADD(conditions_take_hits_away_and_leave_scores);
    ADD(names_of_the_first_paths_alone_are_words);
    return g_test_run();
}
