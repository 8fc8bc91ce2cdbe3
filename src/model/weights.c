/* Weights by name, as the towers want them. Widened copies are kept by tensor, so that binding
 * twice costs nothing and counts once. */
#include "weights.h"

#include "error.h"
#include "tensor_set.h"
#include "torch_bin.h"
#include "widen.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

struct Weights {
    Safetensors *tensors; /* NULL: blank */
    GPtrArray *blanks;    /* of Tensor *, each one block with its name and data; or NULL */
    char *path;
    GHashTable *bound; /* Tensor → its floats when widened, else the tensor itself */
    GPtrArray *owned;
    int64_t parameters;
    NnType type;
    void *settled; /* by weights_settle, or NULL */
    size_t settled_bytes;
};

static const struct {
    const char *name;
    Safetensors *(*open)(const char *path, GError **error);
} sources[] = {
    {"model.safetensors", safetensors_open},
    {"model.safetensors.index.json", safetensors_open},
    {"pytorch_model.bin", torch_bin_open},
    {"pytorch_model.bin.index.json", torch_bin_open},
};

static Safetensors *open_first(const char *dir, char **path, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *at = g_build_filename(dir, sources[i].name, NULL);
        if (!g_file_test(at, G_FILE_TEST_EXISTS)) continue;
        *path = g_steal_pointer(&at);
        return sources[i].open(*path, error);
    }
    error_fail(error, ERR_NOT_FOUND, "%s: %s", dir,
               g_file_test(dir, G_FILE_TEST_IS_DIR)
                   ? "holds none of model.safetensors, model.safetensors.index.json, "
                     "pytorch_model.bin, pytorch_model.bin.index.json"
                   : "no such directory");
    return NULL;
}

static Weights *weights_new(Safetensors *tensors, char *path) {
    Weights *weights = g_new0(Weights, 1);
    *weights = (Weights){.tensors = tensors, .path = path, .type = NN_F32};
    weights->bound = g_hash_table_new(NULL, NULL);
    weights->owned = g_ptr_array_new_with_free_func(g_free);
    return weights;
}

Weights *weights_open(const char *dir, GError **error) {
    char *path = NULL;
    Safetensors *tensors = open_first(dir, &path, error);
    if (tensors) return weights_new(tensors, path);
    g_free(path);
    return NULL;
}

Weights *weights_blank(void) {
    Weights *weights = weights_new(NULL, NULL);
    weights->blanks = g_ptr_array_new();
    return weights;
}

void weights_close(Weights *weights) {
    if (!weights) return;
    if (weights->settled) munmap(weights->settled, weights->settled_bytes);
    if (weights->tensors) safetensors_close(weights->tensors);
    if (weights->blanks) g_ptr_array_free(weights->blanks, TRUE);
    g_hash_table_destroy(weights->bound);
    g_ptr_array_free(weights->owned, TRUE);
    g_free(weights->path);
    g_free(weights);
}

static char *shape_text(int rank, const int64_t *shape) {
    GString *text = g_string_new("[");
    for (int i = 0; i < rank; i++)
        g_string_append_printf(text, i ? ", %" G_GINT64_FORMAT : "%" G_GINT64_FORMAT, shape[i]);
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

static const Tensor *missing(const Weights *weights, const char *name, GError **error) {
    g_autofree char *prefixed = g_strconcat("clap.", name, NULL);
    bool other = safetensors_find(weights->tensors, prefixed) != NULL;
    error_fail(error, ERR_FORMAT, "%s: %s: no such tensor%s%s%s", weights->path, name,
               other ? ", but there is " : "", other ? prefixed : "",
               other ? ": names must not begin with clap." : "");
    return NULL;
}

/* The blank tensor of this name, made when it is new. Everything it has is `owned`. */
static const Tensor *blank(Weights *weights, const char *name, int rank, const int64_t *shape) {
    for (guint i = 0; i < weights->blanks->len; i++) {
        const Tensor *known = weights->blanks->pdata[i];
        if (strcmp(known->name, name) == 0) return known;
    }
    Tensor *tensor = g_new0(Tensor, 1);
    *tensor = (Tensor){.name = g_strdup(name), .type = ST_F32, .rank = rank};
    tensor->bytes = sizeof(float);
    for (int d = 0; d < rank; d++) {
        tensor->shape[d] = shape[d];
        tensor->bytes *= (size_t)shape[d];
    }
    tensor->data = g_malloc0(tensor->bytes);
    g_ptr_array_add(weights->owned, (char *)tensor->name);
    g_ptr_array_add(weights->owned, (void *)tensor->data);
    g_ptr_array_add(weights->owned, tensor);
    g_ptr_array_add(weights->blanks, tensor);
    return tensor;
}

static const Tensor *find(Weights *weights, const char *name, int rank, const int64_t *shape,
                          GError **error) {
    if (weights->blanks) return blank(weights, name, rank, shape);
    const Tensor *tensor = safetensors_find(weights->tensors, name);
    if (!tensor) return missing(weights, name, error);
    int same = 0;
    while (same < rank && tensor->shape[same] == shape[same]) same++;
    if (tensor->rank == rank && same == rank) return tensor;
    g_autofree char *is = shape_text(tensor->rank, tensor->shape);
    g_autofree char *wanted = shape_text(rank, shape);
    error_fail(error, ERR_FORMAT, "%s: %s: the shape is %s, not %s",
               safetensors_path(weights->tensors, tensor), name, is, wanted);
    return NULL;
}

/* NAME_scale [n] of an int8 tensor [n][…], which may lie at an odd address. NULL: an error. */
static const float *find_scale(Weights *weights, const Tensor *tensor, GError **error) {
    g_autofree char *name = g_strconcat(tensor->name, "_scale", NULL);
    const Tensor *scale = find(weights, name, 1, tensor->shape, error);
    if (!scale) return NULL;
    if (scale->type != ST_F32) {
        error_fail(error, ERR_FORMAT, "%s: %s: the type is %s, not F32",
                   safetensors_path(weights->tensors, scale), name, st_type_name(scale->type));
        return NULL;
    }
    if ((uintptr_t)scale->data % sizeof(float) == 0) return scale->data;
    float *copy = g_memdup2(scale->data, scale->bytes);
    g_ptr_array_add(weights->owned, copy);
    return copy;
}

static void count(Weights *weights, const Tensor *tensor, const void *as) {
    if (g_hash_table_insert(weights->bound, (void *)tensor, (void *)as))
        weights->parameters += tensor_elements(tensor);
}

static const float *widened(Weights *weights, const Tensor *tensor, GError **error) {
    const float *scale = NULL;
    if (tensor->type == ST_I8 && tensor->rank > 0) {
        scale = find_scale(weights, tensor, error);
        if (!scale) return NULL;
    } else if (!widen_handles(tensor->type)) {
        error_fail(error, ERR_FORMAT, "%s: %s: the type is %s, not F32",
                   safetensors_path(weights->tensors, tensor), tensor->name,
                   st_type_name(tensor->type));
        return NULL;
    }
    float *wide = g_new(float, MAX(tensor_elements(tensor), 1));
    g_ptr_array_add(weights->owned, wide);
    widen(tensor, scale, wide);
    return wide;
}

/* The tensor as f32: as it lies where that is possible, else from the copies, else a new one. */
static const float *floats(Weights *weights, const Tensor *tensor, GError **error) {
    if (tensor->type == ST_F32 && (uintptr_t)tensor->data % sizeof(float) == 0) {
        count(weights, tensor, tensor->data);
        return tensor->data;
    }
    const float *known = g_hash_table_lookup(weights->bound, tensor);
    if (known && known != tensor->data) return known;
    known = widened(weights, tensor, error);
    if (known) count(weights, tensor, known);
    return known;
}

const float *weights_floats(Weights *weights, const char *name, int rank, const int64_t *shape,
                            GError **error) {
    const Tensor *tensor = find(weights, name, rank, shape, error);
    return tensor ? floats(weights, tensor, error) : NULL;
}

/* As it lies (BF16, int8), or as f32. */
static bool bind_matrix(Weights *weights, const Tensor *tensor, NnMatrix *out, GError **error) {
    if (tensor->type == ST_I8) {
        out->type = NN_I8;
        out->w = tensor->data;
        out->scale = find_scale(weights, tensor, error);
        if (!out->scale) return false;
    } else if (tensor->type == ST_BF16 && (uintptr_t)tensor->data % sizeof(uint16_t) == 0) {
        out->type = NN_BF16;
        out->w = tensor->data;
    } else {
        out->type = NN_F32;
        out->w = floats(weights, tensor, error);
        return out->w != NULL;
    }
    count(weights, tensor, tensor->data);
    return true;
}

bool weights_matrix(Weights *weights, const char *name, int n, int k, bool with_bias, NnMatrix *out,
                    GError **error) {
    g_autofree char *weight = g_strconcat(name, ".weight", NULL);
    g_autofree char *bias = g_strconcat(name, ".bias", NULL);
    const Tensor *tensor = find(weights, weight, 2, (int64_t[]){n, k}, error);
    *out = (NnMatrix){.n = n, .k = k};
    if (!tensor || !bind_matrix(weights, tensor, out, error)) return false;
    if (with_bias) {
        out->bias = weights_floats(weights, bias, 1, (int64_t[]){n}, error);
        if (!out->bias) return false;
    }
    weights->type = MAX(weights->type, out->type);
    return true;
}

void weights_row(const NnMatrix *matrix, int row, float *out) {
    static const StType types[] = {[NN_F32] = ST_F32, [NN_BF16] = ST_BF16, [NN_I8] = ST_I8};
    StType type = types[matrix->type];
    size_t bytes = matrix->k * st_type_size(type);
    Tensor tensor = {.type = type,
                     .rank = 2,
                     .shape = {1, matrix->k},
                     .data = (const char *)matrix->w + row * bytes,
                     .bytes = bytes};
    widen(&tensor, matrix->scale ? matrix->scale + row : NULL, out);
}

static size_t matrix_bytes(const NnMatrix *matrix) {
    static const size_t element[] = {[NN_F32] = 4, [NN_BF16] = 2, [NN_I8] = 1};
    return (size_t)matrix->n * matrix->k * element[matrix->type];
}

/* madvise over the pages that the matrix lies on. */
static void advise(const NnMatrix *matrix, int advice) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)matrix->w / page * page;
    madvise((void *)start, (uintptr_t)matrix->w + matrix_bytes(matrix) - start, advice);
}

void weights_touch(const NnMatrix *matrix) {
    advise(matrix, MADV_POPULATE_READ);
}

/* The next multiple of a cache line. */
static size_t padded(size_t bytes) {
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void weights_settle(Weights *weights, NnMatrix *const *matrices, int count) {
    size_t bytes = HUGE_PAGE, at = 0;
    for (int i = 0; i < count; i++) bytes += padded(matrix_bytes(matrices[i]));
    char *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return;
    weights->settled = room;
    weights->settled_bytes = bytes;
    room += HUGE_PAGE - (uintptr_t)room % HUGE_PAGE;
    madvise(room, bytes - HUGE_PAGE, MADV_HUGEPAGE);
    for (int i = 0; i < count; i++) {
        memcpy(room + at, matrices[i]->w, matrix_bytes(matrices[i]));
        matrices[i]->w = room + at;
        at += padded(matrix_bytes(matrices[i]));
    }
}

int64_t weights_parameters(const Weights *weights) {
    return weights->parameters;
}

NnType weights_type(const Weights *weights) {
    return weights->type;
}

const Safetensors *weights_tensors(const Weights *weights) {
    return weights->tensors;
}

void weights_each(Weights *weights, WeightsVisit *visit, void *user) {
    int count = weights->blanks ? (int)weights->blanks->len : safetensors_count(weights->tensors);
    for (int i = 0; i < count; i++) {
        const Tensor *tensor =
            weights->blanks ? weights->blanks->pdata[i] : safetensors_at(weights->tensors, i);
        if (g_hash_table_contains(weights->bound, tensor)) visit(user, tensor);
    }
}
