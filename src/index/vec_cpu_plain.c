/* The choice of the level where there is none: any CPU but x86-64. */
#include "vec_kernels.h"

const VecKernels *vec_kernels_of(VecLevel level) {
    return level == VEC_SCALAR ? &vec_kernels_scalar : NULL;
}

const VecKernels *vec_kernels(void) {
    return &vec_kernels_scalar;
}

void vec_limit(VecLevel most) {
    (void)most;
}
