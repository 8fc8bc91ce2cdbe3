/* The kernels for AVX-512 without VNNI. */
#include "nn_levels.h"
#include "nn_vec_avx512.h"

#define NN_TABLE nn_kernels_avx512
#include "nn_level.inc"
