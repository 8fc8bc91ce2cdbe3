/* What windows and clips' numbers stand for, remembered: a number is never used twice, so nothing
 * here is ever wrong. Memory is bounded; when full, all is forgotten. */
#include "local_private.h"

#include <string.h>

#define MOST_KNOWN 200000 /* windows, about 16 MB */

void local_known_init(Local *local) {
    g_mutex_init(&local->known);
    local->windows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    local->ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

void local_known_clear(Local *local) {
    g_hash_table_unref(local->windows);
    g_hash_table_unref(local->ids);
    g_mutex_clear(&local->known);
}

static bool look_up(Local *local, GHashTable *table, int64_t key, void *value, gsize size) {
    g_mutex_lock(&local->known);
    const void *found = g_hash_table_lookup(table, &key);
    if (found) memcpy(value, found, size);
    g_mutex_unlock(&local->known);
    return found;
}

static void remember(Local *local, GHashTable *table, int64_t key, const void *value, gsize size) {
    g_mutex_lock(&local->known);
    if (g_hash_table_size(table) >= MOST_KNOWN) g_hash_table_remove_all(table);
    g_hash_table_replace(table, g_memdup2(&key, sizeof key), g_memdup2(value, size));
    g_mutex_unlock(&local->known);
}

bool local_known_window(Local *local, Store *store, int64_t window, KnownWindow *known) {
    if (look_up(local, local->windows, window, known, sizeof *known)) return true;
    if (!store_key_of_window(store, window, &known->key, &known->span)) return false;
    remember(local, local->windows, window, known, sizeof *known);
    return true;
}

bool local_known_id(Local *local, Store *store, int64_t clip, uint64_t *id) {
    ClipKey key;
    if (look_up(local, local->ids, clip, id, sizeof *id)) return true;
    if (!store_key(store, clip, &key)) return false;
    *id = key.id;
    remember(local, local->ids, clip, id, sizeof *id);
    return true;
}
