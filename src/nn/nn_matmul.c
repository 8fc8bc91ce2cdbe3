/* Blocks of k, each packed and multiplied by all threads before the next. See nn_matmul.h. */
#include "nn_matmul.h"

#include "nn_kernels.h"
#include "nn_matmul_split.h"

#include <string.h>

#define BLOCK_K      768 /* a panel of b in it is 96 KB, which the second cache keeps */
#define BLOCK_ROWS   112 /* rows that pass over a panel together */
#define BLOCK_PANELS 8

typedef struct {
    NnSides sides;
    int m, n, k;
    const float *a, *b;
    bool add;
    float *c;
    int panel, panels, first, count; /* columns of one, how many; the block of k */
    float *packed;                   /* [panels][count][panel] of b */
    float *turned;                   /* [m][count] of a, NN_TN alone */
} Job;

static int least(int a, int b) {
    return a < b ? a : b;
}

static int blocks_of(int n, int size) {
    return (n + size - 1) / size;
}

/* Columns of b that come as rows. */
static void pack_turned(const Job *job, int column, int columns, float *to) {
    for (int j = 0; j < columns; j++) {
        const float *from = job->b + (size_t)(column + j) * job->k + job->first;
        for (int p = 0; p < job->count; p++) to[(size_t)p * job->panel + j] = from[p];
    }
}

static void pack_panel(void *context, int item, int thread) {
    const Job *job = context;
    int column = item * job->panel, columns = least(job->panel, job->n - column);
    float *to = job->packed + (size_t)item * job->count * job->panel;
    if (columns < job->panel) memset(to, 0, sizeof *to * job->count * job->panel);
    if (job->sides == NN_NT) {
        pack_turned(job, column, columns, to);
        return;
    }
    const float *from = job->b + (size_t)job->first * job->n + column;
    for (int p = 0; p < job->count; p++, from += job->n, to += job->panel)
        memcpy(to, from, sizeof *to * columns);
}

#define TURN 16 /* columns of a that are turned together */

static void turn_rows(void *context, int item, int thread) {
    const Job *job = context;
    int row = item * TURN, rows = least(TURN, job->m - row);
    nn_kernels()->turn(job->a + (size_t)job->first * job->m + row, (size_t)job->m, job->count, rows,
                       job->turned + (size_t)row * job->count, (size_t)job->count);
}

/* One block of rows by some panels. */
static void multiply(void *context, int item, int thread) {
    const Job *job = context;
    int groups = blocks_of(job->panels, BLOCK_PANELS);
    int row = item / groups * BLOCK_ROWS, rows = least(BLOCK_ROWS, job->m - row);
    int group = item % groups * BLOCK_PANELS;
    NnStrip strip = {.lda = job->sides == NN_TN ? job->count : job->k,
                     .ldb = job->panel,
                     .ldc = job->n,
                     .pieces = 1,
                     .k = job->count,
                     .period = rows,
                     .keep = rows,
                     .add = job->add || job->first > 0};
    const float *a = job->sides == NN_TN ? job->turned : job->a + job->first;
    for (int p = group; p < least(group + BLOCK_PANELS, job->panels); p++) {
        int column = p * job->panel;
        nn_kernels()->strip_f32(&strip, rows, a + (size_t)row * strip.lda,
                                job->packed + (size_t)p * job->count * job->panel,
                                least(job->panel, job->n - column),
                                job->c + (size_t)row * job->n + column);
    }
}

static size_t packed_floats(int n, int k) {
    int panel = NN_PANEL_MOST;
    return (size_t)blocks_of(n, panel) * panel * least(k, BLOCK_K);
}

void nn_matmul(Team *team, NnSides sides, int m, int n, int k, const float *a, const float *b,
               bool add, float *c, Arena *arena) {
    if (nn_kernels_split()) {
        nn_matmul_split(team, sides, m, n, k, a, b, add, c, arena);
        return;
    }
    Job job = {sides, m, n, k, a, b, add, c, .panel = nn_kernels()->panel};
    size_t mark = arena_mark(arena);
    job.panels = blocks_of(n, job.panel);
    job.packed = arena_floats(arena, packed_floats(n, k));
    if (sides == NN_TN) job.turned = arena_floats(arena, (size_t)m * least(k, BLOCK_K));
    for (; job.first < k; job.first += job.count) {
        job.count = least(BLOCK_K, k - job.first);
        team_run(team, job.panels, pack_panel, &job);
        if (sides == NN_TN) team_run(team, blocks_of(m, TURN), turn_rows, &job);
        team_run(team, blocks_of(m, BLOCK_ROWS) * blocks_of(job.panels, BLOCK_PANELS), multiply,
                 &job);
    }
    arena_reset(arena, mark);
}

static size_t aligned(size_t floats) {
    return (floats * sizeof(float) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

size_t nn_matmul_scratch(const Team *team, int m, int n, int k) {
    if (nn_kernels_split()) return nn_matmul_split_scratch(team, m, n, k);
    return aligned(packed_floats(n, k)) + aligned((size_t)m * least(k, BLOCK_K));
}
