/* From a zip and a tree of pickled values to tensors. */
#include "torch_bin.h"

#include "error.h"
#include "file.h"
#include "pickle.h"
#include "shard_index.h"
#include "tensor_set.h"
#include "zip.h"

#include <string.h>

#define REBUILD_TENSOR    "torch._utils._rebuild_tensor_v2"
#define REBUILD_PARAMETER "torch._utils._rebuild_parameter"

static const struct {
    const char *name;
    StType type;
} storages[] = {
    {"torch.FloatStorage", ST_F32},     {"torch.HalfStorage", ST_F16},
    {"torch.BFloat16Storage", ST_BF16}, {"torch.DoubleStorage", ST_F64},
    {"torch.CharStorage", ST_I8},       {"torch.ByteStorage", ST_U8},
    {"torch.BoolStorage", ST_BOOL},     {"torch.ShortStorage", ST_I16},
    {"torch.IntStorage", ST_I32},       {"torch.LongStorage", ST_I64},
};

/* Whatever the pickle may name. */
static const char *const names[] = {REBUILD_TENSOR,
                                    REBUILD_PARAMETER,
                                    "torch.FloatStorage",
                                    "torch.HalfStorage",
                                    "torch.BFloat16Storage",
                                    "torch.DoubleStorage",
                                    "torch.CharStorage",
                                    "torch.ByteStorage",
                                    "torch.BoolStorage",
                                    "torch.ShortStorage",
                                    "torch.IntStorage",
                                    "torch.LongStorage",
                                    NULL};

typedef struct {
    Safetensors *set;
    const char *path;
    int file;
    const Zip *zip;
    const char *folder; /* of the zip, with its slash: "archive/" */
} Reader;

static bool fault(const Reader *reader, const char *name, const char *says, GError **error) {
    return error_fail(error, ERR_UNSUPPORTED, "%s: %s: %s; convert the file to safetensors",
                      reader->path, name, says);
}

static const ZipEntry *find(const Reader *reader, const char *folder, const char *name) {
    g_autofree char *full = g_strconcat(reader->folder, folder, name, NULL);
    return zip_find(reader->zip, full);
}

/* ('storage', torch.FloatStorage, key, location, elements) → the type and the bytes. */
static bool read_storage(const Reader *reader, const PickleValue *persistent, Tensor *tensor,
                         const ZipEntry **entry, GError **error) {
    const PickleValue *id = pickle_item(persistent, 0, PICKLE_TUPLE);
    const PickleValue *name = pickle_item(id, 1, PICKLE_NAME),
                      *key = pickle_item(id, 2, PICKLE_TEXT);
    size_t kind = 0;
    while (name && kind < G_N_ELEMENTS(storages) && strcmp(name->text, storages[kind].name) != 0)
        kind++;
    if (!name || !key || kind == G_N_ELEMENTS(storages))
        return fault(reader, tensor->name, "is not in a plain storage", error);
    tensor->type = storages[kind].type;
    *entry = find(reader, "data/", key->text);
    return *entry || fault(reader, tensor->name, "its data is not in the file", error);
}

static bool read_shape(const Reader *reader, const PickleValue *size, Tensor *tensor,
                       GError **error) {
    if (!size || size->items->len > ST_MAX_RANK)
        return fault(reader, tensor->name, "its shape is not one of at most 8 sides", error);
    tensor->rank = size->items->len;
    for (int i = 0; i < tensor->rank; i++) {
        const PickleValue *side = pickle_item(size, i, PICKLE_INT);
        tensor->shape[i] = side ? side->number : -1;
    }
    return tensor_size(tensor, &tensor->bytes) ||
           fault(reader, tensor->name, "its shape is not a possible one", error);
}

/* Row after row; the stride of a side of 1 means nothing. */
static bool check_strides(const Reader *reader, const PickleValue *strides, const Tensor *tensor,
                          GError **error) {
    int64_t wanted = 1;
    bool good = strides && strides->items->len == (guint)tensor->rank;
    for (int i = tensor->rank; good && tensor->bytes > 0 && i-- > 0;) {
        const PickleValue *stride = pickle_item(strides, i, PICKLE_INT);
        good = stride && (stride->number == wanted || tensor->shape[i] == 1);
        wanted *= tensor->shape[i];
    }
    return good || fault(reader, tensor->name, "is not contiguous", error);
}

/* The arguments of _rebuild_tensor_v2: storage, offset in elements, shape, strides … */
static bool read_tensor(const Reader *reader, const PickleValue *args, Tensor *tensor,
                        GError **error) {
    const PickleValue *offset = pickle_item(args, 1, PICKLE_INT);
    const ZipEntry *entry = NULL;
    if (!read_storage(reader, pickle_item(args, 0, PICKLE_PERSISTENT), tensor, &entry, error) ||
        !read_shape(reader, pickle_item(args, 2, PICKLE_TUPLE), tensor, error) ||
        !check_strides(reader, pickle_item(args, 3, PICKLE_TUPLE), tensor, error))
        return false;
    size_t size = st_type_size(tensor->type), all = entry->bytes / size;
    if (!offset || offset->number < 0 || (uint64_t)offset->number > all ||
        tensor->bytes / size > all - (size_t)offset->number)
        return fault(reader, tensor->name, "reaches beyond its data", error);
    tensor->data = entry->data + offset->number * size;
    return true;
}

/* The arguments of a call to `name`, or NULL. */
static const PickleValue *call_args(const PickleValue *value, const char *name) {
    const PickleValue *called = pickle_item(value, 0, PICKLE_NAME);
    bool is = value->kind == PICKLE_CALL && called && strcmp(called->text, name) == 0;
    return is ? pickle_item(value, 1, PICKLE_TUPLE) : NULL;
}

static bool add_tensor(const Reader *reader, const PickleValue *key, const PickleValue *value,
                       GError **error) {
    if (key->kind != PICKLE_TEXT) return fault(reader, "a name", "is not text", error);
    const PickleValue *parameter = call_args(value, REBUILD_PARAMETER);
    const PickleValue *inner = pickle_item(parameter, 0, PICKLE_CALL);
    const PickleValue *args = call_args(inner ? inner : value, REBUILD_TENSOR);
    Tensor tensor = {.name = key->text};
    if (!args) return fault(reader, tensor.name, "is not a plain tensor", error);
    return read_tensor(reader, args, &tensor, error) &&
           tensor_set_add(reader->set, reader->file, &tensor, error);
}

static bool add_tensors(const Reader *reader, const PickleValue *dict, GError **error) {
    if (dict->kind != PICKLE_DICT) return fault(reader, "data.pkl", "is not a dict", error);
    for (guint i = 0; i + 1 < dict->items->len; i += 2)
        if (!add_tensor(reader, dict->items->pdata[i], dict->items->pdata[i + 1], error))
            return false;
    return true;
}

static bool read_pickle(const Reader *reader, GError **error) {
    const ZipEntry *order = find(reader, "", "byteorder"), *data = find(reader, "", "data.pkl");
    if (order && (order->bytes != 6 || memcmp(order->data, "little", 6) != 0))
        return fault(reader, "byteorder", "is not little", error);
    g_autoptr(Pickle) pickle = pickle_read(reader->path, data->data, data->bytes, names, error);
    return pickle && add_tensors(reader, pickle_root(pickle), error);
}

static bool read_zip(Safetensors *set, const char *path, GMappedFile *map, GError **error) {
    const uint8_t *data = (const uint8_t *)g_mapped_file_get_contents(map);
    size_t bytes = g_mapped_file_get_length(map);
    if (bytes < 4 || memcmp(data, "PK\3\4", 4) != 0)
        return error_fail(
            error, ERR_UNSUPPORTED,
            "%s: not a zip file (PyTorch before 1.6 wrote none); convert it to safetensors", path);
    g_autoptr(Zip) zip = zip_open(path, data, bytes, error);
    if (!zip) return false;
    const char *pickle = zip_find_suffix(zip, "/data.pkl");
    Reader reader = {set, path, tensor_set_add_file(set, g_mapped_file_ref(map), path), zip, NULL};
    if (!pickle) return fault(&reader, "data.pkl", "is not in the zip file", error);
    g_autofree char *folder = g_strndup(pickle, strlen(pickle) - strlen("data.pkl"));
    reader.folder = folder;
    return read_pickle(&reader, error);
}

static bool read_file(Safetensors *set, const char *path, GError **error) {
    GMappedFile *map = file_map(path, error);
    if (!map) return false;
    bool good = read_zip(set, path, map, error);
    g_mapped_file_unref(map);
    return good;
}

Safetensors *torch_bin_open(const char *path, GError **error) {
    g_autoptr(Safetensors) set = tensor_set_new();
    bool good = g_str_has_suffix(path, ".json")
                    ? shard_index_read(set, path, ".bin", read_file, error)
                    : read_file(set, path, error) && tensor_set_finish(set, error);
    return good ? g_steal_pointer(&set) : NULL;
}
