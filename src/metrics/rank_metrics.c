/* See rank_metrics.h. */
#include "rank_metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double Measure(RankLike like, const RankedQuery *q, int k);

static int least(int a, int b) {
    return a < b ? a : b;
}

static bool is_relevant(double rating) {
    return rating > 0;
}

static int relevant_count(const RankedQuery *q) {
    int count = 0;
    for (int i = 0; i < q->judgments; i++) count += is_relevant(q->judged[i]);
    return count;
}

/* How many of what came are looked at. */
static int seen(const RankedQuery *q, int k) {
    return k > 0 ? least(k, q->returned) : q->returned;
}

/* ---- nDCG ---- */

static double gain(RankLike like, double rating) {
    if (!is_relevant(rating)) return 0;
    return like == LIKE_TREC ? rating : exp2(rating) - 1;
}

static double discounted(RankLike like, const double *ratings, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += gain(like, ratings[i]) / log2(i + 2);
    return sum;
}

static int falling(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static double ndcg(RankLike like, const RankedQuery *q, int k) {
    double *ideal = malloc(sizeof *ideal * (size_t)(q->judgments ? q->judgments : 1));
    if (!ideal) abort();
    if (q->judgments) memcpy(ideal, q->judged, sizeof *ideal * (size_t)q->judgments);
    qsort(ideal, (size_t)q->judgments, sizeof *ideal, falling);
    bool cut = k > 0 && like != LIKE_QUEPID;
    double best = discounted(like, ideal, cut ? least(k, q->judgments) : q->judgments);
    free(ideal);
    return best > 0 ? discounted(like, q->ranked, seen(q, k)) / best : 0;
}

/* ---- of sets ---- */

static int relevant_seen(const RankedQuery *q, int k) {
    int count = 0;
    for (int i = 0; i < seen(q, k); i++) count += is_relevant(q->ranked[i]);
    return count;
}

static double precision(RankLike like, const RankedQuery *q, int k) {
    int among = like == LIKE_TREC ? k : seen(q, k);
    return among ? (double)relevant_seen(q, k) / among : 0;
}

static double recall(RankLike like, const RankedQuery *q, int k) {
    int all = relevant_count(q);
    (void)like;
    return all ? (double)relevant_seen(q, k) / all : 0;
}

/* ---- of places ---- */

static double average_precision(RankLike like, const RankedQuery *q, int k) {
    int found = 0, all = relevant_count(q);
    double sum = 0;
    (void)like;
    for (int i = 0; i < seen(q, k); i++)
        if (is_relevant(q->ranked[i])) sum += (double)++found / (i + 1);
    return all ? sum / all : 0;
}

static double reciprocal_rank(RankLike like, const RankedQuery *q, int k) {
    (void)like;
    for (int i = 0; i < seen(q, k); i++)
        if (is_relevant(q->ranked[i])) return 1.0 / (i + 1);
    return 0;
}

/* Chapelle et al. 2009: the user stops at a document with probability (2^r − 1) / 2^most. */
static double expected_reciprocal_rank(RankLike like, const RankedQuery *q, int k) {
    double goes_on = 1, sum = 0;
    (void)like;
    for (int i = 0; i < seen(q, k); i++) {
        double rating = q->ranked[i] > 0 ? q->ranked[i] : 0;
        double stops = (exp2(rating) - 1) / exp2(q->most);
        sum += goes_on * stops / (i + 1);
        goes_on *= 1 - stops;
    }
    return sum;
}

/* Buckley & Voorhees 2004, as trec_eval 9 computes it: unjudged documents are passed over. */
static double binary_preference(RankLike like, const RankedQuery *q, int k) {
    int relevant = relevant_count(q), others = 0, above = 0;
    double sum = 0;
    (void)like;
    for (int i = 0; i < q->judgments; i++) others += q->judged[i] == 0;
    for (int i = 0; i < seen(q, k); i++) {
        if (is_relevant(q->ranked[i]))
            sum += above ? 1 - (double)least(above, relevant) / least(others, relevant) : 1;
        else
            above += q->ranked[i] == 0;
    }
    return relevant ? sum / relevant : 0;
}

static const struct {
    const char *name;
    Measure *measure;
    bool wants_cut;
} measures[] = {
    {"ndcg", ndcg, false},
    {"p", precision, true},
    {"recall", recall, true},
    {"map", average_precision, false},
    {"rr", reciprocal_rank, false},
    {"err", expected_reciprocal_rank, true},
    {"bpref", binary_preference, false},
};

#define MEASURES ((int)(sizeof measures / sizeof *measures))

RankMetric rank_metric_parse(const char *text) {
    RankMetric none = {NULL, 0};
    const char *at = strchr(text, '@');
    size_t len = at ? (size_t)(at - text) : strlen(text);
    char *end = NULL;
    long cut = at ? strtol(at + 1, &end, 10) : 0;
    if (at && (*end || end == at + 1 || cut < 1 || cut > 1000000)) return none;
    for (int i = 0; i < MEASURES; i++)
        if (strlen(measures[i].name) == len && strncmp(measures[i].name, text, len) == 0)
            return at || !measures[i].wants_cut ? (RankMetric){measures[i].name, (int)cut} : none;
    return none;
}

double rank_metric(const RankMetric *metric, RankLike like, const RankedQuery *query) {
    double value = 0;
    for (int i = 0; i < MEASURES; i++)
        if (strcmp(measures[i].name, metric->name) == 0)
            value = measures[i].measure(like, query, metric->cut);
    return like == LIKE_SRW ? round(value * 100) / 100 : value;
}

double rank_rounded(RankLike like, double value) {
    char digits[64]; /* of a mean or a share; the locale's comma comes back as it went */
    if (like != LIKE_TREC || !(fabs(value) < 1e9)) return value;
    snprintf(digits, sizeof digits, "%.4f", value);
    return strtod(digits, NULL);
}
