/* What the files ingest*.c and watch.c share. An Ingest is one run: it walks (ingest.c), makes
 * clips of what is new (ingest_files.c), and says what is said of them (ingest_labels.c). All of it
 * runs on the caller's thread, but for ingest_before. */
#pragma once
#include "embedder.h"
#include "ingest.h"
#include "meta.h"
#include "walk.h"

/* A file that has to be looked into. */
typedef struct {
    char *path;
    FileStamp stamp;         /* when it was found, and then when its bytes were read */
    uint64_t clip;           /* that it was before; 0: the path is new */
    uint8_t hash[CLIP_HASH]; /* once `hashed` */
    bool hashed;
} Todo;

/* One that has not changed, and is to be labelled. */
typedef struct {
    char *path;
    uint64_t clip;
} Known;

typedef struct {
    Library *library;
    Backend *backend; /* the library's */
    const BackendOps *ops;
    const IngestOptions *options;
    const IngestListener *listener;
    IngestReport *report;
    gint64 began;
    Meta *meta;           /* NULL: none */
    Walk *walk;           /* of the look that runs */
    GPtrArray *roots;     /* of char *, absolute */
    GPtrArray *unmounted; /* of char *: roots that are empty, or not there: nothing is forgotten */
    /* A watcher is told of each folder walked; and, when it wants to, of files in place of
     * ingest_take. */
    void (*folder)(void *watcher, const char *path);
    void (*file)(void *watcher, const char *path);
    void *watcher;
    GPtrArray *todo;  /* of Todo * */
    GPtrArray *known; /* of Known *, when there is something to say of them */
    GPtrArray *later; /* of Todo *: content that another file in hand brings, or that changed
                         meanwhile; borrowed */
    GMutex lock;
    GHashTable *claimed; /* hashes that are being embedded; NULL: each for itself; under the lock */
    GHashTable *settled; /* ids of clips of which no path is gone; while files are taken */
    GError *error;       /* what ends the run */
} Ingest;

/* ingest.c */
bool ingest_begin(Ingest *ingest, GError **error); /* the fields above `began` are set */
bool ingest_look(Ingest *ingest, const char *root, const char *folder); /* NULL: all of the root */
bool ingest_do(Ingest *ingest, GError **error);  /* all that was found; forgets it then */
bool ingest_all(Ingest *ingest, GError **error); /* look everywhere, do, forget, finish */
void ingest_end(Ingest *ingest);
bool ingest_finish(Ingest *ingest, GError **error); /* derived files, times */
bool ingest_is_stopped(const Ingest *ingest);

/* Found by a walk: to do, or known. */
bool ingest_take(Ingest *ingest, const char *path, const FileStamp *stamp);
void ingest_fail(Ingest *ingest, const char *path, const FileStamp *stamp, const GError *why);

/* ingest_files.c */
bool ingest_files(Ingest *ingest, GError **error);
bool ingest_files_dry(Ingest *ingest, GError **error); /* counts, and changes nothing */

/* ingest_labels.c: what --tag and the label file say. */
bool ingest_label_clip(Ingest *ingest, const Clip *clip, const char *path, GError **error);
bool ingest_label(Ingest *ingest, uint64_t clip, const char *path, GError **error);

/* ingest_prune.c */
bool ingest_prune(Ingest *ingest, GError **error);
bool ingest_prune_at(Ingest *ingest, const char *path, GError **error); /* it, and all below it */
