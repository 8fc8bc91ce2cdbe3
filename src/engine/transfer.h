/* Libraries as files and as other libraries: export, import, copy.
 *
 * Thread: one at a time per library. */
#pragma once
#include "library.h"
#include <stdio.h>

typedef struct {
    bool csv;     /* else JSON Lines */
    bool vectors; /* JSON Lines alone; base64 is not used: numbers as `embed` writes them */
    const Filter *filter;
} ExportOptions;
bool export_run(Library *library, const ExportOptions *options, FILE *out, GError **error);

typedef struct {
    int64_t added, updated, unchanged, failed;
} TransferReport;

/* Lines that export wrote: clips with vectors are added, for those that are there already fields,
 * tags and paths are taken over. `fault` gets "FILE:LINE: what is wrong" and goes on. */
typedef void (*TransferFault)(void *user, const char *message);
bool import_run(Library *library, const char *path, TransferFault fault, void *user,
                TransferReport *report, GError **error);

/* Everything from one library to another, vectors as they are; what is there already is passed
 * over, so that a copy that broke off goes on. Verified at the end: the same clips, and the same
 * sum over their vectors. */
bool copy_run(Library *from, Library *to, const gint *stop, TransferReport *report, GError **error);
