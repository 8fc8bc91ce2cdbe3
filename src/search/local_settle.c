/* Settling: what is only in the store goes into index files.
 *
 * The base holds most windows; the tail those beyond it, written anew each time because it is
 * small. When the tail has grown or much of the base went, both become a new base. The new names
 * and the removals that a new base has taken in are one commit of the store: killed before it, the
 * old files still hold; after it, the new ones. */
#include "local_private.h"
#include "store_write.h"

#include "error.h"

#include <string.h>

#define BATCH 1024 /* windows read from the store at once */

/* The windows above a number, pulled one by one out of a store that pushes. */
typedef struct {
    Store *store;
    int64_t after;
    int dim, count, next;
    int64_t numbers[BATCH];
    uint16_t *rows; /* [BATCH][dim] */
    int64_t handed_out;
    GError *error;
} Windows;

static bool take_window(void *user, int64_t number, int64_t clip, double start, double end,
                        const uint16_t *vector, GError **error) {
    Windows *windows = user;
    const size_t dim = (size_t)windows->dim;
    windows->numbers[windows->count] = number;
    memcpy(windows->rows + (size_t)windows->count * dim, vector, dim * sizeof *vector);
    windows->after = number;
    return ++windows->count < BATCH;
}

static bool next_window(void *user, int64_t *id, uint16_t *row, bool *end) {
    Windows *windows = user;
    const size_t dim = (size_t)windows->dim;
    if (windows->next == windows->count) {
        windows->next = windows->count = 0;
        store_each_window(windows->store, windows->after, take_window, windows, &windows->error);
        if (windows->error) return false;
    }
    *end = windows->count == 0;
    if (*end) return true;
    *id = windows->numbers[windows->next];
    memcpy(row, windows->rows + (size_t)windows->next * dim, dim * sizeof *row);
    windows->next++;
    windows->handed_out++;
    return true;
}

/* What there is to settle, and with what. */
typedef struct {
    Local *local;
    IndexFile files[INDEX_FILES];
    bool whole[INDEX_FILES]; /* the file is there and can be mapped */
    StoreStats stats;
    int64_t removal; /* the newest */
    int64_t gone;    /* windows of the base that went */
    const float *texts;
    int text_count, threads;
} Settling;

static bool count_gone(void *user, int64_t first, int64_t count) {
    Settling *settling = user;
    if (first <= settling->files[FILE_BASE].last) settling->gone += count;
    return true;
}

static bool is_damaged(Local *local, const IndexFile *file) {
    g_mutex_lock(&local->watching);
    bool damaged = g_hash_table_contains(local->damaged, &file->stamp);
    g_mutex_unlock(&local->watching);
    return damaged;
}

static bool is_whole(Local *local, FileKind kind, const IndexFile *file, int dim) {
    if (!file->stamp || is_damaged(local, file)) return false;
    g_autofree char *path = local_file_path(local->dir, kind, file->stamp);
    Index *index = index_new(dim);
    bool whole = !index_map(index, path, file->stamp);
    index_free(index);
    return whole;
}

static bool look(Settling *settling, int dim, GError **error) {
    Store *writer = settling->local->writer;
    if (!local_files_read(writer, settling->files, error) ||
        !store_stats(writer, &settling->stats, error) ||
        !store_each_removal(writer, 0, &settling->removal, count_gone, settling, error))
        return false;
    for (int kind = 0; kind < INDEX_FILES; kind++)
        settling->whole[kind] = is_whole(settling->local, kind, &settling->files[kind], dim);
    return true;
}

static int64_t beyond_base(const Settling *settling) {
    return settling->stats.windows - (settling->files[FILE_BASE].rows - settling->gone);
}

static bool needs_base(const Settling *settling) {
    const IndexFile *base = &settling->files[FILE_BASE];
    if (base->stamp && !settling->whole[FILE_BASE]) return true;
    return beyond_base(settling) > MAX(LOCAL_TAIL_ROWS, base->rows / LOCAL_TAIL_PART) ||
           settling->gone > base->rows / LOCAL_GONE_PART;
}

static bool needs_tail(const Settling *settling) {
    const IndexFile *base = &settling->files[FILE_BASE], *tail = &settling->files[FILE_TAIL];
    bool missing = tail->stamp && !settling->whole[FILE_TAIL];
    return missing || settling->stats.last_window > MAX(base->last, tail->last);
}

/* Random, and by no clock: it must differ from any that a reader may still hold. */
static uint64_t new_stamp(void) {
    uint64_t stamp = (uint64_t)g_random_int() << 32 | g_random_int();
    return stamp ? stamp : 1;
}

/* Writes the windows above `after`; `file` becomes what was written, none when there are none. */
static bool write_file(Settling *settling, FileKind kind, int64_t after, int dim, GError **error) {
    Local *local = settling->local;
    IndexFile *file = &settling->files[kind];
    *file = (IndexFile){new_stamp(), settling->stats.last_window, 0};
    g_autofree char *path = local_file_path(local->dir, kind, file->stamp);
    Windows windows = {.store = local->writer, .after = after, .dim = dim};
    windows.rows = g_new(uint16_t, (gsize)BATCH * (gsize)dim);
    const IndexWrite how = {.dim = dim,
                            .stamp = file->stamp,
                            .rows = (uint64_t)settling->stats.windows,
                            .threads = settling->threads,
                            .texts = settling->texts,
                            .text_count = settling->text_count};
    const char *why = index_write(path, &how, next_window, &windows);
    g_free(windows.rows);
    if (windows.error) {
        g_propagate_error(error, windows.error);
        return false;
    }
    if (why) return error_fail(error, ERR_IO, "%s: %s", path, why);
    file->rows = windows.handed_out;
    return true;
}

static bool commit(Settling *settling, bool new_base, GError **error) {
    Store *writer = settling->local->writer;
    if (!store_begin(writer, error)) return false;
    bool ok = local_file_put(writer, FILE_BASE, &settling->files[FILE_BASE], error) &&
              local_file_put(writer, FILE_TAIL, &settling->files[FILE_TAIL], error) &&
              (!new_base || store_forget_removals(writer, settling->removal, error));
    return store_end(writer, ok, ok ? error : NULL) && ok;
}

static bool write_files(Settling *settling, bool new_base, int dim, GError **error) {
    IndexFile *files = settling->files;
    if (new_base) {
        files[FILE_TAIL] = (IndexFile){0};
        if (settling->stats.windows == 0)
            files[FILE_BASE] = (IndexFile){0};
        else if (!write_file(settling, FILE_BASE, 0, dim, error))
            return false;
    } else if (!write_file(settling, FILE_TAIL, files[FILE_BASE].last, dim, error)) {
        return false;
    }
    return commit(settling, new_base, error);
}

bool local_settle(Backend *backend, const float *texts, int count, int threads, GError **error) {
    Store *writer = local_writer(backend, error);
    const StoreModel *model = writer ? store_model(writer) : NULL;
    if (!model) return writer != NULL;
    Local *local = (Local *)backend;
    int dim = model->dim;
    if (dim > INDEX_MAX_DIM)
        return error_fail(error, ERR_LIMIT, "%s: vectors of more than %d numbers", local->dir,
                          INDEX_MAX_DIM);
    Settling settling = {
        .local = local, .texts = texts, .text_count = count, .threads = MAX(threads, 1)};
    if (!look(&settling, dim, error)) return false;
    bool new_base = needs_base(&settling);
    if (new_base || needs_tail(&settling)) {
        if (!write_files(&settling, new_base, dim, error)) return false;
    }
    local_files_unlink_others(local->dir, settling.files);
    return true;
}
