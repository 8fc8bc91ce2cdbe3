/* Fusion: the arithmetic of OpenSearch's processors, against what a full distribution
 * (neural-search 3.5) answered, and against the formulas written down plainly. */
#include "fuse.h"

#include <math.h>

static GArray *list_of(const Candidate *candidates, guint count) {
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Candidate));
    return g_array_append_vals(list, candidates, count);
}

#define LIST(...)                                                                                  \
    list_of((const Candidate[]){__VA_ARGS__}, G_N_ELEMENTS(((const Candidate[]){__VA_ARGS__})))

static const Fused *of_id(const GArray *fused, uint64_t id) {
    for (guint i = 0; i < fused->len; i++)
        if (g_array_index(fused, Fused, i).id == id) return &g_array_index(fused, Fused, i);
    g_error("%d is not there", (int)id);
}

/* A hybrid query of a match and a knn part, weights 0.3 and 0.7: the best of knn alone was answered
 * with 0.7, the best of match alone with 0.3; what was in both lay between. */
static void minmax_answers_as_recorded(void) {
    const double weights[2] = {0.7, 0.3};
    g_autoptr(GArray) knn = LIST({1, 0.61}, {2, 0.589}, {3, 0.55});
    g_autoptr(GArray) match = LIST({4, 5.2}, {3, 1.1});
    g_autoptr(GArray) fused = fuse_minmax((const GArray *[]){knn, match}, weights);
    g_assert_cmpuint(fused->len, ==, 4);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 1)->score, 0.7, 1e-6);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 2)->score, 0.7 * (0.589 - 0.55) / 0.06, 1e-6);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 4)->score, 0.3, 1e-6);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 3)->score, 0.001, 1e-6);
    g_assert_cmpuint(g_array_index(fused, Fused, 0).id, ==, 1);
}

/* Recorded with rank_constant 60 and no weights: 0.016393442 twice, then 0.016129032 twice. */
static void rrf_answers_as_recorded(void) {
    const double weights[2] = {1, 1};
    const double recorded[] = {0.016393442, 0.016393442, 0.016129032, 0.016129032};
    g_autoptr(GArray) knn = LIST({8, 0.6}, {5, 0.5});
    g_autoptr(GArray) match = LIST({7, 3}, {6, 2});
    g_autoptr(GArray) fused = fuse_rrf((const GArray *[]){knn, match}, weights);
    const uint64_t order[] = {7, 8, 5, 6};
    for (guint i = 0; i < 4; i++) {
        g_assert_cmpfloat_with_epsilon(g_array_index(fused, Fused, i).score, recorded[i], 1e-9);
        g_assert_cmpuint(g_array_index(fused, Fused, i).id, ==, order[i]);
    }
}

static void equal_scores_of_a_list_are_worth_one(void) {
    const double weights[2] = {0.8, 0.2};
    g_autoptr(GArray) knn = LIST({1, 0.4}, {2, 0.4});
    g_autoptr(GArray) one = LIST({9, 1.5});
    g_autoptr(GArray) fused = fuse_minmax((const GArray *[]){knn, one}, weights);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 1)->score, 0.8, 1e-12);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 2)->score, 0.8, 1e-12);
    g_assert_cmpfloat_with_epsilon(of_id(fused, 9)->score, 0.2, 1e-12);
}

static void weights_need_not_sum_to_one(void) {
    g_autoptr(GArray) a = LIST({1, 3}, {2, 2}, {3, 1});
    g_autoptr(GArray) b = LIST({3, 9}, {1, 4});
    const GArray *lists[] = {a, b};
    g_autoptr(GArray) small = fuse_minmax(lists, (const double[]){0.25, 0.75});
    g_autoptr(GArray) large = fuse_minmax(lists, (const double[]){1, 3});
    for (guint i = 0; i < small->len; i++)
        g_assert_cmpfloat_with_epsilon(g_array_index(small, Fused, i).score,
                                       g_array_index(large, Fused, i).score, 1e-12);
}

static void what_is_twice_in_a_list_counts_by_its_first_place(void) {
    g_autoptr(GArray) list = LIST({1, 3}, {2, 2}, {1, 1});
    g_autoptr(GArray) fused = fuse_rrf((const GArray *[]){list, NULL}, (const double[]){1, 1});
    g_assert_cmpuint(fused->len, ==, 2);
    g_assert_cmpint(of_id(fused, 1)->rank[0], ==, 1);
    g_assert_cmpfloat(of_id(fused, 1)->score, ==, 1.0 / (FUSE_RANK_CONSTANT + 1));
}

static void a_missing_list_counts_as_empty(void) {
    const double weights[2] = {0.8, 0.2};
    g_autoptr(GArray) list = LIST({1, 3}, {2, 2});
    g_autoptr(GArray) none = fuse_minmax((const GArray *[]){NULL, NULL}, weights);
    g_assert_cmpuint(none->len, ==, 0);
    g_autoptr(GArray) fused = fuse_rrf((const GArray *[]){NULL, list}, weights);
    g_assert_cmpuint(fused->len, ==, 2);
    g_assert_cmpfloat_with_epsilon(g_array_index(fused, Fused, 0).score, 0.2 / 61, 1e-12);
    g_assert_cmpint(g_array_index(fused, Fused, 0).rank[0], ==, 0);
    g_assert_cmpint(g_array_index(fused, Fused, 0).rank[1], ==, 1);
}

/* -- random lists against the formulas -- */

static int by_score(gconstpointer a, gconstpointer b) {
    const Candidate *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1)
                                : (x->id < y->id ? -1 : x->id > y->id);
}

static GArray *random_list(GRand *random) {
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Candidate));
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    for (int i = g_rand_int_range(random, 0, 30); i > 0; i--) {
        guint id = (guint)g_rand_int_range(random, 1, 40);
        if (!g_hash_table_add(used, GUINT_TO_POINTER(id))) continue;
        Candidate candidate = {id, g_rand_int_range(random, -5, 6) / 4.0};
        g_array_append_val(list, candidate);
    }
    g_array_sort(list, by_score);
    return list;
}

static double plain_share(const GArray *list, uint64_t id, bool ranks) {
    double least = INFINITY, most = -INFINITY, mine = NAN;
    int rank = 0;
    for (guint i = 0; i < list->len; i++) {
        const Candidate *candidate = &g_array_index(list, Candidate, i);
        least = fmin(least, candidate->score);
        most = fmax(most, candidate->score);
        if (candidate->id != id) continue;
        mine = candidate->score;
        rank = (int)i + 1;
    }
    if (!rank) return 0;
    if (ranks) return 1.0 / (60 + rank);
    if (most == least) return 1;
    return mine == least ? 0.001 : (mine - least) / (most - least);
}

static void any_lists_fuse_by_the_formula(void) {
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    for (int round = 0; round < 500; round++) {
        g_autoptr(GArray) a = random_list(random);
        g_autoptr(GArray) b = random_list(random);
        const double w[2] = {g_rand_double(random), g_rand_double(random) + 0.01};
        const GArray *lists[2] = {a, b};
        bool ranks = round % 2;
        g_autoptr(GArray) fused = ranks ? fuse_rrf(lists, w) : fuse_minmax(lists, w);
        for (guint i = 0; i < fused->len; i++) {
            const Fused *f = &g_array_index(fused, Fused, i);
            double sum = w[0] * plain_share(a, f->id, ranks) + w[1] * plain_share(b, f->id, ranks);
            g_assert_cmpfloat_with_epsilon(f->score, ranks ? sum : sum / (w[0] + w[1]), 1e-12);
            if (i == 0) continue;
            const Fused *before = f - 1;
            g_assert_true(before->score > f->score ||
                          (before->score == f->score && before->id < f->id));
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fuse/minmax_answers_as_recorded", minmax_answers_as_recorded);
    g_test_add_func("/fuse/rrf_answers_as_recorded", rrf_answers_as_recorded);
    g_test_add_func("/fuse/equal_scores_of_a_list_are_worth_one",
                    equal_scores_of_a_list_are_worth_one);
    g_test_add_func("/fuse/weights_need_not_sum_to_one", weights_need_not_sum_to_one);
    g_test_add_func("/fuse/what_is_twice_in_a_list_counts_by_its_first_place",
                    what_is_twice_in_a_list_counts_by_its_first_place);
    g_test_add_func("/fuse/a_missing_list_counts_as_empty", a_missing_list_counts_as_empty);
    g_test_add_func("/fuse/any_lists_fuse_by_the_formula", any_lists_fuse_by_the_formula);
    return g_test_run();
}
