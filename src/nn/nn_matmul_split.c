/* Products of two matrices that both change, where the CPU has tiles: both are split into parts of
 * bf16 (nn_level_split.c), a block of k at a time. See nn_matmul.h. */
#include "nn_matmul_split.h"

#include <string.h>

#define BLOCK_K 512
#define MOST    256 /* rows or columns that one thread takes past all of the other side: 768 KB */

/* The smaller side is split first, by all; then each thread splits some of the wider one for itself
 * and multiplies. */
typedef struct {
    const NnKernelsSplit *kernels;
    NnSides sides;
    int m, n, k;
    const float *a, *b;
    bool add;
    float *c;
    int first, count;  /* the block of k */
    bool by_rows;      /* a is the wider side */
    int some;          /* rows, or columns, of an item */
    uint16_t *smaller; /* b, or a, split */
    char *own;         /* some of the wider side, for each thread */
} Job;

static int least(int a, int b) {
    return a < b ? a : b;
}

static int blocks_of(int n, int size) {
    return (n + size - 1) / size;
}

/* bf16 of NN_SPLIT rows or columns in this block of k. */
static size_t side_size(const Job *job) {
    return (size_t)blocks_of(job->count, NN_SPLIT) * NN_SPLIT_BLOCK;
}

static size_t split_bytes(int rows, int k) {
    return (size_t)blocks_of(rows, NN_SPLIT) * blocks_of(least(k, BLOCK_K), NN_SPLIT) *
           NN_SPLIT_BLOCK * sizeof(uint16_t);
}

/* Columns column … column + columns of b, panel by panel. */
static void split_columns(const Job *job, int column, int columns, uint16_t *to) {
    for (int end = column + columns; column < end; column += NN_SPLIT, to += side_size(job)) {
        int some = least(NN_SPLIT, end - column);
        if (job->sides == NN_NT) {
            const float *b = job->b + (size_t)column * job->k + job->first;
            job->kernels->rows(b, (size_t)job->k, some, job->count, to);
            job->kernels->turn(to, blocks_of(job->count, NN_SPLIT));
        } else {
            const float *b = job->b + (size_t)job->first * job->n + column;
            job->kernels->panel(b, (size_t)job->n, job->count, some, to);
        }
    }
}

static void split_rows(const Job *job, int row, int rows, uint16_t *to) {
    if (job->sides != NN_TN) {
        const float *a = job->a + (size_t)row * job->k + job->first;
        job->kernels->rows(a, (size_t)job->k, rows, job->count, to);
        return;
    }
    for (int end = row + rows; row < end; row += NN_SPLIT, to += side_size(job)) {
        const float *a = job->a + (size_t)job->first * job->m + row;
        job->kernels->panel(a, (size_t)job->m, job->count, least(NN_SPLIT, end - row), to);
        job->kernels->turn(to, blocks_of(job->count, NN_SPLIT));
    }
}

static void split_smaller(void *context, int item, int thread) {
    const Job *job = context;
    uint16_t *to = job->smaller + (size_t)item * side_size(job);
    int at = item * NN_SPLIT;
    if (job->by_rows)
        split_columns(job, at, least(NN_SPLIT, job->n - at), to);
    else
        split_rows(job, at, least(NN_SPLIT, job->m - at), to);
}

static void multiply(const Job *job, const uint16_t *a, int row, int rows, const uint16_t *b,
                     int column, int columns) {
    for (int end = column + columns; column < end; column += NN_SPLIT, b += side_size(job))
        job->kernels->product(a, b, blocks_of(job->count, NN_SPLIT), rows,
                              least(NN_SPLIT, end - column), job->add || job->first > 0,
                              job->c + (size_t)row * job->n + column, (size_t)job->n);
}

static void multiply_some(void *context, int item, int thread) {
    const Job *job = context;
    size_t own = (size_t)thread * split_bytes(job->some, job->k);
    uint16_t *wider = (uint16_t *)(void *)(job->own + own);
    int at = item * job->some, some = least(job->some, (job->by_rows ? job->m : job->n) - at);
    if (job->by_rows) {
        split_rows(job, at, some, wider);
        multiply(job, wider, at, some, job->smaller, 0, job->n);
    } else {
        split_columns(job, at, some, wider);
        for (int row = 0; row < job->m; row += NN_SPLIT)
            multiply(job, job->smaller + (size_t)(row / NN_SPLIT) * side_size(job), row,
                     least(NN_SPLIT, job->m - row), wider, at, some);
    }
}

/* Some for everyone; how the wider side is shared out changes no sum. */
static int some_of(const Team *team, int wider) {
    int threads = team_threads(team), items = blocks_of(blocks_of(wider, MOST), threads) * threads;
    return blocks_of(wider, NN_SPLIT * items) * NN_SPLIT;
}

void nn_matmul_split(Team *team, NnSides sides, int m, int n, int k, const float *a, const float *b,
                     bool add, float *c, Arena *arena) {
    Job job = {nn_kernels_split(), sides, m, n, k, a, b, add, c, .by_rows = m >= n};
    int wider = job.by_rows ? m : n, smaller = job.by_rows ? n : m;
    size_t mark = arena_mark(arena);
    job.some = some_of(team, wider);
    job.smaller = arena_bytes(arena, split_bytes(smaller, k));
    job.own = arena_bytes(arena, split_bytes(job.some, k) * (size_t)team_threads(team));
    for (; job.first < k; job.first += job.count) {
        job.count = least(BLOCK_K, k - job.first);
        team_run(team, blocks_of(smaller, NN_SPLIT), split_smaller, &job);
        team_run(team, blocks_of(wider, job.some), multiply_some, &job);
    }
    arena_reset(arena, mark);
}

static size_t aligned(size_t bytes) {
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

size_t nn_matmul_split_scratch(const Team *team, int m, int n, int k) {
    int wider = m >= n ? m : n, smaller = m >= n ? n : m;
    return aligned(split_bytes(smaller, k)) +
           aligned(split_bytes(some_of(team, wider), k) * (size_t)team_threads(team));
}
