/* The kernels for AVX-512 F, BW, DQ, VL, VNNI and VPOPCNTDQ. */
#define LEVEL                                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq,avx2,"    \
                          "f16c,popcnt,sse4.2")))
#define TABLE vec_kernels_avx512
#include "vec_body.inc"

#include <immintrin.h>
#include <string.h>

#define INLINE LEVEL static inline __attribute__((always_inline))

#include "vec_body_crc.inc"

INLINE __m512 load_half(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* The first n of 16. */
INLINE __mmask16 first(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

LEVEL static void level_to_half(const float *from, uint16_t *to, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 m = first(count - i);
        __m512 x = _mm512_maskz_loadu_ps(m, from + i);
        _mm256_mask_storeu_epi16(to + i, m, _mm512_cvtps_ph(x, 0));
    }
}

LEVEL static void level_from_half(const uint16_t *from, float *to, size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 m = first(count - i);
        _mm512_mask_storeu_ps(to + i, m, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, from + i)));
    }
}

/* The two halves of the lanes, folded as level_fold does. */
INLINE float fold(__m512 a, __m512 b) {
    a = _mm512_add_ps(a, b);
    __m256 c = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 d = _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1));
    d = _mm_add_ps(d, _mm_movehl_ps(d, d));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_movehdup_ps(d)));
}

LEVEL static float level_dot_half(const uint16_t *row, const float *query, size_t dim) {
    __m512 a = _mm512_setzero_ps(), b = a;
    size_t i = 0;
    for (; i + VEC_LANES <= dim; i += VEC_LANES) {
        a = _mm512_add_ps(a, _mm512_mul_ps(load_half(row + i), _mm512_loadu_ps(query + i)));
        b = _mm512_add_ps(b,
                          _mm512_mul_ps(load_half(row + i + 16), _mm512_loadu_ps(query + i + 16)));
    }
    __mmask16 m = first(dim - i), n = first(dim - i > 16 ? dim - i - 16 : 0);
    __m512 x = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, row + i));
    __m512 y = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(n, row + i + 16));
    a = _mm512_add_ps(a, _mm512_mul_ps(x, _mm512_maskz_loadu_ps(m, query + i)));
    b = _mm512_add_ps(b, _mm512_mul_ps(y, _mm512_maskz_loadu_ps(n, query + i + 16)));
    return fold(a, b);
}

LEVEL static float level_dot(const float *p, const float *q, size_t dim) {
    __m512 a = _mm512_setzero_ps(), b = a;
    for (size_t i = 0; i < dim; i += VEC_LANES) {
        __mmask16 m = first(dim - i), n = first(dim - i > 16 ? dim - i - 16 : 0);
        a = _mm512_add_ps(
            a, _mm512_mul_ps(_mm512_maskz_loadu_ps(m, p + i), _mm512_maskz_loadu_ps(m, q + i)));
        b = _mm512_add_ps(b, _mm512_mul_ps(_mm512_maskz_loadu_ps(n, p + i + 16),
                                           _mm512_maskz_loadu_ps(n, q + i + 16)));
    }
    return fold(a, b);
}

/* a + b in the lanes of `upper`'s zeros, and there a - b, whose a is w and whose b is v. */
INLINE __m512 turn(__m512 v, __m512 w, __mmask16 upper) {
    return _mm512_mask_sub_ps(_mm512_add_ps(v, w), upper, w, v);
}

LEVEL static void level_hadamard(float *x, int n) {
    for (int h = n / 2; h >= 16; h /= 2)
        for (int i = 0; i < n; i += 2 * h)
            for (int j = i; j < i + h; j += 16) {
                __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + h);
                _mm512_storeu_ps(x + j, _mm512_add_ps(a, b));
                _mm512_storeu_ps(x + j + h, _mm512_sub_ps(a, b));
            }
    for (int i = 0; i < n; i += 16) {
        __m512 v = _mm512_loadu_ps(x + i);
        v = turn(v, _mm512_shuffle_f32x4(v, v, 0x4e), 0xff00);
        v = turn(v, _mm512_shuffle_f32x4(v, v, 0xb1), 0xf0f0);
        v = turn(v, _mm512_permute_ps(v, 0x4e), 0xcccc);
        v = turn(v, _mm512_permute_ps(v, 0xb1), 0xaaaa);
        _mm512_storeu_ps(x + i, v);
    }
}

LEVEL static void level_words_of(const int8_t *u, uint64_t *planes) {
    __m512i v = _mm512_loadu_si512(u);
    for (int p = 0; p < VEC_PLANES; p++)
        planes[p] = _mm512_test_epi8_mask(v, _mm512_set1_epi8((char)(1 << p)));
}

LEVEL static void level_signs(const float *o, uint64_t *words, int padded) {
    for (int w = 0; w < padded / 64; w++) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i += 16) {
            __m512 v = _mm512_loadu_ps(o + w * 64 + i);
            word |= (uint64_t)_mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ) << i;
        }
        words[w] = word;
    }
}

/* Σ of the u whose bit is set, of eight vectors, from the counts of each plane. */
INLINE __m256i weigh(const __m512i *counts) {
    __m512i total = _mm512_sub_epi64(_mm512_setzero_si512(), counts[VEC_PLANES - 1]);
    for (int p = VEC_PLANES - 2; p >= 0; p--)
        total = _mm512_add_epi64(_mm512_add_epi64(total, total), counts[p]);
    return _mm512_cvtepi64_epi32(total);
}

/* Of sixteen vectors. The loop stays a loop: unrolled, its planes would be loaded ahead of all
 * blocks, which are more than there are registers. */
INLINE __m512i totals_of(const VecPlan *plan, const uint8_t *block) {
    __m512i a[VEC_PLANES], b[VEC_PLANES];
    for (int p = 0; p < VEC_PLANES; p++) a[p] = b[p] = _mm512_setzero_si512();
#pragma GCC unroll 1
    for (int w = 0; w < plan->words; w++) {
        __m512i x = _mm512_loadu_si512(block + (size_t)w * 128);
        __m512i y = _mm512_loadu_si512(block + (size_t)w * 128 + 64);
#pragma GCC unroll 4
        for (int p = 0; p < VEC_PLANES; p++) {
            __m512i plane = _mm512_set1_epi64((int64_t)plan->planes[w][p]);
            a[p] = _mm512_add_epi64(a[p], _mm512_popcnt_epi64(_mm512_and_si512(x, plane)));
            b[p] = _mm512_add_epi64(b[p], _mm512_popcnt_epi64(_mm512_and_si512(y, plane)));
        }
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(weigh(a)), weigh(b), 1);
}

/* Blocks that are asked for ahead: the processor itself does not look beyond a page. */
enum { AHEAD = 4 };

LEVEL static int level_scan(const VecPlan *plan, const uint8_t *blocks, int count,
                            const uint16_t *live, float threshold, uint32_t first_slot,
                            uint64_t *out) {
    const size_t codes = (size_t)plan->words * VEC_BLOCK * 8, bytes = codes + VEC_BLOCK_TAIL;
    int n = 0;
    for (int b = 0; b < count; b++) {
        if (!live[b]) continue;
        const uint8_t *block = blocks + (size_t)b * bytes;
        const VecBlockTail *tail = (const VecBlockTail *)(block + codes);
        for (size_t i = 0; i < bytes; i += 64)
            _mm_prefetch((const char *)block + AHEAD * bytes + i, _MM_HINT_T0);
        __m512i total = totals_of(plan, block);
        __m512 dot = _mm512_cvtepi32_ps(
            _mm512_sub_epi32(_mm512_add_epi32(total, total), _mm512_set1_epi32(plan->sum)));
        __m512 size = _mm512_mul_ps(load_half(tail->factor), _mm512_set1_ps(plan->step));
        __m512 rest =
            _mm512_add_ps(_mm512_mul_ps(load_half(tail->along), _mm512_set1_ps(plan->alpha)),
                          _mm512_set1_ps(plan->base));
        __m512 e = _mm512_add_ps(_mm512_mul_ps(size, dot), rest);
        unsigned passed =
            _mm512_mask_cmp_ps_mask(live[b], e, _mm512_set1_ps(threshold), _CMP_GE_OQ);
        if (!passed) continue;
        float estimate[VEC_BLOCK];
        _mm512_storeu_ps(estimate, e);
        n += level_keep(estimate, passed, first_slot + (uint32_t)b * VEC_BLOCK, out + n);
    }
    return n;
}

LEVEL static int64_t level_dot_bytes(const uint8_t *x, const int8_t *hi, const int8_t *lo,
                                     int padded) {
    __m512i a = _mm512_setzero_si512(), b = a;
    for (int i = 0; i < padded; i += 64) {
        __m512i v = _mm512_loadu_si512(x + i);
        a = _mm512_dpbusd_epi32(a, v, _mm512_loadu_si512(hi + i));
        b = _mm512_dpbusd_epi32(b, v, _mm512_loadu_si512(lo + i));
    }
    return 128 * (int64_t)_mm512_reduce_add_epi32(a) + _mm512_reduce_add_epi32(b);
}

INLINE __m512i four_of(const uint8_t *x) {
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

LEVEL static void level_products(const uint8_t *x, const int8_t *panel, int padded,
                                 int32_t sums[VEC_ROWS][VEC_PANEL]) {
    __m512i part[VEC_ROWS];
    for (int r = 0; r < VEC_ROWS; r++) part[r] = _mm512_setzero_si512();
    for (int g = 0; g < padded / 4; g++) {
        __m512i y = _mm512_loadu_si512(panel + (size_t)g * 64);
#pragma GCC unroll 8
        for (int r = 0; r < VEC_ROWS; r++)
            part[r] = _mm512_dpbusd_epi32(part[r], four_of(x + r * padded + g * 4), y);
    }
    for (int r = 0; r < VEC_ROWS; r++) _mm512_storeu_si512(sums[r], part[r]);
}

/* Four sums at a time, since each addition waits for the one before. */
LEVEL static void level_products_one(const uint8_t *x, const int8_t *panel, int padded,
                                     int32_t sums[VEC_PANEL]) {
    __m512i part[4];
    for (int i = 0; i < 4; i++) part[i] = _mm512_setzero_si512();
    for (int g = 0; g < padded / 4; g += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            part[i] = _mm512_dpbusd_epi32(part[i], four_of(x + (g + i) * 4),
                                          _mm512_loadu_si512(panel + (size_t)(g + i) * 64));
    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_add_epi32(part[0], part[1]),
                                               _mm512_add_epi32(part[2], part[3])));
}

#include "vec_body_table.inc"
