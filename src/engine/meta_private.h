/* What meta.c (which row is a file's) and meta_read.c (what a row says) share. */
#pragma once
#include "meta.h"

typedef struct {
    MetaRow said;
    GArray *fields; /* of Field; names and values lie in the Meta's text */
    int seen;       /* files with this row's name */
    bool used;
} Row;

struct Meta {
    char *folder;        /* that the file lies in, absolute */
    GStringChunk *text;  /* all strings */
    GPtrArray *rows;     /* of Row * */
    GHashTable *written; /* path as written → Row *, borrowed */
    GHashTable *by_path; /* absolute path, owned → Row * */
    GHashTable *by_name; /* without folders → Row *, or NULL: several */
};

/* The row of this path, new or old; NULL: there are too many. */
Row *meta_row(Meta *meta, const char *path);
