/* A line of an export, read back.
 *
 * Owner: the caller. Thread: any. */
#pragma once
#include "clip.h"
#include "store.h"

#define RECORD_MAX_DIM 4096

typedef struct {
    Clip *clip; /* with "tags" among its fields, as store_add_clip takes them */
    bool has_windows, has_model;
    StoreModel model;      /* its vectors' */
    ClipWindow *spans;     /* [clip->windows] */
    uint16_t *vectors;     /* [clip->windows][dim], halves */
    uint16_t *clip_vector; /* [dim] */
    int dim;
    gsize bytes; /* about what it takes in memory */
    gint64 line;
} Record;

/* Errors (ERR_FORMAT and the like) say what is wrong, not where. */
Record *record_parse(const char *line, gsize len, GError **error);
void record_free(Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_free)
