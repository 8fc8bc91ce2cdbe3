/* earshot check: looks for damage, and mends it. */
#include "app_library.h"
#include "error.h"
#include "local.h"

typedef struct {
    gboolean repair;
} Options;

static const Option options[] = {
    {OPTION_FLAG, "repair", 0, offsetof(Options, repair), NULL,
     "mend what can be mended, make index files anew, then check"},
    {OPTION_END},
};

static void add_check(json_t *checks, const char *name, bool ok, const char *detail) {
    g_autofree char *shown = error_printable(detail ? detail : "");
    json_array_append_new(checks,
                          json_pack("{s:s, s:b, s:s}", "name", name, "ok", ok, "detail", shown));
}

/* What the checks say → [{"name","ok","detail"}]; a library that does not open is one that failed.
 */
static bool look(App *app, json_t *checks, GError **error) {
    GError *fault = NULL;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, &fault);
    Backend *backend = library ? library_backend(library) : NULL;
    g_autoptr(GPtrArray) found = library ? backend->ops->check(backend, &fault) : NULL;
    for (guint i = 0; found && i < found->len; i++) {
        const StoreCheck *check = found->pdata[i];
        add_check(checks, check->name, check->ok, check->detail);
    }
    if (!fault) return true;
    if (g_error_matches(fault, EARSHOT_ERROR, ERR_FORMAT) ||
        g_error_matches(fault, EARSHOT_ERROR, ERR_IO)) {
        add_check(checks, library ? "check" : "open", false, fault->message);
        g_error_free(fault);
        return true;
    }
    g_propagate_error(error, fault);
    return false;
}

static int count_faults(json_t *checks) {
    size_t i;
    json_t *check;
    int faults = 0;
    json_array_foreach(checks, i, check) faults += !json_is_true(json_object_get(check, "ok"));
    return faults;
}

static void print_checks(App *app, json_t *checks) {
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check) {
        bool ok = json_is_true(json_object_get(check, "ok"));
        const char *color = !app->color ? "" : ok ? "\033[32m" : "\033[31m";
        const char *detail = json_string_value(json_object_get(check, "detail"));
        printf("%s%-6s%s %s%s%s\n", color, ok ? "ok" : "FAULT", *color ? "\033[0m" : "",
               json_string_value(json_object_get(check, "name")), *detail ? ": " : "", detail);
    }
}

/* One of the exit statuses says that something is wrong; the way out is named. */
static void tell_faults(App *app, const Options *o, int faults) {
    const char *where = app_library_name(app);
    if (!faults) return;
    g_autofree char *text =
        g_strdup_printf("%s: %d check%s failed%s", where, faults, faults == 1 ? "" : "s",
                        o->repair ? "; what is left cannot be mended"
                                  : "; earshot check --repair mends what it can");
    g_autofree char *line = error_printable(text);
    app_fault(app, line);
}

static bool repair(App *app, json_t *repaired, GError **error) {
    const char *where = app_library_name(app);
    g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
    bool well = local_repair(where, app->common.threads, done, error);
    for (guint i = 0; i < done->len; i++) {
        g_autofree char *line = error_printable(done->pdata[i]);
        json_array_append_new(repaired, json_string(line));
        if (!app->common.json) puts(line);
    }
    return well;
}

static bool check(App *app, const Options *o, GError **error) {
    json_t *repaired = json_array(), *checks = json_array();
    bool well = (!o->repair || repair(app, repaired, error)) && look(app, checks, error);
    if (well) tell_faults(app, o, count_faults(checks));
    if (well && app->common.json)
        app_print_document(json_pack("{s:b, s:O, s:O}", "ok", app->failed == 0, "checks", checks,
                                     "repaired", repaired));
    else if (well)
        print_checks(app, checks);
    json_decref(repaired);
    json_decref(checks);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_check, &o, &args, error);
    if (well && args[1]) well = error_fail(error, ERR_USAGE, "check takes no arguments");
    well = well && check(app, &o, error);
    options_clear(options, &o);
    return well;
}

const Command command_check = {
    .name = "check",
    .usage = "check [--repair]",
    .summary = "look for damage in the library, and mend it",
    .more =
        "The exit status is 1 when something is wrong. Repairing loses nothing that can be read:\n"
        "a damaged database is copied row by row into a new one, and kept beside it.",
    .options = options,
    .run = run,
};
