/* earshot index: makes sounds findable. */
#include "app_library.h"
#include "error.h"
#include "ingest.h"
#include "library_json.h"
#include "si.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define MOST_JOBS 1024

typedef struct {
    char *meta, **tags, **include, **exclude, *shard;
    double hop;
    int jobs;
    gboolean prune, watch, dry_run, retry_failed;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "meta", 0, offsetof(Options, meta), "FILE",
     "CSV or JSON Lines with a path column, or labels of ESC-50, UrbanSound8K or FSD50K"},
    {OPTION_TEXTS, "tag", 0, offsetof(Options, tags), "T",
     "a tag for all of them; may be given often"},
    OPTION_HOP(Options),
    {OPTION_TEXTS, "include", 0, offsetof(Options, include), "GLOB",
     "only files that fit; may be given often"},
    {OPTION_TEXTS, "exclude", 0, offsetof(Options, exclude), "GLOB",
     "no files or folders that fit; may be given often"},
    {OPTION_FLAG, "prune", 0, offsetof(Options, prune), NULL,
     "forget files under the paths that are gone"},
    {OPTION_FLAG, "watch", 0, offsetof(Options, watch), NULL, "stay, and follow changes"},
    {OPTION_FLAG, "dry-run", 0, offsetof(Options, dry_run), NULL,
     "say what would be done, and do nothing"},
    {OPTION_INT, "jobs", 0, offsetof(Options, jobs), "N",
     "windows computed at the same time (default: --threads)", 1, MOST_JOBS},
    {OPTION_TEXT, "shard", 0, offsetof(Options, shard), "I/N",
     "only the I-th of N parts of the files, for work on several machines"},
    {OPTION_FLAG, "retry-failed", 0, offsetof(Options, retry_failed), NULL,
     "try files again that failed and have not changed"},
    {OPTION_END},
};

typedef struct {
    App *app;
    Progress *progress;
} Watcher;

static void on_found(void *user, int64_t files) {
    Watcher *watcher = user;
    progress_free(watcher->progress);
    watcher->progress = app_progress(watcher->app, "indexing", "files", (uint64_t)files);
}

static void on_done(void *user, const char *path) {
    Watcher *watcher = user;
    if (watcher->progress) progress_add(watcher->progress, 1);
}

static void on_fault(void *user, const char *message) {
    Watcher *watcher = user;
    if (watcher->progress) progress_clear(watcher->progress);
    app_fault(watcher->app, message);
}

static void on_warning(void *user, const char *message) {
    Watcher *watcher = user;
    if (watcher->progress) progress_clear(watcher->progress);
    app_warn(watcher->app, "%s", message);
}

/* The summary */

/* "12 clips added, 3 unchanged, 1 failed": what did not happen is left out, but for the first. */
static void print_counts(const IngestReport *r, bool dry_run) {
    const struct {
        int64_t count;
        const char *what;
    } counts[] = {
        {r->added, "added"},
        {r->changed, "changed"},
        {r->moved, "moved"},
        {r->copied, "copied"},
        {r->unchanged, "unchanged"},
        {r->removed, "removed"},
        {r->failed ? r->failed->len : 0, "failed"},
    };
    printf("%s%" G_GINT64_FORMAT " clip%s added", dry_run ? "would be done: " : "", r->added,
           r->added == 1 ? "" : "s");
    for (gsize i = 1; i < G_N_ELEMENTS(counts); i++)
        if (counts[i].count) printf(", %" G_GINT64_FORMAT " %s", counts[i].count, counts[i].what);
    putchar('\n');
}

/* "1.2 hours of audio in 36 s: 120 × real time" */
static void print_speed(const IngestReport *r) {
    if (r->audio_seconds <= 0) return;
    g_autofree char *took =
        r->seconds < 60 ? g_strdup_printf("%.1f s", r->seconds) : si_clock(r->seconds);
    printf("%.2f hours of audio in %s", r->audio_seconds / 3600, took);
    if (r->seconds > 0) printf(": %.0f × real time", r->audio_seconds / r->seconds);
    putchar('\n');
}

static void summarise(App *app, const Options *o, const IngestReport *r) {
    if (app->common.json) {
        app_print_document(ingest_report_json(r));
        return;
    }
    if (app->common.quiet) return;
    print_counts(r, o->dry_run);
    if (!o->dry_run) print_speed(r);
    if (r->failed_before)
        app_say(app,
                "%" G_GINT64_FORMAT " files failed before and have not changed: see earshot list "
                "--failed; --retry-failed tries them again",
                r->failed_before);
}

/* The run */

/* "2/5" → 2 of 5. */
static bool parse_shard(const char *text, IngestOptions *how, GError **error) {
    int end = 0;
    if (!text) return true;
    bool read = sscanf(text, "%5d/%5d%n", &how->shard, &how->shards, &end) == 2 && !text[end];
    if (read && how->shard >= 1 && how->shard <= how->shards) return true;
    return error_fail(error, ERR_USAGE, "--shard: \"%s\": I/N, such as 1/4 to 4/4", text);
}

static bool check_globs(const char *option, char **globs, GError **error) {
    for (; globs && *globs; globs++)
        if (**globs == '/')
            return error_fail(error, ERR_USAGE,
                              "--%s: \"%s\": a glob is of a name, or of a path below those that "
                              "are indexed",
                              option, *globs);
    return true;
}

static bool ingest_options(App *app, const Options *o, char **paths, IngestOptions *how,
                           GError **error) {
    *how = (IngestOptions){.paths = (const char *const *)paths,
                           .tags = (const char *const *)o->tags,
                           .include = (const char *const *)o->include,
                           .exclude = (const char *const *)o->exclude,
                           .meta = o->meta,
                           .hop = o->hop,
                           .jobs = o->jobs,
                           .prune = o->prune,
                           .dry_run = o->dry_run,
                           .retry_failed = o->retry_failed,
                           .stop = app->stop};
    if (o->watch && o->dry_run)
        return error_fail(error, ERR_USAGE, "--watch and --dry-run exclude each other");
    return check_globs("include", o->include, error) && check_globs("exclude", o->exclude, error) &&
           parse_shard(o->shard, how, error);
}

static void count_inputs(App *app, const IngestReport *r) {
    int64_t done = r->added + r->changed + r->moved + r->copied + r->unchanged + r->removed;
    app->done = (int)MIN(done, G_MAXINT);
}

static void remove_scratch(const char *folder) {
    GDir *dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    if (!dir) return;
    g_dir_close(dir);
    g_rmdir(folder);
}

/* A library that is new is made when nothing speaks against it any more. A dry run over a new one
 * uses an empty one in a folder that is removed: *scratch, or NULL. */
static Library *open_library(App *app, const IngestOptions *how, char **scratch, GError **error) {
    if (!app_library_is_new(app)) return app_open_library(app, STORE_CREATE, error);
    if (!ingest_check(how, error)) return NULL;
    if (!how->dry_run) return app_make_library(app, error);
    *scratch = g_dir_make_tmp("earshot-XXXXXX", error);
    return *scratch ? app_open_other(app, *scratch, STORE_CREATE, error) : NULL;
}

static bool ingest(Library *library, const IngestOptions *how, bool watch,
                   const IngestListener *listener, IngestReport *report, GError **error) {
    return watch ? ingest_watch(library, how, listener, report, error)
                 : ingest_run(library, how, listener, report, error);
}

static bool index_paths(App *app, const Options *o, char **paths, GError **error) {
    IngestOptions how;
    IngestReport report = {0};
    Watcher watcher = {.app = app};
    const IngestListener listener = {on_found, on_done, on_fault, on_warning, &watcher};
    if (!ingest_options(app, o, paths, &how, error)) return false;
    g_autofree char *scratch = NULL;
    Library *library = open_library(app, &how, &scratch, error);
    bool well = library && ingest(library, &how, o->watch, &listener, &report, error);
    library_close(library);
    remove_scratch(scratch);
    progress_free(watcher.progress);
    count_inputs(app, &report);
    /* What was finished is kept and told, also when the rest was interrupted. */
    if (well || (library && g_atomic_int_get(app->stop))) summarise(app, o, &report);
    ingest_report_clear(&report);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_index, &o, &args, error);
    if (well && !args[1])
        well = error_fail(error, ERR_USAGE, "nothing to index: name files or folders");
    well = well && index_paths(app, &o, args + 1, error);
    options_clear(options, &o);
    return well;
}

const Command command_index = {
    .name = "index",
    .usage = "index PATH... [--meta FILE] [--tag T]... [--hop SECONDS] [--include GLOB]... "
             "[--exclude GLOB]... [--prune] [--watch] [--dry-run] [--jobs N] [--shard I/N] "
             "[--retry-failed]",
    .summary = "make sounds findable",
    .more =
        "Folders are walked, and whatever FFmpeg decodes is taken. Files that have not changed\n"
        "cost next to nothing, moved and copied ones are known by their content, and a run that\n"
        "was interrupted goes on where it stopped. Files that failed are not tried again until\n"
        "they change (earshot list --failed). A new library takes the built-in model, or that "
        "named\n"
        "with -m, and keeps it.\n"
        "\n"
        "A GLOB (* ? [a-z]) fits a name, or a path below PATH; one with a slash at its end fits a\n"
        "folder and all in it: --exclude drafts/. For {a,b}, say the option twice.",
    .options = options,
    .run = run,
};
