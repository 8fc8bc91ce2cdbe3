/* See judgments.h. */
#include "judgments.h"

#include "csv.h"
#include "error.h"
#include "file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATING_MOST 1000

/* ---- the table ---- */

static void row_clear(void *data) {
    Judgment *row = data;
    g_free(row->query);
    g_free(row->document);
}

static char *key_of(const char *query, const char *document) {
    return g_strconcat(query, "\n", document, NULL);
}

Judgments *judgments_new(void) {
    Judgments *j = g_new0(Judgments, 1);
    j->rows = g_array_new(FALSE, FALSE, sizeof(Judgment));
    g_array_set_clear_func(j->rows, row_clear);
    j->ratings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    j->queries = g_ptr_array_new();
    j->most = 1;
    return j;
}

void judgments_free(Judgments *j) {
    if (!j) return;
    g_array_unref(j->rows);
    g_hash_table_destroy(j->ratings);
    g_ptr_array_unref(j->queries);
    g_free(j);
}

typedef struct {
    Judgments *judgments;
    GHashTable *seen; /* queries */
    const char *path;
    gint64 line;
} Reading;

static bool refuse(const Reading *r, GError **error, const char *what) {
    return error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": %s", r->path, r->line, what);
}

/* seen: its queries, so far. */
static void append(Judgments *j, GHashTable *seen, const char *query, const char *document,
                   double rating) {
    Judgment row = {g_strdup(query), g_strdup(document), rating};
    g_array_append_val(j->rows, row);
    g_hash_table_replace(j->ratings, key_of(query, document), GINT_TO_POINTER((int)j->rows->len));
    if (g_hash_table_add(seen, row.query)) g_ptr_array_add(j->queries, row.query);
    j->most = MAX(j->most, row.rating);
}

static bool add(Reading *r, const char *query, const char *document, double rating,
                GError **error) {
    if (!*query || !*document) return refuse(r, error, "a query or document is empty");
    if (!(fabs(rating) <= RATING_MOST)) return refuse(r, error, "the rating is out of range");
    append(r->judgments, r->seen, query, document, rating);
    return true;
}

bool judgments_rating(const Judgments *j, const char *query, const char *document, double *rating) {
    g_autofree char *key = key_of(query, document);
    void *value;
    if (!g_hash_table_lookup_extended(j->ratings, key, NULL, &value)) return false;
    *rating = g_array_index(j->rows, Judgment, GPOINTER_TO_INT(value) - 1).rating;
    return true;
}

/* ---- changing ---- */

static bool is_plain(const char *text) {
    return *text && g_utf8_validate(text, -1, NULL) && !strpbrk(text, "\r\n");
}

Judgments *judgments_with(const Judgments *j, const char *query, const char *document,
                          double rating, GError **error) {
    if (!is_plain(query) || !is_plain(document)) {
        error_fail(error, ERR_USAGE, "a judgment is of a query and a document of one line each");
        return NULL;
    }
    if (fabs(rating) > RATING_MOST) {
        error_fail(error, ERR_USAGE, "%g: a rating lies between -%d and %d", rating, RATING_MOST,
                   RATING_MOST);
        return NULL;
    }
    Judgments *made = judgments_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    bool placed = isnan(rating);
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        bool same = strcmp(row->query, query) == 0 && strcmp(row->document, document) == 0;
        if (!same || !placed)
            append(made, seen, row->query, row->document, same ? rating : row->rating);
        placed |= same;
    }
    if (!placed) append(made, seen, query, document, rating);
    return made;
}

/* ---- lines ---- */

static bool parse_number(const char *text, double *number) {
    char *end;
    *number = g_ascii_strtod(text, &end);
    return end != text && !*end && isfinite(*number);
}

/* Calls `take` for every line that is not blank, without blanks at its ends. */
typedef bool TakeLine(Reading *r, char *line, GError **error);

static bool each_line(Reading *r, const char *text, TakeLine *take, GError **error) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (r->line = 1; lines[r->line - 1]; r->line++) {
        char *line = g_strstrip(lines[r->line - 1]);
        if (*line && !take(r, line, error)) return false;
    }
    return true;
}

/* Fields between blanks. */
static GStrv split_blanks(const char *line) {
    g_auto(GStrv) parts = g_strsplit_set(line, " \t\r", -1);
    GPtrArray *kept = g_ptr_array_new();
    for (char **part = parts; *part; part++)
        if (**part) g_ptr_array_add(kept, g_strdup(*part));
    g_ptr_array_add(kept, NULL);
    return (GStrv)g_ptr_array_free(kept, FALSE);
}

static bool take_trec(Reading *r, char *line, GError **error) {
    g_auto(GStrv) fields = split_blanks(line);
    double rating;
    if (g_strv_length(fields) != 4) return refuse(r, error, "is not \"qid iter docno rel\"");
    if (!parse_number(fields[3], &rating)) return refuse(r, error, "the rating is not a number");
    return add(r, fields[0], fields[2], rating, error);
}

/* "3 qid:1 # 1370 star trek" */
static bool take_ltr(Reading *r, char *line, GError **error) {
    g_auto(GStrv) halves = g_strsplit(line, "#", 2);
    double rating;
    char *end;
    rating = g_ascii_strtod(line, &end);
    if (end == line || !halves[0] || !halves[1])
        return refuse(r, error, "is not \"rating qid:N # docid query\"");
    g_auto(GStrv) rest = g_strsplit(g_strstrip(halves[1]), " ", 2);
    if (!rest[0] || !rest[1]) return refuse(r, error, "has no query behind the document");
    return add(r, g_strstrip(rest[1]), rest[0], rating, error);
}

static const char *text_of(json_t *row, const char *const *names) {
    for (int i = 0; names[i]; i++) {
        const char *text = json_string_value(json_object_get(row, names[i]));
        if (text) return text;
    }
    return NULL;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool take_jsonl(Reading *r, char *line, GError **error) {
    json_auto_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *query = text_of(row, NAMES("query", "query_text"));
    const char *document = text_of(row, NAMES("id", "document", "doc_id"));
    json_t *rating = json_object_get(row, "rating");
    if (!query || !document || !json_is_number(rating))
        return refuse(r, error, "is not {\"query\": …, \"id\": …, \"rating\": …}");
    return add(r, query, document, json_number_value(rating), error);
}

/* ---- Quepid's tables ---- */

static int column_of(const GPtrArray *header, const char *const *names) {
    for (int n = 0; names[n]; n++)
        for (guint i = 0; i < header->len; i++)
            if (g_ascii_strcasecmp(header->pdata[i], names[n]) == 0) return (int)i;
    return -1;
}

static const char *field(const GPtrArray *row, int column) {
    const char *text = column >= 0 && column < (int)row->len ? row->pdata[column] : "";
    return *text == ' ' ? text + 1 : text; /* its export puts one in front of = + - @ */
}

typedef struct {
    int query, document, rating;
} TableColumns;

/* A book has no column rating, but one a judge behind the document's. */
static TableColumns columns_of(const GPtrArray *header) {
    TableColumns c = {column_of(header, NAMES("query", "query text", "query_text")),
                      column_of(header, NAMES("docid", "doc id", "doc_id")),
                      column_of(header, NAMES("rating"))};
    if (c.rating < 0) c.rating = c.document + 1;
    return c;
}

/* Unrated rows and rows of a query alone say nothing. */
static bool take_table_row(Reading *r, const TableColumns *c, const GPtrArray *row,
                           GError **error) {
    const char *document = field(row, c->document), *rating = field(row, c->rating);
    double number;
    if (!*document || !*rating) return true;
    if (!parse_number(rating, &number)) return refuse(r, error, "the rating is not a number");
    return add(r, field(row, c->query), document, number, error);
}

static bool read_table(Reading *r, const char *text, gsize len, GError **error) {
    GError *fault = NULL;
    g_autoptr(Csv) csv = csv_new(r->path, text, len);
    g_autoptr(GPtrArray) header = csv_next(csv, &fault);
    TableColumns columns = header ? columns_of(header) : (TableColumns){-1, -1, -1};
    if (!fault && (columns.query < 0 || columns.document < 0))
        return error_fail(error, ERR_FORMAT, "%s: has no columns query and docid", r->path);
    while (!fault) {
        g_autoptr(GPtrArray) row = csv_next(csv, &fault);
        if (!row) break;
        r->line = csv_line(csv);
        if (!take_table_row(r, &columns, row, error)) return false;
    }
    if (fault) g_propagate_error(error, fault);
    return !fault;
}

/* ---- JSON: Quepid's export, and the workbench's judgment list ---- */

/* A number, or a number in a string; null is nobody's judgment. */
static bool take_rating(Reading *r, const char *query, const char *document, json_t *rating,
                        GError **error) {
    double number = json_number_value(rating);
    if (json_is_null(rating)) return true;
    if (json_is_number(rating) ||
        (json_is_string(rating) && parse_number(json_string_value(rating), &number)))
        return add(r, query, document, number, error);
    return error_fail(error, ERR_FORMAT, "%s: \"%s\": the rating of %s is no number", r->path,
                      query, document);
}

static bool take_ratings(Reading *r, const char *query, json_t *ratings, GError **error) {
    const char *document;
    json_t *value;
    size_t i;
    if (json_is_object(ratings)) {
        json_object_foreach(ratings, document, value)
            if (!take_rating(r, query, document, value, error)) return false;
        return true;
    }
    json_array_foreach(ratings, i, value) {
        document = text_of(value, NAMES("docId", "doc_id"));
        if (!document)
            return error_fail(error, ERR_FORMAT, "%s: \"%s\": rating %zu is not {docId, rating}",
                              r->path, query, i);
        if (!take_rating(r, query, document, json_object_get(value, "rating"), error)) return false;
    }
    return true;
}

static bool read_json(Reading *r, const char *text, gsize len, GError **error) {
    json_error_t fault;
    json_auto_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
    if (!root) return error_fail(error, ERR_FORMAT, "%s:%d: %s", r->path, fault.line, fault.text);
    json_t *queries = json_object_get(root, "judgmentRatings"), *entry;
    size_t i;
    if (!queries) queries = json_object_get(root, "queries");
    if (!json_is_array(queries))
        return error_fail(error, ERR_FORMAT, "%s: has neither judgmentRatings nor queries",
                          r->path);
    json_array_foreach(queries, i, entry) {
        const char *query = text_of(entry, NAMES("query", "query_text"));
        if (!query) return error_fail(error, ERR_FORMAT, "%s: query %zu has no text", r->path, i);
        if (!take_ratings(r, query, json_object_get(entry, "ratings"), error)) return false;
    }
    return true;
}

/* ---- reading ---- */

/* Whole JSON documents begin with {, and their first line ends before they do. */
static JudgedFormat guess(const char *text) {
    g_autofree char *first = g_strndup(text, strcspn(text, "\n"));
    json_auto_t *line = json_loads(first, 0, NULL);
    if (*text == '{') return json_object_get(line, "rating") ? JUDGED_JSONL : JUDGED_SRW;
    return strchr(first, ',') || strstr(first, "qid:") ? JUDGED_QUEPID : JUDGED_TREC;
}

static bool read_as(Reading *r, JudgedFormat format, const char *text, gsize len, GError **error) {
    switch (format) {
    case JUDGED_TREC:
        return each_line(r, text, take_trec, error);
    case JUDGED_JSONL:
        return each_line(r, text, take_jsonl, error);
    case JUDGED_SRW:
        return read_json(r, text, len, error);
    default:
        break;
    }
    if (*text == '{') return read_json(r, text, len, error);
    g_autofree char *first = g_strndup(text, strcspn(text, "\n"));
    return strstr(first, "qid:") ? each_line(r, text, take_ltr, error)
                                 : read_table(r, text, len, error);
}

static char *read_text(const char *path, gsize *len, GError **error) {
    g_autoptr(GBytes) bytes = file_bytes(path, JUDGMENTS_MAX_BYTES, error);
    if (!bytes) return NULL;
    const char *data = g_bytes_get_data(bytes, len);
    if (!data) data = "";
    gsize mark = *len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    *len -= mark;
    if (g_utf8_validate(data + mark, (gssize)*len, NULL)) return g_strndup(data + mark, *len);
    error_fail(error, ERR_FORMAT, "%s: is not UTF-8 text", path);
    return NULL;
}

Judgments *judgments_read(const char *path, JudgedFormat format, GError **error) {
    gsize len;
    g_autofree char *text = read_text(path, &len, error);
    return text ? judgments_parse(path, text, len, format, error) : NULL;
}

Judgments *judgments_parse(const char *path, const char *text, gsize len, JudgedFormat format,
                           GError **error) {
    g_autoptr(Judgments) judgments = judgments_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    Reading r = {judgments, seen, path, 0};
    if (!read_as(&r, format == JUDGED_AUTO ? guess(text) : format, text, len, error)) return NULL;
    if (judgments->rows->len > 0) return g_steal_pointer(&judgments);
    error_fail(error, ERR_FORMAT, "%s: holds no judgments", path);
    return NULL;
}

/* ---- writing ---- */

static bool write_trec(const Judgments *j, FILE *out, GError **error) {
    g_autoptr(GHashTable) number = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < j->queries->len; i++)
        g_hash_table_insert(number, j->queries->pdata[i], GINT_TO_POINTER((int)i + 1));
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        if (strpbrk(row->document, " \t\r\n"))
            return error_fail(error, ERR_FORMAT,
                              "%s: a document with blanks cannot stand in TREC's form; use ids",
                              row->document);
        if (strpbrk(row->query, " \t\r\n"))
            fprintf(out, "%d", GPOINTER_TO_INT(g_hash_table_lookup(number, row->query)));
        else
            fputs(row->query, out);
        if (row->rating != rint(row->rating))
            return error_fail(error, ERR_FORMAT,
                              "%s: a rating that is a fraction cannot stand in TREC's form",
                              row->document);
        fprintf(out, " 0 %s %.0f\n", row->document, row->rating);
    }
    return true;
}

static void put_csv(FILE *out, const char *text) {
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void write_quepid(const Judgments *j, FILE *out) {
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    fputs("query,docid,rating\n", out);
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        put_csv(out, row->query);
        putc(',', out);
        put_csv(out, row->document);
        fprintf(out, ",%s\n", g_ascii_formatd(digits, sizeof digits, "%.10g", row->rating));
    }
}

static void write_srw(const Judgments *j, FILE *out) {
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    json_t *list = json_array();
    for (guint q = 0; q < j->queries->len; q++) {
        json_t *ratings = json_array();
        for (guint i = 0; i < j->rows->len; i++) {
            const Judgment *row = &g_array_index(j->rows, Judgment, i);
            if (strcmp(row->query, j->queries->pdata[q]) != 0) continue;
            const char *rating =
                g_ascii_formatd(digits, sizeof digits,
                                row->rating == rint(row->rating) ? "%.3f" : "%.10g", row->rating);
            json_array_append_new(
                ratings, json_pack("{s:s, s:s}", "docId", row->document, "rating", rating));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "query", j->queries->pdata[q], "ratings", ratings));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:o}", "name", "earshot", "description", "", "type",
                             "IMPORT_JUDGMENT", "judgmentRatings", list);
    json_dumpf(root, out, JSON_INDENT(1));
    putc('\n', out);
    json_decref(root);
}

static void write_jsonl(const Judgments *j, FILE *out) {
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        bool whole = row->rating == rint(row->rating);
        json_t *rating = whole ? json_integer(lrint(row->rating)) : json_real(row->rating);
        json_auto_t *line = json_pack("{s:s, s:s, s:o}", "query", row->query, "id", row->document,
                                      "rating", rating);
        json_dumpf(line, out, 0);
        putc('\n', out);
    }
}

bool judgments_write(const Judgments *j, FILE *out, JudgedFormat format, GError **error) {
    switch (format) {
    case JUDGED_TREC:
        return write_trec(j, out, error);
    case JUDGED_QUEPID:
        write_quepid(j, out);
        return true;
    case JUDGED_SRW:
        write_srw(j, out);
        return true;
    default:
        write_jsonl(j, out);
        return true;
    }
}

GBytes *judgments_bytes(const Judgments *j, JudgedFormat format, GError **error) {
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory) g_error("out of memory");
    bool well = judgments_write(j, memory, format, error);
    if (fclose(memory) != 0) g_error("out of memory");
    GBytes *bytes = g_bytes_new_with_free_func(text, len, free, text);
    if (!well) g_clear_pointer(&bytes, g_bytes_unref);
    return bytes;
}

/* ---- runs ---- */

static void hit_clear(void *data) {
    RunHit *hit = data;
    g_free(hit->query);
    g_free(hit->document);
}

GArray *run_new(void) {
    GArray *hits = g_array_new(FALSE, FALSE, sizeof(RunHit));
    g_array_set_clear_func(hits, hit_clear);
    return hits;
}

static int by_score(const void *a, const void *b) {
    const RunHit *x = a, *y = b;
    if (x->place != y->place) return x->place - y->place; /* of the query */
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return strcmp(y->document, x->document);
}

GArray *run_read(const char *path, GError **error) {
    gsize len;
    g_autofree char *text = read_text(path, &len, error);
    return text ? run_parse(path, text, error) : NULL;
}

GArray *run_parse(const char *path, const char *text, GError **error) {
    g_autoptr(GArray) hits = run_new();
    g_autoptr(GHashTable) place = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        g_auto(GStrv) fields = split_blanks(lines[i]);
        double score;
        if (!fields[0]) continue;
        if (g_strv_length(fields) != 6 || !parse_number(fields[4], &score)) {
            error_fail(error, ERR_FORMAT, "%s:%d: is not \"qid Q0 docno rank sim run_id\"", path,
                       i + 1);
            return NULL;
        }
        int known = GPOINTER_TO_INT(g_hash_table_lookup(place, fields[0]));
        if (!known) known = (int)g_hash_table_size(place) + 1;
        g_hash_table_insert(place, g_strdup(fields[0]), GINT_TO_POINTER(known));
        if (!g_hash_table_add(seen, key_of(fields[0], fields[2]))) {
            error_fail(error, ERR_FORMAT, "%s:%d: %s is there twice for query %s", path, i + 1,
                       fields[2], fields[0]);
            return NULL;
        }
        RunHit hit = {g_strdup(fields[0]), g_strdup(fields[2]), (double)(float)score, known};
        g_array_append_val(hits, hit);
    }
    g_array_sort(hits, by_score);
    if (hits->len) return g_steal_pointer(&hits);
    error_fail(error, ERR_FORMAT, "%s: holds no hits", path);
    return NULL;
}
