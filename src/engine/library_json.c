/* What a library holds, and what came of a run, as JSON. */
#include "library_json.h"

#include "json_path.h"

json_t *failure_json(const char *path, const char *why) {
    g_autofree char *reason = g_utf8_make_valid(why, -1);
    json_t *row = json_object();
    json_set_path(row, path);
    json_object_set_new(row, "error", json_string(reason));
    return row;
}

static json_t *failures_json(const GPtrArray *failed) {
    json_t *list = json_array();
    for (guint i = 0; failed && i < failed->len; i++) {
        const IngestFailure *failure = failed->pdata[i];
        json_array_append_new(list, failure_json(failure->path, failure->error));
    }
    return list;
}

json_t *ingest_report_json(const IngestReport *r) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:f, s:f}", "added",
                     (json_int_t)r->added, "changed", (json_int_t)r->changed, "moved",
                     (json_int_t)r->moved, "copied", (json_int_t)r->copied, "unchanged",
                     (json_int_t)r->unchanged, "removed", (json_int_t)r->removed, "failed",
                     failures_json(r->failed), "failed_before", (json_int_t)r->failed_before,
                     "windows", (json_int_t)r->windows, "audio_seconds", r->audio_seconds,
                     "seconds", r->seconds);
}

static void set_model(json_t *row, const StoreModel *model) {
    json_object_set_new(row, "dim", model ? json_integer(model->dim) : json_null());
    json_object_set_new(row, "model_sha256",
                        model ? json_string(model->model_sha256) : json_null());
    json_object_set_new(row, "window_seconds", model ? json_real(model->window) : json_null());
    json_object_set_new(row, "hop_seconds", model ? json_real(model->hop) : json_null());
}

json_t *library_stats_json(Library *library, GError **error) {
    StoreStats stats;
    int64_t index_bytes;
    Backend *backend = library_backend(library);
    if (!backend->ops->stats(backend, &stats, &index_bytes, error)) return NULL;
    const StoreModel *model = backend->ops->model(backend);
    g_autofree char *name = g_utf8_make_valid(library_name(library), -1);
    g_autofree char *model_name = model ? g_utf8_make_valid(model->model, -1) : NULL;
    json_t *row =
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:s?, s:{s:I, s:I}}", "library", name, "clips",
                  (json_int_t)stats.clips, "paths", (json_int_t)stats.paths, "windows",
                  (json_int_t)stats.windows, "audio_seconds", stats.audio_seconds, "failed",
                  (json_int_t)stats.failed, "model", model_name, "bytes", "database",
                  (json_int_t)stats.bytes, "index", (json_int_t)index_bytes);
    set_model(row, model);
    return row;
}
