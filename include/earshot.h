/* libearshot: find sounds by describing them.
 *
 * A library is a folder that knows sounds; it is opened with a model (CLAP), sounds are indexed
 * into it, and words, sounds or both find them again. docs/example.c is a whole program.
 *
 * Conventions
 *  - Functions return EARSHOT_OK or what went wrong; earshot_message tells it in one line, "PATH:
 *    what is wrong", for the thread that called.
 *  - Option and report structs begin with their size, set by the EARSHOT_..._INIT macros, so that
 *    they can grow: a program built with an older header works with a newer library. All zero (but
 *    for the size) is every default.
 *  - Strings are UTF-8, paths are bytes. What the library hands out belongs to the object it came
 *    from and is valid until that is closed or freed.
 *  - Threads: searches, classify and embed may be called on one earshot from any number of threads
 *    at once; earshot_index from one thread at a time. Writers in other processes are waited for.
 */
#ifndef EARSHOT_H
#define EARSHOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EARSHOT_API __attribute__((visibility("default")))

typedef enum {
    EARSHOT_OK = 0,
    EARSHOT_USAGE = 1,       /* the request is wrong: query, filter, option */
    EARSHOT_NOT_FOUND = 2,   /* no such file, clip, model, library */
    EARSHOT_DENIED = 3,      /* not allowed to read or write it */
    EARSHOT_IO = 4,          /* reading or writing broke: disk full, device gone */
    EARSHOT_FORMAT = 5,      /* the bytes are not what they should be */
    EARSHOT_UNSUPPORTED = 6, /* valid, but not something we handle */
    EARSHOT_LIMIT = 7,       /* larger than a named limit */
    EARSHOT_CONFLICT = 8,    /* someone else holds it, or another model made it */
    EARSHOT_NET = 9,         /* the other side did not answer as agreed */
    EARSHOT_CANCELLED = 10   /* stopped on request */
} earshot_status;

/* "1.2.3" of the library that runs. */
EARSHOT_API const char *earshot_version(void);

/* One line about the last call on this thread that did not return EARSHOT_OK. */
EARSHOT_API const char *earshot_message(void);

/* ---- open and close ---- */

typedef struct earshot earshot;

typedef struct {
    size_t size;
    const char *library;    /* folder; NULL: $XDG_DATA_HOME/earshot */
    const char *model;      /* folder in Hugging Face layout, or the name of an installed model;
                               NULL: the library's own */
    const char *models_dir; /* where installed models are; NULL: $XDG_DATA_HOME/earshot/models */
    int create;             /* make the library when there is none */
    int writable;           /* to be indexed into; create says so, too */
    int threads;            /* 0: one per core */
    double wait;            /* seconds to wait for another writer */
} earshot_options;
#define EARSHOT_OPTIONS_INIT                                                                       \
    { sizeof(earshot_options), NULL, NULL, NULL, 0, 0, 0, 0.0 }

EARSHOT_API earshot_status earshot_open(const earshot_options *options, earshot **out);
EARSHOT_API void earshot_close(earshot *e); /* NULL is fine */

/* Numbers of a vector, with the model that is open; 0: the model cannot be used. */
EARSHOT_API int earshot_dim(earshot *e);

/* ---- index ---- */

typedef struct {
    size_t size;
    const char *const *tags; /* for all files, NULL-terminated; or NULL */
    const char *meta;        /* CSV or JSON Lines with a path column; or NULL */
    double hop;              /* seconds from window to window; 0: a window's length */
    int prune;               /* forget files under the paths that are gone */
    int retry_failed;        /* try files again that failed and did not change */
    const int *stop;         /* set to non-zero (atomically) to stop; or NULL */
    /* A file that could not be used; or NULL. Called on the caller's thread. */
    void (*failed)(void *user, const char *message);
    void *user;
} earshot_index_options;
#define EARSHOT_INDEX_OPTIONS_INIT                                                                 \
    { sizeof(earshot_index_options), NULL, NULL, 0.0, 0, 0, NULL, NULL, NULL }

typedef struct {
    size_t size;
    int64_t added, changed, moved, unchanged, removed, failed, windows;
    double audio_seconds, seconds;
} earshot_index_report;
#define EARSHOT_INDEX_REPORT_INIT                                                                  \
    { sizeof(earshot_index_report), 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0 }

/* Files and folders, count of them. What is known and unchanged costs one stat. `options` and
 * `report` may be NULL. Files that fail do not make the call fail: they are reported. */
EARSHOT_API earshot_status earshot_index(earshot *e, const char *const *paths, size_t count,
                                         const earshot_index_options *options,
                                         earshot_index_report *report);

/* ---- search ---- */

typedef enum { EARSHOT_HYBRID = 0, EARSHOT_VECTOR = 1, EARSHOT_BM25 = 2 } earshot_mode;

typedef struct {
    size_t size;
    earshot_mode mode;
    int n, from;          /* 0: ten hits; the first */
    const char *filter;   /* "duration < 30 and tag = \"rain\""; or NULL */
    int rrf;              /* reciprocal rank fusion in place of min-max */
    double vector_weight; /* of the vector part, in (0, 1]; 0: 0.8 */
    double min_match;     /* drop hits whose match is lower */
    int windows;          /* every window is a hit */
    int exact;            /* everything in full precision */
    int fold_duplicates;  /* near-duplicates count once */
} earshot_search_options;
#define EARSHOT_SEARCH_OPTIONS_INIT                                                                \
    { sizeof(earshot_search_options), EARSHOT_HYBRID, 0, 0, NULL, 0, 0.0, 0.0, 0, 0, 0 }

typedef struct {
    const char *id;    /* 16 hex digits */
    const char *path;  /* bytes */
    const char *title; /* the file's name when it has none */
    double score;      /* what hits are ordered by */
    double match;      /* in [0, 1]: how sure it is that this was asked for */
    double cosine;     /* NAN where there is none */
    double bm25;       /* NAN where there is none */
    double start, end; /* seconds: the best window */
    double duration;   /* seconds */
} earshot_hit;

typedef struct earshot_hits earshot_hits;

/* `query`: words, id:HEX, or a sum ("dog barking - speech"), as on the command line. */
EARSHOT_API earshot_status earshot_search(earshot *e, const char *query,
                                          const earshot_search_options *options,
                                          earshot_hits **out);

/* More like a file or "id:HEX"; the sound itself is left out. */
EARSHOT_API earshot_status earshot_similar(earshot *e, const char *what,
                                           const earshot_search_options *options,
                                           earshot_hits **out);
EARSHOT_API size_t earshot_hits_count(const earshot_hits *hits);
EARSHOT_API const earshot_hit *earshot_hits_at(const earshot_hits *hits, size_t index);
EARSHOT_API void earshot_hits_free(earshot_hits *hits); /* NULL is fine */

/* ---- classify and embed ---- */

typedef struct {
    size_t label; /* which of those given */
    double probability, cosine;
} earshot_label;

/* One sound against labels of the caller's own → out[count], the best first. `templates`
 * (NULL-terminated, each with {} in it) may be NULL: "This is a sound of {}." */
EARSHOT_API earshot_status earshot_classify(earshot *e, const char *path, const char *const *labels,
                                            size_t count, const char *const *templates,
                                            earshot_label *out);

/* A unit vector → out[earshot_dim]. A file's is the normalised mean of its windows. */
EARSHOT_API earshot_status earshot_embed_text(earshot *e, const char *text, float *out);
EARSHOT_API earshot_status earshot_embed_file(earshot *e, const char *path, float *out);

#ifdef __cplusplus
}
#endif
#endif
