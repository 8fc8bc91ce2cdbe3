/* Retrieval figures by hand and against plain sums on random scores. */
#include "retrieval_metrics.h"

#include <glib.h>
#include <math.h>

enum { QUERIES = 7, DOCUMENTS = 23 };

static bool in_table(const void *context, int query, int document) {
    return ((const bool *)context)[query * DOCUMENTS + document];
}

static void figures_of_a_small_case_are_those_by_hand(void) {
    /* Query 0 finds at ranks 2 and 4; query 1 at rank 1; query 2 has nothing to find. */
    float scores[3 * DOCUMENTS];
    bool table[3 * DOCUMENTS] = {0};
    for (int i = 0; i < 3 * DOCUMENTS; i++) scores[i] = -(float)(i % DOCUMENTS);
    table[1] = table[3] = table[DOCUMENTS] = true;
    RetrievalMetrics m = retrieval_metrics(scores, 3, DOCUMENTS, in_table, table);
    g_assert_cmpint(m.queries, ==, 2);
    g_assert_cmpfloat(m.recall[0], ==, 0.5);
    g_assert_cmpfloat(m.recall[1], ==, 1);
    g_assert_cmpfloat(fabs(m.map10 - (0.5 * (1 / 2.0 + 2 / 4.0) + 1) / 2), <, 1e-12);
    g_assert_cmpfloat(m.median_rank, ==, 1.5);
}

static void equal_scores_gain_nothing_by_their_order(void) {
    float scores[DOCUMENTS] = {0};
    bool table[DOCUMENTS] = {true};
    RetrievalMetrics m = retrieval_metrics(scores, 1, DOCUMENTS, in_table, table);
    g_assert_cmpfloat(m.median_rank, ==, DOCUMENTS);
}

/* The rank of a document: one more than those before it. */
static int rank_of(const float *scores, int document) {
    int rank = 1;
    for (int d = 0; d < DOCUMENTS; d++)
        rank += scores[d] > scores[document] || (scores[d] == scores[document] && d > document);
    return rank;
}

static void random_scores_agree_with_plain_sums(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    for (int round = 0; round < 50; round++) {
        float scores[QUERIES * DOCUMENTS];
        bool table[QUERIES * DOCUMENTS];
        double recall = 0, map = 0;
        int queries = 0;
        for (int i = 0; i < QUERIES * DOCUMENTS; i++) {
            scores[i] = (float)g_rand_int_range(rand, 0, 12);
            table[i] = g_rand_int_range(rand, 0, 10) == 0;
        }
        for (int q = 0; q < QUERIES; q++) {
            const float *s = scores + q * DOCUMENTS;
            const bool *t = table + q * DOCUMENTS;
            int all = 0, best = DOCUMENTS + 1;
            double sum = 0;
            for (int d = 0; d < DOCUMENTS; d++) {
                int rank = rank_of(s, d), before = 0;
                if (!t[d]) continue;
                for (int e = 0; e < DOCUMENTS; e++) before += t[e] && rank_of(s, e) <= rank;
                all++;
                best = MIN(best, rank);
                if (rank <= 10) sum += (double)before / rank;
            }
            if (!all) continue;
            queries++;
            recall += best <= 5;
            map += sum / MIN(all, 10);
        }
        RetrievalMetrics m = retrieval_metrics(scores, QUERIES, DOCUMENTS, in_table, table);
        g_assert_cmpint(m.queries, ==, queries);
        g_assert_cmpfloat(fabs(m.recall[1] * queries - recall), <, 1e-9);
        g_assert_cmpfloat(fabs(m.map10 * queries - map), <, 1e-9);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retrieval_metrics/figures_of_a_small_case_are_those_by_hand",
                    figures_of_a_small_case_are_those_by_hand);
    g_test_add_func("/retrieval_metrics/equal_scores_gain_nothing_by_their_order",
                    equal_scores_gain_nothing_by_their_order);
    g_test_add_func("/retrieval_metrics/random_scores_agree_with_plain_sums",
                    random_scores_agree_with_plain_sums);
    return g_test_run();
}
