/* The face of attention: scratch for one head at a time. */
#include "nn_attn.h"

#include "nn_kernels.h"

#define ROWS_MOST 14 /* rows of scores at a time, at any level */

static size_t padded(int n) {
    return ((size_t)n + NN_PANEL_MOST - 1) / NN_PANEL_MOST * NN_PANEL_MOST;
}

static size_t scratch_floats(int n, int d) {
    size_t tokens = (size_t)n, width = (size_t)d;
    return width * padded(n) + 2 * tokens * padded(d) + ROWS_MOST * (padded(n) + padded(d));
}

static const NnKernelsBf16 *rounding(void) {
    const NnKernelsBf16 *kernels = nn_kernels_bf16();
    return kernels && kernels->attn ? kernels : NULL;
}

size_t nn_attn_scratch(int n, int d) {
    size_t floats = scratch_floats(n, d);
    size_t rounded = rounding() ? rounding()->attn_scratch(n, d) : 0;
    return (floats > rounded ? floats : rounded) * sizeof(float) + ARENA_ALIGN;
}

void nn_attn_rounded(const float *qkv, int n, int heads, int d, const float *bias,
                     const float *mask, float *out, Arena *arena) {
    const NnKernelsBf16 *kernels = rounding();
    if (!kernels) {
        nn_attn(qkv, n, heads, d, bias, mask, out, arena);
        return;
    }
    size_t mark = arena_mark(arena);
    float *scratch = arena_floats(arena, kernels->attn_scratch(n, d));
    kernels->attn(qkv, n, heads, d, bias, mask, out, scratch);
    arena_reset(arena, mark);
}

void nn_attn(const float *qkv, int n, int heads, int d, const float *bias, const float *mask,
             float *out, Arena *arena) {
    size_t mark = arena_mark(arena);
    float *scratch = arena_floats(arena, scratch_floats(n, d));
    nn_kernels()->attn(qkv, n, heads, d, bias, mask, out, scratch);
    arena_reset(arena, mark);
}
