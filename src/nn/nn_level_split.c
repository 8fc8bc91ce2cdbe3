/* Products of f32 for CPUs with AMX: a float of 24 bits is the sum of three of bf16, high, middle
 * and low, and six of their nine products make up what a product of floats has (the other three are
 * below 2⁻²⁶ of it). Sums are floats, as ever. Numbers below 2⁻¹¹⁰ lose their low parts, and those
 * above the largest bf16 become infinite.
 *
 * Source: Henry, Tang, Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
 * Higher-Precision Computations" (ARITH 2019). */
#include "nn_levels.h"
#include "nn_tiles.h"
#include "nn_vec_avx512.h"

#include "nn_body_math.inc"

#include "nn_body_tile.inc"

#define HALF (16 * 32) /* of a part of a block: a tile, in bf16 */
#define PART (2 * HALF)

enum { HIGH, MIDDLE, LOW };

/* Sixteen bf16 as floats. */
NN_AMX static inline V widen(__m256bh h) {
    return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
}

/* x → three parts; x = high + middle + low. */
NN_AMX static inline void split(V x, __m256bh part[3]) {
    for (int i = HIGH; i <= LOW; i++) {
        part[i] = _mm512_cvtneps_pbh(x);
        x -= widen(part[i]);
    }
}

/* The first n of sixteen floats; n may be anything. */
NN_AMX static inline V load_first(const float *x, int n) {
    return n > 0 ? load_some(x, n) : v_set(0);
}

/* Blocks of 32 rows by 32 inputs: [rows / 32][inputs / 32][part][half][16][32]. */
NN_AMX static void split_rows(const float *x, size_t ld, int m, int k, uint16_t *to) {
    size_t blocks = (size_t)(k + NN_SPLIT - 1) / NN_SPLIT;
    for (int r = 0; r < (m + NN_SPLIT - 1) / NN_SPLIT * NN_SPLIT; r++) {
        uint16_t *row = to + (size_t)(r / NN_SPLIT) * blocks * NN_SPLIT_BLOCK +
                        (size_t)(r % NN_SPLIT) * NN_SPLIT;
        for (int p = 0; p < k; p += NN_LANES) {
            __m256bh part[3];
            uint16_t *at = row + (size_t)(p / NN_SPLIT) * NN_SPLIT_BLOCK + p % NN_SPLIT;
            split(r < m ? load_first(x + (size_t)r * ld + p, k - p) : v_set(0), part);
            for (int i = HIGH; i <= LOW; i++)
                _mm256_storeu_si256((__m256i *)(at + i * PART), (__m256i)part[i]);
        }
        if (k % NN_SPLIT && k % NN_SPLIT <= NN_LANES) /* the last block's second half */
            for (int i = HIGH; i <= LOW; i++)
                _mm256_storeu_si256(
                    (__m256i *)(row + (blocks - 1) * NN_SPLIT_BLOCK + NN_LANES + i * PART),
                    _mm256_setzero_si256());
    }
}

/* Blocks of 32 inputs by 32 columns, two inputs side by side:
 * [inputs / 32][part][half of the columns][16][16][2]. */
NN_AMX static void split_panel(const float *b, size_t ld, int k, int n, uint16_t *to) {
    for (int p = 0; p < (k + NN_SPLIT - 1) / NN_SPLIT * NN_SPLIT; p += 2)
        for (int j = 0; j < NN_SPLIT; j += NN_LANES) {
            __m256bh even[3], odd[3];
            uint16_t *at = to + (size_t)(p / NN_SPLIT) * NN_SPLIT_BLOCK + j / NN_LANES * HALF +
                           p % NN_SPLIT * NN_LANES;
            const float *from = b + (size_t)p * ld + j;
            split(p < k ? load_first(from, n - j) : v_set(0), even);
            split(p + 1 < k ? load_first(from + ld, n - j) : v_set(0), odd);
            for (int i = HIGH; i <= LOW; i++) {
                __m512i first = _mm512_cvtepu16_epi32((__m256i)even[i]);
                __m512i pairs = _mm512_or_si512(first, (__m512i)widen(odd[i]));
                _mm512_storeu_si512(at + i * PART, pairs);
            }
        }
}

/* Tiles of 16 × 16 pairs, which move as floats do. */
NN_AMX static void turn_blocks(uint16_t *to, int blocks) {
    for (int i = 0; i < blocks * NN_SPLIT_BLOCK; i += HALF) v_turn((V *)(void *)(to + i));
}

#define ROWS(part)                                                                                 \
    _tile_loadd(4, a + (part)*PART, TILE_BYTES);                                                   \
    _tile_loadd(5, a + (part)*PART + HALF, TILE_BYTES)
#define COLUMNS(part)                                                                              \
    _tile_loadd(6, b + (part)*PART, TILE_BYTES);                                                   \
    _tile_loadd(7, b + (part)*PART + HALF, TILE_BYTES)
#define ADD_PRODUCTS()                                                                             \
    _tile_dpbf16ps(0, 4, 6);                                                                       \
    _tile_dpbf16ps(1, 4, 7);                                                                       \
    _tile_dpbf16ps(2, 5, 6);                                                                       \
    _tile_dpbf16ps(3, 5, 7)

/* c[32][32] = rows · columns, `ldc` floats from row to row. Small products come first. */
NN_AMX static void block_product(const uint16_t *a, const uint16_t *b, int blocks, float *c,
                                 size_t ldc) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < blocks; i++, a += NN_SPLIT_BLOCK, b += NN_SPLIT_BLOCK) {
        ROWS(LOW);
        COLUMNS(HIGH);
        ADD_PRODUCTS();
        ROWS(MIDDLE);
        ADD_PRODUCTS();
        COLUMNS(MIDDLE);
        ADD_PRODUCTS();
        ROWS(HIGH);
        ADD_PRODUCTS();
        COLUMNS(LOW);
        ADD_PRODUCTS();
        COLUMNS(HIGH);
        ADD_PRODUCTS();
    }
    float *lower = c + NN_LANES * ldc;
    _tile_stored(0, c, ldc * sizeof *c);
    _tile_stored(1, c + NN_LANES, ldc * sizeof *c);
    _tile_stored(2, lower, ldc * sizeof *c);
    _tile_stored(3, lower + NN_LANES, ldc * sizeof *c);
}

NN_AMX static void product(const uint16_t *a, const uint16_t *b, int blocks, int m, int columns,
                           bool add, float *c, size_t ldc) {
    _Alignas(64) float tile[NN_SPLIT * NN_SPLIT];
    tiles_begin();
    for (int r = 0; r < m; r += NN_SPLIT, a += (size_t)blocks * NN_SPLIT_BLOCK) {
        int rows = m - r < NN_SPLIT ? m - r : NN_SPLIT;
        if (!add && rows == NN_SPLIT && columns == NN_SPLIT) {
            block_product(a, b, blocks, c + (size_t)r * ldc, ldc);
            continue;
        }
        block_product(a, b, blocks, tile, NN_SPLIT);
        for (int i = 0; i < rows; i++)
            put_row(tile + i * NN_SPLIT, add, columns, c + (size_t)(r + i) * ldc);
    }
    _tile_release();
}

NN_AMX static void linear(const NnPanels *w, int finish, int m, const uint16_t *x, float *y) {
    _Alignas(64) float tile[NN_SPLIT * NN_SPLIT];
    int blocks = w->k_padded / NN_SPLIT;
    size_t size = (size_t)blocks * NN_SPLIT_BLOCK;
    const uint16_t *panel = w->panels;
    tiles_begin();
    for (int column = 0; column < w->n; column += NN_SPLIT, panel += size)
        for (int r = 0; r < m; r += NN_SPLIT) {
            int rows = m - r < NN_SPLIT ? m - r : NN_SPLIT;
            block_product(x + (size_t)(r / NN_SPLIT) * size, panel, blocks, tile, NN_SPLIT);
            finish_tile(w, finish, column, tile, rows, y + (size_t)r * w->n);
        }
    _tile_release();
}

const NnKernelsSplit nn_kernels_amx_split = {
    .rows = split_rows,
    .panel = split_panel,
    .turn = turn_blocks,
    .product = product,
    .linear = linear,
};
