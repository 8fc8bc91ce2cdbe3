/* A filter's text → its tree: a parser by recursive descent, one function a level of precedence.
 * Depth and nodes are limited while it reads, so that a hostile text costs no more than its
 * bytes. */
#include "filter.h"

#include "error.h"
#include "filter_lex.h"

#include <math.h>
#include <string.h>

#define MICROSECOND 1
#define SECOND      G_USEC_PER_SEC
#define DAY         (86400 * (int64_t)G_USEC_PER_SEC)

typedef struct {
    const char *text;
    size_t next; /* byte behind the token */
    Token token; /* that is looked at */
    const char *const *fields;
    int depth, nodes;
    size_t place;
    GError **error;
} Parser;

static const char *const every_clip_has[] = {"id",       "path", "name",     "folder",
                                             "duration", "rate", "channels", "windows",
                                             "added",    "tag",  NULL};
static const char *const numeric[] = {"duration", "rate", "channels", "windows", NULL};
static const char *const well_known[] = {
    FIELD_TITLE, FIELD_DESCRIPTION, FIELD_ARTIST, FIELD_ALBUM, FIELD_GENRE, NULL,
};

static void value_free(gpointer data) {
    FilterValue *value = data;
    g_free(value->text);
    g_free(value);
}

static void node_free(FilterNode *node) {
    if (!node) return;
    node_free(node->left);
    node_free(node->right);
    g_free(node->field);
    if (node->values) g_ptr_array_unref(node->values);
    g_free(node);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FilterNode, node_free)

void filter_free(Filter *filter) {
    if (!filter) return;
    node_free(filter->root);
    g_free(filter->text);
    g_free(filter);
}

static void *fail_at(Parser *parser, size_t place, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void *fail_at(Parser *parser, size_t place, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    parser->place = place;
    error_fail(parser->error, ERR_USAGE, "filter, at byte %" G_GSIZE_FORMAT ": %s", place + 1,
               what);
    return NULL;
}

static void advance(Parser *parser) {
    g_clear_pointer(&parser->token.text, g_free);
    parser->next = filter_next_token(parser->text, parser->next, &parser->token);
}

static bool at_keyword(const Parser *parser, const char *word) {
    return parser->token.kind == TOKEN_WORD && !g_ascii_strcasecmp(parser->token.text, word);
}

static bool is_keyword(const Parser *parser) {
    return at_keyword(parser, "and") || at_keyword(parser, "or") || at_keyword(parser, "not") ||
           at_keyword(parser, "in");
}

/* What stands at the token, for messages. Caller frees. */
static char *found(const Parser *parser) {
    if (parser->token.kind == TOKEN_END) return g_strdup("its end");
    if (parser->token.kind == TOKEN_OPEN_QUOTE) return g_strdup("a quote that is not closed");
    int len = (int)MIN(parser->next - parser->token.start, 40);
    return g_strdup_printf("\"%.*s\"", len, parser->text + parser->token.start);
}

static void *fail_expected(Parser *parser, const char *what) {
    g_autofree char *instead = found(parser);
    return fail_at(parser, parser->token.start, "%s is expected, not %s", what, instead);
}

static bool count_node(Parser *parser) {
    if (++parser->nodes <= FILTER_MAX_NODES) return true;
    return fail_at(parser, parser->token.start, "more than %d conditions and values",
                   FILTER_MAX_NODES);
}

static FilterNode *new_node(FilterKind kind, FilterNode *left, FilterNode *right) {
    FilterNode *node = g_new0(FilterNode, 1);
    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

/* Digits, a point, an exponent: "nan", "inf" and "0x10" are words. */
static bool read_number(const char *text, double *number) {
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text)) return false;
    *number = g_ascii_strtod(text, &end);
    return end != text && !*end && isfinite(*number);
}

bool filter_time(const char *text, int64_t *from, int64_t *to) {
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autofree char *midnight = g_strconcat(text, "T00:00:00", NULL);
    g_autoptr(GDateTime) whole = g_date_time_new_from_iso8601(text, utc);
    g_autoptr(GDateTime) day = whole ? NULL : g_date_time_new_from_iso8601(midnight, utc);
    GDateTime *time = whole ? whole : day;
    if (!time) return false;
    *from = g_date_time_to_unix(time) * SECOND + g_date_time_get_microsecond(time);
    *to = *from + (day ? DAY : strchr(text, '.') ? MICROSECOND : SECOND);
    return true;
}

/* Numbers and times are checked here, while their place is known. */
static bool check_value(Parser *parser, const FilterNode *test, const FilterValue *value) {
    int64_t from, to;
    bool is_time = !strcmp(test->field, "added");
    bool is_numeric = g_strv_contains(numeric, test->field);
    size_t place = parser->token.start;
    if ((is_numeric || is_time) && test->op == OP_LIKE)
        return fail_at(parser, place, "%s is not a text, \"~\" cannot match it", test->field);
    if (is_numeric && !value->is_number)
        return fail_at(parser, place, "%s is compared with a number", test->field);
    if (is_time && !filter_time(value->text, &from, &to))
        return fail_at(parser, place,
                       "added is compared with a date (2026-01-31) or a time "
                       "(2026-01-31T12:00:00Z)");
    return true;
}

static bool read_value(Parser *parser, FilterNode *test) {
    bool quoted = parser->token.kind == TOKEN_STRING;
    if (!quoted && (parser->token.kind != TOKEN_WORD || is_keyword(parser)))
        return fail_expected(parser, "a value");
    if (!count_node(parser)) return false;
    if (!g_utf8_validate(parser->token.text, -1, NULL))
        return fail_at(parser, parser->token.start, "the value is not UTF-8");
    FilterValue *value = g_new0(FilterValue, 1);
    value->text = g_strdup(parser->token.text);
    value->is_number = !quoted && read_number(value->text, &value->number);
    g_ptr_array_add(test->values, value);
    if (!check_value(parser, test, value)) return false;
    advance(parser);
    return true;
}

static bool read_list(Parser *parser, FilterNode *test) {
    if (parser->token.kind != TOKEN_OPEN) return fail_expected(parser, "\"(\"");
    do {
        advance(parser);
        if (!read_value(parser, test)) return false;
    } while (parser->token.kind == TOKEN_COMMA);
    if (parser->token.kind != TOKEN_CLOSE) return fail_expected(parser, "\",\" or \")\"");
    advance(parser);
    return true;
}

static bool is_known(const Parser *parser, const char *field) {
    if (!parser->fields || g_strv_contains(every_clip_has, field) ||
        g_strv_contains(well_known, field))
        return true;
    for (const char *const *name = parser->fields; *name; name++)
        if (!g_ascii_strcasecmp(*name, field)) return true;
    return false;
}

static bool read_field(Parser *parser, FilterNode *test) {
    if (parser->token.kind != TOKEN_WORD || is_keyword(parser))
        return fail_expected(parser, "a field");
    test->field = g_ascii_strdown(parser->token.text, -1);
    if (!strcmp(test->field, FIELD_TAGS)) test->field[strlen("tag")] = 0;
    if (!g_utf8_validate(test->field, -1, NULL) || !is_known(parser, test->field)) {
        g_autofree char *name = found(parser);
        return fail_at(parser, parser->token.start, "there is no field %s", name);
    }
    advance(parser);
    return true;
}

static FilterNode *read_test(Parser *parser) {
    g_autoptr(FilterNode) test = new_node(FILTER_TEST, NULL, NULL);
    test->values = g_ptr_array_new_with_free_func(value_free);
    if (!count_node(parser) || !read_field(parser, test)) return NULL;
    bool list = at_keyword(parser, "in");
    if (!list && parser->token.kind != TOKEN_OP)
        return fail_expected(parser, "one of = != < <= > >= ~ in");
    test->op = list ? OP_IN : parser->token.op;
    advance(parser);
    bool ok = list ? read_list(parser, test) : read_value(parser, test);
    return ok ? g_steal_pointer(&test) : NULL;
}

static FilterNode *read_or(Parser *parser);

static FilterNode *read_group(Parser *parser) {
    advance(parser);
    g_autoptr(FilterNode) inner = read_or(parser);
    if (!inner) return NULL;
    if (parser->token.kind != TOKEN_CLOSE) return fail_expected(parser, "\")\", \"and\" or \"or\"");
    advance(parser);
    return g_steal_pointer(&inner);
}

static FilterNode *read_unary(Parser *parser);

static FilterNode *read_not(Parser *parser) {
    advance(parser);
    FilterNode *inner = read_unary(parser);
    return inner ? new_node(FILTER_NOT, inner, NULL) : NULL;
}

static FilterNode *read_unary(Parser *parser) {
    bool negated = at_keyword(parser, "not");
    if (!negated && parser->token.kind != TOKEN_OPEN) return read_test(parser);
    if (parser->depth == FILTER_MAX_DEPTH)
        return fail_at(parser, parser->token.start, "nested deeper than %d", FILTER_MAX_DEPTH);
    if (!count_node(parser)) return NULL;
    parser->depth++;
    FilterNode *node = negated ? read_not(parser) : read_group(parser);
    parser->depth--;
    return node;
}

/* Operands parted by `word`, from the left. */
static FilterNode *read_chain(Parser *parser, const char *word, FilterKind kind,
                              FilterNode *(*read)(Parser *)) {
    g_autoptr(FilterNode) left = read(parser);
    while (left && at_keyword(parser, word)) {
        if (!count_node(parser)) return NULL;
        advance(parser);
        FilterNode *right = read(parser);
        if (!right) return NULL;
        left = new_node(kind, left, right);
    }
    return g_steal_pointer(&left);
}

static FilterNode *read_and(Parser *parser) {
    return read_chain(parser, "and", FILTER_AND, read_unary);
}

static FilterNode *read_or(Parser *parser) {
    return read_chain(parser, "or", FILTER_OR, read_and);
}

static FilterNode *read_all(Parser *parser) {
    advance(parser);
    g_autoptr(FilterNode) root = read_or(parser);
    if (root && parser->token.kind != TOKEN_END) return fail_expected(parser, "\"and\" or \"or\"");
    return g_steal_pointer(&root);
}

Filter *filter_parse(const char *text, const char *const *fields, size_t *place, GError **error) {
    Parser parser = {.text = text, .fields = fields, .error = error};
    FilterNode *root = NULL;
    if (strlen(text) > FILTER_MAX_BYTES)
        fail_at(&parser, FILTER_MAX_BYTES, "longer than %d bytes", FILTER_MAX_BYTES);
    else
        root = read_all(&parser);
    g_free(parser.token.text);
    if (place) *place = parser.place;
    if (!root) return NULL;
    Filter *filter = g_new0(Filter, 1);
    filter->root = root;
    filter->text = g_strdup(text);
    return filter;
}
