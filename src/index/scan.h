/* Private to index: one query in one segment, in stages. Each stage keeps the best of the one
 * before by a finer measure: lists, codes of a bit, codes of a byte, rows.
 *
 * A scratch belongs to one search at a time; the segment is only read, but for its notes on what
 * was checked. */
#pragma once
#include "codes.h"
#include "segment.h"
#include "top.h"

struct IndexScratch {
    float *q;        /* rotated */
    CodesQuery fine; /* the query beside bytes */
    int padded;      /* room in the two above */
    ListsView view;
    uint64_t *order; /* keys of lists, by their reach */
    float *along;    /* of each list: <q, c>, NAN while not known */
    uint32_t lists;  /* room in the two above */
    uint16_t *rows;  /* SCAN_ROWS_MOST of them */
    int dim;
    Top codes, fines;
    TopHits hits;
    VecPlan plan;
};

typedef struct {
    Segment *segment;
    IndexScratch *scratch;
    const float *query; /* as given */
    const IndexQuery *how;
    uint64_t allowed; /* rows that may be found, about */
} Scan;

/* Makes room in the scratch and the query ready for this segment. */
void scan_begin(Scan *scan, Segment *segment, IndexScratch *scratch, const float *query,
                const IndexQuery *how);

/* The reach of every list, as `weight` would have it → scratch->view. */
void scan_reach(Scan *scan, float weight);

/* The best by 1-bit codes → scratch->codes, cut. After scan_reach. */
void scan_codes(Scan *scan, SegmentEffort effort);

/* All stages; pushes to scratch->hits. */
void scan_segment(Segment *segment, IndexScratch *scratch, const float *query,
                  const IndexQuery *how);

/* How many candidates by bytes go on to the rows. */
size_t scan_fines(int k);

bool scan_allows(const IndexSet *set, int64_t id);
