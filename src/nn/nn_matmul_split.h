/* Private to nn: nn_matmul where nn_kernels_split() is not NULL. */
#pragma once
#include "nn_kernels.h"
#include "nn_matmul.h"

void nn_matmul_split(Team *team, NnSides sides, int m, int n, int k, const float *a, const float *b,
                     bool add, float *c, Arena *arena);
size_t nn_matmul_split_scratch(const Team *team, int m, int n, int k);
