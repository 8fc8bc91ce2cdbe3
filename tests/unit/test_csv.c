/* Tables as people's programs write them. */
#include "csv.h"

#include "error.h"
#include "files.h"

/* All rows as one string: fields joined by '|', rows by '/'. */
static char *read_all(const char *text, gsize len, GError **error) {
    g_autoptr(Csv) csv = csv_new("t.csv", text, len);
    GString *all = g_string_new(NULL);
    for (GPtrArray *row; (row = csv_next(csv, error)); g_ptr_array_unref(row)) {
        if (all->len) g_string_append_c(all, '/');
        for (guint i = 0; i < row->len; i++)
            g_string_append_printf(all, "%s%s", i ? "|" : "", (char *)row->pdata[i]);
    }
    return g_string_free(all, FALSE);
}

static void expect(const char *text, const char *rows) {
    g_autoptr(GError) error = NULL;
    g_autofree char *got = read_all(text, strlen(text), &error);
    g_assert_no_error(error);
    g_assert_cmpstr(got, ==, rows);
}

static void fields_and_rows_are_parted(void) {
    expect("a,b\nc,d\n", "a|b/c|d");
    expect("a,b\r\nc,d", "a|b/c|d");
    expect("a,b\rc,\r", "a|b/c|");
    expect(",\n", "|");
    expect("", "");
    expect("\n\n", "");
    expect("a\n\n\nb\n", "a/b");
}

static void quotes_keep_together(void) {
    expect("\"a,b\",\"c\"\"d\",\"e\nf\"\ng,,\"\"\n", "a,b|c\"d|e\nf/g||");
}

static void the_first_line_says_what_parts_the_fields(void) {
    expect("a;b,c;d\n1;2;3\n", "a|b,c|d/1|2|3");
    expect("a\tb\n1,2\t3\n", "a|b/1,2|3");
    expect("\"x;y;z\",b\n1;2,3\n", "x;y;z|b/1;2|3");
}

static void a_byte_order_mark_is_passed_over(void) {
    expect("\xEF\xBB\xBFpath,x\n", "path|x");
}

static void bytes_that_are_no_utf8_stay(void) {
    expect("\xFF\xFE"
           "a,b\n",
           "\xFF\xFE"
           "a|b");
}

static void what_is_wrong_is_said_with_its_line(void) {
    static const struct {
        const char *text, *pattern;
    } cases[] = {
        {"a,b\n\"c,d\n", "t.csv:2: a quote is not closed"},
        {"a\n\"x\ny\"\n\"b\"c\n", "t.csv:4: text behind a closing quote"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_free(read_all(cases[i].text, strlen(cases[i].text), &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
        files_expect_error(&error, cases[i].pattern);
    }
    g_autoptr(GError) error = NULL;
    g_free(read_all("a\nb\0c\n", 6, &error));
    files_expect_error(&error, "t.csv:2: holds a NUL*");
}

static void rows_are_not_wider_than_the_limit(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *commas = g_strnfill(CSV_MAX_FIELDS - 1, ',');
    g_free(read_all(commas, strlen(commas), &error));
    g_assert_no_error(error);
    g_autofree char *more = g_strnfill(CSV_MAX_FIELDS, ',');
    g_free(read_all(more, strlen(more), &error));
    files_expect_error(&error, "t.csv:1: more than 1024 fields");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv/fields_and_rows_are_parted", fields_and_rows_are_parted);
    g_test_add_func("/csv/quotes_keep_together", quotes_keep_together);
    g_test_add_func("/csv/the_first_line_says_what_parts_the_fields",
                    the_first_line_says_what_parts_the_fields);
    g_test_add_func("/csv/a_byte_order_mark_is_passed_over", a_byte_order_mark_is_passed_over);
    g_test_add_func("/csv/bytes_that_are_no_utf8_stay", bytes_that_are_no_utf8_stay);
    g_test_add_func("/csv/what_is_wrong_is_said_with_its_line",
                    what_is_wrong_is_said_with_its_line);
    g_test_add_func("/csv/rows_are_not_wider_than_the_limit", rows_are_not_wider_than_the_limit);
    return g_test_run();
}
