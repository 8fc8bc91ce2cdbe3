/* What a run needs to go on as if it had not stopped. It appears whole or not at all. See
 * train_private.h. */
#include "error.h"
#include "file.h"
#include "safetensors.h"
#include "train_private.h"

#include <glib/gstdio.h>
#include <string.h>

#define CHECKPOINT "checkpoint.safetensors"

static char *checkpoint_path(const Train *train) {
    return g_build_filename(train->options->out, TRAIN_DIR, CHECKPOINT, NULL);
}

bool checkpoint_save(const Train *train, GError **error) {
    int64_t floats = (int64_t)train->params->floats;
    gsize bytes = sizeof(float) * (gsize)floats;
    Tensor tensors[] = {{"value", ST_F32, 1, {floats}, train->params->value, bytes},
                        {"m", ST_F32, 1, {floats}, train->state.m, bytes},
                        {"v", ST_F32, 1, {floats}, train->state.v, bytes},
                        {"ema", ST_F32, 1, {floats}, train->state.ema, bytes}};
    g_autofree char *path = checkpoint_path(train);
    g_autofree char *step = g_strdup_printf("%" G_GINT64_FORMAT, train->state.step);
    g_autofree char *sum = g_strdup_printf("%.17g %d", train->loss_sum, train->loss_count);
    const char *const metadata[] = {"step", step, "loss", sum, "key", train->key, NULL};
    return safetensors_write(path, tensors, G_N_ELEMENTS(tensors), metadata, error);
}

static bool take(const Safetensors *file, const char *path, const char *name, float *into,
                 gsize floats, GError **error) {
    const Tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->type != ST_F32 || tensor->bytes != sizeof(float) * floats)
        return error_fail(error, ERR_FORMAT, "%s: %s: is not of this model", path, name);
    memcpy(into, tensor->data, tensor->bytes);
    return true;
}

bool checkpoint_load(Train *train, GError **error) {
    g_autofree char *path = checkpoint_path(train);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return error_fail(error, ERR_NOT_FOUND, "%s: there is nothing to resume", path);
    g_autoptr(Safetensors) file = safetensors_open(path, error);
    if (!file) return false;
    const char *key = safetensors_metadata(file, "key"), *step = safetensors_metadata(file, "step");
    const char *loss = safetensors_metadata(file, "loss");
    if (!key || !step || !loss) return error_fail(error, ERR_FORMAT, "%s: is no checkpoint", path);
    if (strcmp(key, train->key) != 0)
        return error_fail(error, ERR_CONFLICT,
                          "%s: was made with another model, other options, sounds or texts; resume "
                          "with the same, or begin anew without --resume",
                          path);
    gsize floats = train->params->floats;
    char *end;
    train->state.step = g_ascii_strtoll(step, NULL, 10);
    train->loss_sum = g_ascii_strtod(loss, &end);
    train->loss_count = (int)g_ascii_strtoll(end, NULL, 10);
    if (train->state.step < 0 || train->state.step > train->state.steps || train->loss_count < 0)
        return error_fail(error, ERR_FORMAT, "%s: step %s is none of this run", path, step);
    return take(file, path, "value", train->params->value, floats, error) &&
           take(file, path, "m", train->state.m, floats, error) &&
           take(file, path, "v", train->state.v, floats, error) &&
           take(file, path, "ema", train->state.ema, floats, error);
}
