/* The kernels for AVX2 with FMA. */
#include "nn_levels.h"
#include "nn_vec_avx2.h"

#define NN_TABLE nn_kernels_avx2
#include "nn_level.inc"
