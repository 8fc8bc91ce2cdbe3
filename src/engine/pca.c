/* Principal components. See pca.h. */
#include "pca.h"

#include "nn_matmul.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define BLOCK   8    /* directions that are followed */
#define ROUNDS  40   /* of the iteration: by then (λ₉/λ₂)⁴⁰ is left of what was wrong */
#define SWEEPS  20   /* of Jacobi, at most; a matrix this small takes five or six */
#define NOTHING 1e-7 /* of a row's length: what is shorter is rounding */

static void centre(float *rows, size_t count, int dim) {
    g_autofree double *mean = g_new0(double, dim);
    for (size_t r = 0; r < count; r++)
        for (int i = 0; i < dim; i++) mean[i] += (double)rows[r * (size_t)dim + (size_t)i];
    for (int i = 0; i < dim; i++) mean[i] /= (double)count;
    for (size_t r = 0; r < count; r++)
        for (int i = 0; i < dim; i++) rows[r * (size_t)dim + (size_t)i] -= (float)mean[i];
}

static void multiply(NnSides sides, int m, int n, int k, const float *a, const float *b, float *c) {
    Arena *arena = arena_new(nn_matmul_scratch(NULL, m, n, k));
    nn_matmul(NULL, sides, m, n, k, a, b, false, c, arena);
    arena_free(arena);
}

/* Columns of v[dim][BLOCK] become orthonormal (Gram-Schmidt, twice); those that are sums of others
 * become 0. */
static void orthonormalise(float *v, int dim) {
    for (int b = 0; b < BLOCK; b++) {
        double before = 0, after = 0;
        for (int i = 0; i < dim; i++) before += pow((double)v[i * BLOCK + b], 2);
        for (int a = 0; a < 2 * b; a++) {
            double dot = 0;
            for (int i = 0; i < dim; i++)
                dot += (double)v[i * BLOCK + b] * (double)v[i * BLOCK + a % b];
            for (int i = 0; i < dim; i++)
                v[i * BLOCK + b] -= (float)(dot * (double)v[i * BLOCK + a % b]);
        }
        for (int i = 0; i < dim; i++) after += pow((double)v[i * BLOCK + b], 2);
        float scale = after > before * NOTHING * NOTHING ? (float)(1 / sqrt(after)) : 0;
        for (int i = 0; i < dim; i++) v[i * BLOCK + b] *= scale;
    }
}

/* The rotation that makes a[p][q] 0, on a from both sides and on u from the right. */
static void rotate(double a[BLOCK][BLOCK], double u[BLOCK][BLOCK], int p, int q) {
    if (a[p][q] == 0) return;
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < BLOCK; i++) {
        double x = a[i][p], y = a[i][q];
        a[i][p] = c * x - s * y, a[i][q] = s * x + c * y;
    }
    for (int i = 0; i < BLOCK; i++) {
        double x = a[p][i], y = a[q][i];
        a[p][i] = c * x - s * y, a[q][i] = s * x + c * y;
        x = u[i][p], y = u[i][q];
        u[i][p] = c * x - s * y, u[i][q] = s * x + c * y;
    }
}

/* Symmetric a → its eigenvalues on the diagonal, eigenvectors in the columns of u (Jacobi). */
static void diagonalise(double a[BLOCK][BLOCK], double u[BLOCK][BLOCK]) {
    for (int i = 0; i < BLOCK; i++)
        for (int j = 0; j < BLOCK; j++) u[i][j] = i == j;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < BLOCK; p++)
            for (int q = p + 1; q < BLOCK; q++) rotate(a, u, p, q);
}

/* Which of the values on the diagonal is the largest but `not`. */
static int largest(double a[BLOCK][BLOCK], int not ) {
    int best = not == 0;
    for (int i = 0; i < BLOCK; i++)
        if (i != not &&a[i][i] > a[best][best]) best = i;
    return best;
}

/* Within the directions v[dim][BLOCK], of which `next` is the covariance's product: the two axes.
 */
static void choose(const float *v, const float *next, int dim, float *axes) {
    double a[BLOCK][BLOCK] = {{0}}, u[BLOCK][BLOCK];
    for (int i = 0; i < dim; i++)
        for (int p = 0; p < BLOCK; p++)
            for (int q = 0; q < BLOCK; q++)
                a[p][q] += (double)v[i * BLOCK + p] * (double)next[i * BLOCK + q];
    for (int p = 0; p < BLOCK; p++)
        for (int q = 0; q < p; q++) a[p][q] = a[q][p] = (a[p][q] + a[q][p]) / 2;
    diagonalise(a, u);
    const int first = largest(a, -1), chosen[PCA_AXES] = {first, largest(a, first)};
    for (int i = 0; i < dim; i++)
        for (int x = 0; x < PCA_AXES; x++) {
            double sum = 0;
            for (int p = 0; p < BLOCK; p++) sum += (double)v[i * BLOCK + p] * u[p][chosen[x]];
            axes[i * PCA_AXES + x] = (float)sum;
        }
}

static void fix_signs(float *axes, int dim) {
    for (int x = 0; x < PCA_AXES; x++) {
        float strongest = 0;
        for (int i = 0; i < dim; i++) {
            float value = axes[i * PCA_AXES + x];
            if (fabsf(value) > fabsf(strongest)) strongest = value;
        }
        for (int i = 0; strongest < 0 && i < dim; i++) axes[i * PCA_AXES + x] *= -1;
    }
}

/* Directions to begin with: any that are not all the same will do. */
static void begin(float *v, int dim) {
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    for (int i = 0; i < dim * BLOCK; i++) v[i] = (float)g_rand_double_range(random, -1, 1);
    orthonormalise(v, dim);
}

static void find_axes(const float *covariance, int dim, float *axes) {
    const gsize size = (gsize)dim * BLOCK;
    g_autofree float *v = g_new(float, size), *next = g_new(float, size);
    begin(v, dim);
    for (int round = 0; round < ROUNDS; round++) {
        multiply(NN_NN, dim, BLOCK, dim, covariance, v, next);
        memcpy(v, next, size * sizeof *v);
        orthonormalise(v, dim);
    }
    multiply(NN_NN, dim, BLOCK, dim, covariance, v, next);
    choose(v, next, dim, axes);
    fix_signs(axes, dim);
}

void pca_run(float *rows, size_t count, int dim, float *places) {
    g_autofree float *covariance = g_new(float, (gsize)dim *(gsize)dim);
    g_autofree float *axes = g_new(float, (gsize)dim *PCA_AXES);
    centre(rows, count, dim);
    multiply(NN_TN, dim, dim, (int)count, rows, rows, covariance);
    find_axes(covariance, dim, axes);
    multiply(NN_NN, (int)count, PCA_AXES, dim, rows, axes, places);
}
