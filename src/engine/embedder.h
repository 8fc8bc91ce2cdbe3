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

#define EMBED_FILES_AHEAD 64 /* files that may wait for an earlier one */

typedef struct {
    double start, end; /* seconds of the clip */
} Span;

typedef struct {
    const char *path;
    GError *error;       /* why there are no vectors; NULL: all went well */
    const char *warning; /* what was wrong with a file that could be used; or NULL */
    double seconds;      /* length of the clip */
    int windows;
    const Span *spans;    /* [windows] */
    const float *vectors; /* [windows][dim], unit vectors */
    const float *clip;    /* [dim]: normalised mean of the windows; fused: one vector of it all */
} EmbeddedFile;

/* Called on the caller's thread; everything in `file` is valid during the call alone. Returns false
 * to stop. */
typedef bool (*EmbedSink)(void *user, const EmbeddedFile *file);

typedef struct {
    double hop;       /* seconds between windows; 0: a window's length */
    bool clip_only;   /* fused checkpoints then give `clip` and no windows */
    const gint *stop; /* may be NULL; set to non-zero by anyone to stop after the files in hand */
} EmbedOptions;

/* False with ERR_CANCELLED when stopped, or with the error of a front end that cannot be made. */
bool embedder_run(Engine *engine, const EmbedOptions *options, const char *const *paths,
                  gsize count, EmbedSink sink, void *user, GError **error);
