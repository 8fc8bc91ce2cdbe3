/* Ranked lists against judgments: figures a query, and their means, as one of three tools has them
 * (rank_metrics.h). Means are over the queries that were both asked and judged, as trec_eval's are.
 *
 * Owner: the caller. Thread: one at a time. */
#pragma once
#include "judgments.h"
#include "rank_metrics.h"

typedef struct {
    char *query;
    double *values; /* [metrics] */
} RelevanceRow;

typedef struct {
    int metrics;
    GArray *rows;  /* of RelevanceRow, in the order of the run */
    double *means; /* [metrics], rounded as the tool rounds */
} Relevance;

/* hits: of RunHit, as run_read sorts them. ERR_NOT_FOUND where no query of the run is judged. */
Relevance *relevance_of(const GArray *hits, const Judgments *judgments, RankLike like,
                        const RankMetric *metrics, int count, GError **error);
void relevance_free(Relevance *relevance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Relevance, relevance_free)

/* Two-sided paired randomisation test (Smucker et al. 2007) of the mean difference of metric
 * `metric` between two results over the same queries: the share of `rounds` random flips of signs
 * that differ as much. The same seed, the same answer. −1: the queries are not the same. */
double relevance_test(const Relevance *a, const Relevance *b, int metric, int rounds, guint64 seed);
