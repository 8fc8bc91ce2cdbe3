/* Vectors in half precision and their dot products, by the best instructions of this processor,
 * chosen once. Sums run in the same order at every level: the same bytes everywhere.
 *
 * Thread: any. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void vec_to_half(const float *from, uint16_t *to, size_t count); /* to nearest, ties to even */
void vec_from_half(const uint16_t *from, float *to, size_t count);
float vec_dot_half(const uint16_t *row, const float *query, size_t dim);
float vec_dot(const float *a, const float *b, size_t dim);

/* To length 1; returns the length it had. Zero stays zero. */
float vec_normalise(float *v, size_t dim);
