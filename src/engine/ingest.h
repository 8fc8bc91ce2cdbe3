/* Files and folders → clips of a library, by all cores, in bounded memory, resumable at any point.
 *
 * A walk hands out paths; what the library knows with the same stamp costs one stat. Others are
 * hashed; content that is known only gets another path (a moved or copied file); the rest is
 * decoded once and embedded, and becomes a clip in one transaction. A file that fails is remembered
 * with its reason and not tried again until it changes.
 *
 * Thread: one run at a time per library; the listener is called on the caller's thread. */
#pragma once
#include "library.h"

typedef struct {
    const char *const *paths;                    /* files and folders, NULL-terminated */
    const char *const *tags;                     /* for all of them; may be NULL */
    const char *const *include, *const *exclude; /* globs on path or name; may be NULL */
    const char *meta;  /* CSV or JSON Lines, or a known data set's label file; may be NULL */
    double hop;        /* seconds; 0: the library's, or a window's length */
    int jobs;          /* model workers; 0: the engine's threads */
    int shard, shards; /* this one (from 1) of so many; 0 of 0: all */
    bool prune;        /* forget files under the paths that are gone */
    bool dry_run;      /* look, but change nothing */
    bool retry_failed;
    const gint *stop; /* as EmbedOptions */
} IngestOptions;

typedef struct {
    char *path, *error;
} IngestFailure;

typedef struct {
    int64_t added, changed, moved, copied, unchanged, removed, windows;
    GPtrArray *failed;     /* of IngestFailure *, newly failed or failed again */
    int64_t failed_before; /* passed over, since they have not changed */
    double audio_seconds, seconds;
} IngestReport;
void ingest_report_clear(IngestReport *report);

typedef struct {
    void (*found)(void *user, int64_t files);         /* the walk is done: so many to do */
    void (*done)(void *user, const char *path);       /* one of them is finished */
    void (*fault)(void *user, const char *message);   /* "PATH: why"; it was remembered */
    void (*warning)(void *user, const char *message); /* it was used all the same */
    void *user;
} IngestListener;

/* What can be wrong before there is a library: not one of the paths is there, labels that cannot be
 * read. */
bool ingest_check(const IngestOptions *options, GError **error);

/* False with ERR_CANCELLED when stopped (what was finished is kept), or when nothing could be done
 * at all. */
bool ingest_run(Library *library, const IngestOptions *options, const IngestListener *listener,
                IngestReport *report, GError **error);

/* As ingest_run, and then stays and follows changes under the paths until stopped; `report` grows.
 */
bool ingest_watch(Library *library, const IngestOptions *options, const IngestListener *listener,
                  IngestReport *report, GError **error);
