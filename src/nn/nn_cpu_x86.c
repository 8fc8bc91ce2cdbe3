/* The choice of the level on x86-64, by CPUID (which includes what the system saves of the
 * registers). The limit and has_tiles are the variables of nn; they are set
 * before anything runs, or never. */
#include "nn_levels.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static NnCpu limit = NN_CPU_LEVELS - 1;

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_tiles;

/* Linux lends a process the tiles' state when asked to; once for all of its threads. */
__attribute__((constructor)) static void ask_for_tiles(void) {
    const long request_permission = 0x1023, tile_data = 18;
    const unsigned tiles = 1u << 22 | 1u << 24 | 1u << 25; /* AMX_BF16, AMX_TILE, AMX_INT8 */
    unsigned a, b, c, d;
    __builtin_cpu_init();
    has_tiles = __builtin_cpu_supports("avx512bf16") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
                (d & tiles) == tiles && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

static NnCpu best(void) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NN_CPU_SCALAR;
    if (!has_avx512()) return NN_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512vnni")) return NN_CPU_AVX512;
    return has_tiles ? NN_CPU_AVX512_AMX : NN_CPU_AVX512_VNNI;
}

NnCpu nn_cpu(void) {
    NnCpu most = best();
    return most < limit ? most : limit;
}

void nn_cpu_limit(NnCpu most) {
    limit = most;
}

bool nn_cpu_has_bf16(void) {
    return nn_cpu() >= NN_CPU_AVX512_VNNI && __builtin_cpu_supports("avx512bf16");
}

const NnKernels *nn_kernels_of(NnCpu level) {
    static const NnKernels *const tables[NN_CPU_LEVELS] = {
        [NN_CPU_SCALAR] = &nn_kernels_scalar,   [NN_CPU_AVX2] = &nn_kernels_avx2,
        [NN_CPU_AVX512] = &nn_kernels_avx512,   [NN_CPU_AVX512_VNNI] = &nn_kernels_vnni,
        [NN_CPU_AVX512_AMX] = &nn_kernels_vnni,
    };
    return tables[level];
}

const NnKernelsBf16 *nn_kernels_bf16(void) {
    if (nn_cpu() == NN_CPU_AVX512_AMX) return &nn_kernels_amx_bf16;
    return nn_cpu_has_bf16() ? &nn_kernels_avx512_bf16 : NULL;
}

const NnKernelsI8 *nn_kernels_i8(void) {
    return nn_cpu() == NN_CPU_AVX512_AMX ? &nn_kernels_amx_i8 : NULL;
}

const NnKernelsSplit *nn_kernels_split(void) {
    return nn_cpu() == NN_CPU_AVX512_AMX ? &nn_kernels_amx_split : NULL;
}
