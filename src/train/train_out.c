/* The directory that a run makes: a model like any other, and .train beside it. See
 * train_private.h.
 */
#include "error.h"
#include "file.h"
#include "train_private.h"

#include <errno.h>
#include <glib/gstdio.h>

#define MAX_COMPANION (64 << 20) /* bytes */

/* What makes a model directory besides its weights. */
static const char *const companions[COMPANIONS] = {
    "config.json", "preprocessor_config.json", "processor_config.json", "vocab.json",
    "merges.txt",  "tokenizer.json",           "tokenizer_config.json", "special_tokens_map.json"};

const char *train_origin(const TrainOptions *o) {
    return o->from ? o->from : o->config;
}

static bool read_companions(Train *train, GError **error) {
    for (int i = 0; i < COMPANIONS; i++) {
        g_autofree char *path = g_build_filename(train_origin(train->options), companions[i], NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS)) continue;
        train->companions[i] = file_bytes(path, MAX_COMPANION, error);
        if (!train->companions[i]) return false;
    }
    return true;
}

/* A directory that is there must be one of ours, or empty. */
bool train_out_open(Train *train, GError **error) {
    const char *out = train->options->out;
    g_autofree char *inside = g_build_filename(out, TRAIN_DIR, NULL);
    g_autoptr(GDir) dir = g_dir_open(out, 0, NULL);
    if (dir && g_dir_read_name(dir) && !g_file_test(inside, G_FILE_TEST_IS_DIR))
        return error_fail(error, ERR_CONFLICT, "%s: is there already, and not from training", out);
    return read_companions(train, error);
}

bool train_out_make(const Train *train, GError **error) {
    g_autofree char *inside = g_build_filename(train->options->out, TRAIN_DIR, NULL);
    return g_mkdir_with_parents(inside, 0755) == 0 || error_fail_errno(error, inside, errno);
}

void train_out_close(Train *train) {
    for (int i = 0; i < COMPANIONS; i++)
        if (train->companions[i]) g_bytes_unref(train->companions[i]);
}

static bool put_companion(const Train *train, int i, GError **error) {
    g_autofree char *path = g_build_filename(train->options->out, companions[i], NULL);
    gsize len = 0;
    const void *data = train->companions[i] ? g_bytes_get_data(train->companions[i], &len) : NULL;
    if (train->companions[i]) return file_replace_bytes(path, data, len, error);
    return g_unlink(path) == 0 || errno == ENOENT || error_fail_errno(error, path, errno);
}

/* What an earlier run left is replaced here and not before: until then it is whole. */
bool train_save_model(const Train *train, GError **error) {
    for (int i = 0; i < COMPANIONS; i++)
        if (!put_companion(train, i, error)) return false;
    g_autofree char *path = g_build_filename(train->options->out, "model.safetensors", NULL);
    return params_save(train->params, train->state.ema, path, error);
}
