/* Progress and counts of import and copy. */
#include "transfer_report.h"

static void on_fault(void *user, const char *message) {
    Transfer *transfer = user;
    progress_clear(transfer->progress);
    app_fault(transfer->app, message);
}

static void on_done(void *user, int64_t clips) {
    progress_add(((Transfer *)user)->progress, (uint64_t)clips);
}

void transfer_begin(Transfer *transfer, App *app, const char *what) {
    transfer->app = app;
    transfer->progress = app_progress(app, what, "clips", 0);
    transfer->listener = (TransferListener){on_fault, on_done, transfer};
}

static void print_counts(const App *app, const TransferReport *r) {
    if (app->common.json)
        app_print_document(json_pack("{s:I, s:I, s:I, s:I}", "added", (json_int_t)r->added,
                                     "updated", (json_int_t)r->updated, "unchanged",
                                     (json_int_t)r->unchanged, "failed", (json_int_t)r->failed));
    else if (!app->common.quiet)
        printf("%" G_GINT64_FORMAT " clip%s added, %" G_GINT64_FORMAT " updated, %" G_GINT64_FORMAT
               " unchanged\n",
               r->added, r->added == 1 ? "" : "s", r->updated, r->unchanged);
}

void transfer_end(Transfer *transfer, const TransferReport *report, bool well) {
    App *app = transfer->app;
    progress_free(transfer->progress);
    app->done = (int)MIN(report->added + report->updated + report->unchanged, G_MAXINT);
    if (well || g_atomic_int_get(app->stop)) print_counts(app, report);
}
