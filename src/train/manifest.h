/* What a model learns from: a table with a row for each sound and text that belong together.
 *
 * CSV with a header. Columns: `path` (or `file`, `filename`), and `caption` (or `text`), `label`
 * (or `class`, `category`) or `tags` (or `keywords`, parted by ';'); others are passed over. A
 * sound may have several rows: its captions and keywords add up, its label is one. Paths are
 * relative to the manifest's folder. Everything is looked at before training begins: a sound that
 * is not there, a row without a text, two labels for one sound are errors with the line.
 *
 * Owner: the caller. Thread: read-only after reading. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define MANIFEST_MAX_BYTES   (256 << 20)
#define MANIFEST_MAX_CAPTION 4096 /* bytes */

typedef struct {
    char *path;          /* absolute, without "." and ".." */
    char *label;         /* NULL: none */
    GPtrArray *captions; /* of char *, as they are written; may be empty */
    GPtrArray *keywords; /* of char *, "rain and tin roof": of tags, or of the file's name */
} ManifestClip;

typedef struct {
    char *path;
    GPtrArray *clips; /* of ManifestClip *, in the order in which they first appear */
} Manifest;

/* With `file_words` a row without a text takes the words of its file's name as keywords. */
Manifest *manifest_read(const char *path, bool file_words, GError **error);
void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

bool manifest_has_labels(const Manifest *manifest);   /* every clip has one */
bool manifest_has_captions(const Manifest *manifest); /* every clip has one */
