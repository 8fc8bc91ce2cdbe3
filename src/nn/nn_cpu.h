/* Which instruction set the kernels use: chosen once, when the program starts.
 *
 * Kernels are written once as plain loops (or vector types) and compiled for each level with
 * __attribute__((target)); a table of function pointers per level is picked by nn_cpu(). Results
 * are the same bytes on one machine and level, whatever the thread or the batch; they may differ in
 * the last bits between levels.
 *
 * Levels: scalar is any CPU (and the untested base for NEON), AVX2 implies FMA and F16C, AVX512 is
 * F+BW+DQ+VL, VNNI adds AVX512_VNNI, AMX that and
 * AVX512_BF16, AMX_TILE, AMX_BF16 and AMX_INT8, where the system lets us use tiles. */
#pragma once
#include <stdbool.h>

typedef enum {
    NN_CPU_SCALAR,
    NN_CPU_AVX2,
    NN_CPU_AVX512,
    NN_CPU_AVX512_VNNI,
    NN_CPU_AVX512_AMX,
    NN_CPU_LEVELS
} NnCpu;

/* The level in use: the best the machine has, or the limit if that is lower. */
NnCpu nn_cpu(void);

/* Must be called before any other function of nn, or not at all; for tests, and for people who hunt
 * a difference. */
void nn_cpu_limit(NnCpu most);

/* True where the CPU multiplies bf16 itself (AVX512_BF16, AMX). */
bool nn_cpu_has_bf16(void);

const char *nn_cpu_name(NnCpu level); /* "scalar" "avx2" "avx512" "avx512-vnni" "avx512-amx" */
