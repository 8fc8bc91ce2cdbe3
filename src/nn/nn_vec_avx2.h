/* Vectors of eight floats: AVX2 and FMA. See nn_vec_scalar.h for what each function does. */
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NN_TARGET        __attribute__((target("avx2,fma,f16c")))
#define NN_LANES         8
#define NN_ROWS          6
#define NN_EACH_ROWS(X)  X(1) X(2) X(3) X(4) X(5) X(6)
#define NN_SMALL_ROWS    4
#define NN_EACH_SMALL(X) X(1) X(2) X(3) X(4)
#define NN_GROUP_I8      2

typedef __m256 V;
typedef int32_t VI __attribute__((vector_size(32)));
typedef float V4 __attribute__((vector_size(16)));
typedef int32_t V4I __attribute__((vector_size(16)));
typedef int16_t VQ __attribute__((vector_size(16)));
typedef int16_t NnQuant;

#define NN_INLINE static inline NN_TARGET __attribute__((always_inline, unused))

NN_INLINE V v_set(float x) {
    return _mm256_set1_ps(x);
}

NN_INLINE V v_load(const float *p) {
    return _mm256_loadu_ps(p);
}

NN_INLINE void v_store(float *p, V v) {
    _mm256_storeu_ps(p, v);
}

NN_INLINE __m256i v_first(int n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

NN_INLINE V v_load_n(const float *p, int n) {
    return _mm256_maskload_ps(p, v_first(n));
}

NN_INLINE void v_store_n(float *p, V v, int n) {
    _mm256_maskstore_ps(p, v_first(n), v);
}

NN_INLINE V v_fma(V a, V b, V c) {
    return _mm256_fmadd_ps(a, b, c);
}

NN_INLINE V v_max(V a, V b) {
    return _mm256_max_ps(a, b);
}

NN_INLINE V v_min(V a, V b) {
    return _mm256_min_ps(a, b);
}

NN_INLINE V v_keep(V v) {
    __asm__("" : "+x"(v));
    return v;
}

NN_INLINE VI vi_keep(VI v) {
    __asm__("" : "+x"(v));
    return v;
}

NN_INLINE float v_sum(V v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

NN_INLINE float v_most(V v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

NN_INLINE V4 v_sums(V a, V b, V c, V d) {
    V s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm256_castps256_ps128(s) + _mm256_extractf128_ps(s, 1);
}

NN_INLINE VI vi_set(int32_t x) {
    return (VI)_mm256_set1_epi32(x);
}

NN_INLINE V4I vi_sums(VI a, VI b, VI c, VI d) {
    __m256i ab = _mm256_hadd_epi32((__m256i)a, (__m256i)b);
    __m256i cd = _mm256_hadd_epi32((__m256i)c, (__m256i)d), s = _mm256_hadd_epi32(ab, cd);
    return (V4I)_mm256_castsi256_si128(s) + (V4I)_mm256_extracti128_si256(s, 1);
}

NN_INLINE VI vi_dot(VI acc, VI a, VI b) {
    return acc + (VI)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

NN_INLINE VI vi_load_x(const NnQuant *p) {
    return (VI)_mm256_loadu_si256((const __m256i *)p);
}

NN_INLINE VI vi_load_w(const int8_t *p, int n) {
    int8_t part[16] = {0};
    const int8_t *from = n < 16 ? memcpy(part, p, (size_t)n) : p;
    return (VI)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
}

NN_INLINE V v_load_bf16(const uint16_t *p, int n) {
    uint16_t part[8] = {0};
    const uint16_t *from = n < 8 ? memcpy(part, p, (size_t)n * sizeof *p) : p;
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
    return (V)_mm256_slli_epi32(wide, 16);
}

NN_INLINE void vi_store_x(NnQuant *p, VI v, int n) {
    VQ q = __builtin_convertvector(v, VQ);
    memcpy(p, &q, (size_t)n * sizeof *p);
}

/* Eight rows become columns, in place: pairs side by side, then fours, all. */
NN_INLINE void v_turn(V *rows) {
    __m256 x[8], y[8];
    for (int i = 0; i < 8; i += 2) {
        y[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
        y[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0x44);
            x[i + 2 * j + 1] = _mm256_shuffle_ps(y[i + j], y[i + j + 2], 0xee);
        }
    for (int j = 0; j < 4; j++) {
        rows[j] = _mm256_permute2f128_ps(x[j], x[j + 4], 0x20);
        rows[j + 4] = _mm256_permute2f128_ps(x[j], x[j + 4], 0x31);
    }
}
