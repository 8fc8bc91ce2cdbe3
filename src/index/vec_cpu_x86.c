/* The choice of the level on x86-64, by CPUID. The limit is the one variable of index; it is set
 * before anything runs, or never. */
#include "vec_kernels.h"

static VecLevel limit = VEC_LEVELS - 1;

/* F16C cannot be asked for in all compilers; it is older than AVX2 on every processor. */
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("sse4.2");
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
}

const VecKernels *vec_kernels_of(VecLevel level) {
    if (level == VEC_SCALAR) return &vec_kernels_scalar;
    if (!has_avx2()) return NULL;
    if (level == VEC_AVX2) return &vec_kernels_avx2;
    return has_avx512() ? &vec_kernels_avx512 : NULL;
}

const VecKernels *vec_kernels(void) {
    VecLevel level = limit;
    while (!vec_kernels_of(level)) level--;
    return vec_kernels_of(level);
}

void vec_limit(VecLevel most) {
    limit = most;
}
