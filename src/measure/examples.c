/* See examples.h. */
#include "examples.h"

#include "csv.h"
#include "error.h"
#include "file.h"
#include "sound_name.h"

#include <string.h>

Examples *examples_new(void) {
    Examples *e = g_new0(Examples, 1);
    e->paths = g_ptr_array_new_with_free_func(g_free);
    e->labels = g_ptr_array_new_with_free_func(g_free);
    e->folds = g_ptr_array_new_with_free_func(g_free);
    e->captions = g_ptr_array_new_with_free_func(g_free);
    e->caption_of = g_array_new(FALSE, FALSE, sizeof(int));
    return e;
}

void examples_free(Examples *e) {
    if (!e) return;
    g_ptr_array_unref(e->paths);
    g_ptr_array_unref(e->labels);
    g_ptr_array_unref(e->folds);
    g_ptr_array_unref(e->captions);
    g_array_unref(e->caption_of);
    g_free(e);
}

void examples_add(Examples *e, char *path, char *label, char *fold) {
    g_ptr_array_add(e->paths, path);
    g_ptr_array_add(e->labels, label);
    g_ptr_array_add(e->folds, fold);
}

/* ---- a folder a class ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in a folder, sorted. */
static GPtrArray *names_in(const char *dir) {
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
    for (const char *name; open && (name = g_dir_read_name(open));)
        if (*name != '.') g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    return names;
}

static void add_class(Examples *e, const char *dir, const char *label) {
    g_autoptr(GPtrArray) files = names_in(dir);
    for (guint i = 0; i < files->len; i++) {
        g_autofree char *path = g_build_filename(dir, files->pdata[i], NULL);
        if (is_sound_name(files->pdata[i]) && g_file_test(path, G_FILE_TEST_IS_REGULAR))
            examples_add(e, g_steal_pointer(&path), g_strdup(label), NULL);
    }
}

static bool read_folder(Examples *e, const char *where, GError **error) {
    g_autoptr(GPtrArray) names = names_in(where);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *dir = g_build_filename(where, names->pdata[i], NULL);
        if (g_file_test(dir, G_FILE_TEST_IS_DIR)) add_class(e, dir, names->pdata[i]);
    }
    return e->paths->len > 0 ||
           error_fail(error, ERR_NOT_FOUND, "%s: has no folders with sounds in them", where);
}

/* ---- a manifest ---- */

typedef struct {
    int path, label, caption, fold, number; /* columns; number: of UrbanSound8K's folders */
} Columns;

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static int column_of(const GPtrArray *header, const char *const *names) {
    for (int n = 0; names[n]; n++)
        for (guint i = 0; i < header->len; i++)
            if (g_ascii_strcasecmp(header->pdata[i], names[n]) == 0) return (int)i;
    return -1;
}

/* Without blanks at its ends; NULL: empty or no such column. Caller frees. */
static char *field_of(const GPtrArray *row, int column) {
    if (column < 0 || column >= (int)row->len) return NULL;
    char *text = g_strstrip(g_strdup(row->pdata[column]));
    if (*text) return text;
    g_free(text);
    return NULL;
}

/* The first place where the file is; else beside the manifest. Caller frees. */
static char *find_file(const char *folder, const char *name, const char *fold) {
    g_autofree char *numbered = g_strconcat("fold", fold ? fold : "", NULL);
    const char *places[] = {".", "audio", "../audio", numbered, "../audio", "audio"};
    if (g_path_is_absolute(name)) return g_strdup(name);
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *place = i > 3 ? g_build_filename(folder, places[i], numbered, NULL)
                                       : g_build_filename(folder, places[i], NULL);
        char *path = g_build_filename(place, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) return path;
        g_free(path);
    }
    return g_build_filename(folder, name, NULL);
}

typedef struct {
    const char *where;
    char *folder;
    Columns columns;
    guint fields; /* of the header */
    gint64 line;
    GHashTable *known; /* path → number + 1 */
} Reading;

static bool read_header(Reading *r, Csv *csv, const char *fold, GError **error) {
    const char *where = r->where;
    Columns *c = &r->columns;
    GError *fault = NULL;
    g_autoptr(GPtrArray) header = csv_next(csv, &fault);
    if (fault) g_propagate_error(error, fault);
    if (!header) return fault ? false : error_fail(error, ERR_FORMAT, "%s: is empty", where);
    r->fields = header->len;
    *c = (Columns){column_of(header, NAMES("path", "file", "filename", "file_name",
                                           "slice_file_name", "fname")),
                   column_of(header, NAMES("label", "category", "class", "labels")),
                   column_of(header, NAMES("caption", "text")),
                   fold ? column_of(header, NAMES(fold)) : -1, column_of(header, NAMES("fold"))};
    if (c->path < 0)
        return error_fail(error, ERR_FORMAT, "%s: has no column path (or file)", where);
    if (fold && c->fold < 0)
        return error_fail(error, ERR_USAGE, "%s: has no column %s", where, fold);
    return c->label >= 0 || c->caption >= 0 ||
           error_fail(error, ERR_FORMAT, "%s: has neither a column label nor caption", where);
}

static bool refuse(const Reading *r, const char *name, const char *why, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": %s%s", r->where, r->line, name,
                      why);
}

/* A sound's first row adds it; later ones must agree. Returns its number; −1 with an error. */
static int sound_of(Examples *e, Reading *r, const GPtrArray *row, const char *name,
                    GError **error) {
    g_autofree char *number = field_of(row, r->columns.number);
    g_autofree char *label = field_of(row, r->columns.label);
    g_autofree char *path = find_file(r->folder, name, number);
    int known = GPOINTER_TO_INT(g_hash_table_lookup(r->known, path));
    if (label && !g_utf8_validate(label, -1, NULL)) {
        refuse(r, "the label is not UTF-8", "", error);
        return -1;
    }
    if (known && g_strcmp0(label, e->labels->pdata[known - 1]) != 0) {
        refuse(r, name, ": has another label on an earlier line", error);
        return -1;
    }
    if (known) return known - 1;
    int at = (int)e->paths->len;
    g_hash_table_insert(r->known, path, GINT_TO_POINTER(at + 1));
    examples_add(e, g_steal_pointer(&path), g_steal_pointer(&label),
                 field_of(row, r->columns.fold));
    return at;
}

static bool take_row(Examples *e, Reading *r, const GPtrArray *row, GError **error) {
    g_autofree char *name = field_of(row, r->columns.path);
    g_autofree char *caption = field_of(row, r->columns.caption);
    if (row->len > r->fields)
        return refuse(r, "more fields than the header has; a text with commas wants quotes", "",
                      error);
    if (!name) return refuse(r, "no path", "", error);
    int of = sound_of(e, r, row, name, error);
    if (of < 0) return false;
    if (caption) {
        g_ptr_array_add(e->captions, g_steal_pointer(&caption));
        g_array_append_val(e->caption_of, of);
    }
    return e->paths->len <= EXAMPLES_MAX ||
           error_fail(error, ERR_LIMIT, "%s: more than %d sounds", r->where, EXAMPLES_MAX);
}

static bool read_rows(Examples *e, Reading *r, Csv *csv, GError **error) {
    GError *fault = NULL;
    for (;;) {
        g_autoptr(GPtrArray) row = csv_next(csv, &fault);
        if (!row) break;
        r->line = csv_line(csv);
        if (!take_row(e, r, row, error)) return false;
    }
    if (fault) g_propagate_error(error, fault);
    if (fault) return false;
    return e->paths->len > 0 || error_fail(error, ERR_FORMAT, "%s: has no rows", r->where);
}

static bool read_manifest(Examples *e, const char *where, const char *fold, GError **error) {
    g_autoptr(GBytes) bytes = file_bytes(where, EXAMPLES_MAX_BYTES, error);
    if (!bytes) return false;
    gsize len;
    const char *text = g_bytes_get_data(bytes, &len);
    g_autoptr(Csv) csv = csv_new(where, text, len);
    g_autofree char *folder = g_path_get_dirname(where);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    Reading r = {.where = where, .folder = folder, .known = known};
    return read_header(&r, csv, fold, error) && read_rows(e, &r, csv, error);
}

Examples *examples_read(const char *where, const char *fold, GError **error) {
    g_autoptr(Examples) e = examples_new();
    bool folder = g_file_test(where, G_FILE_TEST_IS_DIR);
    bool well = folder ? read_folder(e, where, error) : read_manifest(e, where, fold, error);
    return well ? g_steal_pointer(&e) : NULL;
}

char **examples_classes(const Examples *e, const char *where, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) classes = g_ptr_array_new();
    for (guint i = 0; i < e->labels->len; i++) {
        char *label = e->labels->pdata[i];
        if (!label) {
            error_fail(error, ERR_FORMAT, "%s: %s has no label", where, (char *)e->paths->pdata[i]);
            return NULL;
        }
        if (g_hash_table_add(seen, label)) g_ptr_array_add(classes, label);
    }
    g_ptr_array_sort(classes, by_name);
    char **names = g_new0(char *, classes->len + 1);
    for (guint i = 0; i < classes->len; i++) names[i] = g_strdup(classes->pdata[i]);
    return names;
}
