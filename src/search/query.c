/* Arguments → a sum of terms.
 *
 * A term begins at the start, after an operator, with a file or a clip, and after a file or a clip;
 * words run on until one of those. A sign counts for one term. A weight stands at the beginning of
 * a term alone, so that "bus at 8:15" stays words. */
#include "query.h"

#include "clip.h"
#include "error.h"
#include "sound_name.h"

#include <math.h>
#include <string.h>

typedef struct {
    Query *query;
    bool files;        /* arguments may name files */
    double sign;       /* of the next term */
    const char *after; /* an operator that waits for its term */
    double weight;     /* of the words being gathered */
    GString *words;    /* NULL: none */
} Parser;

static void term_free(gpointer data) {
    Term *term = data;
    g_free(term->text);
    g_free(term);
}

void query_free(Query *query) {
    if (!query) return;
    g_ptr_array_unref(query->terms);
    g_free(query->text);
    g_free(query);
}

static bool is_file(const char *arg) {
    return (strchr(arg, '/') || is_sound_name(arg)) && g_file_test(arg, G_FILE_TEST_IS_REGULAR);
}

static bool is_blank(const char *text) {
    return !text[strspn(text, " \t\r\n\v\f")];
}

static bool add_term(Parser *parser, TermKind kind, const char *text, double weight,
                     GError **error) {
    if (parser->query->terms->len == QUERY_MAX_TERMS)
        return error_fail(error, ERR_USAGE, "a query has at most %d terms", QUERY_MAX_TERMS);
    Term *term = g_new0(Term, 1);
    term->kind = kind;
    term->text = kind == TERM_WORDS ? g_utf8_make_valid(text, -1) : g_strdup(text);
    term->weight = parser->sign * weight;
    g_ptr_array_add(parser->query->terms, term);
    parser->sign = 1;
    parser->after = NULL;
    return true;
}

static bool end_words(Parser *parser, GError **error) {
    if (!parser->words) return true;
    g_autofree char *text = g_strstrip(g_string_free(g_steal_pointer(&parser->words), FALSE));
    return add_term(parser, TERM_WORDS, text, parser->weight, error);
}

/* "2.5:rain" → 2.5 and "rain"; an argument without a weight weighs 1. */
static bool read_weight(const char **arg, double *weight, GError **error) {
    size_t digits = strspn(*arg, "0123456789."), points = 0;
    for (size_t i = 0; i < digits; i++) points += (*arg)[i] == '.';
    *weight = 1;
    if ((*arg)[digits] != ':' || points > 1 || digits == points) return true;
    const char *term = *arg + digits + 1;
    *weight = g_ascii_strtod(*arg, NULL);
    if (!(*weight > 0)) return error_fail(error, ERR_USAGE, "\"%s\": a weight of 0", *arg);
    if (*weight > QUERY_MAX_WEIGHT)
        return error_fail(error, ERR_USAGE, "\"%s\": a weight is at most %g", *arg,
                          QUERY_MAX_WEIGHT);
    if (is_blank(term))
        return error_fail(error, ERR_USAGE, "\"%s\": a weight without a term", *arg);
    *arg = term;
    return true;
}

static bool add_id(Parser *parser, const char *arg, double weight, GError **error) {
    char lower[2 * CLIP_HASH + 1];
    if (!clip_id_parse(arg + strlen("id:"), lower))
        return error_fail(error, ERR_USAGE, "\"%s\": an id has 4 to 64 hex digits", arg);
    return end_words(parser, error) && add_term(parser, TERM_ID, lower, weight, error);
}

static bool read_operator(Parser *parser, const char *arg, GError **error) {
    if (!end_words(parser, error)) return false;
    if (parser->after)
        return error_fail(error, ERR_USAGE, "\"%s\" is followed by \"%s\", not by a term",
                          parser->after, arg);
    if (*arg == '+' && parser->query->terms->len == 0)
        return error_fail(error, ERR_USAGE, "nothing stands before \"+\"");
    parser->sign = *arg == '-' ? -1 : 1;
    parser->after = arg;
    return true;
}

static bool read_argument(Parser *parser, const char *arg, GError **error) {
    if (!strcmp(arg, "+") || !strcmp(arg, "-")) return read_operator(parser, arg, error);
    if (is_blank(arg)) return true;
    double weight = 1;
    /* A file is a file even when its name begins like a weight. */
    bool file = parser->files && is_file(arg);
    if (!file && !parser->words) {
        if (!read_weight(&arg, &weight, error)) return false;
        file = parser->files && is_file(arg);
    }
    if (file) return end_words(parser, error) && add_term(parser, TERM_FILE, arg, weight, error);
    if (g_str_has_prefix(arg, "id:")) return add_id(parser, arg, weight, error);
    if (!parser->words) {
        parser->words = g_string_new(arg);
        parser->weight = weight;
    } else {
        g_string_append_printf(parser->words, " %s", arg);
    }
    return true;
}

static bool check_sum(const Parser *parser, GError **error) {
    const GPtrArray *terms = parser->query->terms;
    if (parser->after) return error_fail(error, ERR_USAGE, "no term follows \"%s\"", parser->after);
    if (terms->len == 0) return error_fail(error, ERR_USAGE, "nothing is asked for");
    for (guint i = 0; i < terms->len; i++)
        if (((Term *)terms->pdata[i])->weight > 0) return true;
    return error_fail(error, ERR_USAGE, "nothing is added: a query needs a term without \"-\"");
}

static Query *parse(const char *const *args, bool files, GError **error) {
    g_autofree char *joined = g_strjoinv(" ", (char **)args);
    if (strlen(joined) > QUERY_MAX_BYTES) {
        error_fail(error, ERR_USAGE, "a query has at most %d bytes", QUERY_MAX_BYTES);
        return NULL;
    }
    g_autoptr(Query) query = g_new0(Query, 1);
    query->terms = g_ptr_array_new_with_free_func(term_free);
    query->text = g_utf8_make_valid(joined, -1);
    Parser parser = {.query = query, .files = files, .sign = 1};
    bool ok = true;
    for (const char *const *arg = args; ok && *arg; arg++) ok = read_argument(&parser, *arg, error);
    ok = ok && end_words(&parser, error) && check_sum(&parser, error);
    if (parser.words) g_string_free(parser.words, TRUE);
    return ok ? g_steal_pointer(&query) : NULL;
}

Query *query_parse(const char *const *args, GError **error) {
    return parse(args, true, error);
}

/* The next argument of a line. A quote that is not closed reaches to the end: someone is typing. */
static char *next_argument(const char **at) {
    GString *arg = g_string_new(NULL);
    bool quoted = false;
    for (; **at && (quoted || !g_ascii_isspace(**at)); (*at)++) {
        if (**at == '"')
            quoted = !quoted;
        else
            g_string_append_c(arg, **at);
    }
    return g_string_free(arg, FALSE);
}

Query *query_parse_line(const char *line, GError **error) {
    if (strlen(line) > QUERY_MAX_BYTES) {
        error_fail(error, ERR_USAGE, "a query has at most %d bytes", QUERY_MAX_BYTES);
        return NULL;
    }
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    for (const char *at = line;;) {
        while (g_ascii_isspace(*at)) at++;
        if (!*at) break;
        g_ptr_array_add(args, next_argument(&at));
    }
    g_ptr_array_add(args, NULL);
    return parse((const char *const *)args->pdata, false, error);
}

char *query_words(const Query *query) {
    GString *words = NULL;
    for (guint i = 0; i < query->terms->len; i++) {
        const Term *term = query->terms->pdata[i];
        if (term->kind != TERM_WORDS || term->weight < 0) continue;
        if (!words)
            words = g_string_new(term->text);
        else
            g_string_append_printf(words, " %s", term->text);
    }
    return words ? g_string_free(words, FALSE) : NULL;
}

bool query_has_words(const Query *query) {
    for (guint i = 0; i < query->terms->len; i++)
        if (((Term *)query->terms->pdata[i])->kind == TERM_WORDS) return true;
    return false;
}
