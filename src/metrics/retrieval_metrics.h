/* How well queries find what belongs to them: recall at 1, 5, 10, mean average precision at 10, and
 * the median rank, as the CLAP papers report them. Pure arithmetic on scores; nothing is kept.
 *
 * For a query, documents are ordered by falling score, equal ones by falling number (as trec_eval
 * orders equal scores by name), so that a model that answers the same to everything gains nothing
 * by the order of its documents. */
#pragma once
#include <stdbool.h>

typedef struct {
    int queries;        /* those that have something to find; means are over them */
    double recall[3];   /* at 1, 5, 10: share of queries with a relevant document that early */
    double map10;       /* Σ precision at each relevant rank ≤ 10, over min(10, relevant) */
    double median_rank; /* of the first relevant document, from 1 */
} RetrievalMetrics;

extern const int retrieval_cuts[3]; /* 1, 5, 10 */

/* scores[queries][documents]; relevant(context, query, document). */
typedef bool RetrievalRelevant(const void *context, int query, int document);
RetrievalMetrics retrieval_metrics(const float *scores, int queries, int documents,
                                   RetrievalRelevant *relevant, const void *context);
