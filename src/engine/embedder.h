/* Many files → vectors, by all cores, in the order of the files, in bounded memory.
 *
 * Readers decode, cut windows and make mels; workers run the audio tower, one window each; the
 * caller's thread gets whole files, in the order they were given. A file that cannot be read is
 * given too, with its error: nothing is passed over in silence.
 *
 * Thread: embedder_run may be called from several threads at once; each call has threads of its
 * own. */
#pragma once
#include "engine.h"

#define EMBED_FILES_AHEAD   64         /* files that may wait for an earlier one */
#define EMBED_WINDOWS_AHEAD 16384      /* of such files; from there on only the first goes on */
#define EMBED_MAX_BYTES     (64 << 20) /* of one file's vectors; more windows are ERR_LIMIT */

typedef struct {
    double start, end; /* seconds of the clip */
} Span;

typedef struct {
    gsize number; /* which of the paths */
    const char *path;
    bool passed_over;    /* `before` did not want it: there is nothing but the path */
    GError *error;       /* why there are no vectors; NULL: all went well */
    const char *warning; /* what was wrong with a file that could be used; or NULL */
    double seconds;      /* length of the clip */
    int rate, channels;  /* of the file */
    GHashTable *tags;    /* of its container, as PcmInfo has them */
    int windows;
    const Span *spans;    /* [windows] */
    const float *vectors; /* [windows][dim], unit vectors */
    const float *clip;    /* [dim]: normalised mean of the windows; fused: one vector of it all */
} EmbeddedFile;

/* Called on the caller's thread; everything in `file` is valid during the call alone. Returns false
 * to stop. */
typedef bool (*EmbedSink)(void *user, const EmbeddedFile *file);

/* Called on a reader's thread before the file is decoded. False passes it over, with an error as a
 * file that cannot be used. */
typedef bool (*EmbedBefore)(void *user, gsize number, GError **error);

typedef struct {
    double hop;          /* seconds between windows; 0: a window's length */
    bool clip_only;      /* fused checkpoints then give `clip` and no windows */
    int workers;         /* 0: the engine's threads */
    double most_seconds; /* a file of which more is decoded is ERR_LIMIT; 0: no limit */
    EmbedBefore before;  /* may be NULL */
    void *before_user;
    const gint *stop; /* may be NULL; set to non-zero by anyone to stop after the files in hand */
} EmbedOptions;

/* False with ERR_CANCELLED when stopped, or with the error of a front end that cannot be made. */
bool embedder_run(Engine *engine, const EmbedOptions *options, const char *const *paths,
                  gsize count, EmbedSink sink, void *user, GError **error);

/* One file → out[dim], the vector of it all. Of the options hop, workers, most_seconds and stop
 * count. */
bool embedder_run_one(Engine *engine, const char *path, const EmbedOptions *options, float *out,
                      GError **error);
