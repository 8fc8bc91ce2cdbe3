/* The choice of the level. */
#include "nn_check.h"

static void a_limit_lowers_the_level_and_never_raises_it(void) {
    NnCpu best = nn_cpu();
    for (NnCpu level = NN_CPU_SCALAR; level < NN_CPU_LEVELS; level++) {
        nn_cpu_limit(level);
        g_assert_cmpint(nn_cpu(), ==, level < best ? level : best);
    }
    nn_cpu_limit(NN_CPU_LEVELS - 1);
}

static void bf16_is_a_matter_of_the_best_level_alone(void) {
    nn_cpu_limit(NN_CPU_AVX2);
    g_assert_false(nn_cpu_has_bf16());
    nn_cpu_limit(NN_CPU_LEVELS - 1);
}

static void levels_have_names(void) {
    g_assert_cmpstr(nn_cpu_name(NN_CPU_SCALAR), ==, "scalar");
    g_assert_cmpstr(nn_cpu_name(NN_CPU_AVX512_VNNI), ==, "avx512-vnni");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_cpu/a_limit_lowers_the_level_and_never_raises_it",
                    a_limit_lowers_the_level_and_never_raises_it);
    g_test_add_func("/nn_cpu/bf16_is_a_matter_of_the_best_level_alone",
                    bf16_is_a_matter_of_the_best_level_alone);
    g_test_add_func("/nn_cpu/levels_have_names", levels_have_names);
    return g_test_run();
}
