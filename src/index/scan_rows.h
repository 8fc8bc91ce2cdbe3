/* Private to index: the rows of a segment that can be found and are allowed, in the order of their
 * ids, a handful at a time. */
#pragma once
#include "segment.h"

enum { SCAN_ROWS_MOST = 64 };

typedef struct {
    Segment *segment;
    const IndexSet *allow;
    uint64_t next, bit; /* row; bit of the set */
    uint64_t rows[SCAN_ROWS_MOST];
    uint32_t slots[SCAN_ROWS_MOST];
} ScanRows;

ScanRows scan_rows_begin(Segment *segment, const IndexSet *allow);

/* How many; 0 at the end. */
int scan_rows_next(ScanRows *rows);
