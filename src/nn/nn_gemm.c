/* The faces of the products: packing, quantising, and the order in which blocks are visited. The
 * inner loops are in nn_body_gemm.inc and nn_body_small.inc.
 *
 * Why not a library: oneDNN's primitives (2.6) call malloc six times per execution, which a forward
 * pass must not, and on the shapes of CLAP the packed kernels here are about as fast (the figures
 * are in docs/SPEED.md). Besides, bias, activation and residual are applied here while the sums are
 * in the first cache. */
#include "nn_gemm.h"

#include "nn_act.h"
#include "nn_kernels.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A block of x, as the products read it, that the second cache keeps while all panels pass. */
#define BLOCK_BYTES (256 * 1024)
#define BLOCK_SPLIT (768 * 1024) /* the same of parts in tiles, which are multiplied faster */

typedef enum { WAY_F32, WAY_SPLIT, WAY_I8, WAY_BF16 } Way;

struct NnLinear {
    Way way;
    NnAct act;
    int m, block; /* rows; rows at a time */
    NnPanels panels;
    const NnKernels *kernels;
    const NnKernelsSplit *split; /* WAY_SPLIT alone */
    const NnKernelsBf16 *bf16;   /* WAY_BF16 alone */
    const NnKernelsI8 *i8;       /* WAY_I8 in tiles alone */
    void *memory[4];             /* panels, bias, scale, offset */
};

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static void *zeroed(size_t bytes) {
    size_t size = round_up(bytes ? bytes : 1, ARENA_ALIGN);
    void *p = aligned_alloc(ARENA_ALIGN, size);
    if (!p) {
        fprintf(stderr, "earshot: out of memory (%zu bytes of weights)\n", size);
        abort();
    }
    return memset(p, 0, size);
}

static float widen_bf16(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Where row `row` of the weights starts: panels of `panel` rows, in each of them groups of inputs.
 */
static size_t packed_row(const NnLinear *l, int panel, int group, int row) {
    size_t before = (size_t)(row / panel) * (size_t)panel * (size_t)l->panels.k_padded;
    return before + (size_t)(row % panel) * (size_t)group;
}

/* How far from there input p lies; group is a power of two. */
static size_t packed_input(int panel, int group, int p) {
    int within = p & (group - 1);
    return (size_t)(p - within) * (size_t)panel + (size_t)within;
}

static void pack_f32(NnLinear *l, const NnMatrix *w, int row, int first, float *to) {
    size_t from = (size_t)row * (size_t)w->k, panel = (size_t)l->kernels->panel;
    const float *f = w->w;
    const uint16_t *h = w->w;
    to += packed_row(l, (int)panel, 1, first + row);
    for (int p = 0; p < w->k; p++)
        to[(size_t)p * panel] = w->type == NN_F32 ? f[from + p] : widen_bf16(h[from + p]);
}

static void pack_bf16(NnLinear *l, const NnMatrix *w, int row, int first, uint16_t *to) {
    const uint16_t *from = (const uint16_t *)w->w + (size_t)row * (size_t)w->k;
    int panel = l->bf16->panel;
    to += packed_row(l, panel, 2, first + row);
    for (int p = 0; p < w->k; p++) to[packed_input(panel, 2, p)] = from[p];
}

static void pack_i8(NnLinear *l, const NnMatrix *w, int row, int first, void *to) {
    const int8_t *from = (const int8_t *)w->w + (size_t)row * (size_t)w->k;
    int group = l->kernels->group_i8, panel = l->kernels->panel;
    size_t start = packed_row(l, panel, group, first + row);
    int32_t sum = 0;
    for (int p = 0; p < w->k; p++) {
        size_t at = start + packed_input(panel, group, p);
        if (group == 4)
            ((int8_t *)to)[at] = from[p];
        else
            ((int16_t *)to)[at] = from[p];
        sum += from[p];
    }
    ((int32_t *)l->memory[3])[first + row] = group == 4 ? 128 * sum : 0;
    ((float *)l->memory[2])[first + row] = w->scale[row];
}

/* Rows first.. of the stacked matrix. */
static void pack_part(NnLinear *l, const NnMatrix *w, int first) {
    for (int row = 0; row < w->n; row++) {
        if (l->way == WAY_I8)
            pack_i8(l, w, row, first, l->memory[0]);
        else if (l->way == WAY_BF16)
            pack_bf16(l, w, row, first, l->memory[0]);
        else
            pack_f32(l, w, row, first, l->memory[0]);
        if (w->bias) ((float *)l->memory[1])[first + row] = w->bias[row];
    }
}

/* Row `row` of the stacked matrix. */
static const float *stacked_row(const NnMatrix *part, int row) {
    while (row >= part->n) row -= part++->n;
    return (const float *)part->w + (size_t)row * (size_t)part->k;
}

/* NN_SPLIT rows at a time, which may be of several parts. */
static void pack_split(NnLinear *l, const NnMatrix *parts, int count) {
    int n = l->panels.n, k = l->panels.k, blocks = l->panels.k_padded / NN_SPLIT;
    float *some = zeroed(sizeof *some * NN_SPLIT * (size_t)k), *bias = l->memory[1];
    uint16_t *to = l->memory[0];
    for (int row = 0; row < n; row += NN_SPLIT, to += (size_t)blocks * NN_SPLIT_BLOCK) {
        int rows = n - row < NN_SPLIT ? n - row : NN_SPLIT;
        for (int r = 0; r < rows; r++)
            memcpy(some + (size_t)r * k, stacked_row(parts, row + r), sizeof *some * (size_t)k);
        l->split->rows(some, (size_t)k, rows, k, to);
        l->split->turn(to, blocks);
    }
    free(some);
    for (int i = 0; i < count; bias += parts[i++].n)
        if (parts[i].bias) memcpy(bias, parts[i].bias, sizeof *bias * (size_t)parts[i].n);
}

static Way way_of(NnType type) {
    if (type == NN_I8) return WAY_I8;
    if (type == NN_F32) return nn_kernels_split() ? WAY_SPLIT : WAY_F32;
    return type == NN_BF16 && nn_kernels_bf16() ? WAY_BF16 : WAY_F32;
}

/* Inputs whose products one instruction adds up. */
static int group_of(const NnLinear *l) {
    return l->way == WAY_F32 ? 1 : l->way == WAY_BF16 ? 2 : l->kernels->group_i8;
}

/* What k is padded to, and the rows of x, for the kernels that read several at a time. */
static int inputs_of(const NnLinear *l) {
    if (l->way == WAY_SPLIT) return NN_SPLIT;
    if (l->way == WAY_BF16) return l->bf16->inputs;
    return l->way == WAY_I8 && l->i8 ? l->i8->inputs : group_of(l);
}

static size_t padded_rows(const NnLinear *l, int rows) {
    if (l->way == WAY_SPLIT) return round_up((size_t)rows, NN_SPLIT);
    int whole = l->way == WAY_BF16 ? l->bf16->rows : l->way == WAY_I8 && l->i8 ? l->i8->rows : 1;
    return round_up((size_t)rows, (size_t)whole);
}

static size_t x_bytes(const NnLinear *l) {
    if (l->way == WAY_SPLIT) return 3 * sizeof(uint16_t);
    return l->way == WAY_F32 ? 4 : l->way == WAY_BF16 ? 2 : 4 / (size_t)l->kernels->group_i8;
}

static void allocate(NnLinear *l) {
    size_t columns = round_up((size_t)l->panels.n, (size_t)l->kernels->panel);
    size_t weights = columns * (size_t)l->panels.k_padded * x_bytes(l);
    l->memory[0] = zeroed(weights);
    l->memory[1] = zeroed(columns * sizeof(float));
    l->memory[2] = zeroed(columns * sizeof(float));
    l->memory[3] = zeroed(columns * sizeof(int32_t));
    l->panels.panels = l->memory[0];
    l->panels.bias = l->memory[1];
    l->panels.scale = l->memory[2];
    l->panels.offset = l->memory[3];
}

static int rows_at_a_time(const NnLinear *l) {
    size_t bytes = l->way == WAY_SPLIT ? BLOCK_SPLIT : BLOCK_BYTES;
    size_t rows = bytes / ((size_t)l->panels.k_padded * x_bytes(l));
    if (rows < 64) rows = 64;
    return rows < (size_t)l->m ? (int)rows : l->m;
}

NnLinear *nn_linear_new(const NnMatrix *parts, int count, int m, NnAct act) {
    NnLinear *l = zeroed(sizeof *l);
    l->way = way_of(parts->type);
    l->act = act;
    l->m = m;
    l->kernels = nn_kernels();
    l->split = nn_kernels_split();
    l->bf16 = nn_kernels_bf16();
    l->i8 = nn_kernels_i8();
    for (int i = 0; i < count; i++) l->panels.n += parts[i].n;
    l->panels.k = parts->k;
    l->panels.k_padded = (int)round_up((size_t)parts->k, (size_t)inputs_of(l));
    l->block = rows_at_a_time(l);
    allocate(l);
    if (l->way == WAY_SPLIT)
        pack_split(l, parts, count);
    else
        for (int i = 0, first = 0; i < count; first += parts[i++].n) pack_part(l, &parts[i], first);
    return l;
}

void nn_linear_free(NnLinear *l) {
    if (!l) return;
    for (int i = 0; i < 4; i++) free(l->memory[i]);
    free(l);
}

size_t nn_linear_scratch(const NnLinear *l) {
    if (l->way == WAY_F32) return 0;
    size_t rows = padded_rows(l, l->block);
    return round_up(rows * (size_t)l->panels.k_padded * x_bytes(l), ARENA_ALIGN) +
           round_up(rows * sizeof(float), ARENA_ALIGN);
}

/* One block of rows: quantised or rounded into scratch where the type wants it. */
static void run_block(const NnLinear *l, int finish, int rows, const float *x, float *y,
                      Arena *arena) {
    int stride = l->panels.k_padded;
    if (l->way == WAY_F32) {
        l->kernels->product_f32(&l->panels, finish, rows, x, y);
        return;
    }
    void *q = arena_bytes(arena, padded_rows(l, rows) * (size_t)stride * x_bytes(l));
    if (l->way == WAY_SPLIT) {
        l->split->rows(x, (size_t)l->panels.k, rows, l->panels.k, q);
        l->split->linear(&l->panels, finish, rows, q, y);
        return;
    }
    if (l->way == WAY_BF16) {
        l->bf16->round(x, rows, l->panels.k, q, (size_t)stride);
        l->bf16->product(&l->panels, finish, rows, q, y);
        return;
    }
    float *scale = arena_floats(arena, (size_t)rows);
    l->kernels->quantise(x, rows, l->panels.k, q, (size_t)stride, scale);
    (l->i8 ? l->i8->product : l->kernels->product_i8)(&l->panels, finish, rows, q, scale, y);
}

static void run_rows(const NnLinear *l, int finish, int m, const float *x, float *y, Arena *arena) {
    for (int r = 0; r < m; r += l->block) {
        int rows = m - r < l->block ? m - r : l->block;
        size_t mark = arena_mark(arena);
        run_block(l, finish, rows, x + (size_t)r * l->panels.k, y + (size_t)r * l->panels.n, arena);
        arena_reset(arena, mark);
    }
}

void nn_linear_run(const NnLinear *l, const float *x, float *y, Arena *arena) {
    run_rows(l, (int)l->act, l->m, x, y, arena);
}

void nn_linear_add(const NnLinear *l, const float *x, float *y, Arena *arena) {
    assert(l->act == NN_ACT_NONE);
    run_rows(l, NN_FINISH_ADD, l->m, x, y, arena);
}

#define SMALL_STRIDE 64 /* quantised rows of the unpacked product are whole vectors */

size_t nn_linear_small_scratch(const NnMatrix *w, int m) {
    if (w->type != NN_I8) return 0;
    size_t element = 4 / (size_t)nn_kernels()->group_i8, rows = (size_t)m;
    return round_up(rows * round_up((size_t)w->k, SMALL_STRIDE) * element, ARENA_ALIGN) +
           round_up(rows * sizeof(float), ARENA_ALIGN);
}

static void small_i8(const NnMatrix *w, int m, const float *x, float *y, Arena *arena) {
    const NnKernels *kernels = nn_kernels();
    size_t mark = arena_mark(arena), stride = round_up((size_t)w->k, SMALL_STRIDE);
    void *q = arena_bytes(arena, (size_t)m * stride * (4 / (size_t)kernels->group_i8));
    float *scale = arena_floats(arena, (size_t)m);
    kernels->quantise(x, m, w->k, q, stride, scale);
    kernels->small_i8(w, m, q, stride, scale, y);
    arena_reset(arena, mark);
}

void nn_linear_small(const NnMatrix *w, NnAct act, int m, const float *x, float *y, Arena *arena) {
    size_t count = (size_t)m * (size_t)w->n;
    if (w->type == NN_I8)
        small_i8(w, m, x, y, arena);
    else if (w->type == NN_BF16)
        nn_kernels()->small_bf16(w, m, x, y);
    else
        nn_kernels()->small_f32(w, m, x, y);
    if (act == NN_ACT_GELU)
        nn_gelu(y, count);
    else if (act == NN_ACT_RELU)
        nn_relu(y, count);
    else if (act == NN_ACT_TANH)
        nn_tanh(y, count);
}
