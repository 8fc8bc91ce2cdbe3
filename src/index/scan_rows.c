/* All rows by counting; allowed ones by the bits of the set. */
#include "scan_rows.h"

ScanRows scan_rows_begin(Segment *segment, const IndexSet *allow) {
    ScanRows rows = {.segment = segment, .allow = allow};
    int64_t first = segment_id(segment, 0);
    if (allow && first > allow->first) rows.bit = (uint64_t)first - (uint64_t)allow->first;
    return rows;
}

static bool add(ScanRows *rows, uint64_t row, int n) {
    const Segment *s = rows->segment;
    uint32_t slot;
    if (!segment_slot(rows->segment, row, &slot)) return false;
    rows->rows[n] = row;
    rows->slots[n] = slot;
    return s->live[slot / VEC_BLOCK] >> slot % VEC_BLOCK & 1;
}

static int next_of_all(ScanRows *rows) {
    int n = 0;
    for (; n < SCAN_ROWS_MOST && rows->next < rows->segment->head.rows; rows->next++)
        n += add(rows, rows->next, n);
    return n;
}

/* The next bit that is set, from rows->bit on; size where there is none. */
static uint64_t next_bit(const ScanRows *rows) {
    const IndexSet *set = rows->allow;
    uint64_t bit = rows->bit;
    while (bit < set->size) {
        uint64_t rest = set->bits[bit / 64] >> bit % 64;
        if (rest) {
            bit += (uint64_t)__builtin_ctzll(rest);
            return bit < set->size ? bit : set->size;
        }
        bit = (bit / 64 + 1) * 64;
    }
    return set->size;
}

static int next_of_set(ScanRows *rows) {
    Segment *s = rows->segment;
    int n = 0;
    while (n < SCAN_ROWS_MOST && rows->next < s->head.rows) {
        uint64_t bit = next_bit(rows);
        if (bit == rows->allow->size) break;
        int64_t id = (int64_t)((uint64_t)rows->allow->first + bit);
        rows->bit = bit + 1;
        rows->next = segment_find(s, id, rows->next);
        if (rows->next < s->head.rows && segment_id(s, rows->next) == id)
            n += add(rows, rows->next, n);
    }
    return n;
}

int scan_rows_next(ScanRows *rows) {
    return rows->allow ? next_of_set(rows) : next_of_all(rows);
}
