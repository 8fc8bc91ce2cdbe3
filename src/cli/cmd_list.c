/* earshot list: what the library knows, clip by clip; or what it could not read. */
#include "app_library.h"
#include "clip_json.h"
#include "error.h"
#include "library_json.h"
#include "si.h"
#include "table.h"

#include <math.h>

#define ROWS_AT_ONCE 1000

typedef struct {
    char *filter;
    gboolean failed;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "filter", 0, offsetof(Options, filter), "EXPR",
     "only clips that fit: 'duration < 30 and tag = \"rain\"' (see earshot help search)"},
    {OPTION_FLAG, "failed", 0, offsetof(Options, failed), NULL,
     "files that could not be read, with the reason"},
    {OPTION_END},
};

typedef struct {
    App *app;
    Table *table;
    int rows; /* in the table */
    char *folder;
} Listing;

static const TableColumn clip_columns[] = {
    {CUT_NEVER, .color = "2"},  /* id */
    {CUT_NEVER, .right = true}, /* duration */
    {CUT_START},                /* path */
    {CUT_END, .color = "1"},    /* title */
    {CUT_END, .color = "33"},   /* tags */
};

static const TableColumn failure_columns[] = {{CUT_START}, {CUT_END}};

static bool go_on(Listing *listing, GError **error) {
    if (listing->table && ++listing->rows >= ROWS_AT_ONCE) {
        table_print(listing->table, stdout);
        listing->rows = 0;
    }
    return app_go_on(listing->app, error);
}

static bool list_clip(void *user, const Clip *clip, GError **error) {
    Listing *listing = user;
    if (!listing->table) {
        app_print_line(clip_json(clip));
        return go_on(listing, error);
    }
    g_autofree char *duration = si_clock(ceil(clip->duration - 0.01));
    g_autofree char *tags = app_tag_list(clip, ", ");
    table_add(listing->table, (const char *const[]){clip->id, duration,
                                                    app_path_from(listing->folder, clip_path(clip)),
                                                    clip_field(clip, FIELD_TITLE), tags});
    return go_on(listing, error);
}

static bool list_failure(void *user, const char *path, const char *why, GError **error) {
    Listing *listing = user;
    if (listing->table) {
        table_add(listing->table, (const char *const[]){app_path_from(listing->folder, path), why});
        return go_on(listing, error);
    }
    app_print_line(failure_json(path, why));
    return go_on(listing, error);
}

static bool list(App *app, const Options *o, GError **error) {
    g_autoptr(Filter) filter = NULL;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    if (!library || !app_parse_filter(app, library, o->filter, &filter, error)) return false;
    Backend *backend = library_backend(library);
    const TableColumn *columns = o->failed ? failure_columns : clip_columns;
    int count = o->failed ? G_N_ELEMENTS(failure_columns) : G_N_ELEMENTS(clip_columns);
    g_autofree char *folder = g_get_current_dir();
    g_autoptr(Table) table =
        app->common.json ? NULL : table_new(columns, count, table_width_of(stdout), app->color);
    Listing listing = {.app = app, .table = table, .folder = folder};
    bool well = o->failed
                    ? backend->ops->each_failure(backend, list_failure, &listing, error)
                    : backend->ops->each_clip(backend, filter, false, list_clip, &listing, error);
    if (table) table_print(table, stdout);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_list, &o, &args, error);
    if (well && args[1]) well = error_fail(error, ERR_USAGE, "list takes no arguments");
    if (well && o.failed && o.filter)
        well = error_fail(error, ERR_USAGE, "--failed lists files, and --filter fits clips");
    well = well && list(app, &o, error);
    options_clear(options, &o);
    return well;
}

const Command command_list = {
    .name = "list",
    .usage = "list [--filter EXPR] [--failed]",
    .summary = "what the library knows: id, length, path, title and tags of each clip",
    .more = "With --json a line a clip, with all its paths and fields.",
    .options = options,
    .run = run,
};
