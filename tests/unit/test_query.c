/* Sums of terms: what is a file, a clip, an operator, a weight, and what is refused. */
#include "files.h"
#include "query.h"

#include <unistd.h>

/* "+1 words:dog barking | -1 words:speech"; frees the query. */
static char *told(Query *query) {
    static const char *const kinds[] = {"words", "file", "id"};
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < query->terms->len; i++) {
        const Term *term = query->terms->pdata[i];
        g_string_append_printf(text, "%s%+g %s:%s", i ? " | " : "", term->weight, kinds[term->kind],
                               term->text);
    }
    query_free(query);
    return g_string_free(text, FALSE);
}

static void expect(const char *const *args, const char *terms) {
    GError *error = NULL;
    Query *query = query_parse(args, &error);
    g_assert_no_error(error);
    g_autofree char *text = told(query);
    g_assert_cmpstr(text, ==, terms);
}

static void expect_line(const char *line, const char *terms) {
    GError *error = NULL;
    Query *query = query_parse_line(line, &error);
    g_assert_no_error(error);
    g_autofree char *text = told(query);
    g_assert_cmpstr(text, ==, terms);
}

static void refuse(const char *const *args, const char *pattern) {
    GError *error = NULL;
    g_assert_null(query_parse(args, &error));
    g_assert_cmpint(error->code, ==, 0 /* ERR_USAGE */);
    files_expect_error(&error, pattern);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void words_are_joined_by_blanks(void) {
    expect(ARGS("dog", "barking", "in the distance"), "+1 words:dog barking in the distance");
    expect(ARGS("", "dog", "  "), "+1 words:dog");
}

static void a_lone_sign_is_an_operator(void) {
    expect(ARGS("dog", "barking", "-", "speech"), "+1 words:dog barking | -1 words:speech");
    expect(ARGS("dog - speech"), "+1 words:dog - speech");
    expect(ARGS("lo-fi", "+", "rain", "-x"), "+1 words:lo-fi | +1 words:rain -x");
    expect(ARGS("-", "speech", "+", "rain"), "-1 words:speech | +1 words:rain");
}

static void a_weight_stands_before_a_term(void) {
    expect(ARGS("2:rain", "+", ".5:thunder at sea", "-", "1.5:id:0F3C"),
           "+2 words:rain | +0.5 words:thunder at sea | -1.5 id:0f3c");
    expect(ARGS("2:rain on leaves", "at night"), "+2 words:rain on leaves at night");
    expect(ARGS("bus", "at", "8:15"), "+1 words:bus at 8:15");
    expect(ARGS("1.2.3:x"), "+1 words:1.2.3:x");
    expect(ARGS("note:c"), "+1 words:note:c");
}

static void files_that_exist_are_terms(void) {
    char *dir = files_dir();
    files_put_text(dir, "x.wav", "-");
    files_put_text(dir, "x.M4B", "-");
    files_put_text(dir, "notes.txt", "-");
    files_put_text(dir, "2:y.OPUS", "-");
    g_autofree char *wav = g_build_filename(dir, "x.wav", NULL);
    g_autofree char *weighed = g_strconcat("2:", wav, NULL);
    g_autofree char *after = g_strdup_printf("+1 words:rain | -2 file:%s | +1 words:hail", wav);
    expect(ARGS("rain", "-", weighed, "hail"), after);
    g_autofree char *old = g_get_current_dir();
    g_assert_cmpint(chdir(dir), ==, 0);
    expect(ARGS("x.wav"), "+1 file:x.wav");
    expect(ARGS("3:x.wav"), "+3 file:x.wav");
    expect(ARGS("x.M4B"), "+1 file:x.M4B");
    expect(ARGS("2:y.OPUS"), "+1 file:2:y.OPUS");
    expect(ARGS("notes.txt"), "+1 words:notes.txt");
    expect(ARGS("./notes.txt"), "+1 file:./notes.txt");
    expect(ARGS("gone.wav"), "+1 words:gone.wav");
    expect(ARGS("."), "+1 words:.");
    expect_line("x.wav", "+1 words:x.wav");
    g_assert_cmpint(chdir(old), ==, 0);
    files_remove(dir);
}

static void a_clip_ends_the_words_before_it(void) {
    expect(ARGS("rain", "id:0f3c9", "hail"), "+1 words:rain | +1 id:0f3c9 | +1 words:hail");
}

static void what_makes_no_sum_is_refused(void) {
    refuse((const char *const[]){NULL}, "nothing is asked for");
    refuse(ARGS("", " "), "nothing is asked for");
    refuse(ARGS("-"), "no term follows \"-\"");
    refuse(ARGS("rain", "+"), "no term follows \"+\"");
    refuse(ARGS("rain", "+", "-", "hail"), "\"+\" is followed by \"-\", not by a term");
    refuse(ARGS("+", "hail"), "nothing stands before \"+\"");
    refuse(ARGS("-", "hail"), "nothing is added*");
    refuse(ARGS("0:rain"), "\"0:rain\": a weight of 0");
    refuse(ARGS("2:"), "\"2:\": a weight without a term");
    refuse(ARGS("1000.5:rain"), "*at most 1000");
    refuse(ARGS("id:0f"), "\"id:0f\": an id has 4 to 64 hex digits");
    refuse(ARGS("id:rain"), "*hex digits");
}

static void a_query_has_its_limits(void) {
    const char *args[2 * QUERY_MAX_TERMS + 2];
    for (int i = 0; i <= 2 * QUERY_MAX_TERMS; i++) args[i] = i % 2 ? "+" : "rain";
    args[2 * QUERY_MAX_TERMS - 1] = NULL;
    query_free(query_parse(args, NULL));
    args[2 * QUERY_MAX_TERMS - 1] = "+";
    args[2 * QUERY_MAX_TERMS + 1] = NULL;
    refuse(args, "a query has at most 64 terms");
    g_autofree char *longest = g_strnfill(QUERY_MAX_BYTES, 'a');
    g_autofree char *longer = g_strnfill(QUERY_MAX_BYTES + 1, 'a');
    query_free(query_parse(ARGS(longest), NULL));
    refuse(ARGS(longer), "a query has at most 65536 bytes");
    g_assert_null(query_parse_line(longer, NULL));
}

static void a_line_is_split_at_blanks_outside_of_quotes(void) {
    expect_line(" dog's  barking - speech ", "+1 words:dog's barking | -1 words:speech");
    expect_line("\"2:rain - wind\" + 3:\"hail at sea\"",
                "+2 words:rain - wind | +3 words:hail at sea");
    expect_line("rain \"on lea", "+1 words:rain on lea");
}

static void bytes_that_are_no_utf8_become_it(void) {
    Query *query = query_parse(ARGS("rain\xff"), NULL);
    g_assert_true(g_utf8_validate(((Term *)query->terms->pdata[0])->text, -1, NULL));
    g_assert_true(g_utf8_validate(query->text, -1, NULL));
    query_free(query);
}

static void bm25_reads_the_words_that_are_added(void) {
    Query *query = query_parse(ARGS("2:rain", "-", "wind", "+", "hail", "id:0f3c"), NULL);
    g_autofree char *words = query_words(query);
    g_assert_cmpstr(words, ==, "rain hail");
    g_assert_true(query_has_words(query));
    g_assert_cmpstr(query->text, ==, "2:rain - wind + hail id:0f3c");
    query_free(query);
    query = query_parse(ARGS("id:0f3c", "-", "wind"), NULL);
    g_assert_null(query_words(query));
    g_assert_true(query_has_words(query));
    query_free(query);
    query = query_parse(ARGS("id:0f3c"), NULL);
    g_assert_false(query_has_words(query));
    query_free(query);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/query/words_are_joined_by_blanks", words_are_joined_by_blanks);
    g_test_add_func("/query/a_lone_sign_is_an_operator", a_lone_sign_is_an_operator);
    g_test_add_func("/query/a_weight_stands_before_a_term", a_weight_stands_before_a_term);
    g_test_add_func("/query/files_that_exist_are_terms", files_that_exist_are_terms);
    g_test_add_func("/query/a_clip_ends_the_words_before_it", a_clip_ends_the_words_before_it);
    g_test_add_func("/query/what_makes_no_sum_is_refused", what_makes_no_sum_is_refused);
    g_test_add_func("/query/a_query_has_its_limits", a_query_has_its_limits);
    g_test_add_func("/query/a_line_is_split_at_blanks_outside_of_quotes",
                    a_line_is_split_at_blanks_outside_of_quotes);
    g_test_add_func("/query/bytes_that_are_no_utf8_become_it", bytes_that_are_no_utf8_become_it);
    g_test_add_func("/query/bm25_reads_the_words_that_are_added",
                    bm25_reads_the_words_that_are_added);
    return g_test_run();
}
