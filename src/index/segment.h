/* Private to index: one file of vectors, and what is known of it while it is open.
 *
 * The file is a page of head and seven parts, each from a page of 4096 bytes on. Where they lie
 * follows from the counts in the head, which must fit the file's size exactly:
 *
 *   rows    f16 [rows][dim], by id          read with pread, never mapped
 *   ids     i64 [rows], ascending
 *   slots   u32 [rows]: where each row is among the codes
 *   blocks  1-bit codes, sixteen slots each (vec_kernels.h), list by list
 *   bytes   u8 [slots][padded]: one byte a component
 *   lists   f32 centres [lists][padded], f32 spread [lists], u32 size [lists]
 *   crcs    u32: CRC-32C of each page before this part, the head's excepted
 *
 * The head has a CRC of its own and that of the crcs; lists are checked when the file is opened,
 * all other pages when they are first touched. A page that is wrong is remembered in `damage`, and
 * nothing on it is believed.
 *
 * A file is never written again once it has its name, so what was checked stays true. */
#pragma once
#include "index.h"
#include "lists.h"

#include <stdatomic.h>

enum {
    SEGMENT_PAGE = 4096,
    SEGMENT_EFFORTS = 3, /* k = 10, 100, 1000 */
    SEGMENT_MAX_LISTS = 65536,
    SEGMENT_MAX_ROWS = 1 << 30,
};

/* Down to which reach of lists (lists.h), and how many 1-bit candidates, give the recall wanted.
 * codes 0: by bytes alone. */
typedef struct {
    float reach;
    uint32_t codes;
} SegmentEffort;

/* Every list. */
#define SEGMENT_ALL_LISTS (-1e6f)

typedef struct {
    char magic[8];
    uint32_t order; /* of bytes */
    uint32_t version;
    uint32_t dim, lists;
    uint64_t rows, blocks, stamp;
    SegmentEffort effort[INDEX_KINDS][SEGMENT_EFFORTS];
    float weight[INDEX_KINDS];   /* of the lists' spread */
    uint32_t crcs_crc, head_crc; /* the last: of all before it */
} SegmentHead;

/* Where the parts begin. */
typedef struct {
    uint64_t rows, ids, slots, blocks, bytes, lists, crcs, end;
} SegmentLayout;

typedef struct {
    int fd;
    SegmentHead head;
    SegmentLayout at;
    const uint8_t *map; /* from at.ids to the end; NULL without rows */

    const int64_t *ids;
    const uint32_t *slots;
    const uint8_t *blocks, *bytes;
    const uint32_t *sizes, *crcs;
    Rotation rotation;
    Lists lists;

    uint32_t *first_block; /* [lists + 1] */
    uint32_t *list_of;     /* [blocks] */
    uint32_t *live_of;     /* [lists]: rows of each that can be found */
    uint16_t *live;        /* [blocks]: slots that can be found */
    uint64_t live_rows;
    int64_t first_id;
    bool consecutive; /* ids without a gap: none is looked up */

    _Atomic uint64_t *checked; /* a bit for each page */
    _Atomic(const char *) damage;
} Segment;

/* Offsets for the counts in the head, which are within their limits. */
SegmentLayout segment_layout(const SegmentHead *head);

/* Fills in magic, order and version. */
void segment_head_begin(SegmentHead *head);
uint32_t segment_head_crc(const SegmentHead *head);

/* NULL and a segment, or a sentence and nothing. */
const char *segment_open(Segment **segment, const char *path, int dim, uint64_t stamp);
void segment_close(Segment *segment);

/* A segment that is being written, with head, fd, map and the lists' sizes and centres set: derives
 * the rest; its pages are taken as they are. */
void segment_prepare(Segment *segment);
void segment_unbind(Segment *segment);

bool segment_check(Segment *segment, uint64_t offset, uint64_t bytes);

/* True when these bytes of the file are as they were written; else notes the damage. Called for
 * everything before it is read. */
static inline bool segment_good(Segment *segment, uint64_t offset, uint64_t bytes) {
    uint64_t page = offset / SEGMENT_PAGE;
    if ((offset + bytes - 1) / SEGMENT_PAGE == page &&
        atomic_load_explicit(&segment->checked[page / 64], memory_order_relaxed) >> page % 64 & 1)
        return true;
    return segment_check(segment, offset, bytes);
}

/* The first row whose id is not below `id`; rows in [from, head.rows). */
uint64_t segment_find(Segment *segment, int64_t id, uint64_t from);

/* Its id; INT64_MIN where that is damaged. */
int64_t segment_id(Segment *segment, uint64_t row);

/* `count` rows from `row` on → rows[count][dim]; false where they are damaged. */
bool segment_rows(Segment *segment, uint64_t row, uint64_t count, uint16_t *rows);

/* Where a row is among the codes; false where that is damaged. */
bool segment_slot(Segment *segment, uint64_t row, uint32_t *slot);

bool segment_is_live(Segment *segment, uint64_t row);
void segment_remove(Segment *segment, int64_t first, int64_t end); /* ids [first, end) */

uint64_t segment_bytes(const Segment *segment);
