/* Conversions between float formats, element by element. */
#include "widen.h"

#include <math.h>
#include <string.h>

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* IEEE 754 binary16. Subnormals have no hidden bit: their value is mantissa · 2⁻²⁴. */
static float half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 0) return copysignf(mantissa * 0x1p-24f, from_bits(sign | 0x3F800000));
    uint32_t widened = exponent == 31 ? 255 : exponent + 112;
    return from_bits(sign | widened << 23 | mantissa << 13);
}

static void widen_half(const char *data, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, data + i * sizeof h, sizeof h);
        out[i] = half(h);
    }
}

static void widen_bf16(const char *data, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        uint16_t b;
        memcpy(&b, data + i * sizeof b, sizeof b);
        out[i] = from_bits((uint32_t)b << 16);
    }
}

static void widen_double(const char *data, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, data + i * sizeof x, sizeof x);
        out[i] = (float)x;
    }
}

static void widen_int8(const int8_t *data, size_t n, const float *scale, size_t rows, float *out) {
    size_t cols = rows ? n / rows : 0;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < cols; i++) out[row * cols + i] = scale[row] * data[row * cols + i];
}

bool widen_handles(StType type) {
    return type == ST_F32 || type == ST_F16 || type == ST_BF16 || type == ST_F64;
}

void widen(const Tensor *tensor, const float *scale, float *out) {
    size_t n = tensor->bytes / st_type_size(tensor->type);
    switch (tensor->type) {
    case ST_F32:
        memcpy(out, tensor->data, tensor->bytes);
        break;
    case ST_F16:
        widen_half(tensor->data, n, out);
        break;
    case ST_BF16:
        widen_bf16(tensor->data, n, out);
        break;
    case ST_F64:
        widen_double(tensor->data, n, out);
        break;
    case ST_I8:
        widen_int8(tensor->data, n, scale, tensor->shape[0], out);
        break;
    default:
        g_assert_not_reached();
    }
}

void narrow_bf16(const float *x, size_t n, uint16_t *out) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = to_bits(x[i]);
        uint32_t even = bits >> 16 & 1;
        out[i] =
            isnan(x[i]) ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)((bits + 0x7FFF + even) >> 16);
    }
}

float narrow_int8(const float *x, size_t n, int8_t *out) {
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    float scale = most / 127;
    for (size_t i = 0; i < n; i++) {
        float q = scale > 0 ? rintf(x[i] / scale) : 0;
        out[i] = (int8_t)CLAMP(q, -127, 127);
    }
    return scale;
}
