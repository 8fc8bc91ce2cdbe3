/* The kernels for any CPU. */
#include "nn_levels.h"
#include "nn_vec_scalar.h"

#define NN_TABLE nn_kernels_scalar
#include "nn_level.inc"
