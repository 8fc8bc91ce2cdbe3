/* What the files of the local backend share.
 *
 * A search leases a Reader (a Store of its own, and room for the index to work in) and holds the
 * index shared; the index is exchanged or grown by whoever first sees that the library changed.
 * One more Store, `watch`, does nothing but see changes: a counter of changes means something to
 * the connection that read it alone.
 *
 * Locks, in the order they are taken: `watching`, `gate`; `leasing` and `known` by themselves. */
#pragma once
#include "local.h"

#include <pthread.h>

#define LOCAL_TAIL_ROWS 20000 /* a tail that grows beyond this, or … */
#define LOCAL_TAIL_PART 20    /* … beyond 1/20 of the base, becomes part of it */
#define LOCAL_GONE_PART 5     /* so does a base of which 1/5 went */

typedef struct {
    Store *store;
    IndexScratch *scratch;
} Reader;

typedef enum { FILE_BASE, FILE_TAIL, INDEX_FILES } FileKind;

/* An index file as the store names it. */
typedef struct {
    uint64_t stamp; /* names it, too; 0: there is none */
    int64_t last;   /* it holds all windows up to this one, and beyond the file before it */
    int64_t rows;   /* when it was written */
} IndexFile;

typedef struct {
    Backend backend;
    char *dir;
    Store *writer;     /* NULL when reading */
    GThread *changing; /* that has a change open; atomic */

    GMutex leasing;
    GPtrArray *readers; /* of Reader *: those that nobody has leased; under the lock */

    GMutex watching; /* guards all of this */
    Store *watch;
    bool seen;         /* `change` counts */
    int64_t change;    /* of `watch`: what the index and the rest are as of */
    GPtrArray *models; /* of StoreModel *; the last counts, older ones may still be looked at */
    int64_t clips;     /* −1: not counted yet */
    IndexFile files[INDEX_FILES]; /* that are mapped */
    int64_t last, removal;        /* windows and removals that the index has taken up */
    GHashTable *damaged;          /* stamps of files that were found damaged */

    pthread_rwlock_t gate; /* held by searches; writers first, else busy readers starve them */
    Index *index;          /* NULL while there is no model */
    int dim;

    GMutex known; /* guards what was looked up before, which stays true for ever */
    GHashTable *windows, *ids;
} Local;

/* -- local.c -- */
Reader *local_lease(Local *local, GError **error);
void local_give_back(Local *local, Reader *reader);
/* Gives it back; false also when something it was asked could not be read. `reader` may be NULL. */
bool local_return(Local *local, Reader *reader, bool ok, GError **error);

/* -- local_files.c: index files and their names in the store -- */
extern const char *const local_file_keys[INDEX_FILES];
char *local_file_path(const char *dir, FileKind kind, uint64_t stamp);
bool local_files_read(Store *store, IndexFile files[INDEX_FILES], GError **error);
bool local_file_put(Store *store, FileKind kind, const IndexFile *file, GError **error);
void local_files_unlink_others(const char *dir, const IndexFile files[INDEX_FILES]);

/* -- local_index.c -- */

/* Brings the index up to date and holds it; local_index_end says false when what was found in the
 * meantime cannot be trusted: begin again. The index has no rows, or is NULL, in an empty library.
 */
bool local_index_begin(Local *local, GError **error);
bool local_index_end(Local *local);
void local_index_close(Local *local);

int64_t local_count(Backend *backend);
bool local_is_counted(Local *local, GError **error);
const StoreModel *local_model(Local *local);
void local_keep_model(Local *local, const StoreModel *model);

/* -- local_known.c: what a window or a clip's number stands for -- */
typedef struct {
    ClipKey key; /* of its clip */
    ClipWindow span;
} KnownWindow;
bool local_known_window(Local *local, Store *store, int64_t window, KnownWindow *known);
bool local_known_id(Local *local, Store *store, int64_t clip, uint64_t *id);
void local_known_init(Local *local);
void local_known_clear(Local *local);

/* -- local_find.c, local_write.c, local_settle.c, local_care.c: what BackendOps points at -- */
bool local_candidates(Backend *backend, const CandidateRequest *request, Candidates *out,
                      GError **error);
GArray *local_windows(Backend *backend, const CandidateRequest *request, GError **error);
bool local_best_windows(Backend *backend, const float *vector, const uint64_t *clips, int count,
                        WindowHit *out, GError **error);
int local_sample(Backend *backend, const float *vector, int count, float *out);
bool local_row(Backend *backend, const WindowHit *hit, float *out, GError **error);
bool local_score_words(Backend *backend, const char *words, const uint64_t *clips, int count,
                       double *columns, GError **error);

Store *local_writer(Backend *backend, GError **error); /* ERR_DENIED when open for reading */
bool local_set_model(Backend *backend, const StoreModel *model, GError **error);
bool local_put(Backend *backend, const char *key, GBytes *value, GError **error);
bool local_begin(Backend *backend, GError **error);
bool local_end(Backend *backend, bool keep, GError **error);
bool local_sync(Backend *backend, GError **error);
PathState local_path_state(Backend *backend, const char *path, const FileStamp *stamp,
                           uint64_t *clip);
bool local_has(Backend *backend, const uint8_t hash[CLIP_HASH], uint64_t *clip);
bool local_add_clip(Backend *backend, Clip *clip, const ClipWindow *windows,
                    const uint16_t *vectors, const uint16_t *clip_vector, GError **error);
bool local_set_path(Backend *backend, uint64_t clip, const char *path, const FileStamp *stamp,
                    GError **error);
bool local_remove_path(Backend *backend, const char *path, GError **error);
bool local_remove_clip(Backend *backend, uint64_t clip, GError **error);
bool local_set_fields(Backend *backend, uint64_t clip, const Field *fields, int count,
                      GError **error);
bool local_unset_field(Backend *backend, uint64_t clip, const char *name, Source source,
                       GError **error);
bool local_set_failure(Backend *backend, const char *path, const FileStamp *stamp, const char *why,
                       GError **error);
bool local_clear_failure(Backend *backend, const char *path, GError **error);
bool local_settle(Backend *backend, const float *texts, int count, int threads, GError **error);
GPtrArray *local_check(Backend *backend, GError **error);
