/* Private to nn: the tables that nn_cpu_x86.c and nn_cpu_plain.c choose from. */
#pragma once
#include "nn_kernels.h"

extern const NnKernels nn_kernels_scalar;
extern const NnKernels nn_kernels_avx2;
extern const NnKernels nn_kernels_avx512;
extern const NnKernels nn_kernels_vnni;
extern const NnKernelsBf16 nn_kernels_avx512_bf16;
extern const NnKernelsBf16 nn_kernels_amx_bf16;
extern const NnKernelsI8 nn_kernels_amx_i8;
extern const NnKernelsSplit nn_kernels_amx_split;

/* NnKernelsBf16's round, by AVX512_BF16. */
void nn_round_bf16(const float *x, int m, int k, uint16_t *h, size_t stride);
