/* The index of a library as this process holds it: files mapped, and what is newer than they are
 * read from the store.
 *
 * When other files are named it is opened anew beside the old one and exchanged; else it grows in
 * place. A file that is missing, of another stamp or damaged is passed over, and with it those that
 * follow: ids must ascend, so the store gives all rows from there on. A damaged file is unlinked,
 * where that is allowed: the next writer finds it missing and makes it anew. */
#include "local_private.h"

#include "error.h"

#include <glib/gstdio.h>
#include <string.h>

/* What grows while the store is read. */
typedef struct {
    const char *dir;
    Index *index;
    int64_t last;
} Growth;

static bool add_window(void *user, int64_t number, int64_t clip, double start, double end,
                       const uint16_t *vector, GError **error) {
    Growth *growth = user;
    const char *why = index_add(growth->index, number, vector);
    if (why) return error_fail(error, ERR_IO, "%s: the index: %s", growth->dir, why);
    growth->last = number;
    return true;
}

static bool remove_windows(void *user, int64_t first, int64_t count) {
    Growth *growth = user;
    index_remove(growth->index, first, count);
    return true;
}

static bool grow(Growth *growth, Store *watch, int64_t *removal, GError **error) {
    int64_t newest = *removal;
    bool ok = store_each_window(watch, growth->last, add_window, growth, error) &&
              store_each_removal(watch, *removal, &newest, remove_windows, growth, error);
    if (ok) *removal = MAX(*removal, newest);
    return ok;
}

static bool map_file(Local *local, Index *index, FileKind kind, const IndexFile *file) {
    if (!file->stamp || g_hash_table_contains(local->damaged, &file->stamp)) return false;
    g_autofree char *path = local_file_path(local->dir, kind, file->stamp);
    return !index_map(index, path, file->stamp);
}

/* files[] → what of them was mapped. */
static int64_t map_files(Local *local, Index *index, IndexFile files[INDEX_FILES]) {
    int64_t last = 0;
    bool follows = true;
    for (int kind = 0; kind < INDEX_FILES; kind++) {
        if (files[kind].stamp == 0) continue;
        follows = follows && map_file(local, index, kind, &files[kind]);
        if (follows)
            last = files[kind].last;
        else
            files[kind] = (IndexFile){0};
    }
    return last;
}

static void exchange(Local *local, Index *index, int dim) {
    pthread_rwlock_wrlock(&local->gate);
    Index *old = local->index;
    local->index = index;
    local->dim = dim;
    pthread_rwlock_unlock(&local->gate);
    index_free(old);
}

static bool open_anew(Local *local, const IndexFile named[INDEX_FILES], int dim, GError **error) {
    IndexFile files[INDEX_FILES];
    memcpy(files, named, sizeof files);
    if (dim > INDEX_MAX_DIM)
        return error_fail(error, ERR_LIMIT, "%s: vectors of more than %d numbers", local->dir,
                          INDEX_MAX_DIM);
    Growth growth = {local->dir, index_new(dim), 0};
    int64_t removal = 0;
    growth.last = map_files(local, growth.index, files);
    if (!grow(&growth, local->watch, &removal, error)) {
        index_free(growth.index);
        return false;
    }
    exchange(local, growth.index, dim);
    memcpy(local->files, named, sizeof local->files);
    local->last = growth.last;
    local->removal = removal;
    return true;
}

static bool grow_in_place(Local *local, GError **error) {
    Growth growth = {local->dir, local->index, local->last};
    pthread_rwlock_wrlock(&local->gate);
    bool ok = grow(&growth, local->watch, &local->removal, error);
    pthread_rwlock_unlock(&local->gate);
    local->last = growth.last;
    return ok;
}

static bool is_model(const StoreModel *a, const StoreModel *b) {
    return !strcmp(a->model, b->model) && !strcmp(a->model_sha256, b->model_sha256) &&
           a->dim == b->dim && a->window == b->window && a->hop == b->hop;
}

static const StoreModel *newest_model(const Local *local) {
    return local->models->len ? local->models->pdata[local->models->len - 1] : NULL;
}

static void add_model(Local *local, const StoreModel *model) {
    const StoreModel *newest = newest_model(local);
    if (!model || (newest && is_model(model, newest))) return;
    StoreModel *copy = g_memdup2(model, sizeof *model);
    copy->model = g_strdup(model->model);
    copy->model_sha256 = g_strdup(model->model_sha256);
    g_ptr_array_add(local->models, copy);
}

static bool take_up(Local *local, GError **error) {
    IndexFile named[INDEX_FILES];
    const StoreModel *model = store_model(local->watch);
    if (!store_was_read(local->watch, error)) return false;
    add_model(local, model);
    if (!model) {
        exchange(local, NULL, 0);
        memset(local->files, 0, sizeof local->files);
        return true;
    }
    if (!local_files_read(local->watch, named, error)) return false;
    bool same = local->index && local->dim == model->dim &&
                named[FILE_BASE].stamp == local->files[FILE_BASE].stamp &&
                named[FILE_TAIL].stamp == local->files[FILE_TAIL].stamp;
    return same ? grow_in_place(local, error) : open_anew(local, named, model->dim, error);
}

/* `watching` is held. */
static bool refresh(Local *local, GError **error) {
    int64_t change = store_change(local->watch);
    if (local->seen && change == local->change) return true;
    local->clips = -1;
    local->seen = false;
    if (!take_up(local, error)) {
        exchange(local, NULL, 0); /* it may have taken up a half */
        return false;
    }
    local->change = change;
    local->seen = true;
    return true;
}

bool local_index_begin(Local *local, GError **error) {
    g_mutex_lock(&local->watching);
    bool ok = refresh(local, error);
    g_mutex_unlock(&local->watching);
    if (ok) pthread_rwlock_rdlock(&local->gate);
    return ok;
}

/* Which file it is, is not told: both go. */
static void drop_files(Local *local) {
    g_mutex_lock(&local->watching);
    pthread_rwlock_rdlock(&local->gate);
    bool damaged = local->index && index_damage(local->index);
    pthread_rwlock_unlock(&local->gate);
    for (int kind = 0; damaged && kind < INDEX_FILES; kind++) {
        uint64_t stamp = local->files[kind].stamp;
        if (!stamp || !g_hash_table_add(local->damaged, g_memdup2(&stamp, sizeof stamp))) continue;
        g_autofree char *path = local_file_path(local->dir, kind, stamp);
        g_unlink(path);
    }
    if (damaged) {
        memset(local->files, 0xff, sizeof local->files); /* like no names: opened anew */
        local->seen = false;
    }
    g_mutex_unlock(&local->watching);
}

bool local_index_end(Local *local) {
    bool damaged = local->index && index_damage(local->index);
    pthread_rwlock_unlock(&local->gate);
    if (damaged) drop_files(local);
    return !damaged;
}

void local_index_close(Local *local) {
    index_free(local->index);
}

int64_t local_count(Backend *backend) {
    Local *local = (Local *)backend;
    g_mutex_lock(&local->watching);
    if (local->clips < 0) local->clips = store_count(local->watch);
    int64_t clips = local->clips;
    g_mutex_unlock(&local->watching);
    return clips;
}

bool local_is_counted(Local *local, GError **error) {
    local_count(&local->backend);
    g_mutex_lock(&local->watching);
    bool counted = store_was_read(local->watch, error);
    if (!counted) local->clips = -1;
    g_mutex_unlock(&local->watching);
    return counted;
}

const StoreModel *local_model(Local *local) {
    g_mutex_lock(&local->watching);
    if (!local->models->len || !local->seen || store_change(local->watch) != local->change)
        add_model(local, store_model(local->watch));
    const StoreModel *model = newest_model(local);
    g_mutex_unlock(&local->watching);
    return model;
}

void local_keep_model(Local *local, const StoreModel *model) {
    g_mutex_lock(&local->watching);
    add_model(local, model);
    g_mutex_unlock(&local->watching);
}
