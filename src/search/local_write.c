/* Changes to a local library: the functions of store_write.h, with clips named by their ids. They
 * speak to the one Store that holds the writer's lock, as do path_state and has on the thread that
 * has a change open: it sees what it changed. All others see what was committed. */
#include "local_private.h"
#include "store_write.h"

#include "error.h"

#include <string.h>

Store *local_writer(Backend *backend, GError **error) {
    Local *local = (Local *)backend;
    if (!local->writer)
        error_fail(error, ERR_DENIED, "%s: the library is open for reading", local->dir);
    return local->writer;
}

/* The store's number of a clip; 0 with an error. */
static int64_t number_of(Store *writer, uint64_t id, GError **error) {
    ClipKey key;
    if (store_key_of_id(writer, id, &key)) return key.number;
    error_fail(error, ERR_NOT_FOUND, "id:%016" G_GINT64_MODIFIER "x: is not in the library", id);
    return 0;
}

static uint64_t id_of_hash(const uint8_t hash[CLIP_HASH]) {
    uint64_t id = 0;
    for (int i = 0; i < CLIP_ID / 2; i++) id = id << 8 | hash[i];
    return id;
}

bool local_set_model(Backend *backend, const StoreModel *model, GError **error) {
    Store *writer = local_writer(backend, error);
    if (!writer || !store_set_model(writer, model, error)) return false;
    local_keep_model((Local *)backend, model);
    return true;
}

bool local_put(Backend *backend, const char *key, GBytes *value, GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_put(writer, key, value, error);
}

bool local_begin(Backend *backend, GError **error) {
    Store *writer = local_writer(backend, error);
    if (!writer || !store_begin(writer, error)) return false;
    g_atomic_pointer_set(&((Local *)backend)->changing, g_thread_self());
    return true;
}

bool local_end(Backend *backend, bool keep, GError **error) {
    Store *writer = local_writer(backend, error);
    g_atomic_pointer_set(&((Local *)backend)->changing, NULL);
    return writer && store_end(writer, keep, error);
}

bool local_sync(Backend *backend, GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_sync(writer, error);
}

typedef struct {
    Local *local;
    Reader *reader; /* NULL: it is the writer, whose change is open */
    Store *store;
} Asked;

static bool ask(Backend *backend, Asked *asked) {
    Local *local = (Local *)backend;
    bool changing = g_atomic_pointer_get(&local->changing) == g_thread_self();
    *asked = (Asked){local, changing ? NULL : local_lease(local, NULL), NULL};
    if (changing) asked->store = local->writer;
    if (asked->reader) asked->store = asked->reader->store;
    return asked->store != NULL;
}

PathState local_path_state(Backend *backend, const char *path, const FileStamp *stamp,
                           uint64_t *clip) {
    Asked asked;
    ClipKey key = {0};
    int64_t number = 0;
    if (clip) *clip = 0;
    if (!ask(backend, &asked)) return PATH_UNKNOWN;
    PathState state = store_path_state(asked.store, path, stamp, &number);
    if (clip && number && store_key(asked.store, number, &key)) *clip = key.id;
    local_give_back(asked.local, asked.reader);
    return state;
}

bool local_has(Backend *backend, const uint8_t hash[CLIP_HASH], uint64_t *clip) {
    Asked asked;
    if (!ask(backend, &asked)) return false;
    bool has = store_find_hash(asked.store, hash) != 0;
    if (clip) *clip = has ? id_of_hash(hash) : 0;
    local_give_back(asked.local, asked.reader);
    return has;
}

bool local_add_clip(Backend *backend, Clip *clip, const ClipWindow *windows,
                    const uint16_t *vectors, const uint16_t *clip_vector, GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_add_clip(writer, clip, windows, vectors, clip_vector, error);
}

bool local_set_path(Backend *backend, uint64_t clip, const char *path, const FileStamp *stamp,
                    GError **error) {
    Store *writer = local_writer(backend, error);
    int64_t number = writer ? number_of(writer, clip, error) : 0;
    return number && store_set_path(writer, number, path, stamp, error);
}

bool local_remove_path(Backend *backend, const char *path, GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_remove_path(writer, path, error);
}

bool local_remove_clip(Backend *backend, uint64_t clip, GError **error) {
    Store *writer = local_writer(backend, error);
    int64_t number = writer ? number_of(writer, clip, error) : 0;
    return number && store_remove_clip(writer, number, error);
}

bool local_set_fields(Backend *backend, uint64_t clip, const Field *fields, int count,
                      GError **error) {
    Store *writer = local_writer(backend, error);
    int64_t number = writer ? number_of(writer, clip, error) : 0;
    return number && store_set_fields(writer, number, fields, count, error);
}

bool local_unset_field(Backend *backend, uint64_t clip, const char *name, Source source,
                       GError **error) {
    Store *writer = local_writer(backend, error);
    int64_t number = writer ? number_of(writer, clip, error) : 0;
    return number && store_unset_field(writer, number, name, source, error);
}

bool local_set_failure(Backend *backend, const char *path, const FileStamp *stamp, const char *why,
                       GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_set_failure(writer, path, stamp, why, error);
}

bool local_clear_failure(Backend *backend, const char *path, GError **error) {
    Store *writer = local_writer(backend, error);
    return writer && store_clear_failure(writer, path, error);
}
