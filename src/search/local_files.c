/* Index files and their names in the store. A file is named by its stamp, a random number that the
 * file holds as well; so a name never stands for two contents, and what the store does not name is
 * rubbish that a writer left behind when it was killed. */
#include "local_private.h"

#include "error.h"

#include <glib/gstdio.h>
#include <string.h>

const char *const local_file_keys[INDEX_FILES] = {"index.base", "index.tail"};
static const char *const prefixes[INDEX_FILES] = {"base-", "tail-"};

static char *file_name(FileKind kind, uint64_t stamp) {
    return g_strdup_printf("%s%016" G_GINT64_MODIFIER "x.index", prefixes[kind], stamp);
}

char *local_file_path(const char *dir, FileKind kind, uint64_t stamp) {
    g_autofree char *name = file_name(kind, stamp);
    return g_build_filename(dir, name, NULL);
}

/* "STAMP LAST ROWS"; anything else counts as none, and is made anew. */
static IndexFile parse_file(GBytes *value) {
    IndexFile file = {0};
    gsize len;
    const char *data = value ? g_bytes_get_data(value, &len) : NULL;
    if (!data || len > 100) return file;
    g_autofree char *text = g_strndup(data, len);
    g_auto(GStrv) parts = g_strsplit(text, " ", 4);
    if (g_strv_length(parts) != 3) return file;
    guint64 last, rows;
    if (!g_ascii_string_to_unsigned(parts[0], 16, 1, G_MAXUINT64, &file.stamp, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXINT64, &last, NULL) ||
        !g_ascii_string_to_unsigned(parts[2], 10, 0, G_MAXINT64, &rows, NULL))
        return (IndexFile){0};
    return (IndexFile){file.stamp, (int64_t)last, (int64_t)rows};
}

bool local_files_read(Store *store, IndexFile files[INDEX_FILES], GError **error) {
    for (int kind = 0; kind < INDEX_FILES; kind++) {
        GError *wrong = NULL;
        g_autoptr(GBytes) value = store_get(store, local_file_keys[kind], &wrong);
        if (wrong) {
            g_propagate_error(error, wrong);
            return false;
        }
        files[kind] = parse_file(value);
    }
    return true;
}

bool local_file_put(Store *store, FileKind kind, const IndexFile *file, GError **error) {
    g_autofree char *text =
        g_strdup_printf("%016" G_GINT64_MODIFIER "x %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                        file->stamp, file->last, file->rows);
    g_autoptr(GBytes) value = file->stamp ? g_bytes_new(text, strlen(text)) : NULL;
    return store_put(store, local_file_keys[kind], value, error);
}

static bool is_named(const char *name, const IndexFile files[INDEX_FILES]) {
    for (int kind = 0; kind < INDEX_FILES; kind++) {
        g_autofree char *kept = file_name(kind, files[kind].stamp);
        if (files[kind].stamp && !strcmp(name, kept)) return true;
    }
    return false;
}

/* Whoever still has one of them mapped keeps it until it looks again. */
void local_files_unlink_others(const char *dir, const IndexFile files[INDEX_FILES]) {
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    for (const char *name; list && (name = g_dir_read_name(list));) {
        bool ours = g_str_has_prefix(name, prefixes[0]) || g_str_has_prefix(name, prefixes[1]);
        if (!ours || !strstr(name, ".index") || is_named(name, files)) continue;
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
}
