/* The index of a model in several files: {"weight_map": {tensor: file}}. See shard_index.h. */
#include "shard_index.h"

#include "error.h"
#include "json_file.h"
#include "tensor_set.h"

#include <string.h>

/* The shards that `map` names, each once. A name must be a plain file's. */
static bool collect(const char *path, json_t *map, const char *suffix, GHashTable *shards,
                    GError **error) {
    const char *tensor;
    json_t *json;
    json_object_foreach(map, tensor, json) {
        const char *shard = json_string_value(json);
        if (!shard || !g_str_has_suffix(shard, suffix) || strchr(shard, '/'))
            return error_fail(error, ERR_FORMAT,
                              "%s: weight_map: %s: not the plain name of a %s file", path, tensor,
                              suffix);
        g_hash_table_add(shards, g_strdup(shard));
        if (g_hash_table_size(shards) > ST_MAX_SHARDS)
            return error_fail(error, ERR_LIMIT, "%s: weight_map: more than %d shards", path,
                              ST_MAX_SHARDS);
    }
    return true;
}

static bool read_shards(Safetensors *set, const char *path, GHashTable *shards, ShardRead read,
                        GError **error) {
    g_autofree char *dir = g_path_get_dirname(path);
    GHashTableIter at;
    void *shard;
    g_hash_table_iter_init(&at, shards);
    while (g_hash_table_iter_next(&at, &shard, NULL)) {
        g_autofree char *file = g_build_filename(dir, shard, NULL);
        if (!read(set, file, error)) return false;
    }
    return tensor_set_finish(set, error);
}

/* Every tensor of the index lies in the shard that it names. */
static bool check_index(const Safetensors *set, const char *path, json_t *map, GError **error) {
    const char *name;
    json_t *json;
    json_object_foreach(map, name, json) {
        const Tensor *tensor = safetensors_find(set, name);
        const char *shard = json_string_value(json);
        g_autofree char *file =
            tensor ? g_path_get_basename(safetensors_path(set, tensor)) : g_strdup("");
        if (strcmp(file, shard) == 0) continue;
        return error_fail(error, ERR_FORMAT, "%s: weight_map: %s: is not in %s", path, name, shard);
    }
    return true;
}

bool shard_index_read(Safetensors *set, const char *path, const char *suffix, ShardRead read,
                      GError **error) {
    json_t *root = json_file_read(path, error);
    if (!root) return false;
    json_t *map = json_object_get(root, "weight_map");
    GHashTable *shards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool good = json_is_object(map);
    if (!good) error_fail(error, ERR_FORMAT, "%s: weight_map: is not an object", path);
    good = good && collect(path, map, suffix, shards, error) &&
           read_shards(set, path, shards, read, error) && check_index(set, path, map, error);
    g_hash_table_destroy(shards);
    json_decref(root);
    return good;
}
