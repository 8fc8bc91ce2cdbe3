/* What the levels have in common; the choice is made in nn_cpu_x86.c or nn_cpu_plain.c. */
#include "nn_kernels.h"

const NnKernels *nn_kernels(void) {
    return nn_kernels_of(nn_cpu());
}

const char *nn_cpu_name(NnCpu level) {
    static const char *const names[NN_CPU_LEVELS] = {"scalar", "avx2", "avx512", "avx512-vnni",
                                                     "avx512-amx"};
    return names[level];
}
