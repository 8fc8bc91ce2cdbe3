/* The stages, and which of them a query needs: a handful of rows is gone through as it is, a few
 * thousand by bytes, and only where there are more do the lists and the 1-bit codes pay. */
#include "scan.h"
#include "index_memory.h"
#include "scan_rows.h"

#include <math.h>

/* Up to so many allowed rows are looked at one by one. */
enum { FEW_ROWS = 20000, AHEAD = 8 };

size_t scan_fines(int k) {
    return (size_t)(k + (k / 4 > 10 ? k / 4 : 10));
}

bool scan_allows(const IndexSet *set, int64_t id) {
    uint64_t bit = (uint64_t)id - (uint64_t)set->first;
    return bit < set->size && set->bits[bit / 64] >> bit % 64 & 1;
}

/* ---- getting ready ---- */

static void make_room(IndexScratch *x, const Segment *s) {
    size_t padded = (size_t)s->lists.padded;
    if (x->padded < s->lists.padded) {
        memory_give(x->q);
        memory_give(x->fine.hi);
        memory_give(x->fine.lo);
        x->q = memory_take(padded, sizeof *x->q);
        x->fine.hi = memory_take(padded, 1);
        x->fine.lo = memory_take(padded, 1);
        x->padded = s->lists.padded;
    }
    if (x->lists < s->head.lists) {
        memory_give(x->order);
        memory_give(x->along);
        x->order = memory_take(s->head.lists, sizeof *x->order);
        x->along = memory_take(s->head.lists, sizeof *x->along);
        x->lists = s->head.lists;
    }
    if (x->dim < s->rotation.dim) {
        memory_give(x->rows);
        x->rows = memory_take((size_t)s->rotation.dim * SCAN_ROWS_MOST, sizeof *x->rows);
        x->dim = s->rotation.dim;
    }
}

static uint64_t bits_between(const IndexSet *set, uint64_t from, uint64_t to) {
    uint64_t n = 0;
    for (uint64_t bit = from; bit < to;) {
        if (bit % 64 == 0 && to - bit >= 64) {
            n += (uint64_t)__builtin_popcountll(set->bits[bit / 64]);
            bit += 64;
        } else {
            n += set->bits[bit / 64] >> bit % 64 & 1;
            bit++;
        }
    }
    return n;
}

/* Bits of the set within the segment's ids; counts the smaller of what is within and without. */
static uint64_t count_allowed(const IndexSet *set, Segment *s) {
    int64_t first = segment_id(s, 0), last = segment_id(s, s->head.rows - 1);
    int64_t end = set->size ? (int64_t)((uint64_t)set->first + (set->size - 1)) : set->first;
    if (set->size == 0 || last < set->first || first > end) return 0;
    uint64_t from = first > set->first ? (uint64_t)first - (uint64_t)set->first : 0;
    uint64_t to = last < end ? (uint64_t)last - (uint64_t)set->first + 1 : set->size;
    if (to - from < set->size / 2) return bits_between(set, from, to);
    return set->count - bits_between(set, 0, from) - bits_between(set, to, set->size);
}

void scan_begin(Scan *scan, Segment *s, IndexScratch *x, const float *query,
                const IndexQuery *how) {
    *scan = (Scan){s, x, query, how, s->live_rows};
    make_room(x, s);
    if (how->allow) {
        uint64_t allowed = count_allowed(how->allow, s);
        if (allowed < scan->allowed) scan->allowed = allowed;
    }
    rotate_float(&s->rotation, query, x->q);
    codes_query(&x->fine, x->q, s->lists.padded);
    for (uint32_t l = 0; l < s->head.lists; l++) x->along[l] = NAN;
}

/* ---- codes of a bit ---- */

static const float *centre_of(const Segment *s, uint32_t list) {
    return s->lists.centres + (size_t)list * (size_t)s->lists.padded;
}

static float along_of(Scan *scan, uint32_t list) {
    float *along = &scan->scratch->along[list];
    const Segment *s = scan->segment;
    if (isnan(*along))
        *along = vec_kernels()->dot(scan->scratch->q, centre_of(s, list), (size_t)s->lists.padded);
    return *along;
}

static uint16_t allowed_of_block(Scan *scan, uint64_t block) {
    Segment *s = scan->segment;
    const IndexSet *allow = scan->how->allow;
    size_t bytes = codes_block_bytes(s->lists.padded);
    const VecBlockTail *tail = codes_tail(s->blocks + block * bytes, s->lists.padded);
    unsigned allowed = 0;
    for (unsigned m = s->live[block]; m; m &= m - 1) {
        int i = __builtin_ctz(m);
        uint32_t row = tail->rows[i];
        if (row >= s->head.rows) continue;
        allowed |= (unsigned)scan_allows(allow, segment_id(s, row)) << i;
    }
    return (uint16_t)allowed;
}

/* Blocks of one list that lie together; returns how many of their vectors the filter allows. */
static uint64_t scan_blocks(Scan *scan, uint32_t block, int count) {
    Segment *s = scan->segment;
    Top *top = &scan->scratch->codes;
    size_t bytes = codes_block_bytes(s->lists.padded);
    const uint16_t *live = s->live + block;
    uint16_t allowed[VEC_CHUNK];
    uint64_t seen = 0;
    if (scan->how->allow) {
        for (int i = 0; i < count; i++) {
            allowed[i] = allowed_of_block(scan, block + (uint32_t)i);
            seen += (uint64_t)__builtin_popcount(allowed[i]);
        }
        live = allowed;
    }
    top->count +=
        (size_t)vec_kernels()->scan(&scan->scratch->plan, s->blocks + block * bytes, count, live,
                                    top->threshold, block * VEC_BLOCK, top->keys + top->count);
    top_settle(top);
    return seen;
}

/* Returns how many of its vectors may be found. */
static uint64_t scan_list(Scan *scan, uint32_t list) {
    Segment *s = scan->segment;
    int padded = s->lists.padded;
    uint32_t from = s->first_block[list], to = s->first_block[list + 1];
    size_t bytes = codes_block_bytes(padded);
    uint64_t seen = 0;
    if (from == to) return 0;
    if (!segment_good(s, s->at.blocks + from * bytes, (to - from) * bytes)) return 0;
    codes_plan(&scan->scratch->plan, scan->scratch->q, centre_of(s, list), s->lists.square[list],
               along_of(scan, list), padded);
    for (uint32_t block = from; block < to; block += VEC_CHUNK) {
        uint32_t rest = to - block;
        seen += scan_blocks(scan, block, (int)(rest < VEC_CHUNK ? rest : VEC_CHUNK));
    }
    return scan->how->allow ? seen : s->live_of[list];
}

/* k as the whole segment would see it. A filter that keeps a tenth makes of the best k the best
 * 10 k of all; twice that, since it need not keep a tenth of these. */
static float k_of_all(const Scan *scan) {
    float kept = (float)scan->allowed / (float)scan->segment->head.rows;
    return (float)scan->how->k / kept * (scan->how->allow ? 2 : 1);
}

void scan_reach(Scan *scan, float weight) {
    const Segment *s = scan->segment;
    float k = k_of_all(scan);
    lists_reach(&s->lists, scan->scratch->q, weight, k > 10 ? k : 10, &scan->scratch->view);
}

/* Keys of the lists → scratch->order, those down to `reach` first and sorted. How many these are;
 * *rows: and how many rows they hold. */
static uint32_t choose_lists(Scan *scan, float reach, uint64_t *rows) {
    const Segment *s = scan->segment;
    IndexScratch *x = scan->scratch;
    uint32_t first = 0, last = s->head.lists;
    *rows = 0;
    for (uint32_t l = 0; l < s->head.lists; l++) {
        bool chosen = x->view.reach[l] >= reach;
        x->order[chosen ? first++ : --last] = top_key(x->view.reach[l], l);
        if (chosen) *rows += s->sizes[l];
    }
    top_sort(x->order, first);
    return first;
}

/* How many vectors must be seen beside the lists wanted: enough for what is asked; and with a
 * filter, as many as there would be in these lists if what it allows lay everywhere, for it may all
 * lie where the query does not. */
static uint64_t enough(const Scan *scan, uint64_t rows) {
    uint64_t least = scan_fines(scan->how->k);
    uint64_t share = scan->how->allow ? scan->allowed * rows / scan->segment->head.rows : 0;
    return share > least ? share : least;
}

void scan_codes(Scan *scan, SegmentEffort effort) {
    const Segment *s = scan->segment;
    IndexScratch *x = scan->scratch;
    uint64_t rows, seen = 0;
    uint32_t chosen = choose_lists(scan, effort.reach, &rows);
    uint64_t wanted = enough(scan, rows);
    top_begin(&x->codes, effort.codes, VEC_CHUNK * VEC_BLOCK);
    for (uint32_t i = 0; i < s->head.lists && (i < chosen || seen < wanted); i++) {
        if (i == chosen) top_sort(x->order + i, s->head.lists - i);
        seen += scan_list(scan, (uint32_t)x->order[i]);
    }
    top_cut(&x->codes);
}

/* ---- codes of a byte ---- */

static const uint8_t *bytes_of(const Segment *s, uint32_t slot) {
    return s->bytes + (size_t)slot * (size_t)s->lists.padded;
}

static const VecBlockTail *tail_of(const Segment *s, uint32_t slot) {
    return codes_tail(s->blocks + slot / VEC_BLOCK * codes_block_bytes(s->lists.padded),
                      s->lists.padded);
}

static void push_fine(Scan *scan, uint32_t slot) {
    Segment *s = scan->segment;
    uint64_t padded = (uint64_t)s->lists.padded;
    if (!segment_good(s, s->at.bytes + slot * padded, padded)) return;
    float score = along_of(scan, s->list_of[slot / VEC_BLOCK]) +
                  codes_dot(&scan->scratch->fine, bytes_of(s, slot),
                            tail_of(s, slot)->scale[slot % VEC_BLOCK], (int)padded);
    top_push(&scan->scratch->fines, score, slot);
}

static void prefetch(const Segment *s, uint32_t slot) {
    const uint8_t *bytes = bytes_of(s, slot);
    for (int i = 0; i < s->lists.padded; i += 64) __builtin_prefetch(bytes + i);
}

static void fines_of_codes(Scan *scan) {
    const Top *codes = &scan->scratch->codes;
    for (size_t i = 0; i < codes->count; i++) {
        if (i + AHEAD < codes->count) prefetch(scan->segment, (uint32_t)codes->keys[i + AHEAD]);
        push_fine(scan, (uint32_t)codes->keys[i]);
    }
}

/* A tail lies at the end of its block, which no stage before has looked at. */
static bool tail_is_good(Segment *s, uint32_t slot) {
    uint64_t bytes = codes_block_bytes(s->lists.padded);
    uint64_t end = s->at.blocks + (slot / VEC_BLOCK + 1) * bytes;
    return segment_good(s, end - sizeof(VecBlockTail), sizeof(VecBlockTail));
}

static void fines_of_rows(Scan *scan) {
    Segment *s = scan->segment;
    ScanRows rows = scan_rows_begin(s, scan->how->allow);
    for (int n; (n = scan_rows_next(&rows)) > 0;) {
        for (int i = 0; i < n; i++) prefetch(s, rows.slots[i]);
        for (int i = 0; i < n; i++)
            if (tail_is_good(s, rows.slots[i])) push_fine(scan, rows.slots[i]);
    }
}

/* ---- rows ---- */

/* The score that k candidates reach by bytes. */
static float kth_score(Top *fines, size_t k) {
    if (fines->count <= k) return -INFINITY;
    top_select(fines->keys, fines->count, k);
    return top_score(fines->keys[k - 1]);
}

/* A byte is off by half a step at most, all of them together by less than a step or two. */
static bool may_be_among(float score, float kth, uint16_t scale) {
    float step;
    vec_kernels()->from_half(&scale, &step, 1);
    return score + 4 * step >= kth;
}

static void rows_of_fines(Scan *scan) {
    Segment *s = scan->segment;
    Top *fines = &scan->scratch->fines;
    uint16_t *row = scan->scratch->rows;
    top_cut(fines);
    float kth = kth_score(fines, (size_t)scan->how->k);
    for (size_t i = 0; i < fines->count; i++) {
        uint32_t slot = (uint32_t)fines->keys[i];
        const VecBlockTail *tail = tail_of(s, slot);
        uint32_t at = tail->rows[slot % VEC_BLOCK];
        if (at >= s->head.rows) continue;
        if (!may_be_among(top_score(fines->keys[i]), kth, tail->scale[slot % VEC_BLOCK])) continue;
        int64_t id = segment_id(s, at);
        if (id == INT64_MIN || !segment_rows(s, at, 1, row)) continue;
        float cosine = vec_kernels()->dot_half(row, scan->query, s->head.dim);
        top_hits_push(&scan->scratch->hits, cosine, id);
    }
}

static void all_rows(Scan *scan) {
    Segment *s = scan->segment;
    uint16_t *buffer = scan->scratch->rows;
    ScanRows rows = scan_rows_begin(s, scan->how->allow);
    for (int n; (n = scan_rows_next(&rows)) > 0;) {
        bool together = rows.rows[n - 1] - rows.rows[0] < SCAN_ROWS_MOST &&
                        segment_rows(s, rows.rows[0], rows.rows[n - 1] - rows.rows[0] + 1, buffer);
        for (int i = 0; i < n; i++) {
            const uint16_t *row =
                together ? buffer + (rows.rows[i] - rows.rows[0]) * s->head.dim : buffer;
            if (!together && !segment_rows(s, rows.rows[i], 1, buffer)) continue;
            int64_t id = segment_id(s, rows.rows[i]);
            float cosine = vec_kernels()->dot_half(row, scan->query, s->head.dim);
            if (id != INT64_MIN) top_hits_push(&scan->scratch->hits, cosine, id);
        }
    }
}

/* ---- which stages ---- */

/* What k wants of this segment, between the values of k that were calibrated. codes 0: more than
 * was calibrated. */
static SegmentEffort effort_of(const Scan *scan) {
    const Segment *s = scan->segment;
    const SegmentEffort *known = s->head.effort[scan->how->kind];
    float kept = (float)scan->allowed / (float)s->head.rows;
    float level = log10f(k_of_all(scan)) - 1;
    if (level > SEGMENT_EFFORTS - 1) return (SegmentEffort){SEGMENT_ALL_LISTS, 0};
    if (level < 0) level = 0;
    SegmentEffort a = known[(int)level], b = known[(int)ceilf(level)];
    if (!a.codes || !b.codes) return (SegmentEffort){SEGMENT_ALL_LISTS, 0};
    float part = level - floorf(level), ratio = (float)b.codes / (float)a.codes;
    float codes = ceilf((float)a.codes * powf(ratio, part)) * kept;
    uint32_t least = 2 * (uint32_t)scan_fines(scan->how->k);
    SegmentEffort found = {a.reach + part * (b.reach - a.reach), known[0].codes};
    if (codes > (float)found.codes) found.codes = (uint32_t)codes;
    if (found.codes < least) found.codes = least;
    return found;
}

void scan_segment(Segment *segment, IndexScratch *scratch, const float *query,
                  const IndexQuery *how) {
    Scan scan;
    if (segment->live_rows == 0) return;
    scan_begin(&scan, segment, scratch, query, how);
    if (scan.allowed == 0) return;
    if (how->exact || scan.allowed <= 2 * scan_fines(how->k)) {
        all_rows(&scan);
        return;
    }
    SegmentEffort effort = effort_of(&scan);
    bool few = how->allow && scan.allowed <= FEW_ROWS;
    top_begin(&scratch->fines, scan_fines(how->k), 1);
    if (few || effort.codes == 0 || effort.codes > scan.allowed / 4 * 3) {
        fines_of_rows(&scan);
    } else {
        scan_reach(&scan, segment->head.weight[how->kind]);
        scan_codes(&scan, effort);
        fines_of_codes(&scan);
    }
    rows_of_fines(&scan);
}
