/* What a label file says of sounds: CSV with a header or JSON Lines, one sound a row. One column
 * names the sound ("path", "file", "filename", or as ESC-50, UrbanSound8K and FSD50K call it);
 * "tags" is a list parted by ';' or ','; "category", "class" and "labels" are tags too, with blanks
 * for underscores; every other column becomes a field of its name, lower case, with '_' before it
 * where the library knows as much of every sound by itself ("id" → "_id"). Such columns of a CSV
 * that export wrote say nothing; nor do a column without a name, and a value without text. Rows of
 * the same sound are joined: tags add up, of fields the last row counts.
 *
 * A row is a file's when its path, seen from the label file's folder or from a root, is the file's;
 * else when its name without folders is that of one row and one file alone (an ending that the row
 * leaves out is passed over).
 *
 * Owner: the caller. Thread: one at a time. */
#pragma once
#include "clip.h"

#define META_MAX_BYTES (256 << 20)
#define META_MAX_ROWS  2000000

typedef struct Meta Meta;

typedef struct {
    const char *path; /* as written */
    Field *fields;    /* [count], SOURCE_META, without tags; borrowed as the row is */
    int count;
    const char *tags; /* parted by ';'; NULL: none */
} MetaRow;

Meta *meta_read(const char *path, GError **error);

/* The same for text that came from `path`. */
Meta *meta_parse(const char *path, const char *text, gsize len, GError **error);
void meta_free(Meta *meta);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Meta, meta_free)

/* A folder that the rows' paths may be seen from. */
void meta_add_root(Meta *meta, const char *root);

/* All files are shown before any is looked for, so that a name that two of them have is known. */
void meta_see(Meta *meta, const char *path);
const MetaRow *meta_find(Meta *meta, const char *path); /* NULL: nothing is said of it */

/* "Src File" → "src_file": what a field may be called; NULL where nothing is left. Caller frees. */
char *meta_field_name(const char *text);

/* What follows from the file, and is nobody's to say: "id", "duration", … */
bool meta_is_fact(const char *name);

int meta_rows(const Meta *meta);
int meta_unused(const Meta *meta); /* rows that meta_find never gave */
