/* Private to nn: a small product in place, by one thread, with both matrices where they lie. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* c[m][n] (+)= a[m][k] · b[k][n], rows lda, ldb, ldc apart. Whole panels of b are read: up to
 * NN_PANEL_MOST floats past the end of its last row must be readable. */
void nn_product(int m, int n, int k, const float *a, size_t lda, const float *b, size_t ldb,
                bool add, float *c, size_t ldc);
