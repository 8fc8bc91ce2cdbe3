/* Reading .safetensors files. The layout is eight bytes of header length
 * (little-endian), a JSON object {name: {dtype, shape, data_offsets}}, and the data, which the
 * tensors must cover exactly: the format allows neither holes nor overlaps. */
#include "safetensors.h"

#include "error.h"
#include "file.h"
#include "json_file.h"
#include "shard_index.h"
#include "tensor_set.h"

#include <string.h>

/* What one file's header is read with. */
typedef struct {
    Safetensors *set;
    const char *path;
    int file;
    const char *data; /* begins where offsets count from */
    size_t bytes;     /* of data */
    GArray *tensors;
} Reader;

G_GNUC_PRINTF(4, 5)
static bool fault(const Reader *reader, const char *name, GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *says = g_strdup_vprintf(format, args);
    va_end(args);
    return error_fail(error, ERR_FORMAT, "%s: %s: %s", reader->path, name, says);
}

static bool read_type(const Reader *reader, json_t *json, Tensor *tensor, GError **error) {
    const char *name = json_string_value(json_object_get(json, "dtype"));
    if (!name) return fault(reader, tensor->name, error, "dtype is not a string");
    for (int type = 0; type < ST_TYPES; type++)
        if (strcmp(name, st_type_name(type)) == 0) {
            tensor->type = type;
            return true;
        }
    return fault(reader, tensor->name, error, "dtype %s is not supported", name);
}

static bool read_shape(const Reader *reader, json_t *json, Tensor *tensor, GError **error) {
    json_t *shape = json_object_get(json, "shape");
    if (!json_is_array(shape)) return fault(reader, tensor->name, error, "shape is not a list");
    if (json_array_size(shape) > ST_MAX_RANK)
        return fault(reader, tensor->name, error, "shape has %zu sides, more than %d",
                     json_array_size(shape), ST_MAX_RANK);
    tensor->rank = json_array_size(shape);
    for (int i = 0; i < tensor->rank; i++) {
        json_t *side = json_array_get(shape, i);
        if (!json_is_integer(side))
            return fault(reader, tensor->name, error, "shape[%d] is not a whole number", i);
        tensor->shape[i] = json_integer_value(side);
        if (tensor->shape[i] < 0)
            return fault(reader, tensor->name, error, "shape[%d] is negative", i);
    }
    if (!tensor_size(tensor, &tensor->bytes))
        return fault(reader, tensor->name, error, "shape is larger than any file");
    return true;
}

static bool read_offsets(const Reader *reader, json_t *json, Tensor *tensor, GError **error) {
    json_t *pair = json_object_get(json, "data_offsets");
    json_t *from = json_array_get(pair, 0), *to = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return fault(reader, tensor->name, error, "data_offsets are not two whole numbers");
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < 0)
        return fault(reader, tensor->name, error, "data_offsets are negative");
    if (begin > end || (uint64_t)end > reader->bytes)
        return fault(reader, tensor->name, error,
                     "data_offsets %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
                     " are not within the %zu bytes of data",
                     begin, end, reader->bytes);
    if ((uint64_t)(end - begin) != tensor->bytes)
        return fault(reader, tensor->name, error,
                     "data_offsets span %" JSON_INTEGER_FORMAT " bytes, the shape needs %zu",
                     end - begin, tensor->bytes);
    tensor->data = reader->data + begin;
    return true;
}

static bool read_metadata(const Reader *reader, json_t *json, GError **error) {
    const char *key;
    json_t *value;
    if (!json_is_object(json)) return fault(reader, "__metadata__", error, "is not an object");
    json_object_foreach(json, key, value) {
        if (!json_is_string(value))
            return fault(reader, "__metadata__", error, "a value is not a string");
        tensor_set_add_metadata(reader->set, key, json_string_value(value));
    }
    return true;
}

static bool read_tensors(Reader *reader, json_t *header, GError **error) {
    const char *name;
    json_t *json;
    json_object_foreach(header, name, json) {
        if (strcmp(name, "__metadata__") == 0) {
            if (!read_metadata(reader, json, error)) return false;
            continue;
        }
        Tensor tensor = {.name = name};
        if (!json_is_object(json)) return fault(reader, name, error, "is not an object");
        if (!read_type(reader, json, &tensor, error) || !read_shape(reader, json, &tensor, error) ||
            !read_offsets(reader, json, &tensor, error) ||
            !tensor_set_add(reader->set, reader->file, &tensor, error))
            return false;
        g_array_append_val(reader->tensors, tensor);
    }
    return true;
}

static int compare_places(const void *a, const void *b) {
    const Tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The tensors cover the data exactly, end to end. */
static bool check_cover(const Reader *reader, GError **error) {
    g_array_sort(reader->tensors, compare_places);
    const char *end = reader->data;
    for (guint i = 0; i < reader->tensors->len; i++) {
        const Tensor *tensor = &g_array_index(reader->tensors, Tensor, i);
        const char *begin = tensor->data;
        if (begin < end) return fault(reader, tensor->name, error, "overlaps another tensor");
        if (begin > end)
            return fault(reader, tensor->name, error, "%zu bytes before it belong to no tensor",
                         (size_t)(begin - end));
        end += tensor->bytes;
    }
    size_t left = reader->data + reader->bytes - end;
    if (left == 0) return true;
    return error_fail(error, ERR_FORMAT, "%s: %zu bytes at its end belong to no tensor",
                      reader->path, left);
}

/* The header's length, checked against the file and the limit. */
static bool read_length(const char *path, GMappedFile *map, size_t *length, GError **error) {
    uint64_t says = 0;
    size_t bytes = g_mapped_file_get_length(map);
    if (bytes < sizeof says)
        return error_fail(error, ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file",
                          path, bytes);
    memcpy(&says, g_mapped_file_get_contents(map), sizeof says);
    says = GUINT64_FROM_LE(says);
    *length = says;
    if (says <= bytes - sizeof says && says <= ST_MAX_HEADER) return true;
    bool outside = says > bytes - sizeof says;
    return error_fail(error, outside ? ERR_FORMAT : ERR_LIMIT,
                      "%s: the header of %" G_GUINT64_FORMAT " bytes is longer than %s", path, says,
                      outside ? "the file" : "the format allows");
}

/* Adds the tensors of one file to the set. */
static bool read_file(Safetensors *set, const char *path, GError **error) {
    GMappedFile *map = file_map(path, error);
    if (!map) return false;
    Reader reader = {.set = set, .path = path, .file = tensor_set_add_file(set, map, path)};
    size_t length = 0;
    if (!read_length(path, map, &length, error)) return false;
    const char *text = g_mapped_file_get_contents(map) + sizeof(uint64_t);
    json_t *header = json_file_parse(path, text, length, error);
    if (!header) return false;
    reader.data = text + length;
    reader.bytes = g_mapped_file_get_length(map) - sizeof(uint64_t) - length;
    reader.tensors = g_array_new(FALSE, FALSE, sizeof(Tensor));
    bool good = read_tensors(&reader, header, error) && check_cover(&reader, error);
    g_array_free(reader.tensors, TRUE);
    json_decref(header);
    return good;
}

Safetensors *safetensors_open(const char *path, GError **error) {
    g_autoptr(Safetensors) set = tensor_set_new();
    bool good = g_str_has_suffix(path, ".json")
                    ? shard_index_read(set, path, ".safetensors", read_file, error)
                    : read_file(set, path, error) && tensor_set_finish(set, error);
    return good ? g_steal_pointer(&set) : NULL;
}
