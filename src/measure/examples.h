/* Sounds with what they are called: what a model is measured on.
 *
 * A folder holds one folder a class; a manifest is CSV with a header. Known columns: path (or file,
 * filename, slice_file_name, fname), label (or class, category), caption (or text), and any other
 * as a fold. Paths are looked for beside the manifest and where ESC-50 and UrbanSound8K keep
 * theirs: in audio/, ../audio/, and in foldN/ of these.
 *
 * Owner: the caller. Thread: read-only after reading. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define EXAMPLES_MAX_BYTES (256 << 20) /* of a manifest */
#define EXAMPLES_MAX       1000000

typedef struct {
    GPtrArray *paths;    /* of char *, each once, in the order in which they first appear */
    GPtrArray *labels;   /* of char *, beside the paths; NULL where there is none */
    GPtrArray *folds;    /* of char *, beside the paths; NULL where there is none */
    GPtrArray *captions; /* of char *; */
    GArray *caption_of;  /* of int: which path each caption is of */
} Examples;

/* `where`: a folder or a manifest. fold: the column of folds, or NULL. */
Examples *examples_read(const char *where, const char *fold, GError **error);
Examples *examples_new(void);
void examples_free(Examples *examples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Examples, examples_free)

/* Takes the strings over; label and fold may be NULL. */
void examples_add(Examples *examples, char *path, char *label, char *fold);

/* The labels, each once, sorted; NULL-terminated, the caller's to g_strfreev. ERR_FORMAT where a
 * sound has none. */
char **examples_classes(const Examples *examples, const char *where, GError **error);
