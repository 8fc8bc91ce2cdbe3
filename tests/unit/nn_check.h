/* What the tests of nn share: random arrays from a seed that is printed and can be given back
 * (EARSHOT_SEED), comparison with the oracle, and the walk over all levels this machine has. */
#pragma once
#include "nn_cpu.h"

#include <glib.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static inline GRand *check_rand(void) {
    const char *given = g_getenv("EARSHOT_SEED");
    guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
    g_test_message("EARSHOT_SEED=%u", seed);
    return g_rand_new_with_seed(seed);
}

static inline float *check_floats(GRand *rand, size_t count, double size) {
    float *x = g_new(float, count + 1);
    for (size_t i = 0; i < count; i++) x[i] = (float)g_rand_double_range(rand, -size, size);
    return x;
}

static inline double check_largest(const float *x, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* got and wanted agree to `most`, taken against `scale`; names the first that does not. */
static inline void check_close_of(const char *what, const float *got, const float *wanted,
                                  size_t count, double most, double scale) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - wanted[i]) <= most * scale + 1e-30)) {
            g_test_message("%s, level %s: [%zu] is %.9g, should be %.9g (scale %g)", what,
                           nn_cpu_name(nn_cpu()), i, got[i], wanted[i], scale);
            g_test_fail();
            return;
        }
}

/* The same, against the largest value wanted. */
static inline void check_close(const char *what, const float *got, const float *wanted,
                               size_t count, double most) {
    check_close_of(what, got, wanted, count, most, check_largest(wanted, count));
}

/* Runs the test once per level; each run starts from the same seed. */
static inline void check_levels(void (*test)(GRand *rand)) {
    nn_cpu_limit(NN_CPU_LEVELS - 1);
    NnCpu best = nn_cpu();
    g_autoptr(GRand) seeds = check_rand();
    guint32 seed = g_rand_int(seeds);
    for (NnCpu level = NN_CPU_SCALAR; level <= best; level++) {
        nn_cpu_limit(level);
        g_assert_cmpint(nn_cpu(), ==, level);
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        test(rand);
    }
    nn_cpu_limit(NN_CPU_LEVELS - 1);
}
