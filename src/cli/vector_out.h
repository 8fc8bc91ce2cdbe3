/* Vectors as rows of JSON Lines, of a NumPy file, or of bare little-endian float32.
 *
 * Rows are written as they come; an npy file needs the number of rows in its header, so its rows
 * are kept in memory (2 kB each) until the end. Owner: the caller. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct VectorOut VectorOut;
typedef enum { VECTOR_JSONL, VECTOR_NPY, VECTOR_F32 } VectorFormat;

/* path NULL: stdout. A file is written beside and renamed when vector_out_close succeeds;
 * a link stays one, and its target is replaced. */
VectorOut *vector_out_open(const char *path, VectorFormat format, int dim, GError **error);

/* `about` (taken over) becomes the JSON row, with "embedding" added; other formats drop it. */
bool vector_out_row(VectorOut *out, json_t *about, const float *vector, GError **error);

/* Completes the output; false when not all of it could be written. Frees `out` either way. */
bool vector_out_close(VectorOut *out, GError **error);

/* Instead of vector_out_close: a file that was there before stays as it was. */
void vector_out_discard(VectorOut *out);
