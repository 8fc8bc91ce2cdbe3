/* earshot remove: makes the library forget clips, or single paths of them. Files stay. */
#include "app_library.h"
#include "error.h"
#include "json_path.h"

#include <string.h>

static const Option options[] = {{OPTION_END}};

static bool remove_by_id(Library *library, const char *named, GError **error) {
    Backend *backend = library_backend(library);
    g_autoptr(Clip) clip = backend->ops->find(backend, named, false, error);
    return clip && backend->ops->remove_clip(backend, clip_number_of_id(clip->id), error);
}

typedef struct {
    const char *path;
    bool found;
} Wanted;

static bool look_at_failure(void *user, const char *path, const char *why, GError **error) {
    Wanted *wanted = user;
    wanted->found = strcmp(path, wanted->path) == 0;
    return !wanted->found;
}

static bool is_failure(Backend *backend, const char *path, GError **error) {
    Wanted wanted = {.path = path};
    return backend->ops->each_failure(backend, look_at_failure, &wanted, error) && wanted.found;
}

/* A path that the library knows is forgotten, with its clip when it is the last one, and so is a
 * failure remembered for it; else `named` may be the digits of an id. */
static bool remove_named(Library *library, const char *named, GError **error) {
    Backend *backend = library_backend(library);
    if (g_str_has_prefix(named, "id:")) return remove_by_id(library, named, error);
    g_autofree char *path = g_canonicalize_filename(named, NULL);
    GError *fault = NULL;
    if (backend->ops->remove_path(backend, path, &fault)) return true;
    if (!fault && is_failure(backend, path, &fault))
        return backend->ops->clear_failure(backend, path, error);
    if (!fault) return remove_by_id(library, named, error);
    g_propagate_error(error, fault);
    return false;
}

static void note_failure(App *app, json_t *failed, const char *named, const GError *fault) {
    json_t *row = json_object();
    json_set_path(row, named);
    json_object_set_new(row, "error", json_string(fault->message));
    json_array_append_new(failed, row);
    app_fault(app, fault->message);
}

static bool remove_all(App *app, char **named, json_t *failed, GError **error) {
    g_autoptr(Library) library = app_open_library(app, STORE_WRITE, error);
    if (!library) return false;
    for (; *named; named++) {
        g_autoptr(GError) fault = NULL;
        if (!app_go_on(app, error)) return false;
        if (remove_named(library, *named, &fault))
            app->done++;
        else
            note_failure(app, failed, *named, fault);
    }
    return library_settle(library, error);
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_remove, NULL, &args, error)) return false;
    if (!args[1]) return error_fail(error, ERR_USAGE, "name clips: id:HEX or paths");
    json_t *failed = json_array();
    bool well = remove_all(app, args + 1, failed, error);
    if (app->common.json)
        app_print_document(json_pack("{s:i, s:O}", "removed", app->done, "failed", failed));
    else if (!app->common.quiet && app->done)
        printf("%d forgotten\n", app->done);
    json_decref(failed);
    return well;
}

const Command command_remove = {
    .name = "remove",
    .usage = "remove id:HEX|PATH...",
    .summary = "make the library forget clips; the files stay",
    .more =
        "A clip that lies under several paths stays until the last of them is forgotten; id:HEX\n"
        "forgets all of them. A file that is still there comes back with the next `earshot index`.",
    .options = options,
    .run = run,
};
