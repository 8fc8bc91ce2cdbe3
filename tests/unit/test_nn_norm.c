/* Normalisations against the oracle, at every level. */
#include "nn_check.h"
#include "nn_norm.h"
#include "nn_ref.h"

/* Eight columns at least: of fewer, some row lies so close together that single precision shows. */
static void layer_norms(GRand *rand) {
    for (int round = 0; round < 60; round++) {
        int rows = g_rand_int_range(rand, 1, 5), cols = g_rand_int_range(rand, 8, 100);
        size_t count = (size_t)rows * (size_t)cols;
        g_autofree float *x = check_floats(rand, count, 3.0), *y = g_new(float, count);
        g_autofree float *gamma = check_floats(rand, (size_t)cols, 1.0);
        g_autofree float *beta = check_floats(rand, (size_t)cols, 1.0);
        g_autofree float *wanted = g_new(float, count);
        for (size_t i = 0; i < count; i++) x[i] += 20; /* a mean far from zero */
        ref_layer_norm(x, rows, cols, gamma, beta, 1e-5f, wanted);
        nn_layer_norm(x, rows, cols, gamma, beta, 1e-5f, y);
        check_close("layer norm", y, wanted, count, 2e-5);
        nn_layer_norm(x, rows, cols, gamma, beta, 1e-5f, x);
        g_assert_cmpmem(x, count * sizeof *x, y, count * sizeof *y);
    }
}

static void folded(GRand *rand) {
    enum { COLS = 37, ROWS = 3 };
    g_autofree float *x = check_floats(rand, ROWS * COLS, 2.0), *y = g_new(float, ROWS *COLS);
    g_autofree float *gamma = check_floats(rand, COLS, 1.0), *beta = check_floats(rand, COLS, 1.0);
    g_autofree float *mean = check_floats(rand, COLS, 1.0), *var = check_floats(rand, COLS, 1.0);
    g_autofree float *wanted = g_new(float, ROWS *COLS);
    float scale[COLS], shift[COLS];
    for (int c = 0; c < COLS; c++) var[c] = fabsf(var[c]) + 0.1f;
    for (int i = 0; i < ROWS * COLS; i++) {
        int c = i % COLS;
        wanted[i] = (float)((x[i] - mean[c]) / sqrt((double)var[c] + 1e-5) * gamma[c] + beta[c]);
    }
    nn_batch_norm_fold(gamma, beta, mean, var, 1e-5f, COLS, scale, shift);
    nn_affine(x, ROWS, COLS, scale, shift, y);
    check_close("batch norm", y, wanted, ROWS * COLS, 1e-6);
}

static void lengths(GRand *rand) {
    g_autofree float *x = check_floats(rand, 51, 9.0);
    nn_l2_normalise(x, 51);
    double sum = 0;
    for (int i = 0; i < 51; i++) sum += (double)x[i] * x[i];
    g_assert_cmpfloat_with_epsilon(sum, 1.0, 1e-6);
    float zero[3] = {0};
    nn_l2_normalise(zero, 3);
    g_assert_cmpfloat(zero[0] + zero[1] + zero[2], ==, 0);
}

static void layer_norm_matches_the_oracle_and_works_in_place(void) {
    check_levels(layer_norms);
}

static void a_folded_batch_norm_is_the_batch_norm(void) {
    check_levels(folded);
}

static void vectors_become_unit_long_and_zero_stays_zero(void) {
    check_levels(lengths);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_norm/layer_norm_matches_the_oracle_and_works_in_place",
                    layer_norm_matches_the_oracle_and_works_in_place);
    g_test_add_func("/nn_norm/a_folded_batch_norm_is_the_batch_norm",
                    a_folded_batch_norm_is_the_batch_norm);
    g_test_add_func("/nn_norm/vectors_become_unit_long_and_zero_stays_zero",
                    vectors_become_unit_long_and_zero_stays_zero);
    return g_test_run();
}
