/* Private to index: the inner loops, one table of them per instruction set.
 *
 * What is plain arithmetic is written once in vec_body.inc and compiled for each level; what needs
 * the instructions of its level stands in vec_level_*.c. No level fuses a multiplication with an
 * addition and all add in the same order, so every level gives the same bytes: files written on one
 * machine are those of any other, and so are answers.
 *
 * `padded` dimensions are multiples of 64. Nothing here allocates, keeps state or checks. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VEC_LANES = 32, /* sums of floats: value i goes to lane i % 32, then the halves are folded */
    VEC_PANEL = 16, /* columns that `products` takes at once */
    VEC_ROWS = 8,   /* rows that `products` takes at once */
    VEC_BLOCK = 16, /* vectors in a block of codes */
    VEC_PLANES = 4, /* bits of a query's component beside 1-bit codes */
    VEC_WORDS = 64, /* the most 64-bit words of a code: 4096 / 64 */
    VEC_BLOCK_TAIL = 192,
    VEC_CHUNK = 64 /* blocks that `scan` takes at once, at most */
};

/* AVX2 has F16C, POPCNT and SSE4.2 beside it; AVX-512 is F, BW, DQ, VL, VNNI and VPOPCNTDQ. */
typedef enum { VEC_SCALAR, VEC_AVX2, VEC_AVX512, VEC_LEVELS } VecLevel;

/* Sixteen vectors of `words` 64-bit words: u64 bits[words][16], and then this. */
typedef struct {
    uint16_t factor[VEC_BLOCK]; /* f16: |o|² / Σ|oᵢ| of the residual o */
    uint16_t along[VEC_BLOCK];  /* f16: <o, c> with the list's centre c */
    uint16_t scale[VEC_BLOCK];  /* f16: what one step of the int8 code is worth */
    uint16_t spare[VEC_BLOCK];
    uint32_t rows[VEC_BLOCK]; /* UINT32_MAX: nobody */
} VecBlockTail;

_Static_assert(sizeof(VecBlockTail) == VEC_BLOCK_TAIL, "a block is whole cache lines");

/* A query as one list sees it: its part along the centre is apart, the rest q′ in small integers u
 * as bit planes (two's complement). Estimate of <x, q> for a code with signs s:
 * base + alpha · along + factor · step · Σ sᵢuᵢ. */
typedef struct {
    float base, alpha, step;
    int sum; /* Σ uᵢ */
    int words;
    uint64_t planes[VEC_WORDS][VEC_PLANES];
} VecPlan;

/* What a residual comes to. */
typedef struct {
    float square, absolute, along; /* Σo², Σ|o|, Σo·c */
} VecResidual;

typedef struct {
    void (*to_half)(const float *from, uint16_t *to, size_t count);
    void (*from_half)(const uint16_t *from, float *to, size_t count);
    float (*dot_half)(const uint16_t *row, const float *query, size_t dim);
    float (*dot)(const float *a, const float *b, size_t dim);

    uint32_t (*crc)(const void *data, size_t bytes); /* CRC-32C */

    /* In place; n a power of two, at least 64. Not scaled. */
    void (*hadamard)(float *x, int n);

    float (*largest)(const float *x, int padded); /* max |x| */

    /* x → 128 + round(x / scale), the largest component at ±127; returns the scale. */
    float (*quantise)(const float *x, uint8_t *q, int padded);
    /* With a scale given; what goes beyond ±127 is cut. */
    void (*quantise_by)(const float *x, float scale, uint8_t *q, int padded);

    /* o = x - c */
    VecResidual (*residual)(const float *x, const float *c, float *o, int padded);
    void (*signs)(const float *o, uint64_t *words, int padded);

    /* q - alpha · c, by plan->step, into plan->planes and plan->sum. */
    void (*plan)(VecPlan *plan, const float *q, const float *c, int padded);

    /* Estimates of `count` ≤ VEC_CHUNK blocks, of the vectors whose bit in live[block] is set;
     * those that are not below `threshold` → out as keys (top.h) with slots from first_slot on.
     * Returns how many. */
    int (*scan)(const VecPlan *plan, const uint8_t *blocks, int count, const uint16_t *live,
                float threshold, uint32_t first_slot, uint64_t *out);

    /* Σ size · the part of a normal distribution about `dot`, with the deviation 1 / inverse, that
     * lies above t; n a multiple of VEC_LANES. */
    float (*exceeding)(const float *dots, const float *inverse, const float *sizes, int n, float t);

    /* Σ x · (128 · hi + lo) */
    int64_t (*dot_bytes)(const uint8_t *x, const int8_t *hi, const int8_t *lo, int padded);

    /* Sums of `products` → products of what was quantised; correction = 128 Σ of a column. */
    void (*scores)(const int32_t sums[VEC_ROWS][VEC_PANEL], const float *row_scale,
                   const float *scale, const int32_t *correction,
                   float scores[VEC_ROWS][VEC_PANEL]);

    /* x[VEC_ROWS][padded] times a panel [padded / 4][VEC_PANEL][4] → sums. */
    void (*products)(const uint8_t *x, const int8_t *panel, int padded,
                     int32_t sums[VEC_ROWS][VEC_PANEL]);
    void (*products_one)(const uint8_t *x, const int8_t *panel, int padded,
                         int32_t sums[VEC_PANEL]);
} VecKernels;

const VecKernels *vec_kernels(void);

/* NULL where the machine has no such level. */
const VecKernels *vec_kernels_of(VecLevel level);

/* Before anything else is called, or never; for tests. */
void vec_limit(VecLevel most);

extern const VecKernels vec_kernels_scalar;
extern const VecKernels vec_kernels_avx2;
extern const VecKernels vec_kernels_avx512;

/* Floats as integers of the same order, and back. */
static inline uint32_t vec_key(float x) {
    union {
        float f;
        uint32_t u;
    } v = {x};
    return v.u ^ ((uint32_t)((int32_t)v.u >> 31) | 0x80000000u);
}

static inline float vec_unkey(uint32_t key) {
    union {
        uint32_t u;
        float f;
    } v = {key ^ (key >> 31 ? 0x80000000u : 0xffffffffu)};
    return v.f;
}
