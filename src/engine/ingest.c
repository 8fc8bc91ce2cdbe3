/* One run: walk, stat against the library, do what is to do, forget what is gone. See ingest.h. */
#include "ingest_private.h"

#include "error.h"
#include "library_private.h"

#include <string.h>
#include <sys/stat.h>

static void todo_free(gpointer data) {
    g_free(((Todo *)data)->path);
    g_free(data);
}

static void known_free(gpointer data) {
    g_free(((Known *)data)->path);
    g_free(data);
}

static void failure_free(gpointer data) {
    IngestFailure *failure = data;
    g_free(failure->path);
    g_free(failure->error);
    g_free(failure);
}

void ingest_report_clear(IngestReport *report) {
    g_clear_pointer(&report->failed, g_ptr_array_unref);
    *report = (IngestReport){0};
}

bool ingest_is_stopped(const Ingest *ingest) {
    return ingest->options->stop && g_atomic_int_get(ingest->options->stop);
}

/* -- what was found -- */

/* "PATH: why" without the path, which is told beside it. */
static const char *without_path(const char *path, const char *message) {
    g_autofree char *shown = error_printable(path);
    gsize len = strlen(shown);
    return g_str_has_prefix(message, shown) && g_str_has_prefix(message + len, ": ")
               ? message + len + 2
               : message;
}

/* Remembered with its stamp; without one (it may change by itself) it is only told. */
void ingest_fail(Ingest *ingest, const char *path, const FileStamp *stamp, const GError *why) {
    const char *said = without_path(path, why->message);
    IngestFailure *failure = g_new0(IngestFailure, 1);
    failure->path = g_strdup(path);
    failure->error = g_strdup(said);
    g_ptr_array_add(ingest->report->failed, failure);
    if (stamp && !ingest->options->dry_run && !ingest->error)
        ingest->ops->set_failure(ingest->backend, path, stamp, said, &ingest->error);
    if (ingest->listener->fault) ingest->listener->fault(ingest->listener->user, why->message);
}

static void add_todo(Ingest *ingest, const char *path, const FileStamp *stamp, uint64_t clip) {
    Todo *todo = g_new0(Todo, 1);
    todo->path = g_strdup(path);
    todo->stamp = *stamp;
    todo->clip = clip;
    g_ptr_array_add(ingest->todo, todo);
}

static void add_known(Ingest *ingest, const char *path, uint64_t clip) {
    bool labelled = ingest->meta || (ingest->options->tags && *ingest->options->tags);
    ingest->report->unchanged++;
    if (!labelled) return;
    Known *known = g_new0(Known, 1);
    known->path = g_strdup(path);
    known->clip = clip;
    g_ptr_array_add(ingest->known, known);
}

bool ingest_take(Ingest *ingest, const char *path, const FileStamp *stamp) {
    uint64_t clip = 0;
    PathState state = ingest->ops->path_state(ingest->backend, path, stamp, &clip);
    if (ingest->meta) meta_see(ingest->meta, path);
    if (state == PATH_SAME)
        add_known(ingest, path, clip);
    else if (state == PATH_FAILED && !ingest->options->retry_failed)
        ingest->report->failed_before++;
    else
        add_todo(ingest, path, stamp, clip);
    return !ingest_is_stopped(ingest);
}

static bool on_file(void *user, const char *path, const char *relative, const FileStamp *stamp) {
    Ingest *ingest = user;
    if (!ingest->file) return ingest_take(ingest, path, stamp);
    ingest->file(ingest->watcher, path);
    return !ingest_is_stopped(ingest);
}

static void on_folder(void *user, const char *path) {
    Ingest *ingest = user;
    if (ingest->folder) ingest->folder(ingest->watcher, path);
}

static void on_fault(void *user, const char *path, const GError *error) {
    ingest_fail(user, path, NULL, error);
}

/* -- walking -- */

static void walk_again(Ingest *ingest) {
    const IngestOptions *o = ingest->options;
    WalkOptions how = {o->include, o->exclude, o->shard, o->shards};
    WalkListener listener = {on_file, on_folder, on_fault, ingest};
    walk_free(ingest->walk);
    ingest->walk = walk_new(&how, &listener);
}

bool ingest_look(Ingest *ingest, const char *root, const char *folder) {
    bool empty = false;
    if (folder) {
        walk_again(ingest);
        return walk_below(ingest->walk, root, folder);
    }
    bool well = walk_root(ingest->walk, root, &empty);
    if (empty) g_ptr_array_add(ingest->unmounted, (char *)root);
    return well;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Files that are named come first: a folder that holds them does not give them again. */
static bool look_everywhere(Ingest *ingest) {
    bool going = true;
    for (int folders = 0; folders <= 1; folders++)
        for (guint i = 0; going && i < ingest->roots->len; i++) {
            const char *root = ingest->roots->pdata[i];
            if (is_folder(root) == (folders == 1)) going = ingest_look(ingest, root, NULL);
        }
    return going;
}

/* As one transaction, though nothing is written: SQLite then takes its locks once instead of once a
 * file, which was half the time of a run over files that have not changed. */
static bool look_in_one_go(Ingest *ingest, GError **error) {
    bool bracket = !ingest->options->dry_run;
    if (bracket && !ingest->ops->begin(ingest->backend, error)) return false;
    bool going = look_everywhere(ingest);
    if (bracket && !ingest->ops->end(ingest->backend, false, going ? error : NULL) && going)
        return false;
    return going || error_fail(error, ERR_CANCELLED, "interrupted");
}

/* -- a run from its beginning to its end -- */

/* Known before the walk: a new library's model must be there, and what the user names must be the
 * library's own. */
static bool needs_model(const Ingest *ingest) {
    const IngestOptions *o = ingest->options;
    bool named = o->hop > 0 || ingest->library->model;
    return !o->dry_run && (named || !ingest->ops->model(ingest->backend));
}

static bool read_meta(Ingest *ingest, GError **error) {
    if (!ingest->options->meta) return true;
    ingest->meta = meta_read(ingest->options->meta, error);
    for (guint i = 0; ingest->meta && i < ingest->roots->len; i++)
        meta_add_root(ingest->meta, ingest->roots->pdata[i]);
    return ingest->meta != NULL;
}

static void take_roots(Ingest *ingest) {
    ingest->roots = g_ptr_array_new_with_free_func(g_free);
    for (const char *const *path = ingest->options->paths; *path; path++)
        g_ptr_array_add(ingest->roots, g_canonicalize_filename(*path, NULL));
}

bool ingest_begin(Ingest *ingest, GError **error) {
    g_mutex_init(&ingest->lock);
    ingest->backend = library_backend(ingest->library);
    ingest->ops = ingest->backend->ops;
    ingest->began = g_get_monotonic_time();
    ingest->todo = g_ptr_array_new_with_free_func(todo_free);
    ingest->known = g_ptr_array_new_with_free_func(known_free);
    ingest->later = g_ptr_array_new();
    ingest->unmounted = g_ptr_array_new();
    if (!ingest->report->failed)
        ingest->report->failed = g_ptr_array_new_with_free_func(failure_free);
    take_roots(ingest);
    walk_again(ingest);
    return read_meta(ingest, error) &&
           (!needs_model(ingest) ||
            library_bind_model(ingest->library, ingest->options->hop, error));
}

void ingest_end(Ingest *ingest) {
    walk_free(ingest->walk);
    meta_free(ingest->meta);
    g_ptr_array_unref(ingest->roots);
    g_ptr_array_unref(ingest->unmounted);
    g_ptr_array_unref(ingest->todo);
    g_ptr_array_unref(ingest->known);
    g_ptr_array_unref(ingest->later);
    g_clear_error(&ingest->error);
    g_mutex_clear(&ingest->lock);
}

static bool label_known(Ingest *ingest, GError **error) {
    for (guint i = 0; i < ingest->known->len; i++) {
        const Known *known = ingest->known->pdata[i];
        if (!ingest->options->dry_run && !ingest_label(ingest, known->clip, known->path, error))
            return false;
        if (ingest_is_stopped(ingest)) return error_fail(error, ERR_CANCELLED, "interrupted");
    }
    g_ptr_array_set_size(ingest->known, 0);
    return true;
}

static bool take_fault(Ingest *ingest, GError **error) {
    if (ingest->error) g_propagate_error(error, g_steal_pointer(&ingest->error));
    return false;
}

/* Opened for what is to do, the model also has to be the library's. */
static bool do_files(Ingest *ingest, GError **error) {
    if (!ingest->todo->len) return true;
    if (ingest->options->dry_run) return ingest_files_dry(ingest, error);
    return library_bind_model(ingest->library, ingest->options->hop, error) &&
           ingest_files(ingest, error);
}

bool ingest_do(Ingest *ingest, GError **error) {
    if (ingest->error) return take_fault(ingest, error);
    bool well = do_files(ingest, error) && label_known(ingest, error);
    g_ptr_array_set_size(ingest->todo, 0);
    return well && (!ingest->error || take_fault(ingest, error));
}

static void warn_of_unused(const Ingest *ingest) {
    int unused = ingest->meta ? meta_unused(ingest->meta) : 0;
    const IngestListener *listener = ingest->listener;
    if (!unused || !listener->warning) return;
    g_autofree char *shown = error_printable(ingest->options->meta);
    g_autofree char *line = g_strdup_printf("%s: %d of %d rows are of no file that was found",
                                            shown, unused, meta_rows(ingest->meta));
    listener->warning(listener->user, line);
}

bool ingest_finish(Ingest *ingest, GError **error) {
    bool settled = ingest->options->dry_run || library_settle(ingest->library, error);
    ingest->report->seconds = (double)(g_get_monotonic_time() - ingest->began) / 1e6;
    return settled;
}

/* Not one of the paths is there. */
static bool check_roots(const IngestOptions *options, GError **error) {
    struct stat st;
    for (const char *const *path = options->paths; *path; path++)
        if (stat(*path, &st) == 0) return true;
    return error_fail(error, ERR_NOT_FOUND, "%s: no such file", options->paths[0]);
}

bool ingest_check(const IngestOptions *options, GError **error) {
    if (!check_roots(options, error)) return false;
    g_autoptr(Meta) meta = options->meta ? meta_read(options->meta, error) : NULL;
    return !options->meta || meta;
}

bool ingest_all(Ingest *ingest, GError **error) {
    if (!check_roots(ingest->options, error)) return false;
    if (!look_in_one_go(ingest, error)) return false;
    if (ingest->listener->found) ingest->listener->found(ingest->listener->user, ingest->todo->len);
    if (!ingest_do(ingest, error)) return false;
    if (ingest->options->prune && !ingest_prune(ingest, error)) return false;
    warn_of_unused(ingest);
    return ingest_finish(ingest, error);
}

bool ingest_run(Library *library, const IngestOptions *options, const IngestListener *listener,
                IngestReport *report, GError **error) {
    Ingest ingest = {
        .library = library, .options = options, .listener = listener, .report = report};
    bool well = ingest_begin(&ingest, error) && ingest_all(&ingest, error);
    report->seconds = (double)(g_get_monotonic_time() - ingest.began) / 1e6;
    ingest_end(&ingest);
    return well;
}
