/* Label files, read: CSV or JSON Lines → rows. See meta.h. */
#include "csv.h"
#include "error.h"
#include "file.h"
#include "meta.h"
#include "meta_private.h"

#include <jansson.h>
#include <string.h>

typedef enum { COLUMN_FIELD, COLUMN_PATH, COLUMN_TAGS, COLUMN_LABELS, COLUMN_NONE } Kind;

/* The names by which columns are known. Of those that name the sound the first in this order does;
 * the others are fields then. */
static const char *const path_names[] = {
    "path", "file", "filename", "file_name", "filepath", "file_path", "slice_file_name", "fname",
};
static const struct {
    const char *name;
    Kind kind;
} list_names[] = {
    {"tags", COLUMN_TAGS},         {"tag", COLUMN_TAGS},     {"labels", COLUMN_LABELS},
    {"label", COLUMN_LABELS},      {"class", COLUMN_LABELS}, {"category", COLUMN_LABELS},
    {"categories", COLUMN_LABELS},
};

/* What every clip has; and that of it which the CSV of an export has. */
static const char *const facts[] = {"id",   "path",     "paths",   "name",  "folder", "duration",
                                    "rate", "channels", "windows", "added", NULL};
static const char *const exported[] = {"id", "duration", "windows", "added"};

typedef struct {
    char *name; /* of a field; NULL: not to be used */
    Kind kind;
} Column;

static void column_clear(gpointer data) {
    g_free(((Column *)data)->name);
}

char *meta_field_name(const char *text) {
    g_autofree char *name = g_strstrip(g_ascii_strdown(text, -1));
    for (char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("_.-", *at)) *at = '_';
    if (!*name) return NULL;
    bool begins = g_ascii_isalpha(*name) || *name == '_';
    char *made = g_strconcat(begins ? "" : "_", name, NULL);
    if (strlen(made) > CLIP_MAX_NAME) made[CLIP_MAX_NAME] = 0;
    return made;
}

bool meta_is_fact(const char *name) {
    for (int i = 0; facts[i]; i++)
        if (g_ascii_strcasecmp(facts[i], name) == 0) return true;
    return false;
}

static Kind kind_of(const char *name) {
    for (gsize i = 0; name && i < G_N_ELEMENTS(list_names); i++)
        if (strcmp(name, list_names[i].name) == 0) return list_names[i].kind;
    return name ? COLUMN_FIELD : COLUMN_NONE;
}

static void find_path_column(GArray *columns) {
    for (gsize n = 0; n < G_N_ELEMENTS(path_names); n++)
        for (guint i = 0; i < columns->len; i++) {
            Column *column = &g_array_index(columns, Column, i);
            if (g_strcmp0(column->name, path_names[n]) != 0) continue;
            column->kind = COLUMN_PATH;
            return;
        }
}

static bool has_column(const GArray *columns, const char *name) {
    for (guint i = 0; i < columns->len; i++)
        if (g_strcmp0(g_array_index(columns, Column, i).name, name) == 0) return true;
    return false;
}

static bool is_export(const GArray *columns) {
    for (gsize i = 0; i < G_N_ELEMENTS(exported); i++)
        if (!has_column(columns, exported[i])) return false;
    return true;
}

/* What the library knows by itself: columns that export made say nothing, those of others become
 * fields of a name that is free. */
static void keep_facts_apart(GArray *columns) {
    bool ours = is_export(columns);
    for (guint i = 0; i < columns->len; i++) {
        Column *column = &g_array_index(columns, Column, i);
        if (column->kind != COLUMN_FIELD || !meta_is_fact(column->name)) continue;
        if (ours) column->kind = COLUMN_NONE;
        g_autofree char *fact = column->name;
        column->name = g_strconcat("_", fact, NULL);
    }
}

static GArray *columns_of(char *const *names, guint count) {
    GArray *columns = g_array_new(FALSE, FALSE, sizeof(Column));
    g_array_set_clear_func(columns, column_clear);
    for (guint i = 0; i < count; i++) {
        Column column = {.name = meta_field_name(names[i])};
        column.kind = kind_of(column.name);
        g_array_append_val(columns, column);
    }
    find_path_column(columns);
    keep_facts_apart(columns);
    return columns;
}

static int path_column(const GArray *columns) {
    for (guint i = 0; i < columns->len; i++)
        if (g_array_index(columns, Column, i).kind == COLUMN_PATH) return (int)i;
    return -1;
}

/* -- what a row says -- */

static void set_field(Meta *meta, Row *row, const char *name, const char *value) {
    Field field = {g_string_chunk_insert_const(meta->text, name),
                   g_string_chunk_insert(meta->text, value), SOURCE_META};
    for (guint i = 0; i < row->fields->len; i++) {
        Field *there = &g_array_index(row->fields, Field, i);
        if (strcmp(there->name, name) != 0) continue;
        *there = field;
        return;
    }
    if (row->fields->len < CLIP_MAX_FIELDS) g_array_append_val(row->fields, field);
}

/* It is there, or there are too many. */
static bool has_no_room(const char *tags, const char *tag) {
    g_auto(GStrv) all = g_strsplit(tags ? tags : "", ";", -1);
    return g_strv_length(all) >= CLIP_MAX_TAGS || g_strv_contains((const char *const *)all, tag);
}

/* A ';' cannot stand in a tag. */
static void add_tag(Meta *meta, Row *row, const char *text, Kind kind) {
    g_autofree char *tag = g_strstrip(g_strdup(text));
    g_strdelimit(tag, ";", ',');
    if (kind == COLUMN_LABELS) g_strstrip(g_strdelimit(tag, "_", ' '));
    if (!*tag || has_no_room(row->said.tags, tag)) return;
    g_autofree char *all =
        row->said.tags ? g_strconcat(row->said.tags, ";", tag, NULL) : g_strdup(tag);
    if (strlen(all) <= CLIP_MAX_VALUE) row->said.tags = g_string_chunk_insert(meta->text, all);
}

static void add_tags(Meta *meta, Row *row, const char *text, Kind kind) {
    g_auto(GStrv) parts = g_strsplit(text, strchr(text, ';') ? ";" : ",", CLIP_MAX_TAGS);
    for (char **part = parts; *part; part++) add_tag(meta, row, *part, kind);
}

static void say(Meta *meta, Row *row, const Column *column, const char *text) {
    g_autofree char *value = g_strstrip(g_strdup(text));
    if (!*value) return;
    if (column->kind == COLUMN_FIELD) set_field(meta, row, column->name, value);
    if (column->kind == COLUMN_TAGS || column->kind == COLUMN_LABELS)
        add_tags(meta, row, value, column->kind);
}

static Row *row_at(Meta *meta, const char *file, gint64 line, const char *path, GError **error) {
    Row *row = *path ? meta_row(meta, path) : NULL;
    if (!*path)
        error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": names no file", file, line);
    else if (!row)
        error_fail(error, ERR_LIMIT, "%s: more than %d rows", file, META_MAX_ROWS);
    return row;
}

/* -- CSV -- */

static bool read_csv_row(Meta *meta, const char *file, const Csv *csv, const GPtrArray *fields,
                         const GArray *columns, GError **error) {
    guint at = (guint)path_column(columns);
    if (fields->len > columns->len)
        return error_fail(error, ERR_FORMAT,
                          "%s:%" G_GINT64_FORMAT ": has %u fields, but the header has %u", file,
                          csv_line(csv), fields->len, columns->len);
    Row *row = row_at(meta, file, csv_line(csv), at < fields->len ? fields->pdata[at] : "", error);
    for (guint i = 0; row && i < fields->len; i++)
        say(meta, row, &g_array_index(columns, Column, i), fields->pdata[i]);
    return row != NULL;
}

static bool read_csv(Meta *meta, const char *file, const char *text, gsize len, GError **error) {
    GError *fault = NULL;
    g_autoptr(Csv) csv = csv_new(file, text, len);
    GPtrArray *header = csv_next(csv, &fault);
    g_autoptr(GArray) columns = header ? columns_of((char **)header->pdata, header->len) : NULL;
    if (header) g_ptr_array_unref(header);
    if (!fault && (!columns || path_column(columns) < 0))
        return error_fail(error, ERR_FORMAT,
                          "%s: the first line must name a column \"path\" or \"file\"", file);
    for (GPtrArray *row; !fault && (row = csv_next(csv, &fault)); g_ptr_array_unref(row))
        read_csv_row(meta, file, csv, row, columns, &fault);
    if (!fault) return true;
    g_propagate_error(error, fault);
    return false;
}

/* -- JSON Lines -- */

/* Text as it is, other values as JSON writes them; the caller frees. NULL: null. */
static char *json_text(const json_t *value) {
    if (json_is_null(value)) return NULL;
    if (json_is_string(value)) return g_strdup(json_string_value(value));
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *text = g_strdup(dumped);
    free(dumped);
    return text;
}

static void say_json(Meta *meta, Row *row, const Column *column, const json_t *value) {
    bool list = column->kind == COLUMN_TAGS || column->kind == COLUMN_LABELS;
    gsize i;
    json_t *item;
    if (!list || !json_is_array(value)) {
        g_autofree char *text = json_text(value);
        if (text) say(meta, row, column, text);
        return;
    }
    json_array_foreach(value, i, item) {
        g_autofree char *text = json_text(item);
        if (text) add_tag(meta, row, text, column->kind);
    }
}

static bool read_json_object(Meta *meta, const char *file, gint64 line, json_t *object,
                             GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new(), values = g_ptr_array_new();
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        g_ptr_array_add(names, (char *)name);
        g_ptr_array_add(values, value);
    }
    g_autoptr(GArray) columns = columns_of((char **)names->pdata, names->len);
    int at = path_column(columns);
    const char *path = at < 0 ? NULL : json_string_value(values->pdata[at]);
    Row *row = row_at(meta, file, line, path ? path : "", error);
    for (guint i = 0; row && i < columns->len; i++)
        if ((int)i != at) say_json(meta, row, &g_array_index(columns, Column, i), values->pdata[i]);
    return row != NULL;
}

static bool read_json_line(Meta *meta, const char *file, gint64 line, const char *text, gsize len,
                           GError **error) {
    json_error_t why;
    json_auto_t *object = json_loadb(text, len, 0, &why);
    if (!json_is_object(object))
        return error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": %s", file, line,
                          object ? "is not a JSON object" : why.text);
    return read_json_object(meta, file, line, object, error);
}

static bool is_blank(const char *text, gsize len) {
    while (len && g_ascii_isspace(*text)) text++, len--;
    return len == 0;
}

static bool read_json_lines(Meta *meta, const char *file, const char *text, gsize len,
                            GError **error) {
    const char *end = text + len;
    for (gint64 line = 1; text < end; line++) {
        const char *stop = memchr(text, '\n', (gsize)(end - text));
        if (!stop) stop = end;
        gsize size = (gsize)(stop - text);
        if (!is_blank(text, size) && !read_json_line(meta, file, line, text, size, error))
            return false;
        text = stop + 1;
    }
    return true;
}

/* -- the whole file -- */

static bool starts_with(const char *text, gsize len, const char *with) {
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static bool read_any(Meta *meta, const char *path, const char *text, gsize len, GError **error) {
    if (starts_with(text, len, "\xFF\xFE") || starts_with(text, len, "\xFE\xFF"))
        return error_fail(error, ERR_UNSUPPORTED, "%s: is UTF-16; it must be UTF-8", path);
    gsize at = starts_with(text, len, "\xEF\xBB\xBF") ? 3 : 0;
    while (at < len && g_ascii_isspace(text[at])) at++;
    if (at == len) return error_fail(error, ERR_FORMAT, "%s: the file is empty", path);
    if (text[at] != '{') return read_csv(meta, path, text, len, error);
    gsize mark = starts_with(text, len, "\xEF\xBB\xBF") ? 3 : 0;
    return read_json_lines(meta, path, text + mark, len - mark, error);
}

Meta *meta_parse(const char *path, const char *text, gsize len, GError **error) {
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autoptr(Meta) meta = g_new0(Meta, 1);
    meta->text = g_string_chunk_new(4096);
    meta->folder = g_path_get_dirname(absolute);
    if (!read_any(meta, path, text, len, error)) return NULL;
    meta_add_root(meta, meta->folder);
    return g_steal_pointer(&meta);
}

Meta *meta_read(const char *path, GError **error) {
    g_autoptr(GBytes) bytes = file_bytes(path, META_MAX_BYTES, error);
    gsize len = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    return bytes ? meta_parse(path, text ? text : "", len, error) : NULL;
}
