/* Which row of a label file is a file's. See meta.h. */
#include "meta.h"

#include "meta_private.h"

#include <string.h>

static void row_free(gpointer data) {
    Row *row = data;
    g_array_unref(row->fields);
    g_free(row);
}

void meta_free(Meta *meta) {
    if (!meta) return;
    g_clear_pointer(&meta->written, g_hash_table_unref);
    g_clear_pointer(&meta->by_path, g_hash_table_unref);
    g_clear_pointer(&meta->by_name, g_hash_table_unref);
    g_clear_pointer(&meta->rows, g_ptr_array_unref);
    g_string_chunk_free(meta->text);
    g_free(meta->folder);
    g_free(meta);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void add_name(Meta *meta, Row *row) {
    const char *name = name_of(row->said.path);
    bool taken = g_hash_table_contains(meta->by_name, name);
    g_hash_table_insert(meta->by_name, (char *)name, taken ? NULL : row);
}

Row *meta_row(Meta *meta, const char *path) {
    if (!meta->rows) {
        meta->rows = g_ptr_array_new_with_free_func(row_free);
        meta->written = g_hash_table_new(g_str_hash, g_str_equal);
        meta->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        meta->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    }
    Row *row = g_hash_table_lookup(meta->written, path);
    if (row || meta->rows->len == META_MAX_ROWS) return row;
    row = g_new0(Row, 1);
    row->said.path = g_string_chunk_insert(meta->text, path);
    row->fields = g_array_new(FALSE, FALSE, sizeof(Field));
    g_ptr_array_add(meta->rows, row);
    g_hash_table_insert(meta->written, (char *)row->said.path, row);
    add_name(meta, row);
    return row;
}

void meta_add_root(Meta *meta, const char *root) {
    for (int i = 0; i < meta_rows(meta); i++) {
        Row *row = meta->rows->pdata[i];
        char *path = g_canonicalize_filename(row->said.path, root);
        if (g_hash_table_contains(meta->by_path, path))
            g_free(path);
        else
            g_hash_table_insert(meta->by_path, path, row);
    }
}

/* "fold1/64760.wav" → the row named 64760.wav, else that named 64760. */
static Row *row_by_name(const Meta *meta, const char *path) {
    const char *name = name_of(path), *dot = strrchr(name, '.');
    Row *row = g_hash_table_lookup(meta->by_name, name);
    if (row || !dot) return row;
    g_autofree char *stem = g_strndup(name, (gsize)(dot - name));
    return g_hash_table_lookup(meta->by_name, stem);
}

void meta_see(Meta *meta, const char *path) {
    Row *row = meta_rows(meta) ? row_by_name(meta, path) : NULL;
    if (row) row->seen++;
}

const MetaRow *meta_find(Meta *meta, const char *path) {
    if (!meta_rows(meta)) return NULL;
    Row *row = g_hash_table_lookup(meta->by_path, path);
    if (!row) row = row_by_name(meta, path);
    if (!row || (row->seen > 1 && g_hash_table_lookup(meta->by_path, path) != row)) return NULL;
    row->used = true;
    row->said.fields = (Field *)row->fields->data;
    row->said.count = (int)row->fields->len;
    return &row->said;
}

int meta_rows(const Meta *meta) {
    return meta->rows ? (int)meta->rows->len : 0;
}

int meta_unused(const Meta *meta) {
    int unused = 0;
    for (int i = 0; i < meta_rows(meta); i++) unused += !((Row *)meta->rows->pdata[i])->used;
    return unused;
}
