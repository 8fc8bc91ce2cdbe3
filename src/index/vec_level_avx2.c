/* The kernels for AVX2 with F16C, POPCNT and SSE4.2. */
#define LEVEL __attribute__((target("avx2,f16c,popcnt,sse4.2")))
#define TABLE vec_kernels_avx2
#include "vec_body.inc"

#include <immintrin.h>
#include <string.h>

#define INLINE LEVEL static inline __attribute__((always_inline))

#include "vec_body_crc.inc"

INLINE __m256 load_half(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

LEVEL static void level_to_half(const float *from, uint16_t *to, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), 0));
    for (; i < count; i++) to[i] = _cvtss_sh(from[i], 0);
}

LEVEL static void level_from_half(const uint16_t *from, float *to, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) _mm256_storeu_ps(to + i, load_half(from + i));
    for (; i < count; i++) to[i] = _cvtsh_ss(from[i]);
}

LEVEL static float level_dot_half(const uint16_t *row, const float *query, size_t dim) {
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                      _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + VEC_LANES <= dim; i += VEC_LANES)
        for (int j = 0; j < 4; j++)
            sums[j] = _mm256_add_ps(sums[j], _mm256_mul_ps(load_half(row + i + j * 8),
                                                           _mm256_loadu_ps(query + i + j * 8)));
    float lanes[VEC_LANES];
    for (int j = 0; j < 4; j++) _mm256_storeu_ps(lanes + j * 8, sums[j]);
    for (size_t j = 0; i + j < dim; j++) lanes[j] += _cvtsh_ss(row[i + j]) * query[i + j];
    return level_fold(lanes);
}

LEVEL static float level_dot(const float *a, const float *b, size_t dim) {
    float lanes[VEC_LANES] = {0};
    size_t i = 0;
    for (; i + VEC_LANES <= dim; i += VEC_LANES)
        for (size_t j = 0; j < VEC_LANES; j++) lanes[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i + j < dim; j++) lanes[j] += a[i + j] * b[i + j];
    return level_fold(lanes);
}

LEVEL static void level_hadamard(float *x, int n) {
    for (int h = n / 2; h > 0; h /= 2)
        for (int i = 0; i < n; i += 2 * h)
            for (int j = i; j < i + h; j++) {
                float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
}

LEVEL static void level_words_of(const int8_t *u, uint64_t *planes) {
    __m256i lower = _mm256_loadu_si256((const __m256i *)u);
    __m256i upper = _mm256_loadu_si256((const __m256i *)(u + 32));
    for (int p = 0; p < VEC_PLANES; p++) {
        uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(lower, 7 - p));
        uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(upper, 7 - p));
        planes[p] = (uint64_t)b << 32 | a;
    }
}

LEVEL static void level_signs(const float *o, uint64_t *words, int padded) {
    for (int w = 0; w < padded / 64; w++) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i += 8) {
            __m256 above =
                _mm256_cmp_ps(_mm256_loadu_ps(o + w * 64 + i), _mm256_setzero_ps(), _CMP_GT_OQ);
            word |= (uint64_t)(uint32_t)_mm256_movemask_ps(above) << i;
        }
        words[w] = word;
    }
}

/* Bits set in each 64-bit lane. */
INLINE __m256i popcount(__m256i x) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    __m256i a = _mm256_shuffle_epi8(table, _mm256_and_si256(x, low));
    __m256i b = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
    return _mm256_sad_epu8(_mm256_add_epi8(a, b), _mm256_setzero_si256());
}

/* Four vectors of a block: Σ of the u whose bit is set. */
INLINE void scan_four(const VecPlan *plan, const uint8_t *codes, int32_t *totals) {
    __m256i sums[VEC_PLANES];
    for (int p = 0; p < VEC_PLANES; p++) sums[p] = _mm256_setzero_si256();
    for (int w = 0; w < plan->words; w++) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(codes + (size_t)w * VEC_BLOCK * 8));
        for (int p = 0; p < VEC_PLANES; p++) {
            __m256i plane = _mm256_set1_epi64x((int64_t)plan->planes[w][p]);
            sums[p] = _mm256_add_epi64(sums[p], popcount(_mm256_and_si256(x, plane)));
        }
    }
    __m256i total = _mm256_sub_epi64(_mm256_setzero_si256(), sums[VEC_PLANES - 1]);
    for (int p = VEC_PLANES - 2; p >= 0; p--)
        total = _mm256_add_epi64(_mm256_add_epi64(total, total), sums[p]);
    int64_t wide[4];
    _mm256_storeu_si256((__m256i *)wide, total);
    for (int i = 0; i < 4; i++) totals[i] = (int32_t)wide[i];
}

LEVEL static unsigned scan_block(const VecPlan *plan, const uint8_t *block, unsigned live,
                                 float threshold, float *estimate) {
    const VecBlockTail *tail = (const VecBlockTail *)(block + (size_t)plan->words * VEC_BLOCK * 8);
    int32_t totals[VEC_BLOCK];
    for (int i = 0; i < VEC_BLOCK; i += 4) scan_four(plan, block + i * 8, totals + i);
    unsigned passed = 0;
    for (int i = 0; i < VEC_BLOCK; i += 8) {
        __m256i total = _mm256_loadu_si256((const __m256i *)(totals + i));
        __m256 dot = _mm256_cvtepi32_ps(
            _mm256_sub_epi32(_mm256_add_epi32(total, total), _mm256_set1_epi32(plan->sum)));
        __m256 size = _mm256_mul_ps(load_half(tail->factor + i), _mm256_set1_ps(plan->step));
        __m256 rest =
            _mm256_add_ps(_mm256_mul_ps(load_half(tail->along + i), _mm256_set1_ps(plan->alpha)),
                          _mm256_set1_ps(plan->base));
        __m256 e = _mm256_add_ps(_mm256_mul_ps(size, dot), rest);
        _mm256_storeu_ps(estimate + i, e);
        __m256 reach = _mm256_cmp_ps(e, _mm256_set1_ps(threshold), _CMP_GE_OQ);
        passed |= (unsigned)_mm256_movemask_ps(reach) << i;
    }
    return passed & live;
}

LEVEL static int level_scan(const VecPlan *plan, const uint8_t *blocks, int count,
                            const uint16_t *live, float threshold, uint32_t first_slot,
                            uint64_t *out) {
    size_t bytes = (size_t)plan->words * VEC_BLOCK * 8 + VEC_BLOCK_TAIL;
    int n = 0;
    for (int b = 0; b < count; b++) {
        if (!live[b]) continue;
        float estimate[VEC_BLOCK];
        unsigned passed =
            scan_block(plan, blocks + (size_t)b * bytes, live[b], threshold, estimate);
        n += level_keep(estimate, passed, first_slot + (uint32_t)b * VEC_BLOCK, out + n);
    }
    return n;
}

/* Products of bytes in -127 … 127 added up in fours: neither step can overflow. */
INLINE __m256i add_products(__m256i sum, __m256i x, __m256i y) {
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE int64_t total_of(__m256i sums) {
    int32_t lanes[8];
    int64_t total = 0;
    _mm256_storeu_si256((__m256i *)lanes, sums);
    for (int i = 0; i < 8; i++) total += lanes[i];
    return total;
}

/* Σ x·y = Σ (x - 128)·y + 128 Σ y */
LEVEL static int64_t level_dot_bytes(const uint8_t *x, const int8_t *hi, const int8_t *lo,
                                     int padded) {
    const __m256i flip = _mm256_set1_epi8((char)0x80), one = _mm256_set1_epi8(1);
    __m256i a = _mm256_setzero_si256(), b = a, ones = a, rest = a;
    for (int i = 0; i < padded; i += 32) {
        __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(x + i)), flip);
        __m256i h = _mm256_loadu_si256((const __m256i *)(hi + i));
        __m256i l = _mm256_loadu_si256((const __m256i *)(lo + i));
        a = add_products(a, v, h);
        b = add_products(b, v, l);
        ones = add_products(ones, one, h);
        rest = add_products(rest, one, l);
    }
    return 128 * (total_of(a) + 128 * total_of(ones)) + total_of(b) + 128 * total_of(rest);
}

LEVEL static void level_products_one(const uint8_t *x, const int8_t *panel, int padded,
                                     int32_t sums[VEC_PANEL]) {
    const __m256i one = _mm256_set1_epi8(1), flip = _mm256_set1_epi8((char)0x80);
    __m256i part[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()},
            ones[2] = {part[0], part[0]};
    for (int g = 0; g < padded / 4; g++) {
        int32_t four;
        memcpy(&four, x + g * 4, sizeof four);
        __m256i v = _mm256_xor_si256(_mm256_set1_epi32(four), flip);
        for (int h = 0; h < 2; h++) {
            __m256i y = _mm256_loadu_si256((const __m256i *)(panel + (g * 2 + h) * 32));
            part[h] = add_products(part[h], v, y);
            ones[h] = add_products(ones[h], one, y);
        }
    }
    for (int h = 0; h < 2; h++)
        _mm256_storeu_si256((__m256i *)(sums + h * 8),
                            _mm256_add_epi32(part[h], _mm256_slli_epi32(ones[h], 7)));
}

LEVEL static void level_products(const uint8_t *x, const int8_t *panel, int padded,
                                 int32_t sums[VEC_ROWS][VEC_PANEL]) {
    for (int r = 0; r < VEC_ROWS; r++) level_products_one(x + r * padded, panel, padded, sums[r]);
}

#include "vec_body_table.inc"
