/* BM25 with the arithmetic of Lucene's BM25Similarity, on plain numbers.
 *
 *     idf  = ln(1 + (N − n + 0.5) / (n + 0.5))
 *     part = idf · tf / (tf + k1 · (1 − b + b · length / mean))      k1 = 1.2, b = 0.75
 *
 * N documents have the column, n of them the term in it; the mean is over those N. There is no
 * factor (k1 + 1): Lucene dropped it in version 8, for it changes no order. Lengths are rounded as
 * Lucene stores them, in one byte (SmallFloat.intToByte4): exact up to 40, then four leading bits.
 *
 * Robertson & Zaragoza 2009, https://doi.org/10.1561/1500000019. Thread: any. */
#pragma once
#include <stdint.h>

#define BM25_K1 1.2
#define BM25_B  0.75

uint8_t bm25_length_code(int64_t length); /* 0 for lengths below 1; ascends with the length */
int64_t bm25_length(uint8_t code);

double bm25_idf(int64_t documents, int64_t with_term);

/* What a column's codes of length come to: k1 · (1 − b + b · length / mean). */
void bm25_norms(double mean, double norms[256]);
