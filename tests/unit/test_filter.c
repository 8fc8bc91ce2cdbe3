/* Filters: precedence, values, places of errors, limits; and as SQL against a plain reading of the
 * same tree. */
#include "files.h"
#include "filter.h"
#include "local.h"

#include <string.h>

/* The tree with every bracket: "((a = 1) and (not (b ~ x)))". */
static void tell(const FilterNode *node, GString *out) {
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "~", "in"};
    g_string_append_c(out, '(');
    if (node->kind == FILTER_TEST) {
        g_string_append_printf(out, "%s %s", node->field, ops[node->op]);
        for (guint i = 0; i < node->values->len; i++) {
            const FilterValue *value = node->values->pdata[i];
            g_string_append_printf(out, value->is_number ? " #%s" : " %s", value->text);
        }
    } else {
        if (node->kind == FILTER_NOT) g_string_append(out, "not ");
        tell(node->left, out);
        if (node->right) {
            g_string_append(out, node->kind == FILTER_AND ? " and " : " or ");
            tell(node->right, out);
        }
    }
    g_string_append_c(out, ')');
}

static void expect(const char *text, const char *tree) {
    GError *error = NULL;
    g_autoptr(Filter) filter = filter_parse(text, NULL, NULL, &error);
    g_assert_no_error(error);
    GString *told = g_string_new(NULL);
    tell(filter->root, told);
    g_assert_cmpstr(told->str, ==, tree);
    g_assert_cmpstr(filter->text, ==, text);
    g_string_free(told, TRUE);
}

static void refuse_among(const char *text, const char *const *fields, size_t place,
                         const char *pattern) {
    GError *error = NULL;
    size_t at = 9999;
    g_assert_null(filter_parse(text, fields, &at, &error));
    g_assert_cmpint(error->code, ==, 0 /* ERR_USAGE */);
    g_assert_cmpuint(at, ==, place);
    files_expect_error(&error, pattern);
}

static void refuse(const char *text, size_t place, const char *pattern) {
    refuse_among(text, NULL, place, pattern);
}

static void not_binds_closer_than_and_than_or(void) {
    expect("a = 1 or b = 2 and not c = 3", "((a = #1) or ((b = #2) and (not (c = #3))))");
    expect("(a=1 or b=2) and c=3", "(((a = #1) or (b = #2)) and (c = #3))");
    expect("not not a = 1", "(not (not (a = #1)))");
    expect("a=1 and b=2 and c=3", "(((a = #1) and (b = #2)) and (c = #3))");
    expect("NOT A = 1 AND b = 2", "((not (a = #1)) and (b = #2))");
}

static void every_operator_is_read(void) {
    expect("a=1", "(a = #1)");
    expect("a!=1", "(a != #1)");
    expect("a<1", "(a < #1)");
    expect("a<=1", "(a <= #1)");
    expect("a>1", "(a > #1)");
    expect("a>=1", "(a >= #1)");
    expect("a~\"x*\"", "(a ~ x*)");
    expect("a in (\"A\",2 , c)", "(a in A #2 c)");
}

static void a_value_is_number_string_or_word(void) {
    expect("a = -1.5e3", "(a = #-1.5e3)");
    expect("a = '1'", "(a = 1)");
    expect("a = \"say \\\"x\\\" \\\\\"", "(a = say \"x\" \\)");
    expect("a = 'it\"s'", "(a = it\"s)");
    expect("a = 1999-01-02", "(a = 1999-01-02)");
    expect("a = nan or a = inf or a = 0x10", "(((a = nan) or (a = inf)) or (a = 0x10))");
    expect("a = \"\"", "(a = )");
    expect("a = \"and\"", "(a = and)");
}

static void tags_is_tag_and_names_have_no_case(void) {
    expect("Tags = rain", "(tag = rain)");
    expect("Duration < 3", "(duration < #3)");
}

static void an_error_has_its_place(void) {
    refuse("", 0, "filter, at byte 1: a field is expected, not its end");
    refuse("a", 1, "*one of = != < <= > >= ~ in is expected, not its end");
    refuse("a = ", 4, "*a value is expected, not its end");
    refuse("a = 1 b = 2", 6, "*\"and\" or \"or\" is expected, not \"b\"");
    refuse("(a = 1", 6, "*\")\", \"and\" or \"or\" is expected, not its end");
    refuse("a = \"x", 4, "*not a quote that is not closed");
    refuse("a ! 1", 2, "*not \"!\"");
    refuse("a in 1", 5, "*\"(\" is expected, not \"1\"");
    refuse("a in (1 2)", 8, "*\",\" or \")\" is expected, not \"2\"");
    refuse("a in ()", 6, "*a value is expected, not \")\"");
    refuse("and = 1", 0, "*a field is expected, not \"and\"");
    refuse("a = or", 4, "*a value is expected, not \"or\"");
    refuse("a = 1 and", 9, "*a field is expected*");
    refuse("a = \"\xff\"", 4, "*the value is not UTF-8");
    refuse("a = 1)", 5, "*not \")\"");
}

static void a_field_must_be_known(void) {
    const char *const fields[] = {"Mood", NULL};
    g_autoptr(Filter) filter =
        filter_parse("mood = calm and artist = A and rate > 1", fields, NULL, NULL);
    g_assert_nonnull(filter);
    refuse_among("mood = calm and moood = calm", fields, 16, "*there is no field \"moood\"");
}

static void values_fit_their_field(void) {
    refuse("duration < long", 11, "*duration is compared with a number");
    refuse("windows = \"3\"", 10, "*windows is compared with a number");
    refuse("rate ~ 4", 7, "*rate is not a text*");
    refuse("added > yesterday", 8, "*added is compared with a date*");
    refuse("duration in (1, x)", 16, "*duration is compared with a number");
    expect("added > 2026-01-31", "(added > 2026-01-31)");
    expect("added = 2026-01-31T12:00:00Z", "(added = 2026-01-31T12:00:00Z)");
}

static void a_time_names_a_span(void) {
    int64_t from, to;
    g_assert_true(filter_time("1970-01-02", &from, &to));
    g_assert_cmpint(from, ==, 86400000000);
    g_assert_cmpint(to - from, ==, 86400000000);
    g_assert_true(filter_time("1970-01-01T01:00:01+01:00", &from, &to));
    g_assert_cmpint(from, ==, 1000000);
    g_assert_cmpint(to - from, ==, 1000000);
    g_assert_true(filter_time("1970-01-01T00:00:00.25Z", &from, &to));
    g_assert_cmpint(from, ==, 250000);
    g_assert_cmpint(to - from, ==, 1);
    g_assert_false(filter_time("1970-13-01", &from, &to));
    g_assert_false(filter_time("", &from, &to));
}

static char *repeated(const char *head, const char *again, int times, const char *tail) {
    GString *text = g_string_new(head);
    for (int i = 0; i < times; i++) g_string_append(text, again);
    g_string_append(text, tail);
    return g_string_free(text, FALSE);
}

static void a_filter_has_its_limits(void) {
    g_autofree char *deep = repeated("", "not ", FILTER_MAX_DEPTH, "a=1");
    g_autofree char *deeper = repeated("", "(", FILTER_MAX_DEPTH + 1, "a=1");
    g_autofree char *wide = repeated("a in (1", ",1", FILTER_MAX_NODES - 2, ")");
    g_autofree char *wider = repeated("a in (1", ",1", FILTER_MAX_NODES - 1, ")");
    g_autofree char *longer = repeated("a=1", " ", FILTER_MAX_BYTES, "");
    g_autoptr(Filter) a = filter_parse(deep, NULL, NULL, NULL);
    g_autoptr(Filter) b = filter_parse(wide, NULL, NULL, NULL);
    g_assert_true(a && b);
    refuse(deeper, FILTER_MAX_DEPTH, "*nested deeper than 12");
    refuse(wider, strlen(wider) - 2, "*more than 1024 conditions and values");
    refuse(longer, FILTER_MAX_BYTES, "*longer than 16384 bytes");
}

/* -- as SQL -- */

static uint64_t add(Backend *backend, int number, const char *path, double duration,
                    const char *const *said) {
    uint8_t hash[CLIP_HASH] = {(uint8_t)number};
    GError *error = NULL;
    g_autoptr(Clip) clip = clip_new(hash);
    clip_add_path(clip, path, &(FileStamp){1, 2, 3});
    clip->duration = duration;
    clip->rate = 48000;
    clip->channels = number;
    clip->added =
        (1767182400 + 86400 * (int64_t)number) * G_USEC_PER_SEC; /* noon of January 1, 2, … */
    for (; *said; said += 2) {
        clip_set_field(clip, said[0], said[1], SOURCE_META, &error);
        g_assert_no_error(error);
    }
    backend->ops->add_clip(backend, clip, NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    return clip_number_of_id(clip->id);
}

static bool note(void *user, const Clip *clip, GError **error) {
    g_string_append_printf(user, "%d", clip->hash[0]);
    return true;
}

static void expect_clips(Backend *backend, const char *text, const char *numbers) {
    GError *error = NULL;
    g_autoptr(Filter) filter = filter_parse(text, NULL, NULL, &error);
    g_assert_no_error(error);
    GString *found = g_string_new(NULL);
    backend->ops->each_clip(backend, filter, false, note, found, &error);
    g_assert_no_error(error);
    if (strcmp(found->str, numbers)) g_error("%s: %s, not %s", text, found->str, numbers);
    g_string_free(found, TRUE);
}

static const struct {
    const char *text, *clips;
} filters[] = {
    {"duration < 30", "13"},
    {"duration >= 30 and duration <= 40", "2"},
    {"channels in (1, 3)", "13"},
    {"not channels = 1", "23"},
    {"tag = RAIN", "12"},
    {"tag = \"stra\xc3\x9f"
     "e\" or tag = wind",
     "23"},
    {"tag = STRASSE", "3"},
    {"tag != rain", "3"},
    {"tag ~ \"w*d\"", "2"},
    {"tags in (wind, \"x\", stra\xc3\x9f"
     "e)",
     "23"},
    {"path ~ \"old/*\"", "1"},
    {"path ~ \"OLD/?.wav\"", "1"},
    {"path = \"/s/old/a.wav\"", "1"},
    {"folder = \"/s/new\"", "23"},
    {"folder ~ \"ne\"", "23"},
    {"name = B.WAV", "2"},
    {"name ~ \".flac\"", "3"},
    {"title = \"Slow Rain\"", "1"},
    {"title = a", ""},
    {"title in (b, C)", "23"},
    {"title ~ \"r\"", "1"},
    {"title != c", "12"},
    {"artist in (\"ann\", Bob)", "12"},
    {"artist = ann and not artist = bob", "1"},
    {"artist != ann", "23"},
    {"artist < \"b\"", "1"},
    {"year = 1999", "1"},
    {"year = 1999.0", "1"},
    {"year = \"1999\"", "1"},
    {"year < 2001", "12"},
    {"year > 1999", "2"},
    {"year != 1999", "23"},
    {"year ~ 9", "1"},
    {"Mood = calm", "3"},
    {"mood != calm", "12"},
    {"mood = \"'; DROP TABLE clip; --\"", ""},
    {"id = 0200000000000000", "2"},
    {"id ~ \"01?0\"", "1"},
    {"added > 2020-01-01 and added < 2100-01-01", "123"},
    {"added <= 2020-01-01 or added >= 2100-01-01T00:00:00Z", ""},
    {"added > 2026-01-01", "23"},
    {"added >= 2026-01-02", "23"},
    {"added < 2026-01-02", "1"},
    {"added <= 2026-01-02", "12"},
    {"added = 2026-01-03", "3"},
    {"added = 1970-01-01", ""},
    {"added != 1970-01-01", "123"},
    {"windows = 0 and rate > 44100", "123"},
    {"tag = rain and (artist = ann or year = 2000) and not duration < 20", "2"},
    {"artist = \"\"", ""},
};

static void clips_that_fit_are_found(void) {
    char *dir = files_dir();
    GError *error = NULL;
    g_autoptr(Backend) backend = local_open(dir, STORE_CREATE, 0, &error);
    g_assert_no_error(error);
    add(backend, 1, "/s/old/a.wav", 10,
        (const char *const[]){"artist", "Ann", "year", "1999", "tags", "rain", "title", "Slow rain",
                              NULL});
    add(backend, 2, "/s/new/b.wav", 40,
        (const char *const[]){"artist", "Bob", "year", "2000", "tags", "Rain;Wind", NULL});
    add(backend, 3, "/s/new/c.flac", 20,
        (const char *const[]){"mood", "calm", "tags",
                              "Stra\xc3\x9f"
                              "e",
                              NULL});
    for (gsize i = 0; i < G_N_ELEMENTS(filters); i++)
        expect_clips(backend, filters[i].text, filters[i].clips);
    files_remove(dir);
}

static void the_longest_filter_can_be_run(void) {
    char *dir = files_dir();
    GError *error = NULL;
    g_autoptr(Backend) backend = local_open(dir, STORE_CREATE, 0, &error);
    g_assert_no_error(error);
    add(backend, 1, "/s/a.wav", 10, (const char *const[]){NULL});
    g_autofree char *chain = repeated("a=1", " or a=1", 340, "");
    g_autofree char *list = repeated("tag in (1", ",1", FILTER_MAX_NODES - 2, ")");
    g_autofree char *deep = repeated("", "not ", FILTER_MAX_DEPTH, "a=1");
    expect_clips(backend, chain, "");
    expect_clips(backend, list, "");
    expect_clips(backend, deep, "");
    g_autofree char *open = repeated("", "not a=1 and b in (1,2) or (", FILTER_MAX_DEPTH, "a ~ x");
    g_autofree char *shut = repeated(open, ")", FILTER_MAX_DEPTH, "");
    expect_clips(backend, shut, "");
    g_autofree char *ladder = repeated("", "a=1 or b=2 and (", FILTER_MAX_DEPTH, "tag != x");
    g_autofree char *closed = repeated(ladder, ")", FILTER_MAX_DEPTH, "");
    expect_clips(backend, closed, "");
    files_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/filter/not_binds_closer_than_and_than_or", not_binds_closer_than_and_than_or);
    g_test_add_func("/filter/every_operator_is_read", every_operator_is_read);
    g_test_add_func("/filter/a_value_is_number_string_or_word", a_value_is_number_string_or_word);
    g_test_add_func("/filter/tags_is_tag_and_names_have_no_case",
                    tags_is_tag_and_names_have_no_case);
    g_test_add_func("/filter/an_error_has_its_place", an_error_has_its_place);
    g_test_add_func("/filter/a_field_must_be_known", a_field_must_be_known);
    g_test_add_func("/filter/values_fit_their_field", values_fit_their_field);
    g_test_add_func("/filter/a_time_names_a_span", a_time_names_a_span);
    g_test_add_func("/filter/a_filter_has_its_limits", a_filter_has_its_limits);
    g_test_add_func("/filter/clips_that_fit_are_found", clips_that_fit_are_found);
    g_test_add_func("/filter/the_longest_filter_can_be_run", the_longest_filter_can_be_run);
    return g_test_run();
}
