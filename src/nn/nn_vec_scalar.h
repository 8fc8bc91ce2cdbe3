/* Vectors of four floats in plain GNU C, for any CPU: SSE2 on x86-64, NEON on arm64. No fused
 * multiply-add. The same names as nn_vec_avx2.h and nn_vec_avx512.h; one of the three is included.
 */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NN_TARGET
#define NN_LANES         4
#define NN_ROWS          6 /* rows of a block of the product kernels: 6 x 2 accumulators */
#define NN_EACH_ROWS(X)  X(1) X(2) X(3) X(4) X(5) X(6)
#define NN_SMALL_ROWS    4
#define NN_EACH_SMALL(X) X(1) X(2) X(3) X(4)
#define NN_GROUP_I8      2

typedef float V __attribute__((vector_size(16)));
typedef int32_t VI __attribute__((vector_size(16)));
typedef float V4 __attribute__((vector_size(16)));
typedef int32_t V4I __attribute__((vector_size(16)));
typedef int16_t VQ __attribute__((vector_size(8)));
typedef int16_t NnQuant; /* one quantised element of x */

#define NN_INLINE static inline __attribute__((always_inline, unused))

NN_INLINE V v_set(float x) {
    return (V){x, x, x, x};
}

NN_INLINE V v_load(const float *p) {
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

NN_INLINE void v_store(float *p, V v) {
    memcpy(p, &v, sizeof v);
}

/* The first n lanes; the others are zero. */
NN_INLINE V v_load_n(const float *p, int n) {
    V v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

NN_INLINE void v_store_n(float *p, V v, int n) {
    memcpy(p, &v, (size_t)n * sizeof *p);
}

NN_INLINE V v_fma(V a, V b, V c) {
    return a * b + c;
}

NN_INLINE V v_pick(VI mask, V yes, V no) {
    return (V)((mask & (VI)yes) | (~mask & (VI)no));
}

NN_INLINE V v_max(V a, V b) {
    return v_pick(a > b, a, b);
}

NN_INLINE V v_min(V a, V b) {
    return v_pick(a < b, a, b);
}

/* The same value, which from here on lives in a register: gcc would rather load it again for each
 * product, and loads are what the unpacked products are short of. */
NN_INLINE V v_keep(V v) {
    return v;
}

NN_INLINE VI vi_keep(VI v) {
    return v;
}

NN_INLINE float v_sum(V v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}

NN_INLINE float v_most(V v) {
    float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
}

/* The sums of four vectors; each by the same tree. */
NN_INLINE V4 v_sums(V a, V b, V c, V d) {
    return (V4){v_sum(a), v_sum(b), v_sum(c), v_sum(d)};
}

NN_INLINE VI vi_set(int32_t x) {
    return (VI){x, x, x, x};
}

NN_INLINE int32_t vi_sum(VI v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}

NN_INLINE V4I vi_sums(VI a, VI b, VI c, VI d) {
    return (V4I){vi_sum(a), vi_sum(b), vi_sum(c), vi_sum(d)};
}

/* acc + the products of the int16 pairs in each lane. */
NN_INLINE VI vi_dot(VI acc, VI a, VI b) {
    return acc + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
}

/* Elements of quantised x, as many as one vi_dot takes. */
NN_INLINE VI vi_load_x(const NnQuant *p) {
    VI v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The first n (at most 2 · NN_LANES) int8 weights as vi_dot takes them. */
NN_INLINE VI vi_load_w(const int8_t *p, int n) {
    int16_t wide[8] = {0};
    for (int i = 0; i < n; i++) wide[i] = p[i];
    VI v;
    memcpy(&v, wide, sizeof v);
    return v;
}

NN_INLINE V v_load_bf16(const uint16_t *p, int n) {
    uint32_t wide[4] = {0};
    for (int i = 0; i < n; i++) wide[i] = (uint32_t)p[i] << 16;
    V v;
    memcpy(&v, wide, sizeof v);
    return v;
}

/* n quantised elements of x. */
NN_INLINE void vi_store_x(NnQuant *p, VI v, int n) {
    VQ q = __builtin_convertvector(v, VQ);
    memcpy(p, &q, (size_t)n * sizeof *p);
}

/* Rows become columns, in place. */
NN_INLINE void v_turn(V *rows) {
    for (int i = 0; i < NN_LANES; i++)
        for (int j = 0; j < i; j++) {
            float above = rows[j][i];
            rows[j][i] = rows[i][j];
            rows[i][j] = above;
        }
}
