/* After a run: staying, and following what changes below the paths. Each folder has a GFileMonitor;
 * what it tells of is looked at again until its stamp has stood still for a while, so that a file
 * is read when it is complete. A new folder is monitored first and walked then: nothing falls
 * between. What went is forgotten with --prune alone. */
#include "ingest_private.h"

#include "error.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_MS      100     /* between looks at what is pending */
#define STILL_US     1000000 /* that a file must not have changed for */
#define GONE_US      2000000 /* that a path must be gone for */
#define RATE_MS      100     /* at most so often the same file is told of */
#define AT_ONCE_MOST 1000    /* files in one batch, so that a flood is searchable as it comes */

typedef struct {
    Ingest *ingest;
    GMainContext *context;
    GHashTable *monitors; /* folder → GFileMonitor * */
    GHashTable *pending;  /* path → Pending * */
} Watch;

typedef struct {
    FileStamp stamp;
    gint64 since; /* when it was first seen so */
} Pending;

/* -- what monitors tell -- */

static void note(Watch *watch, const char *path) {
    if (!g_hash_table_contains(watch->pending, path))
        g_hash_table_insert(watch->pending, g_strdup(path), g_new0(Pending, 1));
}

static void note_file(Watch *watch, GFile *file) {
    g_autofree char *path = file ? g_file_get_path(file) : NULL;
    if (path) note(watch, path);
}

static void on_event(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
                     gpointer user) {
    note_file(user, file);
    note_file(user, other);
}

static void monitor_free(gpointer monitor) {
    g_file_monitor_cancel(monitor);
    g_object_unref(monitor);
}

static void monitor_path(void *user, const char *path) {
    Watch *watch = user;
    g_autoptr(GError) why = NULL, told = NULL;
    if (g_hash_table_contains(watch->monitors, path)) return;
    g_autoptr(GFile) file = g_file_new_for_path(path);
    GFileMonitor *monitor = g_file_monitor(file, G_FILE_MONITOR_WATCH_MOVES, NULL, &why);
    if (monitor) {
        g_file_monitor_set_rate_limit(monitor, RATE_MS);
        g_signal_connect(monitor, "changed", G_CALLBACK(on_event), watch);
        g_hash_table_insert(watch->monitors, g_strdup(path), monitor);
        return;
    }
    error_fail(&told, ERR_IO, "%s: cannot be watched: %s", path, why->message);
    ingest_fail(watch->ingest, path, NULL, told);
}

static void found_file(void *user, const char *path) {
    note(user, path);
}

/* -- looking at what is pending -- */

static const char *root_of(const Ingest *ingest, const char *path) {
    for (guint i = 0; i < ingest->roots->len; i++)
        if (walk_wants(ingest->walk, ingest->roots->pdata[i], path)) return ingest->roots->pdata[i];
    return NULL;
}

static gboolean is_within(gpointer path, gpointer monitor, gpointer folder) {
    return strcmp(path, folder) == 0 || walk_relative(folder, path);
}

static void unwatch(Watch *watch, const char *folder) {
    g_hash_table_foreach_remove(watch->monitors, is_within, (gpointer)folder);
}

/* A monitor stays with the folder that it was made for; another one may lie under that name by now,
 * and hold what nothing told of. */
static void look_anew(Watch *watch, const char *folder) {
    const GPtrArray *roots = watch->ingest->roots;
    unwatch(watch, folder);
    for (guint i = 0; i < roots->len; i++) ingest_look(watch->ingest, roots->pdata[i], folder);
}

static bool is_root(const Ingest *ingest, const char *path) {
    return g_ptr_array_find_with_equal_func(ingest->roots, path, g_str_equal, NULL);
}

static bool forget(Watch *watch, const char *path, GError **error) {
    unwatch(watch, path);
    if (!watch->ingest->options->prune || is_root(watch->ingest, path)) return true;
    return ingest_prune_at(watch->ingest, path, error);
}

/* True once the file has not changed for `long_enough`; its stamp is then the one pending. */
static bool stands_still(Pending *pending, const FileStamp *now, gint64 long_enough) {
    gint64 time = g_get_monotonic_time();
    if (pending->since && memcmp(&pending->stamp, now, sizeof *now) == 0)
        return time - pending->since >= long_enough;
    *pending = (Pending){*now, time};
    return false;
}

/* True: it needs no further look. */
static bool look_at(Watch *watch, const char *path, Pending *pending) {
    struct stat st;
    FileStamp now;
    Ingest *ingest = watch->ingest;
    if (stat(path, &st) != 0) return !walk_is_gone(path);
    if (S_ISDIR(st.st_mode)) {
        look_anew(watch, path);
        return true;
    }
    if (!S_ISREG(st.st_mode) || !root_of(ingest, path) || !walk_stamp(path, &now)) return true;
    if (!stands_still(pending, &now, STILL_US)) return false;
    ingest_take(ingest, path, &now);
    return true;
}

/* Copied, since looking adds to what is pending. */
static GPtrArray *pending_paths(const Watch *watch) {
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter each;
    gpointer path;
    g_hash_table_iter_init(&each, watch->pending);
    while (g_hash_table_iter_next(&each, &path, NULL)) g_ptr_array_add(paths, g_strdup(path));
    return paths;
}

static void look_at_all(Watch *watch) {
    g_autoptr(GPtrArray) paths = pending_paths(watch);
    for (guint i = 0; i < paths->len && watch->ingest->todo->len < AT_ONCE_MOST; i++) {
        const char *path = paths->pdata[i];
        if (look_at(watch, path, g_hash_table_lookup(watch->pending, path)))
            g_hash_table_remove(watch->pending, path);
    }
}

/* What went is taken up when nothing else is pending: a moved file must be found at its new place
 * before its old one is forgotten, or its clip would go with that. */
static bool look_at_gone(Watch *watch, GError **error) {
    static const FileStamp nothing = {0};
    g_autoptr(GPtrArray) paths = pending_paths(watch);
    for (guint i = 0; i < paths->len; i++)
        if (!walk_is_gone(paths->pdata[i])) return true;
    for (guint i = 0; i < paths->len; i++) {
        const char *path = paths->pdata[i];
        Pending *pending = g_hash_table_lookup(watch->pending, path);
        if (!stands_still(pending, &nothing, GONE_US)) continue;
        if (!forget(watch, path, error)) return false;
        g_hash_table_remove(watch->pending, path);
    }
    return true;
}

static int64_t changes(const IngestReport *r) {
    return r->added + r->changed + r->moved + r->copied + r->removed;
}

static bool follow_once(Watch *watch, GError **error) {
    Ingest *ingest = watch->ingest;
    int64_t before = changes(ingest->report);
    g_main_context_iteration(watch->context, TRUE);
    while (g_main_context_iteration(watch->context, FALSE)) continue;
    look_at_all(watch);
    if (!ingest_do(ingest, error) || !look_at_gone(watch, error)) return false;
    return changes(ingest->report) == before || ingest_finish(ingest, error);
}

/* The timeout wakes the loop, which would wait for an event else. */
static gboolean wake(gpointer user) {
    return G_SOURCE_CONTINUE;
}

static bool follow(Watch *watch, GError **error) {
    g_autoptr(GSource) clock = g_timeout_source_new(LOOK_MS);
    g_source_set_callback(clock, wake, NULL, NULL);
    g_source_attach(clock, watch->context);
    watch->ingest->file = found_file;
    bool well = true;
    while (well && !ingest_is_stopped(watch->ingest)) well = follow_once(watch, error);
    g_source_destroy(clock);
    return well && error_fail(error, ERR_CANCELLED, "interrupted");
}

/* Files that are roots have a monitor each; folders get theirs when they are walked. */
static void monitor_files(Watch *watch) {
    for (guint i = 0; i < watch->ingest->roots->len; i++) {
        const char *root = watch->ingest->roots->pdata[i];
        if (g_file_test(root, G_FILE_TEST_IS_REGULAR)) monitor_path(watch, root);
    }
}

bool ingest_watch(Library *library, const IngestOptions *options, const IngestListener *listener,
                  IngestReport *report, GError **error) {
    Ingest ingest = {
        .library = library, .options = options, .listener = listener, .report = report};
    Watch watch = {.ingest = &ingest};
    watch.context = g_main_context_new();
    watch.monitors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, monitor_free);
    watch.pending = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ingest.folder = monitor_path;
    ingest.watcher = &watch;
    g_main_context_push_thread_default(watch.context);
    bool well = ingest_begin(&ingest, error);
    if (well) monitor_files(&watch);
    well = well && ingest_all(&ingest, error) && follow(&watch, error);
    g_main_context_pop_thread_default(watch.context);
    ingest_end(&ingest);
    g_hash_table_unref(watch.monitors);
    g_hash_table_unref(watch.pending);
    g_main_context_unref(watch.context);
    return well;
}
