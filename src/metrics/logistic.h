/* Multinomial logistic regression with an L2 penalty: the linear probe of the CLAP papers.
 *
 *   minimise Σ −log softmax(W x + b)[label] / n + penalty / 2 · |W|²
 *
 * by L-BFGS (Nocedal 1980; memory 10, backtracking line search), in double; the same result every
 * time. Plain arrays; memory is taken while it runs and given back. */
#pragma once

typedef struct {
    int classes, dim;
    double *w; /* [classes][dim + 1]; the last column is the bias */
} Logistic;

/* x[n][dim], label[n] in 0 … classes − 1. */
Logistic *logistic_fit(const float *x, const int *label, int n, int dim, int classes,
                       double penalty);
void logistic_free(Logistic *logistic);

/* x[dim] → probability[classes]; returns the most probable class. */
int logistic_predict(const Logistic *logistic, const float *x, double *probability);
