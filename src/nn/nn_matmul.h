/* Products of two matrices that both change, as training has them: nothing is kept packed. Plain
 * row-major f32. Threads share out c; every element of it is one chain of sums over k in blocks of
 * fixed size, so the bytes are the same for any team. */
#pragma once
#include "arena.h"
#include "team.h"

#include <stdbool.h>

typedef enum {
    NN_NT, /* c[m][n] = a[m][k] · b[n][k]ᵀ: a layer's output from its weights */
    NN_NN, /* c[m][n] = a[m][k] · b[k][n]:  the gradient of its input */
    NN_TN  /* c[m][n] = a[k][m]ᵀ · b[k][n]: the gradient of its weights */
} NnSides;

/* `add`: to what c holds. c overlaps neither a nor b. */
void nn_matmul(Team *team, NnSides sides, int m, int n, int k, const float *a, const float *b,
               bool add, float *c, Arena *arena);

/* Bytes of arena that it takes and gives back. */
size_t nn_matmul_scratch(const Team *team, int m, int n, int k);
