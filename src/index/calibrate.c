/* First the truth: all rows against all queries in int8, the best of that exactly. Then, for each
 * kind and k, the reach down to which lists hold enough of the truth, and the least number of
 * 1-bit candidates of those lists that keep enough of it. The weight of the lists' spread is the
 * one with which the fewest rows are looked at.
 *
 * What is aimed at lies above 0.99, because other queries than these are asked later: over 500
 * queries the recall itself has a standard error of 0.001 … 0.002. */
#include "calibrate.h"
#include "index_memory.h"
#include "parallel.h"
#include "scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 1024,
    MOST_CODES = 65536,
    STEPS = 8, /* of ranks in an octave */
    RANKS = 17 * STEPS,
};

#define RECALL_OF_LISTS 0.997
#define RECALL_OF_ALL   0.995

static const int ks[SEGMENT_EFFORTS] = {10, 100, 1000};

/* The larger k, the more each of them tells. */
static const int most_queries[SEGMENT_EFFORTS] = {768, 128, 32};

/* Queries of one kind, and their true neighbours. */
typedef struct {
    const Calibration *c;
    IndexKind kind;
    int count, most; /* most: neighbours kept of each */
    float *queries;  /* [count][dim] */
    int64_t *self;   /* [count]: the row a query is, or -1 */
    uint32_t *truth; /* [count][most], the best first */
    int *known;      /* [count]: how many there are */

    Panels panels;
    float *rotated; /* [count][padded] */
    Top **tops;     /* [threads]: [count] */
} Queries;

/* ---- the truth ---- */

static void set_queries(Queries *q, int most) {
    const Calibration *c = q->c;
    Segment *s = c->segment;
    uint64_t dim = s->head.dim, of = q->kind == INDEX_TEXT ? (uint64_t)c->text_count : s->head.rows;
    q->count = (int)(of < (uint64_t)most ? of : (uint64_t)most);
    q->queries = memory_take((size_t)q->count * dim, sizeof *q->queries);
    q->self = memory_take((size_t)q->count, sizeof *q->self);
    q->rotated = memory_take((size_t)q->count * (size_t)s->lists.padded, sizeof *q->rotated);
    for (int i = 0; i < q->count; i++) {
        uint64_t at = (uint64_t)i * of / (uint64_t)q->count;
        float *query = q->queries + (size_t)i * dim;
        q->self[i] = q->kind == INDEX_TEXT ? -1 : (int64_t)at;
        if (q->kind == INDEX_TEXT)
            memcpy(query, c->texts + at * dim, dim * sizeof *query);
        else
            vec_kernels()->from_half(c->rows + at * dim, query, dim);
        rotate_float(&s->rotation, query, q->rotated + (size_t)i * (size_t)s->lists.padded);
    }
}

/* VEC_ROWS quantised rows from `at` on against all queries. */
static void score_rows(Queries *q, Top *tops, uint64_t at, int n, const uint8_t *bytes,
                       const float *scale) {
    float scores[VEC_ROWS][VEC_PANEL];
    for (int p = 0; p < panels_count(&q->panels); p++) {
        int columns = q->count - p * VEC_PANEL < VEC_PANEL ? q->count - p * VEC_PANEL : VEC_PANEL;
        panels_scores(&q->panels, p, bytes, scale, scores);
        for (int j = 0; j < columns; j++) {
            Top *top = &tops[p * VEC_PANEL + j];
            for (int r = 0; r < n; r++) top_push(top, scores[r][j], (uint32_t)(at + (uint64_t)r));
        }
    }
}

static void score_batch(void *user, size_t piece, int thread) {
    Queries *q = user;
    Segment *s = q->c->segment;
    int padded = s->lists.padded;
    uint64_t first = (uint64_t)piece * BATCH, end = first + BATCH;
    uint8_t *bytes = memory_take((size_t)padded, VEC_ROWS);
    float *x = memory_take((size_t)padded, sizeof *x), scale[VEC_ROWS];
    if (end > s->head.rows) end = s->head.rows;
    for (uint64_t at = first; at < end; at += VEC_ROWS) {
        int n = end - at < VEC_ROWS ? (int)(end - at) : VEC_ROWS;
        for (int r = 0; r < n; r++) {
            rotate_half(&s->rotation, q->c->rows + (at + (uint64_t)r) * s->head.dim, x);
            scale[r] = vec_kernels()->quantise(x, bytes + r * padded, padded);
        }
        score_rows(q, q->tops[thread], at, n, bytes, scale);
    }
    memory_give(bytes);
    memory_give(x);
}

/* Of all threads' best rows of query i, the truly best. */
static void rank_exactly(void *user, size_t i, int thread) {
    (void)thread;
    Queries *q = user;
    Segment *s = q->c->segment;
    Top *all = &q->tops[0][i];
    size_t dim = s->head.dim;
    int n = 0;
    for (int t = 1; t < q->c->threads; t++) {
        Top *other = &q->tops[t][i];
        top_cut(other);
        for (size_t j = 0; j < other->count; j++) {
            all->keys[all->count++] = other->keys[j];
            if (all->count == all->room) top_settle(all);
        }
    }
    top_cut(all);
    for (size_t j = 0; j < all->count; j++) {
        uint32_t row = (uint32_t)all->keys[j];
        float cosine = vec_kernels()->dot_half(q->c->rows + row * dim, q->queries + i * dim, dim);
        all->keys[j] = top_key(cosine, row);
    }
    top_sort(all->keys, all->count);
    for (size_t j = 0; j < all->count && n < q->most; j++)
        if ((uint32_t)all->keys[j] != q->self[i])
            q->truth[i * (size_t)q->most + (size_t)n++] = (uint32_t)all->keys[j];
    q->known[i] = n;
}

static void find_truth(Queries *q) {
    const Calibration *c = q->c;
    uint64_t rows = c->segment->head.rows;
    size_t count = (size_t)q->count, keep = (size_t)q->most * 5 / 4 + 64;
    q->panels = panels_new(q->rotated, q->count, c->segment->lists.padded);
    q->truth = memory_take(count * (size_t)q->most, sizeof *q->truth);
    q->known = memory_take(count, sizeof *q->known);
    q->tops = memory_take((size_t)c->threads, sizeof *q->tops);
    for (int t = 0; t < c->threads; t++) {
        q->tops[t] = memory_take(count, sizeof **q->tops);
        for (size_t i = 0; i < count; i++) top_begin(&q->tops[t][i], keep, 1);
    }
    parallel_run(c->threads, (size_t)((rows + BATCH - 1) / BATCH), score_batch, q);
    parallel_run(c->threads, count, rank_exactly, q);
    for (int t = 0; t < c->threads; t++) {
        for (size_t i = 0; i < count; i++) top_clear(&q->tops[t][i]);
        memory_give(q->tops[t]);
    }
    memory_give(q->tops);
    panels_clear(&q->panels);
}

static void queries_clear(Queries *q) {
    memory_give(q->queries);
    memory_give(q->self);
    memory_give(q->truth);
    memory_give(q->known);
    memory_give(q->rotated);
}

/* ---- how far to look ---- */

/* What is measured of the queries, at one k. */
typedef struct {
    Queries *queries;
    int k;
    float weight;
    SegmentEffort effort; /* what was found so far; codes: the most candidates */
    float *reaches;       /* [count][most]: of the lists of the true neighbours */
    uint64_t *seen;       /* [count]: rows in the lists down to that reach */
    uint32_t *of_codes;   /* [threads][RANKS]: ranks of the true neighbours among candidates */
    IndexScratch **scratch;
} Places;

static const uint32_t *truth_of(const Places *p, size_t i, int *n) {
    const Queries *q = p->queries;
    *n = q->known[i];
    return q->truth + i * (size_t)q->most;
}

static Scan scan_of(const Places *p, size_t i, int thread, const IndexQuery *how) {
    const Queries *q = p->queries;
    Scan scan;
    scan_begin(&scan, q->c->segment, p->scratch[thread], q->queries + i * q->c->segment->head.dim,
               how);
    return scan;
}

static void find_reaches(void *user, size_t i, int thread) {
    Places *p = user;
    const Segment *s = p->queries->c->segment;
    IndexQuery how = {.k = p->k, .kind = p->queries->kind};
    Scan scan = scan_of(p, i, thread, &how);
    int n;
    const uint32_t *truth = truth_of(p, i, &n);
    float *reaches = p->reaches + i * (size_t)p->queries->most;
    scan_reach(&scan, p->weight);
    for (int t = 0; t < p->queries->most; t++)
        reaches[t] =
            t < n ? scan.scratch->view.reach[s->list_of[s->slots[truth[t]] / VEC_BLOCK]] : INFINITY;
}

static void count_rows(void *user, size_t i, int thread) {
    Places *p = user;
    const Segment *s = p->queries->c->segment;
    IndexQuery how = {.k = p->k, .kind = p->queries->kind};
    Scan scan = scan_of(p, i, thread, &how);
    scan_reach(&scan, p->weight);
    p->seen[i] = 0;
    for (uint32_t l = 0; l < s->head.lists; l++)
        if (scan.scratch->view.reach[l] >= p->effort.reach) p->seen[i] += s->sizes[l];
}

/* The bucket of a rank: STEPS an octave. */
static int bucket_of(size_t rank) {
    int bucket = (int)(log2f((float)rank + 1) * STEPS);
    return bucket < RANKS ? bucket : RANKS - 1;
}

static uint32_t codes_of_bucket(int bucket) {
    return (uint32_t)ceilf(exp2f((float)(bucket + 1) / STEPS));
}

static int smaller_first(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The candidates that are true neighbours, the best first, → keys; how many. */
static int true_ones(const Places *p, size_t i, const Top *codes, uint64_t *keys) {
    const Segment *s = p->queries->c->segment;
    int n, found = 0;
    const uint32_t *truth = truth_of(p, i, &n);
    uint32_t *slots = memory_take((size_t)n, sizeof *slots);
    for (int t = 0; t < n; t++) slots[t] = s->slots[truth[t]];
    qsort(slots, (size_t)n, sizeof *slots, smaller_first);
    for (size_t c = 0; c < codes->count && found < n; c++) {
        uint32_t slot = (uint32_t)codes->keys[c];
        if (bsearch(&slot, slots, (size_t)n, sizeof slot, smaller_first))
            keys[found++] = codes->keys[c];
    }
    top_sort(keys, (size_t)found);
    memory_give(slots);
    return found;
}

/* How many of the sorted keys are above this one. */
static int above(const uint64_t *keys, int count, uint64_t key) {
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (keys[middle] > key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Counts at which ranks among all candidates the true neighbours stand. */
static void place_in_codes(void *user, size_t i, int thread) {
    Places *p = user;
    IndexQuery how = {.k = p->k, .kind = p->queries->kind};
    Scan scan = scan_of(p, i, thread, &how);
    uint32_t *places = p->of_codes + (size_t)thread * RANKS;
    scan_reach(&scan, p->weight);
    scan_codes(&scan, p->effort);
    const Top *codes = &scan.scratch->codes;
    uint64_t *keys = memory_take((size_t)p->k, sizeof *keys);
    uint32_t *better = memory_take((size_t)p->k + 1, sizeof *better);
    int found = true_ones(p, i, codes, keys);
    /* A candidate above the n-th of them and not above the one before adds to the ranks from n on.
     */
    for (size_t c = 0; c < codes->count; c++) better[above(keys, found, codes->keys[c])]++;
    for (size_t n = 0, rank = 0; n < (size_t)found; n++) {
        rank += better[n];
        places[bucket_of(rank)]++;
    }
    memory_give(keys);
    memory_give(better);
}

static int smaller_reach_first(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* How many true neighbours there are. */
static double count_truth(const Places *p) {
    double all = 0;
    for (int i = 0, n; i < p->queries->count; i++, all += n) truth_of(p, (size_t)i, &n);
    return all;
}

/* The reach above which RECALL_OF_LISTS of the true neighbours stand. */
static float least_reach(Places *p) {
    const Queries *q = p->queries;
    size_t all = (size_t)q->count * (size_t)q->most;
    p->reaches = memory_take(all, sizeof *p->reaches);
    parallel_run(q->c->threads, (size_t)q->count, find_reaches, p);
    qsort(p->reaches, all, sizeof *p->reaches, smaller_reach_first);
    float reach = p->reaches[(size_t)(count_truth(p) * (1 - RECALL_OF_LISTS))];
    memory_give(p->reaches);
    return reach;
}

/* The mean number of rows that are looked at. */
static double mean_rows(Places *p) {
    const Queries *q = p->queries;
    double sum = 0;
    p->seen = memory_take((size_t)q->count, sizeof *p->seen);
    parallel_run(q->c->threads, (size_t)q->count, count_rows, p);
    for (int i = 0; i < q->count; i++) sum += (double)p->seen[i];
    memory_give(p->seen);
    return sum / q->count;
}

/* The number of candidates among which RECALL_OF_ALL of the true neighbours stand; 0: too many. */
static uint32_t least_codes(Places *p) {
    const Calibration *c = p->queries->c;
    double enough = count_truth(p) * RECALL_OF_ALL, sum = 0;
    int bucket = 0;
    p->effort.codes =
        c->segment->head.rows / 2 < MOST_CODES ? (uint32_t)(c->segment->head.rows / 2) : MOST_CODES;
    p->of_codes = memory_take((size_t)c->threads * RANKS, sizeof *p->of_codes);
    parallel_run(c->threads, (size_t)p->queries->count, place_in_codes, p);
    for (; bucket < RANKS; bucket++) {
        for (int t = 0; t < c->threads; t++) sum += p->of_codes[t * RANKS + bucket];
        if (sum >= enough) break;
    }
    memory_give(p->of_codes);
    uint32_t least = 2 * (uint32_t)p->k, codes = codes_of_bucket(bucket);
    return bucket == RANKS ? 0 : codes > least ? codes : least;
}

static void choose_weight(const Queries *q, IndexScratch **scratch) {
    static const float weights[] = {0.06f, 0.08f, 0.1f, 0.12f, 0.15f};
    SegmentHead *head = &q->c->segment->head;
    double least = INFINITY;
    for (int i = 0; i < (int)(sizeof weights / sizeof *weights); i++) {
        Places p = {.queries = (Queries *)q, .k = q->most, .weight = weights[i]};
        p.scratch = scratch;
        p.effort.reach = least_reach(&p);
        double rows = mean_rows(&p);
        if (rows < least) head->weight[q->kind] = weights[i];
        least = fmin(least, rows);
    }
}

/* False where more than half of the rows are looked at for the smallest k. */
static bool calibrate_kind(const Calibration *c, IndexKind kind, IndexScratch **scratch) {
    SegmentHead *head = &c->segment->head;
    bool helps = true;
    for (int e = 0; e < SEGMENT_EFFORTS && head->rows / 20 >= (uint64_t)ks[e]; e++) {
        Queries q = {.c = c, .kind = kind, .most = ks[e]};
        set_queries(&q, most_queries[e]);
        find_truth(&q);
        if (e == 0 && head->lists > 1) choose_weight(&q, scratch);
        Places p = {.queries = &q, .k = ks[e], .weight = head->weight[kind], .scratch = scratch};
        p.effort.reach = head->lists > 1 ? least_reach(&p) : SEGMENT_ALL_LISTS;
        if (e == 0) helps = head->lists == 1 || mean_rows(&p) <= (double)head->rows / 2;
        p.effort.codes = least_codes(&p);
        head->effort[kind][e] = p.effort;
        queries_clear(&q);
    }
    return helps;
}

/* Without texts to measure with: every list, and candidates in plenty. */
static void guess_texts(Segment *s) {
    for (int e = 0; e < SEGMENT_EFFORTS; e++) {
        uint32_t codes = s->head.effort[INDEX_SOUND][e].codes;
        s->head.effort[INDEX_TEXT][e] = (SegmentEffort){SEGMENT_ALL_LISTS, 4 * codes};
    }
}

bool calibrate(const Calibration *calibration) {
    Calibration c = *calibration;
    Segment *s = c.segment;
    if (c.threads < 1) c.threads = 1;
    if (c.threads > PARALLEL_MOST) c.threads = PARALLEL_MOST;
    for (int kind = 0; kind < INDEX_KINDS; kind++)
        for (int e = 0; e < SEGMENT_EFFORTS; e++)
            s->head.effort[kind][e] = (SegmentEffort){SEGMENT_ALL_LISTS, 0};
    if (s->head.rows < 20 * (uint64_t)ks[0]) return true; /* by bytes */

    IndexScratch *scratch[PARALLEL_MOST];
    for (int t = 0; t < c.threads; t++) scratch[t] = index_scratch_new();
    bool helps = calibrate_kind(&c, INDEX_SOUND, scratch);
    if (helps && c.text_count > 0)
        calibrate_kind(&c, INDEX_TEXT, scratch);
    else
        guess_texts(s);
    for (int t = 0; t < c.threads; t++) index_scratch_free(scratch[t]);
    return helps;
}
