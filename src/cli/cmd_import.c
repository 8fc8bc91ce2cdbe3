/* earshot import: what export wrote, into this library. */
#include "app_library.h"
#include "error.h"
#include "transfer.h"
#include "transfer_report.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const Option options[] = {{OPTION_END}};

static bool import_file(App *app, const char *path, GError **error) {
    Transfer transfer;
    TransferReport report;
    /* A name that is mistyped makes no library. */
    if (strcmp(path, "-") != 0 && g_access(path, R_OK) < 0)
        return error_fail_errno(error, path, errno);
    g_autoptr(Library) library = app_open_library(app, STORE_CREATE, error);
    if (!library) return false;
    /* A model that is named must be the library's, or becomes it. */
    if (app->common.model && !library_bind_model(library, 0, error)) return false;
    transfer_begin(&transfer, app, "importing");
    bool well = import_run(library, path, &transfer.listener, app->stop, &report, error);
    transfer_end(&transfer, &report, well);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_import, NULL, &args, error)) return false;
    if (!args[1] || args[2])
        return error_fail(error, ERR_USAGE, "name one file that export wrote; - is stdin");
    return import_file(app, args[1], error);
}

const Command command_import = {
    .name = "import",
    .usage = "import F",
    .summary = "take over what export wrote",
    .more =
        "Clips with vectors are added; of clips that are there already, fields, tags and paths\n"
        "are taken over. A line that is wrong is named and passed over. Safe to repeat.",
    .options = options,
    .run = run,
};
