/* A library in a folder: opening, the readers, and reading. See local_private.h for how it is
 * built. */
#include "local_private.h"

#include "error.h"

#include <string.h>

/* -- readers -- */

static void reader_free(gpointer data) {
    Reader *reader = data;
    store_close(reader->store);
    index_scratch_free(reader->scratch);
    g_free(reader);
}

static Reader *take_idle(Local *local) {
    g_mutex_lock(&local->leasing);
    guint idle = local->readers->len;
    Reader *reader = idle ? g_ptr_array_steal_index_fast(local->readers, idle - 1) : NULL;
    g_mutex_unlock(&local->leasing);
    return reader;
}

/* As many come to be as there are searches at once. */
Reader *local_lease(Local *local, GError **error) {
    Reader *reader = take_idle(local);
    if (reader) return reader;
    Store *store = store_open(local->dir, STORE_READ, 0, error);
    if (!store) return NULL;
    reader = g_new(Reader, 1);
    *reader = (Reader){store, index_scratch_new()};
    return reader;
}

void local_give_back(Local *local, Reader *reader) {
    if (!reader) return;
    g_mutex_lock(&local->leasing);
    g_ptr_array_add(local->readers, reader);
    g_mutex_unlock(&local->leasing);
}

bool local_return(Local *local, Reader *reader, bool ok, GError **error) {
    ok = ok && store_was_read(reader->store, error);
    if (reader) store_was_read(reader->store, NULL); /* the next who leases it asked nothing yet */
    local_give_back(local, reader);
    return ok;
}

/* -- reading: each leases a reader, asks its store, gives it back -- */

static GBytes *local_get(Backend *backend, const char *key, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    GBytes *value = reader ? store_get(reader->store, key, error) : NULL;
    local_give_back(local, reader);
    return value;
}

static bool local_stats(Backend *backend, StoreStats *stats, int64_t *bytes, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    bool ok = reader && store_stats(reader->store, stats, error);
    local_give_back(local, reader);
    if (!ok || !local_index_begin(local, error)) return false;
    if (bytes) *bytes = local->index ? (int64_t)index_bytes(local->index) : 0;
    local_index_end(local);
    return true;
}

static char **local_field_names(Backend *backend, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    char **names = reader ? store_field_names(reader->store, error) : NULL;
    local_give_back(local, reader);
    return names;
}

/* A path that is known comes before an id, as a file may be named like one. */
static int64_t find_number(Store *store, const char *what, GError **error) {
    char lower[2 * CLIP_HASH + 1];
    bool named = g_str_has_prefix(what, "id:");
    const char *hex = named ? what + strlen("id:") : what;
    g_autofree char *path = g_canonicalize_filename(what, NULL);
    int64_t number = named ? 0 : store_find_path(store, path, NULL);
    if (number) return number;
    if (clip_id_parse(hex, lower)) return store_find_id(store, lower, error);
    error_fail(error, ERR_NOT_FOUND, "%s: is not in the library", what);
    return 0;
}

static Clip *local_find(Backend *backend, const char *what, bool with_vector, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    int64_t number = reader ? find_number(reader->store, what, error) : 0;
    Clip *clip = number ? store_clip(reader->store, number, with_vector, error) : NULL;
    local_give_back(local, reader);
    return clip;
}

static bool key_of(Store *store, uint64_t id, ClipKey *key, GError **error) {
    return store_key_of_id(store, id, key) ||
           error_fail(error, ERR_NOT_FOUND, "id:%016" G_GINT64_MODIFIER "x: is not in the library",
                      id);
}

static Clip *local_clip(Backend *backend, uint64_t id, bool with_vector, GError **error) {
    Local *local = (Local *)backend;
    ClipKey key;
    Reader *reader = local_lease(local, error);
    Clip *clip = reader && key_of(reader->store, id, &key, error)
                     ? store_clip(reader->store, key.number, with_vector, error)
                     : NULL;
    local_give_back(local, reader);
    return clip;
}

static bool local_each_clip(Backend *backend, const Filter *filter, bool with_vector,
                            StoreEachClip each, void *user, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    if (!reader) return false;
    g_autoptr(StoreWhere) where = filter ? filter_where(filter) : NULL;
    bool ok = store_each_clip(reader->store, where, 0, G_MAXINT64, with_vector, each, user, error);
    local_give_back(local, reader);
    return ok;
}

static bool local_list(Backend *backend, const ListRequest *request, int64_t *total,
                       StoreEachClip each, void *user, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    if (!reader) return false;
    g_autoptr(StoreWhere) where = request->filter ? filter_where(request->filter) : NULL;
    const StoreList list = {where,         request->order, request->falling,
                            request->from, request->n,     request->with_vector};
    bool ok = store_list(reader->store, &list, total, each, user, error);
    local_give_back(local, reader);
    return ok;
}

static bool local_facets(Backend *backend, const char *field, const Filter *filter, int n,
                         StoreEachFacet each, void *user, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    if (!reader) return false;
    g_autoptr(StoreWhere) where = filter ? filter_where(filter) : NULL;
    bool ok = store_facets(reader->store, field, where, n, each, user, error);
    local_give_back(local, reader);
    return ok;
}

static bool local_vectors(Backend *backend, const Clip *clip, ClipWindow **spans,
                          uint16_t **vectors, GError **error) {
    Local *local = (Local *)backend;
    ClipKey key;
    int count;
    Reader *reader = local_lease(local, error);
    *spans = NULL;
    *vectors = NULL;
    bool ok = reader && key_of(reader->store, clip_number_of_id(clip->id), &key, error) &&
              (*spans = store_windows(reader->store, key.number, &count, error)) &&
              (*vectors = store_vectors(reader->store, key.number, &count, error));
    if (!ok) g_clear_pointer(spans, g_free);
    local_give_back(local, reader);
    return ok;
}

static bool local_each_path(Backend *backend, const char *under, StoreEachPath each, void *user,
                            GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    bool ok = reader && store_each_path(reader->store, under, each, user, error);
    local_give_back(local, reader);
    return ok;
}

static bool local_each_failure(Backend *backend, StoreEachFailure each, void *user,
                               GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    bool ok = reader && store_each_failure(reader->store, each, user, error);
    local_give_back(local, reader);
    return ok;
}

static const char *local_name(const Backend *backend) {
    return ((const Local *)backend)->dir;
}

static const StoreModel *local_model_op(Backend *backend) {
    return local_model((Local *)backend);
}

/* -- opening and closing -- */

static void model_free(gpointer data) {
    StoreModel *model = data;
    g_free(model->model);
    g_free(model->model_sha256);
    g_free(model);
}

static void local_close(Backend *backend) {
    Local *local = (Local *)backend;
    g_ptr_array_unref(local->readers); /* frees them */
    g_mutex_clear(&local->leasing);
    local_index_close(local);
    store_close(local->watch);
    store_close(local->writer);
    pthread_rwlock_destroy(&local->gate);
    g_mutex_clear(&local->watching);
    g_ptr_array_unref(local->models);
    g_hash_table_unref(local->damaged);
    local_known_clear(local);
    g_free(local->dir);
    g_free(local);
}

static void init_gate(pthread_rwlock_t *gate) {
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(gate, &kind);
    pthread_rwlockattr_destroy(&kind);
}

static const BackendOps operations = {
    .close = local_close,
    .name = local_name,
    .model = local_model_op,
    .set_model = local_set_model,
    .get = local_get,
    .put = local_put,
    .candidates = local_candidates,
    .best_windows = local_best_windows,
    .windows = local_windows,
    .sample = local_sample,
    .row = local_row,
    .score_words = local_score_words,
    .count = local_count,
    .stats = local_stats,
    .field_names = local_field_names,
    .find = local_find,
    .clip = local_clip,
    .each_clip = local_each_clip,
    .list = local_list,
    .facets = local_facets,
    .vectors = local_vectors,
    .each_path = local_each_path,
    .each_failure = local_each_failure,
    .begin = local_begin,
    .end = local_end,
    .sync = local_sync,
    .path_state = local_path_state,
    .has = local_has,
    .add_clip = local_add_clip,
    .set_path = local_set_path,
    .remove_path = local_remove_path,
    .remove_clip = local_remove_clip,
    .set_fields = local_set_fields,
    .unset_field = local_unset_field,
    .set_failure = local_set_failure,
    .clear_failure = local_clear_failure,
    .settle = local_settle,
    .check = local_check,
};

Backend *local_open(const char *dir, StoreMode mode, double wait, GError **error) {
    Store *writer = mode == STORE_READ ? NULL : store_open(dir, mode, wait, error);
    if (mode != STORE_READ && !writer) return NULL;
    Store *watch = store_open(dir, STORE_READ, wait, error);
    if (!watch || (!store_model(watch) && !store_was_read(watch, error))) {
        store_close(watch);
        store_close(writer);
        return NULL;
    }
    Local *local = g_new0(Local, 1);
    *local = (Local){
        .backend = {&operations},
        .dir = g_strdup(dir),
        .writer = writer,
        .watch = watch,
        .clips = -1,
        .readers = g_ptr_array_new_with_free_func(reader_free),
        .models = g_ptr_array_new_with_free_func(model_free),
        .damaged = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
    };
    g_mutex_init(&local->leasing);
    g_mutex_init(&local->watching);
    init_gate(&local->gate);
    local_known_init(local);
    return &local->backend;
}
