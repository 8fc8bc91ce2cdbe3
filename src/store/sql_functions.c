/* fold(), matches() and as_number(). Most texts are ASCII, for which folding is lower case; the
 * rest goes the long way through Unicode. */
#include "sql_functions.h"

#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool is_ascii(const char *text) {
    while (*text && (unsigned char)*text < 0x80) text++;
    return !*text;
}

char *sql_fold(const char *text) {
    if (is_ascii(text)) return g_ascii_strdown(text, -1);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *folded = g_utf8_casefold(valid, -1);
    return g_utf8_normalize(folded, -1, G_NORMALIZE_NFKC);
}

static void fold(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *text = (const char *)sqlite3_value_text(values[0]);
    if (text) sqlite3_result_text(context, sql_fold(text), -1, g_free);
}

/* Both are folded, valid UTF-8. The pattern may begin anywhere, as if it began with '*': on a
 * mismatch the last star takes one character more. */
static bool fits(const char *text, const char *pattern) {
    const char *star = pattern, *from = text;
    while (*pattern) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*text && (*pattern == '?' || *pattern == *text)) {
            text = *pattern == '?' ? g_utf8_next_char(text) : text + 1;
            pattern++;
        } else {
            if (!*from) return false;
            text = from = g_utf8_next_char(from);
            pattern = star;
        }
    }
    return true;
}

static void matches(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *text = (const char *)sqlite3_value_text(values[0]);
    const char *pattern = (const char *)sqlite3_value_text(values[1]);
    if (!text || !pattern) return;
    char *known = sqlite3_get_auxdata(context, 1), *wanted = known ? known : sql_fold(pattern);
    g_autofree char *folded = sql_fold(text);
    sqlite3_result_int(context, fits(folded, wanted));
    if (!known) sqlite3_set_auxdata(context, 1, wanted, g_free); /* may free it at once */
}

static void as_number(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *text = (const char *)sqlite3_value_text(values[0]);
    if (!text || g_ascii_isspace(*text)) return;
    char *end;
    double number = g_ascii_strtod(text, &end);
    if (end != text && !*end && isfinite(number)) sqlite3_result_double(context, number);
}

static void stem(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *name = (const char *)sqlite3_value_text(values[0]);
    const char *dot = name ? strrchr(name, '.') : NULL;
    int len = dot && dot != name ? (int)(dot - name) : -1;
    if (name) sqlite3_result_text(context, name, len, SQLITE_TRANSIENT);
}

int sql_functions_add(sqlite3 *db) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    static const struct {
        const char *name;
        int count;
        void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
    } table[] = {
        {"fold", 1, fold}, {"matches", 2, matches}, {"as_number", 1, as_number}, {"stem", 1, stem}};
    int result = SQLITE_OK;
    for (size_t i = 0; i < G_N_ELEMENTS(table) && result == SQLITE_OK; i++)
        result = sqlite3_create_function(db, table[i].name, table[i].count, flags, NULL,
                                         table[i].call, NULL, NULL);
    return result;
}
