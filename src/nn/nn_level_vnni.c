/* The kernels for AVX-512 with VNNI: int8 products four at a time. */
#define NN_VNNI
#include "nn_levels.h"
#include "nn_vec_avx512.h"

#define NN_TABLE nn_kernels_vnni
#include "nn_level.inc"
