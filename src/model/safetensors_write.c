/* Writing .safetensors files. The format forbids holes, so that every tensor can start on a cache
 * line only if those before it fill theirs: tensors are laid out by falling alignment of their
 * size. Those of 64·n bytes, nearly all of a model, come first. */
#include "safetensors.h"

#include "error.h"
#include "file.h"
#include "tensor_set.h"

#include <jansson.h>
#include <string.h>

#define LINE 64 /* bytes */

typedef struct {
    char *header;
    size_t length;         /* of header, padding included */
    const Tensor **placed; /* [count], in the order of the file */
    int count;
} Layout;

/* The largest power of two, up to LINE, that divides the tensor's size. */
static size_t alignment(const Tensor *tensor) {
    size_t bits = tensor->bytes | LINE;
    return bits & -bits;
}

/* Stable: within an alignment, the order given. */
static const Tensor **place(const Tensor *tensors, int count) {
    const Tensor **placed = g_new(const Tensor *, (guint)count);
    int n = 0;
    for (size_t line = LINE; line > 0; line /= 2)
        for (int i = 0; i < count; i++)
            if (alignment(&tensors[i]) == line) placed[n++] = &tensors[i];
    return placed;
}

static json_t *describe_metadata(const char *const *metadata) {
    json_t *json = json_object();
    for (; metadata[0]; metadata += 2)
        json_object_set_new(json, metadata[0], json_string(metadata[1]));
    return json;
}

static json_t *describe(const Tensor *tensor, size_t at) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer(tensor->shape[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", st_type_name(tensor->type), "shape", shape,
                     "data_offsets", (json_int_t)at, (json_int_t)(at + tensor->bytes));
}

/* The header's text, padded with spaces so that the data starts on a cache line. */
static void make_header(Layout *layout, const char *const *metadata) {
    json_t *root = json_object();
    if (metadata) json_object_set_new(root, "__metadata__", describe_metadata(metadata));
    size_t at = 0;
    for (int i = 0; i < layout->count; i++) {
        json_object_set_new(root, layout->placed[i]->name, describe(layout->placed[i], at));
        at += layout->placed[i]->bytes;
    }
    g_autofree char *text = json_dumps(root, JSON_COMPACT);
    size_t length = strlen(text), padded = (8 + length + LINE - 1) / LINE * LINE - 8;
    layout->header = g_strdup_printf("%s%*s", text, (int)(padded - length), "");
    layout->length = padded;
    json_decref(root);
}

static bool write_layout(int fd, const char *path, void *user, GError **error) {
    const Layout *layout = user;
    uint64_t length = GUINT64_TO_LE((uint64_t)layout->length);
    if (!file_put(fd, path, &length, sizeof length, error) ||
        !file_put(fd, path, layout->header, layout->length, error))
        return false;
    for (int i = 0; i < layout->count; i++)
        if (!file_put(fd, path, layout->placed[i]->data, layout->placed[i]->bytes, error))
            return false;
    return true;
}

/* Faults of the caller, but of one who may have got the names from a file. */
static bool check_names(const char *path, const Tensor *tensors, int count, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < count; i++) {
        const char *name = tensors[i].name;
        size_t bytes;
        g_assert(tensor_size(&tensors[i], &bytes) && bytes == tensors[i].bytes);
        if (g_utf8_validate(name, -1, NULL) && g_hash_table_add(seen, (void *)name)) continue;
        return error_fail(error, ERR_USAGE, "%s: %s: comes twice, or is not UTF-8", path, name);
    }
    return true;
}

bool safetensors_write(const char *path, const Tensor *tensors, int count,
                       const char *const *metadata, GError **error) {
    if (!check_names(path, tensors, count, error)) return false;
    Layout layout = {.placed = place(tensors, count), .count = count};
    make_header(&layout, metadata);
    bool done = file_replace(path, write_layout, &layout, error);
    g_free(layout.header);
    g_free(layout.placed);
    return done;
}
