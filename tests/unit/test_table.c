/* Text in columns. */
#include "table.h"

#include <string.h>

/* What the table prints; the caller frees. */
static char *printed(Table *table) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    table_print(table, out);
    fclose(out);
    return text;
}

static const TableColumn plain[] = {{CUT_NEVER, .right = true}, {CUT_END}, {CUT_START}};

static void add(Table *table, const char *a, const char *b, const char *c) {
    table_add(table, (const char *const[]){a, b, c});
}

static void columns_are_aligned_and_lines_have_no_blank_end(void) {
    g_autoptr(Table) table = table_new(plain, 3, 0, false);
    add(table, "1", "rain", "a.wav");
    add(table, "10", "thunder", "");
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, " 1  rain     a.wav\n10  thunder\n");
}

static void a_column_that_is_empty_in_all_rows_is_left_out(void) {
    g_autoptr(Table) table = table_new(plain, 3, 0, false);
    add(table, "1", NULL, "a.wav");
    add(table, "2", "", "b.wav");
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, "1  a.wav\n2  b.wav\n");
}

static void wide_and_combining_characters_count_as_shown(void) {
    g_autoptr(Table) table = table_new(plain, 3, 0, false);
    add(table, "1", "雨", "a");
    add(table, "2", "e\xCC\x81té", "b");
    g_autofree char *text = printed(table);
    g_assert_cmpint(text_width("雨"), ==, 2);
    g_assert_cmpint(text_width("e\xCC\x81té"), ==, 3);
    g_assert_cmpstr(text, ==, "1  雨   a\n2  e\xCC\x81té  b\n");
}

static void lines_fit_the_width(void) {
    g_autoptr(Table) table = table_new(plain, 3, 30, false);
    add(table, "1", "a very long description of rain", "/sounds/weather/rain/on-a-roof.wav");
    add(table, "2", "short", "雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨");
    g_autofree char *text = printed(table);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpint(text_width(lines[0]), ==, 30);
    g_assert_cmpint(text_width(lines[1]), <=, 30);
    g_assert_true(g_str_has_suffix(lines[0], "roof.wav"));
    g_assert_true(g_str_has_prefix(lines[0], "1  a very long"));
    g_assert_nonnull(strstr(lines[0], "…"));
}

static void a_column_that_must_not_be_cut_is_whole_on_any_width(void) {
    g_autoptr(Table) table = table_new(plain, 3, 5, false);
    add(table, "1234567890", "abc", "def");
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, "1234567890  abc\n");
}

static void control_characters_are_harmless(void) {
    g_autoptr(Table) table = table_new(plain, 3, 0, false);
    add(table, "1", "a\033[2Jb\nc", "\xFF.wav");
    table_add_note(table, "  x\ry");
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, "1  a\uFFFD[2Jb\uFFFDc  \uFFFD.wav\n  x\uFFFDy\n");
}

static void colour_takes_no_columns(void) {
    static const TableColumn columns[] = {{CUT_NEVER, .color = "2"}, {CUT_END}};
    g_autoptr(Table) table = table_new(columns, 2, 0, true);
    table_add(table, (const char *const[]){"1", "a"});
    table_add(table, (const char *const[]){"10", "b"});
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, "\033[2m1\033[0m   a\n\033[2m10\033[0m  b\n");
}

static void columns_stay_as_wide_in_the_next_print(void) {
    g_autoptr(Table) table = table_new(plain, 3, 0, false);
    add(table, "1", "thunder", "a");
    g_free(printed(table));
    add(table, "2", "rain", "b");
    g_autofree char *text = printed(table);
    g_assert_cmpstr(text, ==, "2  rain     b\n");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"columns_are_aligned_and_lines_have_no_blank_end",
         columns_are_aligned_and_lines_have_no_blank_end},
        {"a_column_that_is_empty_in_all_rows_is_left_out",
         a_column_that_is_empty_in_all_rows_is_left_out},
        {"wide_and_combining_characters_count_as_shown",
         wide_and_combining_characters_count_as_shown},
        {"lines_fit_the_width", lines_fit_the_width},
        {"a_column_that_must_not_be_cut_is_whole_on_any_width",
         a_column_that_must_not_be_cut_is_whole_on_any_width},
        {"control_characters_are_harmless", control_characters_are_harmless},
        {"colour_takes_no_columns", colour_takes_no_columns},
        {"columns_stay_as_wide_in_the_next_print", columns_stay_as_wide_in_the_next_print},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/table/", tests[i].name, NULL);
        g_test_add_func(path, tests[i].run);
    }
    return g_test_run();
}
