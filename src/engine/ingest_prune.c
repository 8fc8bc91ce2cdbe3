/* Forgetting what is gone. A path is gone when stat says so, not when a walk did not come by it: a
 * folder that cannot be read, or a glob, forgets nothing. */
#include "ingest_private.h"

#include "error.h"

#define AT_ONCE 500 /* paths in one transaction */

typedef struct {
    const char *under;
    GPtrArray *paths;
    bool any;
} Gone;

static bool note_path(void *user, const char *path, int64_t clip, GError **error) {
    Gone *gone = user;
    gone->any = true;
    if (walk_is_gone(path)) g_ptr_array_add(gone->paths, g_strdup(path));
    return true;
}

static bool note_failure(void *user, const char *path, const char *why, GError **error) {
    Gone *gone = user;
    if (walk_relative(gone->under, path) && walk_is_gone(path))
        g_ptr_array_add(gone->paths, g_strdup(path));
    return true;
}

static bool forget_some(Ingest *ingest, GPtrArray *paths, guint from, guint to, GError **error) {
    if (!ingest->ops->begin(ingest->backend, error)) return false;
    GError *fault = NULL;
    for (guint i = from; !fault && i < to; i++)
        if (ingest->ops->remove_path(ingest->backend, paths->pdata[i], &fault))
            ingest->report->removed++;
    bool well = ingest->ops->end(ingest->backend, fault == NULL, fault ? NULL : error);
    if (!fault) return well;
    g_propagate_error(error, fault);
    return false;
}

static bool forget_paths(Ingest *ingest, GPtrArray *paths, GError **error) {
    if (ingest->options->dry_run) ingest->report->removed += paths->len;
    for (guint i = 0; !ingest->options->dry_run && i < paths->len; i += AT_ONCE)
        if (!forget_some(ingest, paths, i, MIN(i + AT_ONCE, paths->len), error)) return false;
    return true;
}

static bool forget_failures(Ingest *ingest, Gone *gone, GError **error) {
    g_ptr_array_set_size(gone->paths, 0);
    if (!ingest->ops->each_failure(ingest->backend, note_failure, gone, error)) return false;
    for (guint i = 0; !ingest->options->dry_run && i < gone->paths->len; i++)
        if (!ingest->ops->clear_failure(ingest->backend, gone->paths->pdata[i], error))
            return false;
    return true;
}

/* A folder without anything in it is what an unmounted disk leaves. */
static void refuse(Ingest *ingest, const char *root) {
    g_autoptr(GError) why = NULL;
    error_fail(&why, ERR_NOT_FOUND,
               "%s: is empty, but the library knows sounds below it: nothing was forgotten (is a "
               "disk not mounted?)",
               root);
    ingest_fail(ingest, root, NULL, why);
}

static bool prune_root(Ingest *ingest, const char *root, GError **error) {
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    Gone gone = {root, paths, false};
    if (walk_is_gone(root)) return true; /* it was said to be */
    if (!ingest->ops->each_path(ingest->backend, root, note_path, &gone, error)) return false;
    bool empty = g_ptr_array_find_with_equal_func(ingest->unmounted, root, g_str_equal, NULL);
    if (empty && gone.any) {
        refuse(ingest, root);
        return true;
    }
    return forget_paths(ingest, paths, error) && forget_failures(ingest, &gone, error);
}

bool ingest_prune_at(Ingest *ingest, const char *path, GError **error) {
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    Gone gone = {path, paths, false};
    if (walk_is_gone(path)) g_ptr_array_add(paths, g_strdup(path));
    return ingest->ops->each_path(ingest->backend, path, note_path, &gone, error) &&
           forget_paths(ingest, paths, error);
}

bool ingest_prune(Ingest *ingest, GError **error) {
    for (guint i = 0; i < ingest->roots->len; i++)
        if (!prune_root(ingest, ingest->roots->pdata[i], error)) return false;
    return true;
}
