/* How good one ranked list is, judged by ratings: nDCG, precision, recall, AP, RR, ERR, bpref. The
 * same name is not the same number everywhere; three tools' definitions are had here, to the last
 * digit:
 *
 * |            | gain      | nDCG's ideal             | P@k divides by   | rounding          |
 * | trec       | rating    | all judged, cut at k     | k                | 4 decimals        |
 * | quepid     | 2^r − 1   | all rated, not cut       | returned (≤ k)   | none              |
 * | srw        | 2^r − 1   | judged, cut at k         | min(k, returned) | 2 decimals, query |
 *
 * (trec_eval 9; Quepid's scorers; OpenSearch's search-relevance Evaluation.) Discount log2(rank +
 * 1) everywhere; relevant is a rating above 0; AP divides by all relevant. Ratings may be
 * fractions. Pure arithmetic. */
#pragma once

typedef enum { LIKE_TREC, LIKE_QUEPID, LIKE_SRW } RankLike;

#define RANK_UNJUDGED (-1000) /* in `ranked`: nobody judged this document */

typedef struct {
    const double *ranked; /* [returned]: the ratings of what came, best first */
    int returned;
    const double *judged; /* [judgments]: all ratings of this query, in any order */
    int judgments;
    double most; /* the scale's largest rating, for ERR */
} RankedQuery;

typedef struct {
    const char *name; /* "ndcg", "p", "recall", "map", "rr", "err", "bpref" */
    int cut;          /* @k; 0: none */
} RankMetric;

/* "ndcg@10" → the metric; name NULL: there is none of this name, or a cut is wanted and missing. */
RankMetric rank_metric_parse(const char *text);

/* Of one query, rounded as the tool rounds it per query. */
double rank_metric(const RankMetric *metric, RankLike like, const RankedQuery *query);

/* A figure as the tool prints it. */
double rank_rounded(RankLike like, double value);
