/* earshot stats: how much the library holds, and how large it is. */
#include "app_library.h"
#include "error.h"
#include "si.h"

#include <string.h>

static const Option options[] = {{OPTION_END}};

static json_t *stats_json(const char *library, const StoreModel *model, const StoreStats *stats,
                          int64_t index_bytes) {
    g_autofree char *name = g_utf8_make_valid(library, -1);
    g_autofree char *model_name = model ? g_utf8_make_valid(model->model, -1) : NULL;
    json_t *row =
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:s?, s:{s:I, s:I}}", "library", name, "clips",
                  (json_int_t)stats->clips, "paths", (json_int_t)stats->paths, "windows",
                  (json_int_t)stats->windows, "audio_seconds", stats->audio_seconds, "failed",
                  (json_int_t)stats->failed, "model", model_name, "bytes", "database",
                  (json_int_t)stats->bytes, "index", (json_int_t)index_bytes);
    json_object_set_new(row, "dim", model ? json_integer(model->dim) : json_null());
    json_object_set_new(row, "model_sha256",
                        model ? json_string(model->model_sha256) : json_null());
    json_object_set_new(row, "window_seconds", model ? json_real(model->window) : json_null());
    json_object_set_new(row, "hop_seconds", model ? json_real(model->hop) : json_null());
    return row;
}

static void print_model(const StoreModel *model) {
    g_autofree char *name = error_printable(model->model);
    printf("model     %s, %d numbers a vector\n", name, model->dim);
    printf("windows   of %g s, every %g s\n", model->window, model->hop);
}

static void print_stats(const char *library, const StoreModel *model, const StoreStats *stats,
                        int64_t index_bytes) {
    g_autofree char *name = error_printable(library);
    g_autofree char *database = si_bytes((uint64_t)stats->bytes);
    g_autofree char *index = si_bytes((uint64_t)index_bytes);
    printf("library   %s\n", name);
    printf("clips     %" G_GINT64_FORMAT " under %" G_GINT64_FORMAT " paths\n", stats->clips,
           stats->paths);
    printf("audio     %.2f hours in %" G_GINT64_FORMAT " windows\n", stats->audio_seconds / 3600,
           stats->windows);
    if (stats->failed)
        printf("failed    %" G_GINT64_FORMAT " files (earshot list --failed)\n", stats->failed);
    if (model) print_model(model);
    printf("size      %s database, %s index\n", database, index);
}

static bool stats(App *app, GError **error) {
    StoreStats counts;
    int64_t index_bytes;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    Backend *backend = library ? library_backend(library) : NULL;
    if (!library || !backend->ops->stats(backend, &counts, &index_bytes, error)) return false;
    const StoreModel *model = backend->ops->model(backend);
    if (app->common.json)
        app_print_document(stats_json(library_name(library), model, &counts, index_bytes));
    else
        print_stats(library_name(library), model, &counts, index_bytes);
    return true;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_stats, NULL, &args, error)) return false;
    if (args[1]) return error_fail(error, ERR_USAGE, "stats takes no arguments");
    return stats(app, error);
}

const Command command_stats = {
    .name = "stats",
    .usage = "stats",
    .summary = "how much the library holds, and how large it is",
    .options = options,
    .run = run,
};
