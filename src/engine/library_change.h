/* Single changes to a library that is open for writing: each is one transaction, durable and found
 * by searches when the call returns. Many files are ingest.h's.
 *
 * Thread: one at a time per library. */
#pragma once
#include "library.h"

typedef struct {
    const char *path;    /* of the file, absolute; it stays where it is */
    const Field *fields; /* what the user says of it, whatever their source says; as library_edit */
    int count;
    double most_seconds; /* a longer file is ERR_LIMIT; 0: no limit */
    const gint *stop;    /* may be NULL; non-zero: ERR_CANCELLED */
} AddOptions;

/* One file → a clip with its fields and its container's tags → *clip, the caller's. A library
 * without a model is bound to the engine's. Content that is there already: *known, nothing is
 * changed, and *clip is the one that is there. Searches take up the new rows by themselves; index
 * files are brought up to date when library_settle is called, which is for after many files. Errors
 * are those of embedding and of the fields; nothing is remembered of a file that fails. */
bool library_add_file(Library *library, const AddOptions *options, Clip **clip, bool *known,
                      GError **error);

/* What the user says of a clip: `fields` (whatever their source says; value NULL: that there is
 * none; "tags" a list parted by ';', under the name "tag" too) replace what the user said of them
 * before, and what was said of the names in `unset` (NULL-terminated, may be NULL) is taken back,
 * so that the file and label files count again. All of it or nothing. ERR_USAGE: a name that is
 * none, or a fact of the file (duration …); ERR_NOT_FOUND: no such clip; ERR_LIMIT. */
bool library_edit(Library *library, uint64_t id, const Field *fields, int count, char **unset,
                  GError **error);
