/* earshot copy: everything from this library to another one. */
#include "app_library.h"
#include "error.h"
#include "transfer.h"
#include "transfer_report.h"

#include <string.h>
#include <sys/stat.h>

static const Option options[] = {{OPTION_END}};

static bool is_same_folder(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool copy(App *app, const char *target, GError **error) {
    Transfer transfer;
    TransferReport report;
    g_autoptr(Library) from = app_open_library(app, STORE_READ, error);
    if (!from) return false;
    if (is_same_folder(library_name(from), target))
        return error_fail(error, ERR_USAGE, "%s: is the library itself", target);
    g_autoptr(Library) to = app_open_other(app, target, STORE_CREATE, error);
    if (!to) return false;
    transfer_begin(&transfer, app, "copying");
    bool well = copy_run(from, to, &transfer.listener, app->stop, &report, error);
    transfer_end(&transfer, &report, well);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_copy, NULL, &args, error)) return false;
    if (!args[1] || args[2]) return error_fail(error, ERR_USAGE, "name one library to copy to");
    return copy(app, args[1], error);
}

const Command command_copy = {
    .name = "copy",
    .usage = "copy TARGET_LIBRARY",
    .summary = "everything to another library, vectors included",
    .more =
        "What is there already is passed over, so that a copy that broke off goes on. At the end\n"
        "both are compared, clip by clip and vector by vector.",
    .options = options,
    .run = run,
};
