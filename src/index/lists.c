/* k-means by Lloyd's rounds on a sample, in int8 but for the means themselves. */
#include "lists.h"
#include "index_memory.h"
#include "parallel.h"
#include "top.h"

#include <math.h>
#include <string.h>

enum { SAMPLES_A_LIST = 48, SAMPLES_LEAST = 8192, ROUNDS = 8, BATCH = 1024 };

int panels_count(const Panels *panels) {
    return (panels->count + VEC_PANEL - 1) / VEC_PANEL;
}

static void add_column(Panels *panels, const float *x, int column, uint8_t *bytes) {
    int8_t *panel =
        panels->columns + (size_t)(column / VEC_PANEL) * (size_t)panels->padded * VEC_PANEL;
    int32_t sum = 0;
    panels->scale[column] = vec_kernels()->quantise(x, bytes, panels->padded);
    for (int i = 0; i < panels->padded; i++) {
        int8_t v = (int8_t)(bytes[i] - 128);
        panel[(i / 4 * VEC_PANEL + column % VEC_PANEL) * 4 + i % 4] = v;
        sum += v;
    }
    panels->correction[column] = 128 * sum;
}

Panels panels_new(const float *vectors, int count, int padded) {
    Panels panels = {.count = count, .padded = padded};
    size_t columns = (size_t)panels_count(&panels) * VEC_PANEL;
    panels.columns = memory_take(columns, (size_t)padded);
    panels.scale = memory_take(columns, sizeof *panels.scale);
    panels.correction = memory_take(columns, sizeof *panels.correction);
    uint8_t *bytes = memory_take((size_t)padded, 1);
    for (int i = 0; i < count; i++)
        add_column(&panels, vectors + (size_t)i * (size_t)padded, i, bytes);
    memory_give(bytes);
    return panels;
}

void panels_clear(Panels *panels) {
    memory_give(panels->columns);
    memory_give(panels->scale);
    memory_give(panels->correction);
    *panels = (Panels){0};
}

static const int8_t *panel_at(const Panels *panels, int p) {
    return panels->columns + (size_t)p * (size_t)panels->padded * VEC_PANEL;
}

void panels_scores(const Panels *panels, int p, const uint8_t *rows, const float *row_scale,
                   float scores[VEC_ROWS][VEC_PANEL]) {
    const VecKernels *vec = vec_kernels();
    int32_t sums[VEC_ROWS][VEC_PANEL];
    vec->products(rows, panel_at(panels, p), panels->padded, sums);
    vec->scores(sums, row_scale, panels->scale + p * VEC_PANEL, panels->correction + p * VEC_PANEL,
                scores);
}

Lists lists_new(const float *centres, int count, int padded) {
    Lists lists = {.count = count, .padded = padded, .centres = centres};
    lists.panels = panels_new(centres, count, padded);
    int columns = panels_count(&lists.panels) * VEC_PANEL;
    lists.square = memory_take((size_t)columns, sizeof *lists.square);
    for (int i = 0; i < columns; i++) {
        const float *c = centres + (size_t)i * (size_t)padded;
        lists.square[i] = i < count ? vec_kernels()->dot(c, c, (size_t)padded) : 1e30f;
    }
    return lists;
}

void lists_clear(Lists *lists) {
    panels_clear(&lists->panels);
    memory_give(lists->square);
    lists->square = NULL;
}

/* The nearest centres (L2) of VEC_ROWS quantised rows. */
static void nearest(const Lists *lists, const uint8_t *rows, const float *row_scale,
                    uint32_t *list) {
    float best[VEC_ROWS][VEC_PANEL], scores[VEC_ROWS][VEC_PANEL];
    int32_t where[VEC_ROWS][VEC_PANEL];
    for (int p = 0; p < panels_count(&lists->panels); p++) {
        const float *square = lists->square + p * VEC_PANEL;
        panels_scores(&lists->panels, p, rows, row_scale, scores);
        for (int r = 0; r < VEC_ROWS; r++)
            for (int j = 0; j < VEC_PANEL; j++) {
                float score = scores[r][j] - 0.5f * square[j];
                bool better = p == 0 || score > best[r][j];
                best[r][j] = better ? score : best[r][j];
                where[r][j] = better ? p : where[r][j];
            }
    }
    for (int r = 0; r < VEC_ROWS; r++) {
        int at = 0;
        for (int j = 1; j < VEC_PANEL; j++)
            if (best[r][j] > best[r][at]) at = j;
        uint32_t found = (uint32_t)(where[r][at] * VEC_PANEL + at);
        list[r] = found < (uint32_t)lists->count ? found : 0;
    }
}

/* Rows of half precision as quantised, rotated ones; VEC_ROWS at once, missing ones zero. */
typedef struct {
    float *x;       /* [padded] */
    uint8_t *bytes; /* [VEC_ROWS][padded] */
    float scale[VEC_ROWS];
} Batch;

static Batch batch_new(int padded) {
    return (Batch){.x = memory_take((size_t)padded, sizeof(float)),
                   .bytes = memory_take((size_t)padded, VEC_ROWS)};
}

static void batch_clear(Batch *batch) {
    memory_give(batch->x);
    memory_give(batch->bytes);
}

typedef struct {
    const Lists *lists;
    const Rotation *rotation;
    const uint16_t *rows;
    uint64_t count;
    uint32_t *list;
} Assign;

static void assign_batch(void *user, size_t piece, int thread) {
    (void)thread;
    Assign *a = user;
    int dim = a->rotation->dim, padded = a->rotation->padded;
    uint64_t first = (uint64_t)piece * BATCH, end = first + BATCH;
    if (end > a->count) end = a->count;
    Batch batch = batch_new(padded);
    for (uint64_t at = first; at < end; at += VEC_ROWS) {
        int n = end - at < VEC_ROWS ? (int)(end - at) : VEC_ROWS;
        uint32_t found[VEC_ROWS];
        for (int r = 0; r < n; r++) {
            rotate_half(a->rotation, a->rows + (at + (uint64_t)r) * (uint64_t)dim, batch.x);
            batch.scale[r] = vec_kernels()->quantise(batch.x, batch.bytes + r * padded, padded);
        }
        nearest(a->lists, batch.bytes, batch.scale, found);
        memcpy(a->list + at, found, (size_t)n * sizeof *found);
    }
    batch_clear(&batch);
}

void lists_assign(const Lists *lists, const Rotation *rotation, const uint16_t *rows,
                  uint64_t count, int threads, uint32_t *list) {
    Assign assign = {lists, rotation, rows, count, list};
    parallel_run(threads, (size_t)((count + BATCH - 1) / BATCH), assign_batch, &assign);
}

/* The sample: rows spread evenly, rotated and quantised once; and where each belongs. */
typedef struct {
    const Rotation *rotation;
    const uint16_t *rows;
    uint64_t row_count;
    size_t count; /* a multiple of VEC_ROWS */
    uint8_t *bytes;
    float *scale;
    uint32_t *list;
    const Lists *lists;
    uint32_t *order, *start; /* members of list l: order[start[l]] … order[start[l + 1] - 1] */
    float *centres;
} Sample;

static void sample_batch(void *user, size_t piece, int thread) {
    (void)thread;
    Sample *s = user;
    int padded = s->rotation->padded;
    float *x = memory_take((size_t)padded, sizeof *x);
    for (size_t i = piece * VEC_ROWS; i < (piece + 1) * VEC_ROWS; i++) {
        uint64_t row = (uint64_t)((double)i / (double)s->count * (double)s->row_count);
        rotate_half(s->rotation, s->rows + row * (uint64_t)s->rotation->dim, x);
        s->scale[i] = vec_kernels()->quantise(x, s->bytes + i * (size_t)padded, padded);
    }
    memory_give(x);
}

static void sample_assign(void *user, size_t piece, int thread) {
    (void)thread;
    Sample *s = user;
    size_t i = piece * VEC_ROWS;
    nearest(s->lists, s->bytes + i * (size_t)s->rotation->padded, s->scale + i, s->list + i);
}

static void add_sample(const Sample *s, size_t i, float *sum) {
    const uint8_t *bytes = s->bytes + i * (size_t)s->rotation->padded;
    for (int d = 0; d < s->rotation->padded; d++) sum[d] += s->scale[i] * (float)(bytes[d] - 128);
}

/* The mean of a list; an empty one starts anew at some sample. */
static void sample_mean(void *user, size_t l, int thread) {
    (void)thread;
    Sample *s = user;
    int padded = s->rotation->padded;
    float *centre = s->centres + l * (size_t)padded;
    uint32_t from = s->start[l], to = s->start[l + 1];
    memset(centre, 0, (size_t)padded * sizeof *centre);
    if (from == to) {
        add_sample(s, l * 7919 % s->count, centre);
        return;
    }
    for (uint32_t i = from; i < to; i++) add_sample(s, s->order[i], centre);
    for (int d = 0; d < padded; d++) centre[d] /= (float)(to - from);
}

static void sort_by_list(Sample *s, int lists) {
    memset(s->start, 0, ((size_t)lists + 2) * sizeof *s->start);
    for (size_t i = 0; i < s->count; i++) s->start[s->list[i] + 2]++;
    for (int l = 0; l < lists; l++) s->start[l + 2] += s->start[l + 1];
    for (size_t i = 0; i < s->count; i++) s->order[s->start[s->list[i] + 1]++] = (uint32_t)i;
}

static void train_round(Sample *s, int count, int threads) {
    Lists lists = lists_new(s->centres, count, s->rotation->padded);
    s->lists = &lists;
    parallel_run(threads, s->count / VEC_ROWS, sample_assign, s);
    lists_clear(&lists);
    sort_by_list(s, count);
    parallel_run(threads, (size_t)count, sample_mean, s);
}

void lists_train(const Rotation *rotation, const uint16_t *rows, uint64_t count, int lists,
                 int threads, float *centres) {
    Sample s = {.rotation = rotation, .rows = rows, .row_count = count, .centres = centres};
    size_t padded = (size_t)rotation->padded;
    s.count = (size_t)lists * SAMPLES_A_LIST;
    if (s.count < SAMPLES_LEAST) s.count = SAMPLES_LEAST;
    if (s.count > count) s.count = (size_t)(count + VEC_ROWS - 1) / VEC_ROWS * VEC_ROWS;
    s.bytes = memory_take(s.count, padded);
    s.scale = memory_take(s.count, sizeof *s.scale);
    s.list = memory_take(s.count, sizeof *s.list);
    s.order = memory_take(s.count, sizeof *s.order);
    s.start = memory_take((size_t)lists + 2, sizeof *s.start);
    parallel_run(threads, s.count / VEC_ROWS, sample_batch, &s);
    memset(centres, 0, (size_t)lists * padded * sizeof *centres);
    for (size_t l = 0; l < (size_t)lists; l++)
        add_sample(&s, l * s.count / (size_t)lists, centres + l * padded);
    for (int round = 0; round < ROUNDS && lists > 1; round++) train_round(&s, lists, threads);
    if (lists == 1) {
        sort_by_list(&s, 1);
        sample_mean(&s, 0, 0);
    }
    memory_give(s.bytes);
    memory_give(s.scale);
    memory_give(s.list);
    memory_give(s.order);
    memory_give(s.start);
}

/* ---- which lists ---- */

void lists_view_clear(ListsView *view) {
    memory_give(view->bytes);
    memory_give(view->reach);
    *view = (ListsView){0};
}

static void make_room(ListsView *view, const Lists *lists) {
    int columns = panels_count(&lists->panels) * VEC_PANEL;
    int room = (columns + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
    if (room <= view->room) return;
    lists_view_clear(view);
    view->room = room;
    view->bytes = memory_take(INDEX_MAX_DIM, 1);
    view->reach = memory_take((size_t)room * 6, sizeof *view->reach);
    float **arrays[] = {&view->dots, &view->inverse, &view->near_dots, &view->near_inverse,
                        &view->near_sizes};
    for (int i = 0; i < 5; i++) *arrays[i] = view->reach + (i + 1) * room;
}

static void score_centres(const Lists *lists, const float *q, ListsView *view) {
    const VecKernels *vec = vec_kernels();
    const Panels *panels = &lists->panels;
    float scale = vec->quantise(q, view->bytes, lists->padded);
    for (int p = 0; p < panels_count(panels); p++) {
        int32_t sums[VEC_PANEL];
        vec->products_one(view->bytes, panel_at(panels, p), lists->padded, sums);
        for (int j = 0; j < VEC_PANEL; j++) {
            int l = p * VEC_PANEL + j;
            view->dots[l] = (float)(sums[j] - panels->correction[l]) * (scale * panels->scale[l]);
        }
    }
}

/* 1 / σ of each list. */
static void invert_spreads(const Lists *lists, float weight, ListsView *view) {
    for (int l = 0; l < lists->count; l++) {
        float dot = view->dots[l], square = lists->square[l];
        float across = 1 - (square > 1e-6f ? dot * dot / square : 0);
        float sigma = weight * lists->spread[l] * sqrtf(across > 0 ? across : 0);
        view->inverse[l] = 1 / (sigma > 1e-4f ? sigma : 1e-4f);
    }
}

/* A cosine that more members than expected exceed: that of a centre whose list is large enough. */
static float surely_exceeded(const Lists *lists, float expected, const ListsView *view) {
    float most = -1;
    for (int l = 0; l < lists->count; l++)
        if ((float)lists->sizes[l] >= 2 * expected && view->dots[l] > most) most = view->dots[l];
    return most;
}

/* Lists that have members above `low` to speak of; returns how many, filled up with empty ones. */
static int gather_near(const Lists *lists, float low, ListsView *view) {
    int n = 0;
    for (int l = 0; l < lists->count; l++) {
        if ((low - view->dots[l]) * view->inverse[l] > 4.5f) continue;
        view->near_dots[n] = view->dots[l];
        view->near_inverse[n] = view->inverse[l];
        view->near_sizes[n++] = (float)lists->sizes[l];
    }
    for (; n % VEC_LANES; n++) view->near_dots[n] = view->near_inverse[n] = view->near_sizes[n] = 0;
    return n;
}

void lists_reach(const Lists *lists, const float *q, float weight, float expected,
                 ListsView *view) {
    make_room(view, lists);
    score_centres(lists, q, view);
    invert_spreads(lists, weight, view);
    float low = surely_exceeded(lists, expected, view), high = 1;
    int n = gather_near(lists, low, view);
    for (int step = 0; step < 14; step++) {
        float t = (low + high) / 2;
        bool more = vec_kernels()->exceeding(view->near_dots, view->near_inverse, view->near_sizes,
                                             n, t) > expected;
        *(more ? &low : &high) = t;
    }
    for (int l = 0; l < lists->count; l++)
        view->reach[l] = (view->dots[l] - low) * view->inverse[l];
}
