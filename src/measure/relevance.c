/* See relevance.h. */
#include "relevance.h"

#include "error.h"
#include "random.h"

#include <math.h>
#include <string.h>

static void row_clear(void *data) {
    RelevanceRow *row = data;
    g_free(row->query);
    g_free(row->values);
}

void relevance_free(Relevance *r) {
    if (!r) return;
    g_array_unref(r->rows);
    g_free(r->means);
    g_free(r);
}

/* All ratings of a query; the last word on a document counts. */
static GArray *ratings_of(const Judgments *j, const char *query) {
    GArray *ratings = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < j->rows->len; i++) {
        const Judgment *row = &g_array_index(j->rows, Judgment, i);
        double rating;
        if (strcmp(row->query, query) != 0 || !g_hash_table_add(seen, row->document)) continue;
        judgments_rating(j, query, row->document, &rating);
        g_array_append_val(ratings, rating);
    }
    return ratings;
}

/* The ratings of hits first … end. */
static GArray *ranked_of(const Judgments *j, const GArray *hits, guint first, guint end) {
    GArray *ranked = g_array_new(FALSE, FALSE, sizeof(double));
    for (guint i = first; i < end; i++) {
        const RunHit *hit = &g_array_index(hits, RunHit, i);
        double rating = RANK_UNJUDGED;
        if (!hit->document) continue;
        judgments_rating(j, hit->query, hit->document, &rating);
        g_array_append_val(ranked, rating);
    }
    return ranked;
}

static void add_query(Relevance *r, const GArray *hits, guint first, guint end,
                      const Judgments *judgments, RankLike like, const RankMetric *metrics) {
    const char *query = g_array_index(hits, RunHit, first).query;
    g_autoptr(GArray) judged = ratings_of(judgments, query);
    if (judged->len == 0) return;
    g_autoptr(GArray) ranked = ranked_of(judgments, hits, first, end);
    RankedQuery q = {(const double *)(const void *)ranked->data, (int)ranked->len,
                     (const double *)(const void *)judged->data, (int)judged->len, judgments->most};
    RelevanceRow row = {g_strdup(query), g_new(double, r->metrics)};
    for (int m = 0; m < r->metrics; m++) row.values[m] = rank_metric(&metrics[m], like, &q);
    g_array_append_val(r->rows, row);
}

Relevance *relevance_of(const GArray *hits, const Judgments *judgments, RankLike like,
                        const RankMetric *metrics, int count, GError **error) {
    Relevance *r = g_new0(Relevance, 1);
    r->metrics = count;
    r->rows = g_array_new(FALSE, FALSE, sizeof(RelevanceRow));
    g_array_set_clear_func(r->rows, row_clear);
    r->means = g_new0(double, count);
    for (guint first = 0, end; first < hits->len; first = end) {
        int place = g_array_index(hits, RunHit, first).place;
        for (end = first; end < hits->len && g_array_index(hits, RunHit, end).place == place;)
            end++;
        add_query(r, hits, first, end, judgments, like, metrics);
    }
    for (guint i = 0; i < r->rows->len; i++)
        for (int m = 0; m < count; m++)
            r->means[m] += g_array_index(r->rows, RelevanceRow, i).values[m];
    for (int m = 0; m < count && r->rows->len; m++)
        r->means[m] = rank_rounded(like, r->means[m] / r->rows->len);
    if (r->rows->len) return r;
    relevance_free(r);
    error_fail(error, ERR_NOT_FOUND, "none of the queries that were asked is judged");
    return NULL;
}

double relevance_test(const Relevance *a, const Relevance *b, int metric, int rounds,
                      guint64 seed) {
    guint n = a->rows->len;
    g_autofree double *difference = g_new(double, MAX(n, 1));
    double observed = 0;
    int as_large = 0;
    if (n != b->rows->len) return -1;
    for (guint i = 0; i < n; i++) {
        const RelevanceRow *x = &g_array_index(a->rows, RelevanceRow, i);
        const RelevanceRow *y = &g_array_index(b->rows, RelevanceRow, i);
        if (strcmp(x->query, y->query) != 0) return -1;
        difference[i] = x->values[metric] - y->values[metric];
        observed += difference[i];
    }
    for (int round = 0; round < rounds; round++) {
        Random random = random_of(seed, (uint64_t)round, 0);
        double sum = 0;
        for (guint i = 0; i < n; i++)
            sum += random_bits(&random) & 1 ? difference[i] : -difference[i];
        as_large += fabs(sum) >= fabs(observed) - 1e-12;
    }
    return (as_large + 1.0) / (rounds + 1.0);
}
