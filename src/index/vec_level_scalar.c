/* The kernels for any CPU: the oracle of the others. */
#define LEVEL
#define TABLE vec_kernels_scalar
#include "vec_body.inc"

#include <string.h>

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* IEEE 754 binary16: below 2^-14 adding 0.5 makes the FPU round at the right bit. */
static uint16_t half_of(float x) {
    uint32_t u = bits_of(x), sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x3ff));
    if (u >= 0x47800000) return (uint16_t)(sign | 0x7c00);
    if (u < 0x38800000) return (uint16_t)(sign | (bits_of(float_of(u) + 0.5f) - 0x3f000000));
    u += 0xfff + (u >> 13 & 1);
    return (uint16_t)(sign | (u - 0x38000000) >> 13);
}

static float float_of_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, u = h & 0x7fff;
    if (u >= 0x7c00) return float_of(sign | 0x7f800000 | (u & 0x3ff) << 13 | (u > 0x7c00) << 22);
    if (u >= 0x400) return float_of(sign | ((u << 13) + 0x38000000));
    return float_of(sign | bits_of((float)u * 0x1p-24f));
}

static void level_to_half(const float *from, uint16_t *to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = half_of(from[i]);
}

static void level_from_half(const uint16_t *from, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = float_of_half(from[i]);
}

static float level_dot_half(const uint16_t *row, const float *query, size_t dim) {
    float lanes[VEC_LANES] = {0};
    for (size_t i = 0; i < dim; i++) lanes[i % VEC_LANES] += float_of_half(row[i]) * query[i];
    return level_fold(lanes);
}

static float level_dot(const float *a, const float *b, size_t dim) {
    float lanes[VEC_LANES] = {0};
    size_t i = 0;
    for (; i + VEC_LANES <= dim; i += VEC_LANES)
        for (size_t j = 0; j < VEC_LANES; j++) lanes[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i + j < dim; j++) lanes[j] += a[i + j] * b[i + j];
    return level_fold(lanes);
}

/* Half a byte at a time; polynomial 0x82f63b78, reflected. */
static uint32_t level_crc(const void *data, size_t bytes) {
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const uint8_t *p = data;
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void level_hadamard(float *x, int n) {
    for (int h = n / 2; h > 0; h /= 2)
        for (int i = 0; i < n; i += 2 * h)
            for (int j = i; j < i + h; j++) {
                float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
}

static void level_words_of(const int8_t *u, uint64_t *planes) {
    for (int p = 0; p < VEC_PLANES; p++) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i++) word |= (uint64_t)((uint8_t)u[i] >> p & 1) << i;
        planes[p] = word;
    }
}

static void level_signs(const float *o, uint64_t *words, int padded) {
    for (int w = 0; w < padded / 64; w++) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i++) word |= (uint64_t)(o[w * 64 + i] > 0) << i;
        words[w] = word;
    }
}

/* Σ of the u whose bit is set, of one vector of a block. */
static int scan_vector(const VecPlan *plan, const uint8_t *block, int vector) {
    int sums[VEC_PLANES] = {0}, total;
    for (int w = 0; w < plan->words; w++) {
        uint64_t x;
        memcpy(&x, block + (w * VEC_BLOCK + vector) * 8, sizeof x);
        for (int p = 0; p < VEC_PLANES; p++)
            sums[p] += __builtin_popcountll(x & plan->planes[w][p]);
    }
    total = -sums[VEC_PLANES - 1];
    for (int p = VEC_PLANES - 2; p >= 0; p--) total = 2 * total + sums[p];
    return total;
}

static int level_scan(const VecPlan *plan, const uint8_t *blocks, int count, const uint16_t *live,
                      float threshold, uint32_t first_slot, uint64_t *out) {
    size_t codes = (size_t)plan->words * VEC_BLOCK * 8, bytes = codes + VEC_BLOCK_TAIL;
    int n = 0;
    for (int b = 0; b < count; b++) {
        const uint8_t *block = blocks + (size_t)b * bytes;
        const VecBlockTail *tail = (const VecBlockTail *)(block + codes);
        float estimate[VEC_BLOCK];
        unsigned passed = 0;
        for (unsigned m = live[b]; m; m &= m - 1) {
            int i = __builtin_ctz(m);
            int dot = 2 * scan_vector(plan, block, i) - plan->sum;
            estimate[i] = float_of_half(tail->factor[i]) * plan->step * (float)dot +
                          (float_of_half(tail->along[i]) * plan->alpha + plan->base);
            passed |= (unsigned)(estimate[i] >= threshold) << i;
        }
        n += level_keep(estimate, passed, first_slot + (uint32_t)b * VEC_BLOCK, out + n);
    }
    return n;
}

static int64_t level_dot_bytes(const uint8_t *x, const int8_t *hi, const int8_t *lo, int padded) {
    int64_t a = 0, b = 0;
    for (int i = 0; i < padded; i++) {
        a += x[i] * hi[i];
        b += x[i] * lo[i];
    }
    return 128 * a + b;
}

static void level_products_one(const uint8_t *x, const int8_t *panel, int padded,
                               int32_t sums[VEC_PANEL]) {
    memset(sums, 0, VEC_PANEL * sizeof *sums);
    for (int g = 0; g < padded / 4; g++)
        for (int j = 0; j < VEC_PANEL; j++)
            for (int i = 0; i < 4; i++)
                sums[j] += x[g * 4 + i] * panel[(g * VEC_PANEL + j) * 4 + i];
}

static void level_products(const uint8_t *x, const int8_t *panel, int padded,
                           int32_t sums[VEC_ROWS][VEC_PANEL]) {
    for (int r = 0; r < VEC_ROWS; r++) level_products_one(x + r * padded, panel, padded, sums[r]);
}

#include "vec_body_table.inc"
