/* Lengths in a byte, and the two factors of BM25. */
#include "bm25.h"

#include <math.h>

/* Codes below this are the length itself; the rest count from it in a float of 4 bits: what is left
 * of 256 codes after those that the largest int needs. */
#define EXACT 24

static int leading_four(int64_t value) {
    const int bits = 64 - __builtin_clzll((unsigned long long)value | 1);
    if (bits < 4) return (int)value;
    const int shift = bits - 4;
    return (int)((value >> shift) & 7) | ((shift + 1) << 3);
}

uint8_t bm25_length_code(int64_t length) {
    if (length < 0) return 0;
    if (length > INT32_MAX) length = INT32_MAX;
    return (uint8_t)(length < EXACT ? length : EXACT + leading_four(length - EXACT));
}

int64_t bm25_length(uint8_t code) {
    if (code < EXACT) return code;
    const int rest = code - EXACT, shift = (rest >> 3) - 1;
    return EXACT + (shift < 0 ? rest & 7 : (int64_t)((rest & 7) | 8) << shift);
}

double bm25_idf(int64_t documents, int64_t with_term) {
    return log(1 + ((double)(documents - with_term) + 0.5) / ((double)with_term + 0.5));
}

void bm25_norms(double mean, double norms[256]) {
    for (int code = 0; code < 256; code++)
        norms[code] = BM25_K1 * (1 - BM25_B + BM25_B * (double)bm25_length((uint8_t)code) / mean);
}
