/* Files that are new or have changed → clips. A reader's thread stamps and hashes each before it is
 * decoded: content that the library has, or that another file in hand brings, is not decoded again.
 * The caller's thread writes, one transaction a clip.
 *
 * A file whose stamp is another one after it was read was being written: it is read once more at
 * the end, and is a failure when that happens again. */
#include "ingest_private.h"

#include "embedded.h"
#include "error.h"
#include "sha256.h"

#include <errno.h>
#include <string.h>

typedef struct {
    Ingest *ingest;
    GPtrArray *files; /* of Todo * */
    bool last;        /* there is no later */
} Pass;

/* -- on readers' threads -- */

static guint hash_key(gconstpointer hash) {
    guint key;
    memcpy(&key, hash, sizeof key);
    return key;
}

static gboolean hash_equal(gconstpointer a, gconstpointer b) {
    return memcmp(a, b, CLIP_HASH) == 0;
}

/* The stamp comes first: a file that is replaced in between is seen to have changed. */
static bool hash_file(const Ingest *ingest, Todo *todo, GError **error) {
    todo->hashed = false;
    if (!walk_stamp(todo->path, &todo->stamp)) return error_fail_errno(error, todo->path, errno);
    todo->hashed = sha256_file(todo->path, ingest->options->stop, todo->hash, error);
    return todo->hashed;
}

/* False: another file in hand brings this content. */
static bool claim(Ingest *ingest, const Todo *todo) {
    g_mutex_lock(&ingest->lock);
    bool first = !ingest->claimed || g_hash_table_add(ingest->claimed, (gpointer)todo->hash);
    g_mutex_unlock(&ingest->lock);
    return first;
}

/* Asked of what is committed: a clip that is not yet was claimed. */
static bool before(void *user, gsize number, GError **error) {
    Pass *pass = user;
    Todo *todo = pass->files->pdata[number];
    if (ingest_is_stopped(pass->ingest)) return error_fail(error, ERR_CANCELLED, "interrupted");
    const Ingest *ingest = pass->ingest;
    return hash_file(ingest, todo, error) && !ingest->ops->has(ingest->backend, todo->hash, NULL) &&
           claim(pass->ingest, todo);
}

/* -- known content -- */

/* A path of the clip that is not there any more; NULL: none. The caller frees. */
static char *gone_path(const Clip *clip) {
    for (guint i = 0; i < clip->paths->len; i++) {
        const char *path = ((ClipPath *)clip->paths->pdata[i])->path;
        if (walk_is_gone(path)) return g_strdup(path);
    }
    return NULL;
}

/* A path of a clip that this one may have moved from; NULL: none. A clip whose paths were all there
 * is not looked at again in this run: of many copies each would be asked for at each. */
static bool find_gone(Ingest *ingest, uint64_t clip, char **gone, GError **error) {
    *gone = NULL;
    if (g_hash_table_contains(ingest->settled, &clip)) return true;
    g_autoptr(Clip) there = ingest->ops->clip(ingest->backend, clip, false, error);
    if (there) *gone = gone_path(there);
    if (there && !*gone) g_hash_table_add(ingest->settled, g_memdup2(&clip, sizeof clip));
    return there != NULL;
}

static bool put_path(Ingest *ingest, uint64_t clip, const Todo *todo, const char *gone,
                     GError **error) {
    return ingest->ops->set_path(ingest->backend, clip, todo->path, &todo->stamp, error) &&
           (!gone || ingest->ops->remove_path(ingest->backend, gone, error)) &&
           ingest_label(ingest, clip, todo->path, error);
}

/* Ends the transaction, to be kept when all went well. */
static bool finish(Ingest *ingest, bool well, GError **error) {
    bool ended = ingest->ops->end(ingest->backend, well, well ? error : NULL);
    return well && ended;
}

static bool take_known(Ingest *ingest, const Todo *todo, uint64_t clip, GError **error) {
    IngestReport *report = ingest->report;
    g_autofree char *gone = NULL;
    if (todo->clip != clip && !find_gone(ingest, clip, &gone, error)) return false;
    if (!ingest->ops->begin(ingest->backend, error) ||
        !finish(ingest, put_path(ingest, clip, todo, gone, error), error))
        return false;
    if (todo->clip == clip)
        report->unchanged++;
    else if (todo->clip)
        report->changed++;
    else if (gone)
        report->moved++;
    else
        report->copied++;
    return true;
}

/* -- new content -- */

static bool add_clip(Ingest *ingest, const Todo *todo, const EmbeddedFile *file, GError **error) {
    g_autoptr(Clip) clip = embedded_clip(todo->hash, todo->path, &todo->stamp);
    return embedded_add(ingest->backend, clip, file, error) &&
           ingest_label_clip(ingest, clip, todo->path, error);
}

static bool take_new(Ingest *ingest, const Todo *todo, const EmbeddedFile *file, GError **error) {
    IngestReport *report = ingest->report;
    if (!ingest->ops->begin(ingest->backend, error) ||
        !finish(ingest, add_clip(ingest, todo, file, error), error))
        return false;
    *(todo->clip ? &report->changed : &report->added) += 1;
    report->windows += file->windows;
    report->audio_seconds += file->seconds;
    return true;
}

/* -- on the caller's thread -- */

static bool has_changed(const Todo *todo) {
    FileStamp now;
    return !walk_stamp(todo->path, &now) || memcmp(&now, &todo->stamp, sizeof now) != 0;
}

static void fail_as_changed(Ingest *ingest, const Todo *todo) {
    FileStamp now;
    g_autoptr(GError) why = NULL;
    bool there = walk_stamp(todo->path, &now);
    error_fail(&why, ERR_CONFLICT, "%s: %s", todo->path,
               there ? "changed while it was read" : "vanished while it was read");
    ingest_fail(ingest, todo->path, NULL, why);
}

/* True: taken care of, be it by a failure. False: the library cannot be written. */
static bool take(Pass *pass, Todo *todo, const EmbeddedFile *file, bool *later, GError **error) {
    Ingest *ingest = pass->ingest;
    uint64_t clip = 0;
    if (todo->hashed && has_changed(todo)) {
        *later = !pass->last;
        if (pass->last) fail_as_changed(ingest, todo);
        return true;
    }
    if (file->error) {
        ingest_fail(ingest, todo->path, has_changed(todo) ? NULL : &todo->stamp, file->error);
        return true;
    }
    if (ingest->ops->has(ingest->backend, todo->hash, &clip))
        return take_known(ingest, todo, clip, error);
    *later = file->passed_over;
    return *later || take_new(ingest, todo, file, error);
}

static void tell(const Ingest *ingest, const EmbeddedFile *file) {
    const IngestListener *listener = ingest->listener;
    if (file->warning && !file->error && listener->warning)
        listener->warning(listener->user, file->warning);
    if (listener->done) listener->done(listener->user, file->path);
}

static bool sink(void *user, const EmbeddedFile *file) {
    Pass *pass = user;
    Ingest *ingest = pass->ingest;
    Todo *todo = pass->files->pdata[file->number];
    bool later = false;
    if (g_error_matches(file->error, EARSHOT_ERROR, ERR_CANCELLED)) return false;
    if (!take(pass, todo, file, &later, &ingest->error)) return false;
    if (later)
        g_ptr_array_add(ingest->later, todo);
    else
        tell(ingest, file);
    return ingest->error == NULL;
}

static bool run_pass(Ingest *ingest, GPtrArray *files, bool last, GError **error) {
    Pass pass = {ingest, files, last};
    Engine *engine = library_engine(ingest->library, error);
    if (!engine || !files->len) return engine != NULL;
    g_autofree const char **paths = g_new(const char *, files->len);
    for (guint i = 0; i < files->len; i++) paths[i] = ((Todo *)files->pdata[i])->path;
    EmbedOptions how = {
        .hop = ingest->ops->model(ingest->backend)->hop,
        .workers = ingest->options->jobs,
        .before = before,
        .before_user = &pass,
        .stop = ingest->options->stop,
    };
    GError *fault = NULL;
    embedder_run(engine, &how, paths, files->len, sink, &pass, &fault);
    if (ingest->error) {
        g_clear_error(&fault);
        fault = g_steal_pointer(&ingest->error);
    }
    if (fault) g_propagate_error(error, fault);
    return fault == NULL;
}

/* Those put off are read again, each for itself: what brought their content may have failed, and
 * then each fails with its own reason. */
bool ingest_files(Ingest *ingest, GError **error) {
    g_autoptr(GHashTable) claimed = g_hash_table_new(hash_key, hash_equal);
    g_autoptr(GHashTable) settled =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    ingest->claimed = claimed;
    ingest->settled = settled;
    bool well = run_pass(ingest, ingest->todo, false, error);
    ingest->claimed = NULL;
    g_autoptr(GPtrArray) later = g_steal_pointer(&ingest->later);
    ingest->later = g_ptr_array_new();
    well = well && run_pass(ingest, later, true, error);
    ingest->settled = NULL;
    return well;
}

/* -- without changing anything -- */

static void count_dry(Ingest *ingest, const Todo *todo) {
    IngestReport *report = ingest->report;
    uint64_t clip = 0;
    bool known = ingest->ops->has(ingest->backend, todo->hash, &clip);
    g_autoptr(Clip) there = known ? ingest->ops->clip(ingest->backend, clip, false, NULL) : NULL;
    g_autofree char *gone = there ? gone_path(there) : NULL;
    if (known && todo->clip == clip)
        report->unchanged++;
    else if (todo->clip)
        report->changed++;
    else if (gone)
        report->moved++;
    else if (known || !claim(ingest, todo))
        report->copied++;
    else
        report->added++;
}

bool ingest_files_dry(Ingest *ingest, GError **error) {
    g_autoptr(GHashTable) claimed = g_hash_table_new(hash_key, hash_equal);
    bool stopped = false;
    ingest->claimed = claimed;
    for (guint i = 0; !stopped && i < ingest->todo->len; i++) {
        Todo *todo = ingest->todo->pdata[i];
        g_autoptr(GError) why = NULL;
        if (hash_file(ingest, todo, &why))
            count_dry(ingest, todo);
        else if (!g_error_matches(why, EARSHOT_ERROR, ERR_CANCELLED))
            ingest_fail(ingest, todo->path, NULL, why);
        if (ingest->listener->done) ingest->listener->done(ingest->listener->user, todo->path);
        stopped = ingest_is_stopped(ingest);
    }
    ingest->claimed = NULL;
    return !stopped || error_fail(error, ERR_CANCELLED, "interrupted");
}
