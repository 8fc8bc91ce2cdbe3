/* Reading windows and their vectors, and the log of those that went. A vector whose length is not
 * the model's is damage, never a shorter vector. */
#include "error.h"
#include "store_private.h"

#include <string.h>

#define MAX_SET_BITS ((uint64_t)1 << 32) /* window numbers that one set spans: 512 MB */

typedef struct {
    Store *store;
    size_t dim;
    uint16_t *vector; /* a copy: SQLite's bytes are not aligned */
} Rows;

static bool copy_vector(const Rows *rows, sqlite3_stmt *row, int column, uint16_t *to,
                        GError **error) {
    const void *bytes = sql_bytes(row, column, rows->dim * sizeof *to);
    if (!bytes) return store_damaged(rows->store, "a window's vector", error);
    memcpy(to, bytes, rows->dim * sizeof *to);
    return true;
}

static bool visit(const Rows *rows, sqlite3_stmt *row, StoreEachWindow each, void *user,
                  GError **error) {
    Step step;
    while ((step = sql_step(rows->store, row, error)) == STEP_ROW) {
        GError *why = NULL;
        if (!copy_vector(rows, row, 4, rows->vector, error)) return false;
        if (!each(user, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                  sqlite3_column_double(row, 2), sqlite3_column_double(row, 3), rows->vector, &why))
            return stopped(why, error);
    }
    return step == STEP_DONE;
}

bool store_each_window(Store *store, int64_t after, StoreEachWindow each, void *user,
                       GError **error) {
    if (!snapshot_begin(store, error)) return false;
    const size_t dim = (size_t)store_dim(store);
    g_autofree uint16_t *vector = g_new(uint16_t, dim + 1);
    sqlite3_stmt *row = sql_take(store, error,
                                 "SELECT number, clip, start, \"end\", vector FROM \"window\""
                                 " WHERE number > ? ORDER BY number",
                                 "i", after);
    bool ok = row && visit(&(Rows){store, dim, vector}, row, each, user, error);
    sql_give(store, row);
    snapshot_end(store);
    return ok;
}

/* -- of one clip -- */

typedef bool (*EachRow)(void *user, int place, sqlite3_stmt *row, GError **error);

/* Runs over exactly the windows that the clip's row promises. */
static bool each_of_clip(Store *store, int64_t clip, int count, int64_t first, const char *text,
                         EachRow each, void *user, GError **error) {
    sqlite3_stmt *row = sql_take(store, error, text, "iii", first, first + count, clip);
    if (!row) return false;
    int seen = 0;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW)
        if (seen >= count || !each(user, seen++, row, error)) break;
    sql_give(store, row);
    return step == STEP_DONE &&
           (seen == count || store_damaged(store, "windows of a clip are missing", error));
}

static bool span_of(Store *store, int64_t clip, int64_t *first, int *count, GError **error) {
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT first_window, windows FROM clip WHERE number = ?", "i", clip);
    if (!row) return false;
    const Step step = sql_step(store, row, error);
    int64_t windows = -1;
    if (step == STEP_ROW) {
        *first = sqlite3_column_int64(row, 0);
        windows = sqlite3_column_int64(row, 1);
    }
    sql_give(store, row);
    if (step == STEP_ERROR) return false;
    if (step == STEP_DONE)
        return error_fail(error, ERR_NOT_FOUND, "%s: there is no clip %" G_GINT64_FORMAT,
                          store->dir, clip);
    if (windows < 0 || windows > CLIP_MAX_WINDOWS || *first < 0 ||
        *first > INT64_MAX - CLIP_MAX_WINDOWS)
        return store_damaged(store, "a clip's row", error);
    *count = (int)windows;
    return true;
}

static bool take_span(void *user, int place, sqlite3_stmt *row, GError **error) {
    GArray *spans = user;
    ClipWindow span = {sqlite3_column_double(row, 0), sqlite3_column_double(row, 1)};
    g_array_append_val(spans, span);
    return true;
}

ClipWindow *store_windows(Store *store, int64_t clip, int *count, GError **error) {
    int64_t first;
    if (!snapshot_begin(store, error)) return NULL;
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(ClipWindow));
    bool ok = span_of(store, clip, &first, count, error) &&
              each_of_clip(store, clip, *count, first,
                           "SELECT start, \"end\" FROM \"window\" WHERE number >= ? AND number < ?"
                           " AND clip = ? ORDER BY number",
                           take_span, spans, error);
    snapshot_end(store);
    if (!ok) return NULL;
    g_array_set_size(spans, spans->len + 1); /* never NULL */
    return (ClipWindow *)g_array_free(g_steal_pointer(&spans), FALSE);
}

typedef struct {
    Rows rows;
    GArray *values;
} Vectors;

static bool take_vector(void *user, int place, sqlite3_stmt *row, GError **error) {
    const Vectors *vectors = user;
    if (!copy_vector(&vectors->rows, row, 0, vectors->rows.vector, error)) return false;
    g_array_append_vals(vectors->values, vectors->rows.vector, (guint)vectors->rows.dim);
    return true;
}

uint16_t *store_vectors(Store *store, int64_t clip, int *count, GError **error) {
    int64_t first;
    if (!snapshot_begin(store, error)) return NULL;
    const size_t dim = (size_t)store_dim(store);
    g_autofree uint16_t *vector = g_new(uint16_t, dim + 1);
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    bool ok = span_of(store, clip, &first, count, error) &&
              each_of_clip(store, clip, *count, first,
                           "SELECT vector FROM \"window\" WHERE number >= ? AND number < ?"
                           " AND clip = ? ORDER BY number",
                           take_vector, &(Vectors){{store, dim, vector}, values}, error);
    snapshot_end(store);
    if (!ok) return NULL;
    g_array_set_size(values, values->len + 1); /* never NULL */
    return (uint16_t *)g_array_free(g_steal_pointer(&values), FALSE);
}

bool store_window(Store *store, int64_t window, int64_t *clip, ClipWindow *span) {
    sqlite3_stmt *row = sql_take(
        store, NULL, "SELECT clip, start, \"end\" FROM \"window\" WHERE number = ?", "i", window);
    bool found = row && sql_step(store, row, NULL) == STEP_ROW;
    if (found) {
        *clip = sqlite3_column_int64(row, 0);
        *span = (ClipWindow){sqlite3_column_double(row, 1), sqlite3_column_double(row, 2)};
    }
    sql_give(store, row);
    return found;
}

/* -- sets -- */

typedef struct {
    int64_t first, count;
} Run;

static bool read_runs(Store *store, sqlite3_stmt *row, GArray *runs, int64_t *least, int64_t *end,
                      GError **error) {
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        Run run = {sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1)};
        if (run.count == 0) continue;
        if (run.first < 1 || run.first > INT64_MAX / 2 || run.count < 0 ||
            run.count > CLIP_MAX_WINDOWS)
            return store_damaged(store, "a clip's row", error);
        *least = runs->len ? MIN(*least, run.first) : run.first;
        *end = runs->len ? MAX(*end, run.first + run.count) : run.first + run.count;
        g_array_append_val(runs, run);
    }
    return step == STEP_DONE;
}

static void set_bits(uint64_t *bits, uint64_t from, uint64_t count) {
    for (const uint64_t end = from + count; from < end;) {
        const uint64_t shift = from & 63, here = MIN(64 - shift, end - from);
        bits[from >> 6] |= (~(uint64_t)0 >> (64 - here)) << shift;
        from += here;
    }
}

static uint64_t *bits_of(Store *store, const GArray *runs, int64_t first, uint64_t size,
                         uint64_t *count, GError **error) {
    if (size > MAX_SET_BITS) {
        error_fail(error, ERR_LIMIT, "%s: window numbers span more than %" G_GUINT64_FORMAT,
                   store->file, MAX_SET_BITS);
        return NULL;
    }
    const size_t words = (size_t)(size / 64 + 1);
    uint64_t *bits = g_new0(uint64_t, words);
    for (guint i = 0; i < runs->len; i++) {
        const Run *run = &g_array_index(runs, Run, i);
        set_bits(bits, (uint64_t)(run->first - first), (uint64_t)run->count);
    }
    *count = 0;
    for (size_t i = 0; i < words; i++) *count += (uint64_t)__builtin_popcountll(bits[i]);
    return bits;
}

uint64_t *store_window_set(Store *store, const StoreWhere *where, int64_t *first, uint64_t *size,
                           uint64_t *count, GError **error) {
    sqlite3_stmt *row =
        store_where_prepare(store, "c.first_window, c.windows", where, 0, -1, error);
    if (!row) return NULL;
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(Run));
    int64_t end = 0;
    *first = 0;
    bool ok = read_runs(store, row, runs, first, &end, error);
    sqlite3_finalize(row);
    if (!ok) return NULL;
    *size = (uint64_t)(end - *first);
    return bits_of(store, runs, *first, *size, count, error);
}

/* -- removals -- */

bool store_each_removal(Store *store, int64_t after, int64_t *last, StoreEachRemoval each,
                        void *user, GError **error) {
    *last = after;
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT number, first, count FROM removal WHERE number > ? ORDER BY number",
        "i", after);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        if (!each(user, sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2))) break;
        *last = sqlite3_column_int64(row, 0);
    }
    sql_give(store, row);
    return step != STEP_ERROR;
}

bool store_forget_removals(Store *store, int64_t up_to, GError **error) {
    if (!change_begin(store, error)) return false;
    return change_end(
        store, sql_do(store, error, "DELETE FROM removal WHERE number <= ?", "i", up_to), error);
}
