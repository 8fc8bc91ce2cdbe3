/* Private to index: a rotated vector x beside the centre c of its list, as two codes of the
 * residual x - c: one bit a component (RaBitQ) in blocks of sixteen vectors, and one byte. And the
 * query as each of them wants it. Everything here is of `padded` dimensions. */
#pragma once
#include "vec_kernels.h"

size_t codes_block_bytes(int padded);
VecBlockTail *codes_tail(const uint8_t *block, int padded);

/* A block of nobody. */
void codes_block_begin(uint8_t *block, int padded);

/* Vector `lane` of a block, and its bytes; o[padded] is scratch. Returns |x - c|². */
float codes_put(uint8_t *block, int lane, uint8_t *bytes, uint32_t row, const float *x,
                const float *c, float *o, int padded);

/* A query beside bytes: 15 bits in two, so that it adds no error of its own. */
typedef struct {
    int8_t *hi, *lo;    /* [padded] */
    int64_t correction; /* 128 Σ (128 hi + lo) */
    float step;
    const VecKernels *vec;
} CodesQuery;

void codes_query(CodesQuery *query, const float *q, int padded); /* arrays are the caller's */

/* <residual, q> by bytes. */
float codes_dot(const CodesQuery *query, const uint8_t *bytes, uint16_t scale, int padded);

/* The unit query q for a list whose centre has length² `square`, `along` = <q, c>. */
void codes_plan(VecPlan *plan, const float *q, const float *c, float square, float along,
                int padded);
