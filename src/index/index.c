/* The face: segments in the order of their ids, and the rows added since. */
#include "index.h"
#include "fresh.h"
#include "index_memory.h"
#include "scan.h"

#include <string.h>

struct Index {
    int dim, segment_count;
    Segment *segments[INDEX_MAX_SEGMENTS];
    Fresh fresh;
};

Index *index_new(int dim) {
    Index *index = memory_take(1, sizeof *index);
    index->dim = index->fresh.dim = dim;
    return index;
}

void index_free(Index *index) {
    if (!index) return;
    for (int i = 0; i < index->segment_count; i++) segment_close(index->segments[i]);
    fresh_clear(&index->fresh);
    memory_give(index);
}

const char *index_map(Index *index, const char *path, uint64_t stamp) {
    Segment *segment;
    if (index->segment_count == INDEX_MAX_SEGMENTS) return "one file more than an index has";
    const char *fault = segment_open(&segment, path, index->dim, stamp);
    if (fault) return fault;
    if (segment->head.rows && segment_id(segment, 0) <= index_last_id(index)) {
        segment_close(segment);
        return "ids do not ascend from file to file";
    }
    index->segments[index->segment_count++] = segment;
    return NULL;
}

const char *index_add(Index *index, int64_t id, const uint16_t *row) {
    if (id <= index_last_id(index)) return "ids do not ascend";
    fresh_add(&index->fresh, id, row);
    return NULL;
}

void index_remove(Index *index, int64_t first, int64_t count) {
    if (count <= 0) return;
    int64_t end = first > INT64_MAX - count ? INT64_MAX : first + count;
    for (int i = 0; i < index->segment_count; i++) segment_remove(index->segments[i], first, end);
    fresh_remove(&index->fresh, first, end);
}

uint64_t index_rows(const Index *index) {
    uint64_t rows = index->fresh.live;
    for (int i = 0; i < index->segment_count; i++) rows += index->segments[i]->live_rows;
    return rows;
}

int64_t index_last_id(const Index *index) {
    if (index->fresh.count) return index->fresh.ids[index->fresh.count - 1];
    for (int i = index->segment_count; i-- > 0;) {
        Segment *s = index->segments[i];
        if (s->head.rows) return segment_id(s, s->head.rows - 1);
    }
    return INT64_MIN;
}

size_t index_bytes(const Index *index) {
    size_t bytes = index->fresh.room * ((size_t)index->dim * 2 + 9);
    for (int i = 0; i < index->segment_count; i++)
        bytes += (size_t)segment_bytes(index->segments[i]);
    return bytes;
}

const char *index_damage(const Index *index) {
    for (int i = 0; i < index->segment_count; i++) {
        const char *damage = atomic_load(&index->segments[i]->damage);
        if (damage) return damage;
    }
    return NULL;
}

IndexScratch *index_scratch_new(void) {
    return memory_take(1, sizeof(IndexScratch));
}

void index_scratch_free(IndexScratch *x) {
    if (!x) return;
    memory_give(x->q);
    memory_give(x->fine.hi);
    memory_give(x->fine.lo);
    memory_give(x->order);
    memory_give(x->along);
    memory_give(x->rows);
    lists_view_clear(&x->view);
    top_clear(&x->codes);
    top_clear(&x->fines);
    top_hits_clear(&x->hits);
    memory_give(x);
}

int index_search(const Index *index, IndexScratch *scratch, const float *query,
                 const IndexQuery *how, IndexHit *hits) {
    TopHits *top = &scratch->hits;
    if (how->k < 1 || how->k > INDEX_MAX_K) return 0;
    top_hits_begin(top, how->k);
    fresh_search(&index->fresh, query, how->allow, top);
    for (int i = 0; i < index->segment_count; i++)
        scan_segment(index->segments[i], scratch, query, how);
    int n = top_hits_end(top);
    memcpy(hits, top->hits, (size_t)n * sizeof *hits);
    return n;
}

/* ---- single rows ---- */

/* The row of an id that can be found: the row itself, or `room` filled. NULL where there is none.
 */
static const uint16_t *row_of(const Index *index, int64_t id, uint16_t *room) {
    for (int i = 0; i < index->segment_count; i++) {
        Segment *s = index->segments[i];
        uint64_t row = segment_find(s, id, 0);
        if (row < s->head.rows && segment_id(s, row) == id)
            return segment_is_live(s, row) && segment_rows(s, row, 1, room) ? room : NULL;
    }
    size_t row = fresh_find(&index->fresh, id);
    bool found = row < index->fresh.count && index->fresh.ids[row] == id;
    return found && !index->fresh.gone[row] ? fresh_row(&index->fresh, row) : NULL;
}

void index_cosines(const Index *index, const float *query, int64_t first, int count, float *out) {
    uint16_t room[INDEX_MAX_DIM];
    for (int i = 0; i < count; i++) {
        const uint16_t *row = first > INT64_MAX - i ? NULL : row_of(index, first + i, room);
        out[i] = row ? vec_kernels()->dot_half(row, query, (size_t)index->dim) : -2;
    }
}

bool index_row(const Index *index, int64_t id, float *out) {
    uint16_t room[INDEX_MAX_DIM];
    const uint16_t *row = row_of(index, id, room);
    if (row) vec_kernels()->from_half(row, out, (size_t)index->dim);
    return row != NULL;
}

/* Row n of all that were ever there; NULL where it cannot be found any more. */
static const uint16_t *row_at(const Index *index, uint64_t n, uint16_t *room) {
    for (int i = 0; i < index->segment_count; i++) {
        Segment *s = index->segments[i];
        if (n < s->head.rows)
            return segment_is_live(s, n) && segment_rows(s, n, 1, room) ? room : NULL;
        n -= s->head.rows;
    }
    return index->fresh.gone[n] ? NULL : fresh_row(&index->fresh, (size_t)n);
}

int index_sample(const Index *index, const float *query, int count, float *out) {
    uint16_t room[INDEX_MAX_DIM];
    uint64_t all = index->fresh.count;
    int n = 0;
    for (int i = 0; i < index->segment_count; i++) all += index->segments[i]->head.rows;
    uint64_t wanted = count < 0 ? 0 : (uint64_t)count < all ? (uint64_t)count : all;
    for (uint64_t i = 0; i < wanted; i++) {
        /* i · all / wanted, without overflow: the rows of an index are < 2^35 and counts < 2^31. */
        uint64_t at = i * (all / wanted) + i * (all % wanted) / wanted;
        const uint16_t *row = row_at(index, at, room);
        if (row) out[n++] = vec_kernels()->dot_half(row, query, (size_t)index->dim);
    }
    return n;
}
