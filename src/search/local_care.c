/* Does the index agree with the store, and all of it made anew. */
#include "local_private.h"
#include "store_write.h"

#include "error.h"
#include "vec.h"

#include <string.h>

typedef struct {
    Index *index;
    int dim;
    int64_t windows, wrong; /* of the store; of these not, or not the same, in the index */
    float *stored, *indexed;
} Agreement;

static bool compare_window(void *user, int64_t number, int64_t clip, double start, double end,
                           const uint16_t *vector, GError **error) {
    Agreement *agreement = user;
    vec_from_half(vector, agreement->stored, (size_t)agreement->dim);
    bool same = index_row(agreement->index, number, agreement->indexed) &&
                !memcmp(agreement->stored, agreement->indexed,
                        (size_t)agreement->dim * sizeof *agreement->stored);
    agreement->windows++;
    agreement->wrong += !same;
    return true;
}

static StoreCheck *check_line(const char *name, bool ok, char *detail) {
    StoreCheck *check = g_new(StoreCheck, 1);
    *check = (StoreCheck){g_strdup(name), ok, detail};
    return check;
}

/* The index is held. */
static StoreCheck *check_agreement(Local *local, Store *store, GError **error) {
    if (!local->index) return check_line("index", true, g_strdup("there is none yet"));
    Agreement agreement = {.index = local->index, .dim = local->dim};
    agreement.stored = g_new(float, local->dim);
    agreement.indexed = g_new(float, local->dim);
    bool ok = store_each_window(store, 0, compare_window, &agreement, error);
    g_free(agreement.stored);
    g_free(agreement.indexed);
    if (!ok) return NULL;
    int64_t rows = (int64_t)index_rows(local->index);
    const char *damage = index_damage(local->index);
    if (damage) return check_line("index", false, g_strdup(damage));
    return check_line("index", !agreement.wrong && rows == agreement.windows,
                      g_strdup_printf("%" G_GINT64_FORMAT " windows, %" G_GINT64_FORMAT
                                      " indexed, %" G_GINT64_FORMAT " wrong",
                                      agreement.windows, rows, agreement.wrong));
}

/* The files as they are named, without mending anything. */
static StoreCheck *check_file(Local *local, FileKind kind, const IndexFile *file) {
    g_autofree char *path = local_file_path(local->dir, kind, file->stamp);
    Index *index = index_new(local->dim);
    const char *why = index_map(index, path, file->stamp);
    index_free(index);
    bool older = why && strcmp(why, INDEX_OTHER_VERSION) == 0;
    return check_line(local_file_keys[kind], !why || older,
                      older ? g_strdup_printf("%s: the next index makes it anew", why)
                            : g_strdup(why ? why : "can be read"));
}

static bool check_files(Local *local, Store *store, GPtrArray *checks, GError **error) {
    IndexFile files[INDEX_FILES];
    if (!local_files_read(store, files, error)) return false;
    for (int kind = 0; kind < INDEX_FILES; kind++)
        if (files[kind].stamp && local->dim)
            g_ptr_array_add(checks, check_file(local, kind, &files[kind]));
    return true;
}

static bool check_index(Local *local, Store *store, GPtrArray *checks, GError **error) {
    if (!local_index_begin(local, error)) return false;
    bool ok = check_files(local, store, checks, error);
    StoreCheck *check = ok ? check_agreement(local, store, error) : NULL;
    local_index_end(local);
    if (check) g_ptr_array_add(checks, check);
    return check != NULL;
}

GPtrArray *local_check(Backend *backend, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    GPtrArray *checks = reader ? store_check(reader->store, error) : NULL;
    if (checks && !check_index(local, reader->store, checks, error))
        g_clear_pointer(&checks, g_ptr_array_unref);
    local_give_back(local, reader);
    return checks;
}

static bool forget_files(Store *writer, GError **error) {
    const IndexFile none = {0};
    if (!store_begin(writer, error)) return false;
    bool ok = local_file_put(writer, FILE_BASE, &none, error) &&
              local_file_put(writer, FILE_TAIL, &none, error);
    return store_end(writer, ok, ok ? error : NULL) && ok;
}

bool local_repair(const char *dir, int threads, GPtrArray *done, GError **error) {
    if (!store_repair(dir, done, error)) return false;
    g_autoptr(Backend) backend = local_open(dir, STORE_WRITE, 0, error);
    StoreStats stats;
    if (!backend || !forget_files(((Local *)backend)->writer, error) ||
        !backend->ops->settle(backend, NULL, 0, threads, error) ||
        !backend->ops->stats(backend, &stats, NULL, error))
        return false;
    g_ptr_array_add(
        done, g_strdup_printf("index: made anew, %" G_GINT64_FORMAT " windows", stats.windows));
    return true;
}
