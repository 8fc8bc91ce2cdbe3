/* Activations: their errors over the whole range, at every level, and that a value does not depend
 * on its place in the array. */
#include "nn_act.h"
#include "nn_check.h"
#include "nn_ref.h"

#include <string.h>

enum { SWEEP = 100001 };

static float *sweep(float from, float to) {
    float *x = g_new(float, SWEEP);
    for (int i = 0; i < SWEEP; i++) x[i] = from + (to - from) * (float)i / (SWEEP - 1);
    return x;
}

/* Largest |got − exact| over the sweep, less half a unit in the last place of the exact value. */
static void check_error(const char *what, const float *x, const float *got, double (*exact)(double),
                        double most) {
    for (int i = 0; i < SWEEP; i++) {
        double want = exact(x[i]), error = fabs(got[i] - want) - fabs(want) * 6e-8;
        if (error > most)
            g_error("%s, level %s: of %.9g is %.9g, should be %.9g", what, nn_cpu_name(nn_cpu()),
                    x[i], got[i], want);
    }
}

static double exact_gelu(double x) {
    return x * 0.5 * erfc(-x / sqrt(2.0));
}

static double exact_sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static void errors(GRand *rand) {
    const struct {
        const char *name;
        void (*fast)(float *x, size_t n);
        double (*exact)(double x);
        double most;
    } all[] = {{"gelu", nn_gelu, exact_gelu, 2e-7},
               {"tanh", nn_tanh, tanh, 4e-7},
               {"sigmoid", nn_sigmoid, exact_sigmoid, 2e-7}};
    const float ranges[] = {1e-3f, 1, 8, 80, 1e4f};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        for (size_t r = 0; r < G_N_ELEMENTS(ranges); r++) {
            g_autofree float *x = sweep(-ranges[r], ranges[r]),
                             *y = g_memdup2(x, SWEEP * sizeof *x);
            all[i].fast(y, SWEEP);
            check_error(all[i].name, x, y, all[i].exact, all[i].most);
        }
}

static void places(GRand *rand) {
    void (*const all[])(float *, size_t) = {nn_gelu, nn_relu, nn_tanh, nn_sigmoid};
    for (size_t f = 0; f < G_N_ELEMENTS(all); f++) {
        g_autofree float *x = check_floats(rand, 67, 5.0), *whole = g_memdup2(x, 67 * sizeof *x);
        all[f](whole, 67);
        for (int i = 0; i < 67; i++) {
            float alone = x[i];
            all[f](&alone, 1);
            g_assert_cmpmem(&alone, sizeof alone, whole + i, sizeof alone);
        }
    }
}

static void sums_and_relus(GRand *rand) {
    g_autofree float *x = check_floats(rand, 45, 2.0), *y = check_floats(rand, 45, 2.0);
    g_autofree float *z = g_memdup2(x, 45 * sizeof *x);
    nn_add(z, y, 45);
    for (int i = 0; i < 45; i++) g_assert_cmpfloat(z[i], ==, x[i] + y[i]);
    nn_relu(z, 45);
    for (int i = 0; i < 45; i++) g_assert_cmpfloat(z[i], ==, fmaxf(x[i] + y[i], 0));
}

static void not_a_number_stays_one(GRand *rand) {
    void (*const all[])(float *, size_t) = {nn_gelu, nn_relu};
    for (size_t f = 0; f < G_N_ELEMENTS(all); f++) {
        float x[3] = {1, NAN, INFINITY};
        all[f](x, 3);
        g_assert_true(isnan(x[1]));
        g_assert_true(isinf(x[2]));
    }
}

static void errors_are_small_over_the_whole_range(void) {
    check_levels(errors);
}

static void a_value_does_not_depend_on_its_place(void) {
    check_levels(places);
}

static void add_and_relu_are_exact(void) {
    check_levels(sums_and_relus);
}

static void nan_and_infinity_are_not_hidden(void) {
    check_levels(not_a_number_stays_one);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_act/errors_are_small_over_the_whole_range",
                    errors_are_small_over_the_whole_range);
    g_test_add_func("/nn_act/a_value_does_not_depend_on_its_place",
                    a_value_does_not_depend_on_its_place);
    g_test_add_func("/nn_act/add_and_relu_are_exact", add_and_relu_are_exact);
    g_test_add_func("/nn_act/nan_and_infinity_are_not_hidden", nan_and_infinity_are_not_hidden);
    return g_test_run();
}
