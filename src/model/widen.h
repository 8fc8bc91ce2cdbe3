/* Narrow floats to f32 and back: F16, BF16, F64, and int8 with a scale a row. Sources may lie at
 * any address. */
#pragma once
#include "safetensors.h"

/* True: widen needs no scale for it. */
bool widen_handles(StType type);

/* tensor → out[elements]. `scale` [shape[0]] belongs to I8 alone. */
void widen(const Tensor *tensor, const float *scale, float *out);

/* To the nearest, ties to even; NaN stays NaN. */
void narrow_bf16(const float *x, size_t n, uint16_t *out);

/* One row: returns the scale, max|x| / 127, such that x ≈ scale · out; |out| ≤ 127. Zeros give 0. x
 * must be finite. */
float narrow_int8(const float *x, size_t n, int8_t *out);
