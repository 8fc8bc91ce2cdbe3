/* The choice of the level where there is none: any CPU but x86-64. */
#include "nn_levels.h"

NnCpu nn_cpu(void) {
    return NN_CPU_SCALAR;
}

void nn_cpu_limit(NnCpu most) {
    (void)most;
}

bool nn_cpu_has_bf16(void) {
    return false;
}

const NnKernels *nn_kernels_of(NnCpu level) {
    return level == NN_CPU_SCALAR ? &nn_kernels_scalar : NULL;
}

const NnKernelsBf16 *nn_kernels_bf16(void) {
    return NULL;
}

const NnKernelsI8 *nn_kernels_i8(void) {
    return NULL;
}

const NnKernelsSplit *nn_kernels_split(void) {
    return NULL;
}
