/* earshot stats: how much the library holds, and how large it is. */
#include "app_library.h"
#include "error.h"
#include "library_json.h"
#include "si.h"

#include <string.h>

static const Option options[] = {{OPTION_END}};

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

static bool print_document(Library *library, GError **error) {
    json_t *document = library_stats_json(library, error);
    if (document) app_print_document(document);
    return document != NULL;
}

static bool stats(App *app, GError **error) {
    StoreStats counts;
    int64_t index_bytes;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    if (!library) return false;
    if (app->common.json) return print_document(library, error);
    Backend *backend = library_backend(library);
    if (!backend->ops->stats(backend, &counts, &index_bytes, error)) return false;
    print_stats(library_name(library), backend->ops->model(backend), &counts, index_bytes);
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
