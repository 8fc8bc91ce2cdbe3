/* What `match` is measured against. A model that brings a background.safetensors says it itself:
 * "sounds" [n][dim], "texts" [m][dim], floats of any width, and in its metadata "slope" and
 * "middle". For others a fixed list of sentences is embedded once; the vectors are kept in the
 * library, since a search must not wait for 250 runs of the text tower. */
#include "library.h"

#include "error.h"
#include "library_private.h"
#include "safetensors.h"
#include "vec.h"
#include "widen.h"

#include <math.h>
#include <string.h>

#define BACKGROUND_FILE "background.safetensors"
#define BACKGROUND_KEY  "background.texts.1" /* floats, [background_text_count][dim] */
#define BACKGROUND_MAX  100000               /* rows of a model's own */

/* Rows made unit vectors; a row that is none (zero, not finite) is an error. */
static bool check_rows(const char *path, const char *name, float *rows, int count, int dim,
                       GError **error) {
    for (int r = 0; r < count; r++) {
        float length = vec_normalise(rows + (gsize)r * (gsize)dim, (gsize)dim);
        if (!(length > 0) || !isfinite(length))
            return error_fail(error, ERR_FORMAT, "%s: %s: row %d is not a vector", path, name, r);
    }
    return true;
}

/* A tensor [count][dim] → floats, the caller's; *count 0 when it is not there. */
static bool read_rows(const Safetensors *file, const char *path, const char *name, int dim,
                      float **rows, int *count, GError **error) {
    const Tensor *tensor = safetensors_find(file, name);
    *rows = NULL, *count = 0;
    if (!tensor) return true;
    if (!widen_handles(tensor->type) || tensor->rank != 2 || tensor->shape[1] != dim ||
        tensor->shape[0] > BACKGROUND_MAX)
        return error_fail(error, ERR_FORMAT, "%s: %s: wants floats [at most %d][%d]", path, name,
                          BACKGROUND_MAX, dim);
    *rows = g_new(float, tensor->shape[0] * dim);
    widen(tensor, NULL, *rows);
    *count = (int)tensor->shape[0];
    return check_rows(path, name, *rows, *count, dim, error);
}

static double number_of(const Safetensors *file, const char *key, double otherwise) {
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    double number = text ? g_ascii_strtod(text, &end) : otherwise;
    return isfinite(number) && end != text ? number : otherwise;
}

static bool read_model(const char *path, Background *into, GError **error) {
    g_autoptr(Safetensors) file = safetensors_open(path, error);
    if (!file) return false;
    into->slope = number_of(file, "slope", MATCH_SLOPE);
    into->middle = number_of(file, "middle", MATCH_MIDDLE);
    return read_rows(file, path, "sounds", into->dim, &into->sound, &into->sounds, error) &&
           read_rows(file, path, "texts", into->dim, &into->text, &into->texts, error);
}

static bool take_kept(Library *library, Background *into) {
    gsize size = 0, want = (gsize)background_text_count * (gsize)into->dim * sizeof(float);
    g_autoptr(GBytes) kept = library->backend->ops->get(library->backend, BACKGROUND_KEY, NULL);
    const float *rows = kept ? g_bytes_get_data(kept, &size) : NULL;
    if (!rows || size != want) return false;
    into->text = g_memdup2(rows, size);
    into->texts = background_text_count;
    return true;
}

/* A library that is open for reading alone does without keeping them. */
static bool make_texts(Library *library, Background *into, GError **error) {
    gsize size = (gsize)background_text_count * (gsize)into->dim * sizeof(float);
    into->text = g_malloc(size);
    into->texts = background_text_count;
    if (!engine_embed_texts(library->engine, background_texts, background_text_count, into->text,
                            NULL, error))
        return false;
    GError *fault = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(into->text, size);
    bool kept = library->backend->ops->put(library->backend, BACKGROUND_KEY, bytes, &fault);
    if (kept || g_error_matches(fault, EARSHOT_ERROR, ERR_DENIED)) {
        g_clear_error(&fault);
        return true;
    }
    g_propagate_error(error, fault);
    return false;
}

Background *library_load_background(Library *library, GError **error) {
    const StoreModel *own = library->backend->ops->model(library->backend);
    Background *made = g_new0(Background, 1);
    made->slope = MATCH_SLOPE, made->middle = MATCH_MIDDLE;
    made->dim = own ? own->dim : clap_dim(engine_clap(library->engine));
    bool well = true;
    if (library->engine) {
        g_autofree char *path =
            g_build_filename(engine_dir(library->engine), BACKGROUND_FILE, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) well = read_model(path, made, error);
    }
    if (well && !made->texts && !take_kept(library, made) && library->engine)
        well = make_texts(library, made, error);
    if (well && made->texts) return made;
    match_background_free(made);
    return NULL;
}
