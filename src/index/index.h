/* The nearest vectors of a collection: staged, partitioned, exact at the end.
 *
 * An Index is a handful of segments: files that index_write made, mapped as they are, and rows
 * added since, in memory. A query goes through each segment in stages: the lists of a k-means
 * partition in the order of their promise (Jégou 2011), 1-bit codes (RaBitQ, arXiv 2405.12497),
 * int8 codes, and the rows themselves in half precision; what comes out is exact. Small segments
 * and data without clusters have one list. docs/FORMATS.md tells the file.
 *
 * The file is derived: whatever is wrong with it is answered by making it anew, so functions return
 * NULL when done and else a short static sentence ("cut short", "no space left on device").
 *
 * Rows are unit vectors in IEEE half precision; ids ascend strictly from segment to segment and row
 * to row, and an id means the same row for ever.
 *
 * Owner: the caller. Thread: searches may run side by side, each with a scratch of its own; nothing
 * may change the Index meanwhile. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_MAX_DIM      4096
#define INDEX_MAX_K        10000
#define INDEX_MAX_SEGMENTS 16

typedef struct Index Index;
typedef struct IndexScratch IndexScratch;

/* Where a query comes from: texts lie outside the cloud of sounds and need a wider search. */
typedef enum { INDEX_SOUND, INDEX_TEXT, INDEX_KINDS } IndexKind;

typedef struct {
    int64_t id;
    float cosine;
} IndexHit;

/* A set of ids as bits: bit (id - first) of `bits`, for ids in [first, first + size). */
typedef struct {
    int64_t first;
    uint64_t size, count; /* count: bits that are set */
    const uint64_t *bits;
} IndexSet;

typedef struct {
    int k; /* 1 … INDEX_MAX_K */
    IndexKind kind;
    bool exact;            /* every row in its stored precision, no codes */
    const IndexSet *allow; /* nothing else is found; NULL: all */
} IndexQuery;

Index *index_new(int dim);
void index_free(Index *index);

#define INDEX_OTHER_VERSION "of another version" /* what index_map says of one; no damage */

/* Maps a file. `stamp` is what index_write was given; another one is refused. Codes and rows are
 * checked against their checksums when first touched: index_damage tells. */
const char *index_map(Index *index, const char *path, uint64_t stamp);

/* Rows that no file holds yet, kept in memory. row[dim]. */
const char *index_add(Index *index, int64_t id, const uint16_t *row);

/* These ids are never found again. Unknown ones are passed over. */
void index_remove(Index *index, int64_t first, int64_t count);

uint64_t index_rows(const Index *index); /* that can be found */
int64_t index_last_id(const Index *index);
size_t index_bytes(const Index *index); /* of mapped files and memory */

/* NULL, or what was found wrong with a mapped file since it was opened. Answers that touched the
 * damage are missing rows; the caller drops the file and searches again. */
const char *index_damage(const Index *index);

IndexScratch *index_scratch_new(void);
void index_scratch_free(IndexScratch *scratch);

/* query[dim], a unit vector → the k best (or all there are), the best first, equal ones by id.
 * Returns how many. */
int index_search(const Index *index, IndexScratch *scratch, const float *query,
                 const IndexQuery *how, IndexHit *hits);

/* Exact cosines of ids first … first + count - 1 → out[count]; -2 where there is no such row. */
void index_cosines(const Index *index, const float *query, int64_t first, int count, float *out);

/* Cosines of `query` with up to `count` rows spread evenly over all of them; always the same rows
 * of the same index. Returns how many. */
int index_sample(const Index *index, const float *query, int count, float *out);

/* The row of an id, widened → out[dim]; false when there is none. */
bool index_row(const Index *index, int64_t id, float *out);

/* Rows handed in one after another, ids ascending; false ends it (an error of the caller's own). */
typedef bool (*IndexRows)(void *user, int64_t *id, uint16_t *row, bool *end);

typedef struct {
    int dim;
    uint64_t stamp;
    uint64_t rows; /* about how many will come: a hint that nothing is allocated on */
    int threads;
    const float *texts; /* [text_count][dim] text queries to calibrate with; may be NULL: then */
    int text_count;     /* texts are searched in every list */
    int lists;          /* 0: chosen by the number of rows */
} IndexWrite;

/* Writes a file beside `path`, syncs it and gives it its name. The same rows and options make the
 * same bytes, whatever the threads. */
const char *index_write(const char *path, const IndexWrite *how, IndexRows rows, void *user);
