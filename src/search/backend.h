/* Where a library lives. Every command speaks to this face; local.c keeps the library in a folder,
 * opensearch.c (later) in an index of OpenSearch. Clips are named by their id as a number: it means
 * the same everywhere.
 *
 * Owner: the caller of local_open. Thread: all calls but those that change the library may come
 * from any thread at once; changes from one thread at a time. A backend opened for reading refuses
 * changes with ERR_DENIED. */
#pragma once
#include "clip.h"
#include "filter.h"
#include "fuse.h"
#include "index.h"
#include "store_care.h"
#include "store_list.h"
#include "store_read.h"

typedef struct Backend Backend;

/* What a search wants of the library in one go. */
typedef struct {
    const float *vector; /* [dim], a unit vector; NULL: no vector part */
    IndexKind kind;
    const char *words; /* NULL: no BM25 part */
    const Filter *filter;
    int most;   /* clips of each part */
    bool exact; /* full precision, everything */
} CandidateRequest;

/* A page of clips, as StoreList has it. */
typedef struct {
    const Filter *filter; /* NULL: all clips */
    ClipOrder order;
    bool falling;
    int from, n;
    bool with_vector;
} ListRequest;

/* A clip's best window, or one of all windows. */
typedef struct {
    uint64_t clip;
    int64_t window; /* its number; 0 where the backend has none */
    ClipWindow span;
    double cosine;
} WindowHit;

typedef struct {
    GArray *vector; /* of WindowHit: clips by their best window, the best first; NULL: not asked */
    GArray *words;  /* of Candidate; NULL: not asked */
} Candidates;
void candidates_clear(Candidates *candidates);

typedef struct {
    void (*close)(Backend *backend);
    const char *(*name)(const Backend *backend); /* as --library names it */
    const StoreModel *(*model)(Backend *backend);
    bool (*set_model)(Backend *backend, const StoreModel *model, GError **error);
    GBytes *(*get)(Backend *backend, const char *key, GError **error);
    bool (*put)(Backend *backend, const char *key, GBytes *value, GError **error);

    /* -- finding -- */
    bool (*candidates)(Backend *backend, const CandidateRequest *request, Candidates *out,
                       GError **error);
    /* The best window of each clip, in the order of `clips`; cosine −2 where there is none. */
    bool (*best_windows)(Backend *backend, const float *vector, const uint64_t *clips, int count,
                         WindowHit *out, GError **error);
    /* Windows, not folded into clips: the best `most` → array of WindowHit. */
    GArray *(*windows)(Backend *backend, const CandidateRequest *request, GError **error);
    int (*sample)(Backend *backend, const float *vector, int count, float *out);
    /* The vector of a window of a clip → out[dim]. */
    bool (*row)(Backend *backend, const WindowHit *hit, float *out, GError **error);
    /* Per column BM25 of given clips, [count][STORE_WORD_COLUMNS]. */
    bool (*score_words)(Backend *backend, const char *words, const uint64_t *clips, int count,
                        double *columns, GError **error);

    /* -- reading -- */
    int64_t (*count)(Backend *backend); /* of clips, as of the last search; cheap */
    bool (*stats)(Backend *backend, StoreStats *stats, int64_t *index_bytes, GError **error);
    char **(*field_names)(Backend *backend, GError **error);
    /* "id:HEX", bare hex or a path → the clip; ERR_NOT_FOUND, or ERR_CONFLICT for several. */
    Clip *(*find)(Backend *backend, const char *what, bool with_vector, GError **error);
    Clip *(*clip)(Backend *backend, uint64_t id, bool with_vector, GError **error);
    bool (*each_clip)(Backend *backend, const Filter *filter, bool with_vector, StoreEachClip each,
                      void *user, GError **error);
    /* As store_list and store_facets. */
    bool (*list)(Backend *backend, const ListRequest *request, int64_t *total, StoreEachClip each,
                 void *user, GError **error);
    bool (*facets)(Backend *backend, const char *field, const Filter *filter, int n,
                   StoreEachFacet each, void *user, GError **error);
    /* [clip.windows] spans and vectors [n][dim] in halves; the caller frees both. */
    bool (*vectors)(Backend *backend, const Clip *clip, ClipWindow **spans, uint16_t **vectors,
                    GError **error);
    bool (*each_path)(Backend *backend, const char *under, StoreEachPath each, void *user,
                      GError **error);
    bool (*each_failure)(Backend *backend, StoreEachFailure each, void *user, GError **error);

    /* -- changing: as the functions of store_write.h, clips by id -- */
    bool (*begin)(Backend *backend, GError **error);
    bool (*end)(Backend *backend, bool keep, GError **error);
    /* What was committed survives a loss of power as well. */
    bool (*sync)(Backend *backend, GError **error);
    /* These two change nothing: they may be asked by any thread, and see what was committed;
     * between begin and end the thread that began sees its own changes as well. */
    PathState (*path_state)(Backend *backend, const char *path, const FileStamp *stamp,
                            uint64_t *clip);
    bool (*has)(Backend *backend, const uint8_t hash[CLIP_HASH], uint64_t *clip);
    bool (*add_clip)(Backend *backend, Clip *clip, const ClipWindow *windows,
                     const uint16_t *vectors, const uint16_t *clip_vector, GError **error);
    bool (*set_path)(Backend *backend, uint64_t clip, const char *path, const FileStamp *stamp,
                     GError **error);
    bool (*remove_path)(Backend *backend, const char *path, GError **error);
    bool (*remove_clip)(Backend *backend, uint64_t clip, GError **error);
    bool (*set_fields)(Backend *backend, uint64_t clip, const Field *fields, int count,
                       GError **error);
    bool (*unset_field)(Backend *backend, uint64_t clip, const char *name, Source source,
                        GError **error);
    bool (*set_failure)(Backend *backend, const char *path, const FileStamp *stamp, const char *why,
                        GError **error);
    bool (*clear_failure)(Backend *backend, const char *path, GError **error);
    /* Brings what is derived up to date, after many changes. texts[count][dim]: text queries to
     * calibrate with; may be NULL. */
    bool (*settle)(Backend *backend, const float *texts, int count, int threads, GError **error);

    /* -- care -- */
    GPtrArray *(*check)(Backend *backend, GError **error); /* of StoreCheck * */
} BackendOps;

struct Backend {
    const BackendOps *ops;
};

void backend_close(Backend *backend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Backend, backend_close)

/* 16 hex digits as a number, and back. */
uint64_t clip_number_of_id(const char id[CLIP_ID + 1]);
void clip_id_of_number(uint64_t number, char id[CLIP_ID + 1]);
