/* Named tensors in mapped files: kept sorted by name, found by bisection. */
#include "tensor_set.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Tensor tensor; /* first: safetensors_path finds the entry by its tensor */
    int file;
} Entry;

struct Safetensors {
    GPtrArray *maps;
    GPtrArray *paths;
    GArray *entries;
    GStringChunk *names;
    GHashTable *metadata;
};

static const struct {
    const char *name;
    size_t size;
} types[ST_TYPES] = {
    [ST_F32] = {"F32", 4}, [ST_F16] = {"F16", 2}, [ST_BF16] = {"BF16", 2}, [ST_F64] = {"F64", 8},
    [ST_I8] = {"I8", 1},   [ST_U8] = {"U8", 1},   [ST_BOOL] = {"BOOL", 1}, [ST_I16] = {"I16", 2},
    [ST_I32] = {"I32", 4}, [ST_I64] = {"I64", 8},
};

size_t st_type_size(StType type) {
    return types[type].size;
}

const char *st_type_name(StType type) {
    return types[type].name;
}

Safetensors *tensor_set_new(void) {
    Safetensors *set = g_new0(Safetensors, 1);
    set->maps = g_ptr_array_new_with_free_func((GDestroyNotify)g_mapped_file_unref);
    set->paths = g_ptr_array_new_with_free_func(g_free);
    set->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    set->names = g_string_chunk_new(4096);
    set->metadata = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return set;
}

void safetensors_close(Safetensors *set) {
    if (!set) return;
    g_ptr_array_free(set->maps, TRUE);
    g_ptr_array_free(set->paths, TRUE);
    g_array_free(set->entries, TRUE);
    g_string_chunk_free(set->names);
    g_hash_table_destroy(set->metadata);
    g_free(set);
}

int tensor_set_add_file(Safetensors *set, GMappedFile *map, const char *path) {
    g_ptr_array_add(set->maps, map);
    g_ptr_array_add(set->paths, g_strdup(path));
    return set->paths->len - 1;
}

bool tensor_set_add(Safetensors *set, int file, const Tensor *tensor, GError **error) {
    if (set->entries->len >= ST_MAX_TENSORS)
        return error_fail(error, ERR_LIMIT, "%s: more than %d tensors",
                          (const char *)set->paths->pdata[file], ST_MAX_TENSORS);
    Entry entry = {*tensor, file};
    entry.tensor.name = g_string_chunk_insert(set->names, tensor->name);
    g_array_append_val(set->entries, entry);
    return true;
}

void tensor_set_add_metadata(Safetensors *set, const char *key, const char *value) {
    g_hash_table_replace(set->metadata, g_strdup(key), g_strdup(value));
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const Entry *)a)->tensor.name, ((const Entry *)b)->tensor.name);
}

bool tensor_set_finish(Safetensors *set, GError **error) {
    g_array_sort(set->entries, compare_names);
    const Entry *entry = (const Entry *)set->entries->data;
    for (guint i = 1; i < set->entries->len; i++) {
        if (compare_names(&entry[i - 1], &entry[i]) != 0) continue;
        return error_fail(error, ERR_FORMAT, "%s: %s: is in %s too",
                          (const char *)set->paths->pdata[entry[i].file], entry[i].tensor.name,
                          (const char *)set->paths->pdata[entry[i - 1].file]);
    }
    return true;
}

bool tensor_size(const Tensor *tensor, size_t *bytes) {
    size_t total = st_type_size(tensor->type);
    bool fits = true;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] < 0) return false;
        fits &= !__builtin_mul_overflow(total, (size_t)tensor->shape[i], &total);
    }
    *bytes = total;
    return fits;
}

int64_t tensor_elements(const Tensor *tensor) {
    return tensor->bytes / st_type_size(tensor->type);
}

int safetensors_count(const Safetensors *set) {
    return set->entries->len;
}

const Tensor *safetensors_at(const Safetensors *set, int i) {
    g_assert(i >= 0 && (guint)i < set->entries->len);
    return &g_array_index(set->entries, Entry, i).tensor;
}

const Tensor *safetensors_find(const Safetensors *set, const char *name) {
    if (set->entries->len == 0) return NULL;
    Entry key = {.tensor.name = name};
    return bsearch(&key, set->entries->data, set->entries->len, sizeof(Entry), compare_names);
}

const char *safetensors_metadata(const Safetensors *set, const char *key) {
    return g_hash_table_lookup(set->metadata, key);
}

const char *safetensors_path(const Safetensors *set, const Tensor *tensor) {
    return set->paths->pdata[((const Entry *)tensor)->file];
}
