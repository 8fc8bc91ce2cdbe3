/* See retrieval_metrics.h. */
#include "retrieval_metrics.h"

#include <stdlib.h>

const int retrieval_cuts[3] = {1, 5, 10};

#define MAP_CUT 10

typedef struct {
    float score;
    int document;
} Ranked;

static int by_score(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return y->document - x->document;
}

static int by_value(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* Adds one query; returns the rank of its first relevant document, or 0. */
static int add_query(RetrievalMetrics *sums, const Ranked *ranked, int documents, int query,
                     RetrievalRelevant *relevant, const void *context) {
    int first = 0, found = 0, all = 0;
    double precision = 0;
    for (int i = 0; i < documents; i++) {
        if (!relevant(context, query, ranked[i].document)) continue;
        all++;
        if (!first) first = i + 1;
        if (i < MAP_CUT) precision += (double)++found / (i + 1);
    }
    if (!first) return 0;
    for (int c = 0; c < 3; c++) sums->recall[c] += first <= retrieval_cuts[c];
    sums->map10 += precision / (all < MAP_CUT ? all : MAP_CUT);
    return first;
}

RetrievalMetrics retrieval_metrics(const float *scores, int queries, int documents,
                                   RetrievalRelevant *relevant, const void *context) {
    RetrievalMetrics m = {0};
    Ranked *ranked = malloc(sizeof *ranked * (size_t)(documents ? documents : 1));
    int *first = malloc(sizeof *first * (size_t)(queries ? queries : 1));
    if (!ranked || !first) abort();
    for (int q = 0; q < queries; q++, scores += documents) {
        for (int d = 0; d < documents; d++) ranked[d] = (Ranked){scores[d], d};
        qsort(ranked, (size_t)documents, sizeof *ranked, by_score);
        int rank = add_query(&m, ranked, documents, q, relevant, context);
        if (rank) first[m.queries++] = rank;
    }
    qsort(first, (size_t)m.queries, sizeof *first, by_value);
    if (m.queries) {
        for (int c = 0; c < 3; c++) m.recall[c] /= m.queries;
        m.map10 /= m.queries;
        m.median_rank = 0.5 * (first[(m.queries - 1) / 2] + first[m.queries / 2]);
    }
    free(ranked);
    free(first);
    return m;
}
