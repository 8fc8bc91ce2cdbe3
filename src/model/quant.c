/* Converting weights. The new directory is made under another name beside the old one's place and
 * renamed when everything in it is on disk. */
#include "quant.h"

#include "error.h"
#include "file.h"
#include "tensor_set.h"
#include "weights.h"
#include "widen.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define WEIGHTS_FILE "model.safetensors"
#define CONFIG_FILE  "config.json"

static const char *const type_names[] = {[NN_F32] = "f32", [NN_BF16] = "bf16", [NN_I8] = "int8"};

/* Copied where they are there; CONFIG_FILE must be. */
static const char *const companions[] = {CONFIG_FILE,
                                         "preprocessor_config.json",
                                         "processor_config.json",
                                         "vocab.json",
                                         "merges.txt",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "added_tokens.json",
                                         "special_tokens_map.json",
                                         "README.md",
                                         "MODEL_CARD.md",
                                         "LICENSE",
                                         "NOTICE"};

/* The tensors of the new file, with what they own. */
typedef struct {
    const Safetensors *from;
    NnType type;
    GArray *tensors;
    GPtrArray *owned;
} Conversion;

const char *quant_type_name(NnType type) {
    return type_names[type];
}

bool quant_type_parse(const char *name, NnType *type) {
    for (size_t i = 0; i < G_N_ELEMENTS(type_names); i++)
        if (strcmp(name, type_names[i]) == 0) {
            *type = i;
            return true;
        }
    return false;
}

static void *own(Conversion *conversion, size_t bytes) {
    void *data = g_malloc(MAX(bytes, 1));
    g_ptr_array_add(conversion->owned, data);
    return data;
}

/* Appends a tensor of `like`'s shape. */
static void append(Conversion *conversion, const Tensor *like, StType type, const void *data) {
    Tensor tensor = *like;
    tensor.type = type;
    tensor.data = data;
    tensor.bytes = tensor_elements(like) * st_type_size(type);
    g_array_append_val(conversion->tensors, tensor);
}

/* Linear layers, embeddings, and a PANN's convolutions, which are most of it. */
static bool is_matrix(const Tensor *tensor) {
    return (tensor->rank == 2 && g_str_has_suffix(tensor->name, ".weight")) ||
           (tensor->rank == 4 && g_str_has_suffix(tensor->name, ".conv.weight"));
}

static void append_bf16(Conversion *conversion, const Tensor *tensor, const float *x) {
    uint16_t *narrow = own(conversion, tensor_elements(tensor) * sizeof *narrow);
    narrow_bf16(x, tensor_elements(tensor), narrow);
    append(conversion, tensor, ST_BF16, narrow);
}

static bool check_finite(const Conversion *conversion, const Tensor *tensor, const float *x,
                         GError **error) {
    int64_t n = tensor_elements(tensor), i = 0;
    while (i < n && isfinite(x[i])) i++;
    if (i == n) return true;
    return error_fail(error, ERR_FORMAT, "%s: %s: row %" G_GINT64_FORMAT " is not finite",
                      safetensors_path(conversion->from, tensor), tensor->name,
                      i / (n / tensor->shape[0]));
}

static bool append_int8(Conversion *conversion, const Tensor *tensor, const float *x,
                        GError **error) {
    int64_t rows = tensor->shape[0], cols = tensor_elements(tensor) / MAX(rows, 1);
    if (!check_finite(conversion, tensor, x, error)) return false;
    int8_t *narrow = own(conversion, rows * cols);
    float *scale = own(conversion, rows * sizeof *scale);
    for (int64_t row = 0; row < rows; row++)
        scale[row] = narrow_int8(x + row * cols, cols, narrow + row * cols);
    append(conversion, tensor, ST_I8, narrow);
    char *name = g_strconcat(tensor->name, "_scale", NULL);
    g_ptr_array_add(conversion->owned, name);
    Tensor scales = {name, ST_F32, 1, {rows}, scale, rows * sizeof *scale};
    g_array_append_val(conversion->tensors, scales);
    return true;
}

/* Scales of an int8 source are read with their matrices; integers are buffers. */
static bool is_wanted(const Safetensors *from, const Tensor *tensor) {
    if (tensor->type == ST_I8) return is_matrix(tensor);
    if (!widen_handles(tensor->type)) return false;
    if (!g_str_has_suffix(tensor->name, ".weight_scale")) return true;
    g_autofree char *matrix = g_strndup(tensor->name, strlen(tensor->name) - strlen("_scale"));
    const Tensor *scaled = safetensors_find(from, matrix);
    return !scaled || scaled->type != ST_I8;
}

static bool convert_tensor(Conversion *conversion, Weights *weights, const Tensor *tensor,
                           GError **error) {
    const float *x = weights_floats(weights, tensor->name, tensor->rank, tensor->shape, error);
    if (!x) return false;
    if (conversion->type == NN_I8 && is_matrix(tensor) && tensor->rank == 2)
        return append_int8(conversion, tensor, x, error);
    if (conversion->type != NN_F32 && is_matrix(tensor))
        append_bf16(conversion, tensor, x);
    else
        append(conversion, tensor, ST_F32, x);
    return true;
}

static bool convert_all(Conversion *conversion, Weights *weights, GError **error) {
    for (int i = 0; i < safetensors_count(conversion->from); i++) {
        const Tensor *tensor = safetensors_at(conversion->from, i);
        if (is_wanted(conversion->from, tensor) &&
            !convert_tensor(conversion, weights, tensor, error))
            return false;
    }
    return true;
}

static bool convert_weights(const char *dir, const char *out, NnType type, GError **error) {
    g_autoptr(Weights) weights = weights_open(dir, error);
    if (!weights) return false;
    Conversion conversion = {weights_tensors(weights), type,
                             g_array_new(FALSE, FALSE, sizeof(Tensor)),
                             g_ptr_array_new_with_free_func(g_free)};
    g_autofree char *path = g_build_filename(out, WEIGHTS_FILE, NULL);
    const char *metadata[] = {"format", "pt", QUANT_TYPE_KEY, quant_type_name(type), NULL};
    bool done = convert_all(&conversion, weights, error) &&
                safetensors_write(path, (const Tensor *)conversion.tensors->data,
                                  conversion.tensors->len, metadata, error);
    g_array_free(conversion.tensors, TRUE);
    g_ptr_array_free(conversion.owned, TRUE);
    return done;
}

static bool write_map(int fd, const char *path, void *user, GError **error) {
    GMappedFile *map = user;
    return file_put(fd, path, g_mapped_file_get_contents(map), g_mapped_file_get_length(map),
                    error);
}

static bool copy_companions(const char *dir, const char *out, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(companions); i++) {
        g_autofree char *from = g_build_filename(dir, companions[i], NULL);
        g_autofree char *to = g_build_filename(out, companions[i], NULL);
        bool needed = strcmp(companions[i], CONFIG_FILE) == 0;
        if (!needed && !g_file_test(from, G_FILE_TEST_EXISTS)) continue;
        GMappedFile *map = file_map(from, error);
        bool done = map && file_replace(to, write_map, map, error);
        g_clear_pointer(&map, g_mapped_file_unref);
        if (!done) return false;
    }
    return true;
}

/* Removes the unfinished directory and the files that were put into it. */
static void discard(const char *dir) {
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    for (const char *name; list && (name = g_dir_read_name(list));) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
}

static bool check_free(const char *out, GError **error) {
    g_autoptr(GDir) list = g_dir_open(out, 0, NULL);
    if (!g_file_test(out, G_FILE_TEST_EXISTS)) return true;
    if (list && !g_dir_read_name(list)) return true;
    return error_fail_errno(error, out, list ? ENOTEMPTY : EEXIST);
}

/* Takes the slashes from the end of a name, so that its neighbour can be named. */
static char *strip_slashes(char *name) {
    for (size_t len = name ? strlen(name) : 0; len > 1 && name[len - 1] == '/'; len--)
        name[len - 1] = 0;
    return name;
}

bool quant_convert(const char *dir, const char *out, NnType type, GError **error) {
    g_autofree char *name = strip_slashes(g_strdup(out));
    g_autofree char *place = strip_slashes(file_target(name, error));
    if (!place) return false;
    g_autofree char *parent = g_path_get_dirname(place);
    g_autofree char *beside = g_strconcat(place, ".XXXXXX", NULL);
    if (!check_free(place, error)) return false;
    if (!g_mkdtemp_full(beside, 0777)) return error_fail_errno(error, place, errno);
    bool done = copy_companions(dir, beside, error) && convert_weights(dir, beside, type, error);
    if (done && g_rename(beside, place) != 0) done = error_fail_errno(error, place, errno);
    if (!done) discard(beside);
    return done && file_sync_dir(parent, error);
}
