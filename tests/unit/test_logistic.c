/* Logistic regression: at its minimum, and right where classes can be told apart. */
#include "logistic.h"

#include <glib.h>
#include <math.h>

enum { N = 90, DIM = 4, CLASSES = 3 };
#define PENALTY 0.01

static void draw(GRand *rand, float *x, int *label, double spread) {
    for (int i = 0; i < N; i++) {
        label[i] = i % CLASSES;
        for (int d = 0; d < DIM; d++)
            x[i * DIM + d] = (float)((d == label[i]) + g_rand_double_range(rand, -spread, spread));
    }
}

static double loss_of(const Logistic *l, const float *x, const int *label) {
    double loss = 0, p[CLASSES];
    for (int i = 0; i < N; i++) {
        logistic_predict(l, x + i * DIM, p);
        loss -= log(p[label[i]]) / N;
    }
    for (int i = 0; i < CLASSES * (DIM + 1); i++)
        if (i % (DIM + 1) != DIM) loss += 0.5 * PENALTY * l->w[i] * l->w[i];
    return loss;
}

/* The loss is convex: where no small step in any direction helps, nothing does. */
static void no_step_from_the_solution_lessens_the_loss(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    float x[N * DIM];
    int label[N];
    draw(rand, x, label, 1.5);
    Logistic *l = logistic_fit(x, label, N, DIM, CLASSES, PENALTY);
    double least = loss_of(l, x, label);
    for (int i = 0; i < CLASSES * (DIM + 1); i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double before = l->w[i];
            l->w[i] += sign * 1e-3;
            g_assert_cmpfloat(loss_of(l, x, label), >=, least - 1e-10);
            l->w[i] = before;
        }
    logistic_free(l);
}

static void classes_that_lie_apart_are_told_apart(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    float x[N * DIM];
    int label[N];
    double p[CLASSES];
    draw(rand, x, label, 0.3);
    Logistic *l = logistic_fit(x, label, N, DIM, CLASSES, 1e-4);
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(logistic_predict(l, x + i * DIM, p), ==, label[i]);
        g_assert_cmpfloat(fabs(p[0] + p[1] + p[2] - 1), <, 1e-12);
    }
    logistic_free(l);
}

static void a_heavy_penalty_leaves_the_shares_of_the_classes(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    float x[N * DIM];
    int label[N];
    double p[CLASSES];
    draw(rand, x, label, 0.3);
    for (int i = 0; i < N; i++) label[i] = i % 9 == 0 ? 1 : i % 9 < 3 ? 2 : 0;
    Logistic *l = logistic_fit(x, label, N, DIM, CLASSES, 1e6);
    logistic_predict(l, x, p);
    g_assert_cmpfloat(fabs(p[0] - 6 / 9.0), <, 1e-3);
    g_assert_cmpfloat(fabs(p[1] - 1 / 9.0), <, 1e-3);
    logistic_free(l);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/logistic/no_step_from_the_solution_lessens_the_loss",
                    no_step_from_the_solution_lessens_the_loss);
    g_test_add_func("/logistic/classes_that_lie_apart_are_told_apart",
                    classes_that_lie_apart_are_told_apart);
    g_test_add_func("/logistic/a_heavy_penalty_leaves_the_shares_of_the_classes",
                    a_heavy_penalty_leaves_the_shares_of_the_classes);
    return g_test_run();
}
