/* Products of training against plain loops, at every level and with teams of several sizes. */
#include "nn_check.h"
#include "nn_matmul.h"
#include "nn_ref.h"

#include <string.h>

static void one_product(GRand *rand, NnSides sides, int m, int n, int k, bool add) {
    size_t count = (size_t)m * (size_t)n;
    g_autofree float *a = check_floats(rand, (size_t)m * (size_t)k, 1);
    g_autofree float *b = check_floats(rand, (size_t)n * (size_t)k, 1);
    g_autofree float *before = check_floats(rand, count, 1);
    g_autofree float *wanted = g_memdup2(before, count * sizeof(float)), *first = NULL;
    ref_matmul(sides, m, n, k, a, b, add, wanted);
    g_autofree char *what = g_strdup_printf("sides %d m %d n %d k %d", sides, m, n, k);
    for (int threads = 1; threads <= 3; threads++) {
        Team *team = team_new(threads);
        Arena *arena = arena_new(nn_matmul_scratch(team, m, n, k));
        g_autofree float *got = g_memdup2(before, count * sizeof(float));
        nn_matmul(team, sides, m, n, k, a, b, add, got, arena);
        check_close(what, got, wanted, count, 2e-5);
        if (!first) first = g_memdup2(got, count * sizeof(float));
        g_assert_cmpmem(got, count * sizeof(float), first, count * sizeof(float));
        g_assert_cmpuint(arena_mark(arena), ==, 0);
        arena_free(arena);
        team_free(team);
    }
}

static void random_shapes(GRand *rand) {
    for (int round = 0; round < 40; round++)
        one_product(rand, (NnSides)(round % 3), g_rand_int_range(rand, 1, 300),
                    g_rand_int_range(rand, 1, 200), g_rand_int_range(rand, 1, 120),
                    g_rand_boolean(rand));
}

static void edge_shapes(GRand *rand) {
    const int shapes[][3] = {{1, 1, 1}, {1, 33, 24}, {113, 257, 7}, {3, 5, 1700}, {16, 32, 768}};
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++)
        for (int sides = NN_NT; sides <= NN_TN; sides++)
            one_product(rand, (NnSides)sides, shapes[i][0], shapes[i][1], shapes[i][2], i % 2);
}

static void random_shapes_match_the_oracle_for_every_team(void) {
    check_levels(random_shapes);
}

static void edge_shapes_match_the_oracle_for_every_team(void) {
    check_levels(edge_shapes);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_matmul/random_shapes_match_the_oracle_for_every_team",
                    random_shapes_match_the_oracle_for_every_team);
    g_test_add_func("/nn_matmul/edge_shapes_match_the_oracle_for_every_team",
                    edge_shapes_match_the_oracle_for_every_team);
    return g_test_run();
}
