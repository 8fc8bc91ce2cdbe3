/* A CSV reader: one pass over the text, a row at a time. */
#include "csv.h"

#include "error.h"

#include <string.h>

struct Csv {
    char *path;
    const char *at, *end;
    char between;
    gint64 line, row_line; /* where `at` is; where the last row began */
};

/* Outside of quotes, as far as the first line goes. */
static char sniff(const char *at, const char *end) {
    static const char candidates[] = ",;\t";
    gsize seen[3] = {0}, best = 0;
    bool quoted = false;
    for (; at < end && (quoted || (*at != '\n' && *at != '\r')); at++) {
        const char *found = *at ? strchr(candidates, *at) : NULL;
        if (*at == '"') quoted = !quoted;
        if (found && !quoted) seen[found - candidates]++;
    }
    for (gsize i = 1; i < 3; i++)
        if (seen[i] > seen[best]) best = i;
    return candidates[best];
}

Csv *csv_new(const char *path, const char *text, gsize len) {
    Csv *csv = g_new0(Csv, 1);
    bool marked = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    csv->path = g_strdup(path);
    csv->at = text + (marked ? 3 : 0);
    csv->end = text + len;
    csv->between = sniff(csv->at, csv->end);
    csv->line = 1;
    return csv;
}

void csv_free(Csv *csv) {
    if (!csv) return;
    g_free(csv->path);
    g_free(csv);
}

gint64 csv_line(const Csv *csv) {
    return csv->row_line;
}

static bool complain(const Csv *csv, const char *what, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": %s", csv->path, csv->row_line,
                      what);
}

static bool at_line_end(const Csv *csv) {
    return csv->at == csv->end || *csv->at == '\n' || *csv->at == '\r';
}

static void pass_line_end(Csv *csv) {
    if (csv->at == csv->end) return;
    bool both = *csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n';
    csv->at += both ? 2 : 1;
    csv->line++;
}

/* `at` is behind the opening quote; afterwards behind the closing one. */
static bool read_quoted(Csv *csv, GString *field, GError **error) {
    while (csv->at < csv->end) {
        char c = *csv->at++;
        if (c == '\n') csv->line++;
        if (c != '"') {
            g_string_append_c(field, c);
        } else if (csv->at < csv->end && *csv->at == '"') {
            g_string_append_c(field, '"');
            csv->at++;
        } else if (at_line_end(csv) || *csv->at == csv->between) {
            return true;
        } else {
            return complain(csv, "text behind a closing quote", error);
        }
    }
    return complain(csv, "a quote is not closed", error);
}

static bool read_field(Csv *csv, GPtrArray *row, GError **error) {
    g_autoptr(GString) field = g_string_new(NULL);
    if (csv->at < csv->end && *csv->at == '"') {
        csv->at++;
        if (!read_quoted(csv, field, error)) return false;
    } else {
        const char *from = csv->at;
        while (!at_line_end(csv) && *csv->at != csv->between) csv->at++;
        g_string_append_len(field, from, csv->at - from);
    }
    if (memchr(field->str, 0, field->len))
        return complain(csv, "holds a NUL: this is not a text file", error);
    if (row->len == CSV_MAX_FIELDS)
        return complain(csv, "more than " G_STRINGIFY(CSV_MAX_FIELDS) " fields", error);
    g_ptr_array_add(row, g_strdup(field->str));
    return true;
}

static GPtrArray *read_row(Csv *csv, GError **error) {
    g_autoptr(GPtrArray) row = g_ptr_array_new_with_free_func(g_free);
    csv->row_line = csv->line;
    while (read_field(csv, row, error)) {
        if (at_line_end(csv)) {
            pass_line_end(csv);
            return g_steal_pointer(&row);
        }
        csv->at++;
    }
    return NULL;
}

GPtrArray *csv_next(Csv *csv, GError **error) {
    while (csv->at < csv->end && at_line_end(csv)) pass_line_end(csv);
    return csv->at < csv->end ? read_row(csv, error) : NULL;
}
