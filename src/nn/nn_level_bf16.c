/* Products of bf16 for CPUs with AVX512_BF16: the blocks of nn_body_gemm.inc with two products a
 * lane. x is rounded to bf16, sums are f32. */
#include "nn_levels.h"
#include "nn_vec_avx512.h"

#include "nn_body_math.inc"

#include "nn_body_tile.inc"

#define NN_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,avx512bf16")))

static inline NN_BF16 __attribute__((always_inline)) __m512 dot_bf16(__m512 sum, __m512i a,
                                                                     __m512i b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

static inline NN_BF16 __attribute__((always_inline)) void
block_bf16(int rows, const uint16_t *a, size_t lda, const void *b, int k, float *c) {
    V sum[NN_ROWS][2];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = v_set(0);
    const __m512i *w = b;
    for (int p = 0; p < k; p += 2, w += 2) {
        __m512i b0 = w[0], b1 = w[1];
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            int32_t pair;
            memcpy(&pair, a + r * lda + p, sizeof pair);
            __m512i x = _mm512_set1_epi32(pair);
            sum[r][0] = dot_bf16(sum[r][0], x, b0);
            sum[r][1] = dot_bf16(sum[r][1], x, b1);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
        v_store(c + r * NN_PANEL, sum[r][0]);
        v_store(c + r * NN_PANEL + NN_LANES, sum[r][1]);
    }
}

typedef void BlockBf16(const uint16_t *a, size_t lda, const void *b, int k, float *c);

#define NN_BLOCK(rows)                                                                             \
    NN_BF16 static void block_bf16_##rows(const uint16_t *a, size_t lda, const void *b, int k,     \
                                          float *c) {                                              \
        block_bf16(rows, a, lda, b, k, c);                                                         \
    }
NN_EACH_ROWS(NN_BLOCK)

#define NN_ENTRY(rows) block_bf16_##rows,
static BlockBf16 *const blocks[] = {NULL, NN_EACH_ROWS(NN_ENTRY)};

static void product_bf16(const NnPanels *w, int finish, int m, const uint16_t *x, float *y) {
    _Alignas(64) float tile[NN_ROWS * NN_PANEL];
    size_t stride = (size_t)w->k_padded;
    const uint16_t *panel = w->panels;
    for (int column = 0; column < w->n; column += NN_PANEL, panel += NN_PANEL * stride)
        for (int r = 0, rows; r < m; r += rows) {
            rows = rows_of_block(m - r);
            blocks[rows](x + r * stride, stride, panel, w->k_padded, tile);
            finish_tile(w, finish, column, tile, rows, y + (size_t)r * w->n);
        }
}

NN_BF16 void nn_round_bf16(const float *x, int m, int k, uint16_t *h, size_t stride) {
    for (int r = 0; r < m; r++, x += k, h += stride) {
        for (int i = 0; i < k; i += NN_LANES) {
            int n = k - i < NN_LANES ? k - i : NN_LANES;
            __m256i rounded = (__m256i)_mm512_cvtneps_pbh(load_some(x + i, n));
            _mm256_mask_storeu_epi16(h + i, v_first(n), rounded);
        }
        memset(h + k, 0, (stride - (size_t)k) * sizeof *h);
    }
}

const NnKernelsBf16 nn_kernels_avx512_bf16 = {
    .panel = NN_PANEL,
    .rows = 1,
    .inputs = 2,
    .round = nn_round_bf16,
    .product = product_bf16,
};
