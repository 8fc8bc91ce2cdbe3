/* Codes of one bit and of one byte; the estimator is RaBitQ's (arXiv 2405.12497), with the query's
 * part along the centre taken out. */
#include "codes.h"

#include <math.h>
#include <string.h>

size_t codes_block_bytes(int padded) {
    return (size_t)padded * 2 + sizeof(VecBlockTail);
}

VecBlockTail *codes_tail(const uint8_t *block, int padded) {
    return (VecBlockTail *)(block + (size_t)padded * 2);
}

void codes_block_begin(uint8_t *block, int padded) {
    memset(block, 0, codes_block_bytes(padded));
    for (int i = 0; i < VEC_BLOCK; i++) codes_tail(block, padded)->rows[i] = UINT32_MAX;
}

/* A scale that half precision holds exactly and at which nothing is cut. */
static uint16_t half_not_below(float x) {
    uint16_t half;
    float back;
    vec_kernels()->to_half(&x, &half, 1);
    vec_kernels()->from_half(&half, &back, 1);
    return back < x ? half + 1 : half;
}

static float widen(uint16_t half) {
    float x;
    vec_kernels()->from_half(&half, &x, 1);
    return x;
}

float codes_put(uint8_t *block, int lane, uint8_t *bytes, uint32_t row, const float *x,
                const float *c, float *o, int padded) {
    const VecKernels *vec = vec_kernels();
    VecBlockTail *tail = codes_tail(block, padded);
    uint64_t words[VEC_WORDS];
    VecResidual r = vec->residual(x, c, o, padded);
    vec->signs(o, words, padded);
    for (int w = 0; w < padded / 64; w++)
        memcpy(block + (w * VEC_BLOCK + lane) * 8, &words[w], sizeof words[w]);

    float factor = r.absolute > 0 ? r.square / r.absolute : 0;
    vec->to_half(&factor, &tail->factor[lane], 1);
    vec->to_half(&r.along, &tail->along[lane], 1);
    tail->scale[lane] = half_not_below(vec->largest(o, padded) / 127);
    tail->rows[lane] = row;
    vec->quantise_by(o, widen(tail->scale[lane]), bytes, padded);
    return r.square;
}

void codes_query(CodesQuery *query, const float *q, int padded) {
    float most = vec_kernels()->largest(q, padded), inverse = most > 0 ? 16000 / most : 0;
    int64_t sum = 0;
    query->vec = vec_kernels();
    query->step = most / 16000;
    for (int i = 0; i < padded; i++) {
        int v = (int)((q[i] * inverse + 12582912.0f) - 12582912.0f); /* to nearest */
        query->hi[i] = (int8_t)((v + 64) >> 7);
        query->lo[i] = (int8_t)(v - query->hi[i] * 128);
        sum += v;
    }
    query->correction = 128 * sum;
}

float codes_dot(const CodesQuery *query, const uint8_t *bytes, uint16_t scale, int padded) {
    int64_t dot = query->vec->dot_bytes(bytes, query->hi, query->lo, padded);
    float step;
    query->vec->from_half(&scale, &step, 1);
    return (float)(dot - query->correction) * query->step * step;
}

void codes_plan(VecPlan *plan, const float *q, const float *c, float square, float along,
                int padded) {
    plan->base = along;
    plan->alpha = square > 1e-6f ? along / square : 0;
    float rest = 1 - plan->alpha * along; /* |q - alpha c|² */
    plan->step = sqrtf((rest > 1e-6f ? rest : 1e-6f) / (float)padded) * 0.35f;
    vec_kernels()->plan(plan, q, c, padded);
}
