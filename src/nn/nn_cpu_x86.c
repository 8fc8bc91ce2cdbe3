/* The choice of the level on x86-64, by CPUID (which includes what the system saves of the
 * registers). The limit is the one variable of nn; it is set before anything runs, or never. */
#include "nn_levels.h"

static NnCpu limit = NN_CPU_LEVELS - 1;

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static NnCpu best(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NN_CPU_SCALAR;
    if (!has_avx512()) return NN_CPU_AVX2;
    return __builtin_cpu_supports("avx512vnni") ? NN_CPU_AVX512_VNNI : NN_CPU_AVX512;
}

NnCpu nn_cpu(void) {
    NnCpu most = best();
    return most < limit ? most : limit;
}

void nn_cpu_limit(NnCpu most) {
    limit = most;
}

bool nn_cpu_has_bf16(void) {
    return nn_cpu() == NN_CPU_AVX512_VNNI && __builtin_cpu_supports("avx512bf16");
}

const NnKernels *nn_kernels_of(NnCpu level) {
    static const NnKernels *const tables[NN_CPU_LEVELS] = {
        [NN_CPU_SCALAR] = &nn_kernels_scalar,
        [NN_CPU_AVX2] = &nn_kernels_avx2,
        [NN_CPU_AVX512] = &nn_kernels_avx512,
        [NN_CPU_AVX512_VNNI] = &nn_kernels_vnni,
    };
    return tables[level];
}

const NnKernelsBf16 *nn_kernels_bf16(void) {
    return nn_cpu_has_bf16() ? &nn_kernels_avx512_bf16 : NULL;
}
