/* The two directions in which rows differ most (principal components; Pearson 1901), and where each
 * row lies along them.
 *
 * Orthogonal iteration on the covariance with a few more directions than are wanted, then
 * Rayleigh-Ritz within those (Golub & Van Loan, ch. 8): always the same for the same rows.
 *
 * Thread: any. */
#pragma once
#include <stddef.h>

#define PCA_AXES 2

/* rows[count][dim] are centred in place; places[count][PCA_AXES]: along the axis of the largest
 * variance, then of the second. An axis points to where its largest number is positive. Where rows
 * do not differ, places are 0. count, dim ≥ 1. */
void pca_run(float *rows, size_t count, int dim, float *places);
