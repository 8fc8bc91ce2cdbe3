/* earshot export: the library as lines that other programs, and `earshot import`, can read. */
#include "app_library.h"
#include "error.h"
#include "file.h"
#include "transfer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *format, *output, *filter;
    gboolean vectors;
} Options;

static const Option options[] = {
    {OPTION_CHOICE, "format", 0, offsetof(Options, format), "FORMAT", "jsonl (default) or csv",
     .choices = "jsonl|csv"},
    {OPTION_TEXT, "output", 'o', offsetof(Options, output), "F",
     "a file instead of stdout; - is stdout"},
    {OPTION_FLAG, "vectors", 0, offsetof(Options, vectors), NULL,
     "with vectors, so that import makes the clips again without their sounds"},
    {OPTION_TEXT, "filter", 0, offsetof(Options, filter), "EXPR",
     "only clips that fit (see earshot help search)"},
    {OPTION_END},
};

typedef struct {
    Library *library;
    ExportOptions how;
} Export;

static bool export_to(const Export *export, FILE *out, const char *name, GError **error) {
    GError *fault = NULL;
    bool done = export_run(export->library, &export->how, out, &fault);
    if (ferror(out)) {
        g_clear_error(&fault);
        return error_fail_errno(error, name, errno);
    }
    if (fault) g_propagate_error(error, fault);
    return done && app_flush(out, name, error);
}

/* FileWrite: `fd` is the caller's, and stays open. */
static bool write_file(int fd, const char *path, void *user, GError **error) {
    int own = dup(fd);
    FILE *out = own < 0 ? NULL : fdopen(own, "wb");
    if (!out) return error_fail_errno(error, path, errno);
    bool done = export_to(user, out, path, error);
    return (fclose(out) == 0 || !done || error_fail_errno(error, path, errno)) && done;
}

static bool write_output(Export *export, const char *path, GError **error) {
    if (!path || strcmp(path, "-") == 0) return export_to(export, stdout, "stdout", error);
    return file_output(path, write_file, export, error);
}

static bool export_library(App *app, const Options *o, GError **error) {
    bool csv = g_strcmp0(o->format, "csv") == 0;
    if (csv && (o->vectors || app->common.json))
        return error_fail(error, ERR_USAGE, "%s and --format csv exclude each other",
                          o->vectors ? "--vectors" : "--json");
    g_autoptr(Filter) filter = NULL;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    if (!library || !app_parse_filter(app, library, o->filter, &filter, error)) return false;
    Export export = {library, {csv, o->vectors, filter, app->stop}};
    return write_output(&export, o->output, error);
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_export, &o, &args, error);
    if (well && args[1])
        well = error_fail(error, ERR_USAGE, "export takes no arguments; -o names the file");
    well = well && export_library(app, &o, error);
    options_clear(options, &o);
    return well;
}

const Command command_export = {
    .name = "export",
    .usage = "export [--format jsonl|csv] [-o F] [--vectors] [--filter EXPR]",
    .summary = "the library as lines for other programs, and for import",
    .more = "JSON Lines hold all that is known of each clip, and who said it. CSV has a column a\n"
            "field, and is what `earshot index --meta` reads.",
    .options = options,
    .run = run,
};
