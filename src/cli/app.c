/* What all commands do alike. */
#include "app.h"

#include "app_library.h"
#include "error.h"
#include "hub.h"
#include "json_path.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

const Option common_options[] = {
    {OPTION_TEXT, "library", 'L', offsetof(CommonOptions, library), "LIBRARY",
     "where the sounds are known"},
    {OPTION_TEXT, "model", 'm', offsetof(CommonOptions, model), "MODEL",
     "a model's name, or a directory in Hugging Face layout"},
    {OPTION_FLAG, "json", 0, offsetof(CommonOptions, json), NULL,
     "one JSON document on stdout, or JSON Lines"},
    {OPTION_FLAG, "quiet", 'q', offsetof(CommonOptions, quiet), NULL, "no progress, no notes"},
    {OPTION_FLAG, "verbose", 'v', offsetof(CommonOptions, verbose), NULL, "say more"},
    {OPTION_INT, "threads", 0, offsetof(CommonOptions, threads), "N",
     "worker threads (default: one per core)", 0, 1024},
    {OPTION_CHOICE, "color", 0, offsetof(CommonOptions, color), "WHEN", "auto, always or never",
     .choices = "auto|always|never"},
    {OPTION_FLAG, "help", 'h', offsetof(CommonOptions, help), NULL, "say what the command does"},
    {OPTION_FLAG, "version", 0, offsetof(CommonOptions, version), NULL, "print the version"},
    {OPTION_END},
};

static bool wants_color(const App *app) {
    const char *when = app->common.color ? app->common.color : "auto";
    if (strcmp(when, "auto") != 0) return strcmp(when, "always") == 0;
    return isatty(STDOUT_FILENO) && !app->plain;
}

bool app_options(App *app, const Command *command, void *into, char ***argv, GError **error) {
    bool parsed =
        options_parse(command->options, into, common_options, &app->common, argv, false, error);
    app->color = wants_color(app);
    return parsed;
}

char *app_model_dir(App *app, const char *name, GError **error) {
    return hub_find(app->models_dir, name ? name : HUB_BUILTIN, error);
}

/* What the library at hand was made with → name, which the caller frees; NULL: there is no library,
 * or it has no model yet. */
static bool own_model(App *app, char **name, GError **error) {
    *name = NULL;
    if (!library_is_there(app_library_name(app))) return true;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    if (!library) return false;
    const StoreModel *model = library_backend(library)->ops->model(library_backend(library));
    *name = g_strdup(model ? model->model : NULL);
    return true;
}

Engine *app_open_engine(App *app, GError **error) {
    g_autofree char *name = g_strdup(app->common.model);
    if (!name && !own_model(app, &name, error)) return NULL;
    g_autofree char *dir = app_model_dir(app, name, error);
    return dir ? engine_open(dir, app->common.threads, error) : NULL;
}

G_GNUC_PRINTF(1, 0)
static void say(const char *format, va_list args) {
    g_autofree char *text = g_strdup_vprintf(format, args);
    g_autofree char *line = error_printable(text);
    fprintf(stderr, "earshot: %s\n", line);
}

void app_fault(App *app, const char *message) {
    app->failed++;
    fprintf(stderr, "earshot: %s\n", message);
}

void app_say(App *app, const char *format, ...) {
    va_list args;
    if (app->common.quiet) return;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void app_warn(App *app, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void app_warn_of_model(App *app, Engine *engine) {
    const char *warning = engine_warning(engine);
    if (warning) app_warn(app, "%s", warning);
}

Progress *app_progress(App *app, const char *what, const char *unit, uint64_t total) {
    return progress_new(stderr, progress_style_for(stderr, app->common.quiet), what, unit, total);
}

void app_print_document(json_t *json) {
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(json);
}

void app_print_line(json_t *json) {
    json_dumpf(json, stdout, JSON_FLOATS);
    putchar('\n');
    json_decref(json);
}

bool app_go_on(const App *app, GError **error) {
    if (!g_atomic_int_get(app->stop)) return true;
    return error_fail(error, ERR_CANCELLED, "interrupted");
}

bool app_flush(FILE *out, const char *name, GError **error) {
    if (fflush(out) == 0 && !ferror(out)) return true;
    return error_fail_errno(error, name, errno);
}
