/* Private to index: a fixed rotation that spreads every direction over all components, so that
 * codes of one bit or one byte a component lose little of any vector: three times random signs and
 * a Hadamard transform. Where the padded dimension is no power of two, the transform goes over the
 * first components and then over the last ones.
 *
 * A Rotation is read-only once made; any thread. */
#pragma once
#include <stdint.h>

typedef struct {
    int dim, padded; /* padded: the next multiple of 64 */
    int span;        /* the largest power of two within */
    float *signs;    /* [3][padded]: ± the scale of the transform */
} Rotation;

int rotate_padded(int dim);
Rotation rotate_new(int dim);
void rotate_clear(Rotation *rotation);

/* x[padded], in place. */
void rotate_run(const Rotation *rotation, float *x);

/* row[dim] or q[dim] → x[padded], rotated. */
void rotate_half(const Rotation *rotation, const uint16_t *row, float *x);
void rotate_float(const Rotation *rotation, const float *q, float *x);
