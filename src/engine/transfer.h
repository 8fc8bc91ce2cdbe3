/* Libraries as files and as other libraries: export, import, copy.
 *
 * A line of JSON Lines is a clip as clip_json has it, and what else it takes to make it again:
 *
 *     "sha256", "rate", "channels"
 *     "said"       [{"name","value","source"}]: who said what; value null: that there is none
 *     "stamps"     [{"size","mtime","ctime"}], one a path
 * and with vectors
 *     "model"      {"name","sha256","dim","window","hop"}
 *     "embedding"  of the whole clip
 *     "vectors"    [{"start","end","embedding"}]
 *
 * Thread: one at a time per library. */
#pragma once
#include "library.h"
#include <stdio.h>

#define IMPORT_MAX_LINE (256 << 20) /* bytes: some days of sound in one clip */

typedef struct {
    bool csv;     /* else JSON Lines */
    bool vectors; /* JSON Lines alone; base64 is not used: numbers as `embed` writes them */
    const Filter *filter;
    const gint *stop; /* may be NULL; ERR_CANCELLED once it is not 0 */
} ExportOptions;

/* Ends early when `out` refuses what is written; the caller looks at ferror(out). */
bool export_run(Library *library, const ExportOptions *options, FILE *out, GError **error);

typedef struct {
    int64_t added, updated, unchanged, failed;
} TransferReport;

typedef struct {
    /* "FILE:LINE: what is wrong" with a line that is passed over. */
    void (*fault)(void *user, const char *message);
    void (*done)(void *user, int64_t clips); /* so many more */
    void *user;
} TransferListener;

/* Lines that export wrote ("-": from stdin): clips with vectors are added, for those that are there
 * already fields, tags and paths are taken over. A library without a model takes that of the first
 * line with vectors. Lines go in by batches; what came before an error or a stop stays. */
bool import_run(Library *library, const char *path, const TransferListener *listener,
                const gint *stop, TransferReport *report, GError **error);

/* Everything from one library to another, vectors as they are; what is there already is passed
 * over, so that a copy that broke off goes on. Verified at the end: the same clips, and the same
 * sum over their vectors. */
bool copy_run(Library *from, Library *to, const TransferListener *listener, const gint *stop,
              TransferReport *report, GError **error);
