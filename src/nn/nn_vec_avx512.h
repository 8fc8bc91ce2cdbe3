/* Vectors of sixteen floats: AVX-512 F, BW, DQ, VL; with NN_VNNI defined, products of int8 by
 * AVX512_VNNI. See nn_vec_scalar.h for what each function does. */
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef NN_VNNI
#define NN_TARGET   __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,avx512vnni")))
#define NN_GROUP_I8 4
typedef uint8_t NnQuant; /* 128 added */
#else
#define NN_TARGET   __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define NN_GROUP_I8 2
typedef int16_t NnQuant;
#endif

#define NN_LANES         16
#define NN_ROWS          14 /* 14 x 2 accumulators, two of W, one of x: 31 of 32 registers */
#define NN_EACH_ROWS(X)  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define NN_SMALL_ROWS    8
#define NN_EACH_SMALL(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)

typedef __m512 V;
typedef int32_t VI __attribute__((vector_size(64)));
typedef float V4 __attribute__((vector_size(16)));
typedef int32_t V4I __attribute__((vector_size(16)));

#define NN_INLINE static inline NN_TARGET __attribute__((always_inline, unused))

NN_INLINE V v_set(float x) {
    return _mm512_set1_ps(x);
}

NN_INLINE V v_load(const float *p) {
    return _mm512_loadu_ps(p);
}

NN_INLINE void v_store(float *p, V v) {
    _mm512_storeu_ps(p, v);
}

NN_INLINE __mmask16 v_first(int n) {
    return (__mmask16)((1u << n) - 1);
}

NN_INLINE V v_load_n(const float *p, int n) {
    return _mm512_maskz_loadu_ps(v_first(n), p);
}

NN_INLINE void v_store_n(float *p, V v, int n) {
    _mm512_mask_storeu_ps(p, v_first(n), v);
}

NN_INLINE V v_fma(V a, V b, V c) {
    return _mm512_fmadd_ps(a, b, c);
}

NN_INLINE V v_max(V a, V b) {
    return _mm512_max_ps(a, b);
}

NN_INLINE V v_min(V a, V b) {
    return _mm512_min_ps(a, b);
}

NN_INLINE V v_keep(V v) {
    __asm__("" : "+v"(v));
    return v;
}

NN_INLINE VI vi_keep(VI v) {
    __asm__("" : "+v"(v));
    return v;
}

NN_INLINE float v_sum(V v) {
    return _mm512_reduce_add_ps(v);
}

NN_INLINE float v_most(V v) {
    return _mm512_reduce_max_ps(v);
}

NN_INLINE V4 v_sums(V a, V b, V c, V d) {
    V ab = _mm512_unpacklo_ps(a, b) + _mm512_unpackhi_ps(a, b);
    V cd = _mm512_unpacklo_ps(c, d) + _mm512_unpackhi_ps(c, d);
    V s = _mm512_shuffle_ps(ab, cd, 0x44) + _mm512_shuffle_ps(ab, cd, 0xee);
    __m256 half = _mm512_castps512_ps256(s) + _mm512_extractf32x8_ps(s, 1);
    return _mm256_castps256_ps128(half) + _mm256_extractf128_ps(half, 1);
}

NN_INLINE VI vi_set(int32_t x) {
    return (VI)_mm512_set1_epi32(x);
}

NN_INLINE V4I vi_sums(VI a, VI b, VI c, VI d) {
    __m512i i = (__m512i)a, j = (__m512i)b, k = (__m512i)c, l = (__m512i)d;
    VI ab = (VI)_mm512_unpacklo_epi32(i, j) + (VI)_mm512_unpackhi_epi32(i, j);
    VI cd = (VI)_mm512_unpacklo_epi32(k, l) + (VI)_mm512_unpackhi_epi32(k, l);
    VI s = (VI)_mm512_unpacklo_epi64((__m512i)ab, (__m512i)cd) +
           (VI)_mm512_unpackhi_epi64((__m512i)ab, (__m512i)cd);
    __m256i low = _mm512_castsi512_si256((__m512i)s);
    __m256i half = _mm256_add_epi32(low, _mm512_extracti32x8_epi32((__m512i)s, 1));
    return (V4I)_mm256_castsi256_si128(half) + (V4I)_mm256_extracti128_si256(half, 1);
}

NN_INLINE VI vi_load_x(const NnQuant *p) {
    return (VI)_mm512_loadu_si512(p);
}

NN_INLINE V v_load_bf16(const uint16_t *p, int n) {
    __m256i half = _mm256_maskz_loadu_epi16(v_first(n), p);
    return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

#ifdef NN_VNNI

NN_INLINE VI vi_dot(VI acc, VI a, VI b) {
    return (VI)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)b);
}

NN_INLINE VI vi_load_w(const int8_t *p, int n) {
    return (VI)_mm512_maskz_loadu_epi8(n < 64 ? (1ull << n) - 1 : ~0ull, p);
}

NN_INLINE void vi_store_x(NnQuant *p, VI v, int n) {
    __m512i up = _mm512_add_epi32((__m512i)v, _mm512_set1_epi32(128));
    _mm512_mask_cvtepi32_storeu_epi8(p, v_first(n), up);
}

#else

NN_INLINE VI vi_dot(VI acc, VI a, VI b) {
    return acc + (VI)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}

NN_INLINE VI vi_load_w(const int8_t *p, int n) {
    __mmask32 mask = n < 32 ? (1u << n) - 1 : ~0u;
    return (VI)_mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, p));
}

NN_INLINE void vi_store_x(NnQuant *p, VI v, int n) {
    _mm512_mask_cvtepi32_storeu_epi16(p, v_first(n), (__m512i)v);
}

#endif

/* Sixteen rows become columns, in place: pairs side by side, then fours, eights, all. */
NN_INLINE void v_turn(V *rows) {
    __m512 x[16], y[16];
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        y[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            x[i + 2 * j] = _mm512_shuffle_ps(y[i + j], y[i + j + 2], 0x44);
            x[i + 2 * j + 1] = _mm512_shuffle_ps(y[i + j], y[i + j + 2], 0xee);
        }
    for (int j = 0; j < 4; j++) {
        y[j] = _mm512_shuffle_f32x4(x[j], x[j + 4], 0x88);
        y[j + 4] = _mm512_shuffle_f32x4(x[j], x[j + 4], 0xdd);
        y[j + 8] = _mm512_shuffle_f32x4(x[j + 8], x[j + 12], 0x88);
        y[j + 12] = _mm512_shuffle_f32x4(x[j + 8], x[j + 12], 0xdd);
    }
    for (int j = 0; j < 8; j++) {
        rows[j] = _mm512_shuffle_f32x4(y[j], y[j + 8], 0x88);
        rows[j + 8] = _mm512_shuffle_f32x4(y[j], y[j + 8], 0xdd);
    }
}
