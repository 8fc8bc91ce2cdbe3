/* How near the kernels of nn come to the machine: the products, attention and passes of
 * clap-htsat-unfused at their real shapes, against the peaks measured in the same run.
 *
 *   bench_nn [scalar|avx2|avx512|avx512-vnni|avx512-amx]
 *
 * One thread; the best of several runs. Columns: milliseconds, GFLOP/s (or GOP/s, GB/s), and the
 * share of the peak in f32. The last lines add up what an audio tower and a text of 8 tokens take.
 */
#include "nn_act.h"
#include "nn_attn.h"
#include "nn_cpu.h"
#include "nn_gemm.h"
#include "nn_norm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *take(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) abort();
    return memset(p, 0, bytes);
}

static float *random_floats(size_t count) {
    float *x = take(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (float)(rand() % 2001 - 1000) * 1e-3f;
    return x;
}

/* A matrix of zeros is as fast as any: the kernels do not look. Its bytes are touched once. */
static NnMatrix matrix(NnType type, int n, int k) {
    static const size_t sizes[] = {[NN_F32] = 4, [NN_BF16] = 2, [NN_I8] = 1};
    return (NnMatrix){type,
                      n,
                      k,
                      take((size_t)n * (size_t)k * sizes[type]),
                      random_floats((size_t)n),
                      random_floats((size_t)n)};
}

static void matrix_free(NnMatrix *w) {
    free((void *)w->w);
    free((void *)w->scale);
    free((void *)w->bias);
}

#define RUNS 15

/* Best of RUNS, in milliseconds. */
#define BEST(best, work)                                                                           \
    do {                                                                                           \
        best = 1e9;                                                                                \
        for (int run_ = 0; run_ < RUNS; run_++) {                                                  \
            double start_ = now();                                                                 \
            work;                                                                                  \
            double took_ = (now() - start_) * 1e3;                                                 \
            if (took_ < best) best = took_;                                                        \
        }                                                                                          \
    } while (0)

static double
    peak; /* GFLOP/s of f32, as far as the packed product can go: all in the first cache */

static double measure_peak(void) {
    enum { M = 28, N = 64, K = 64, TIMES = 2000 };
    NnMatrix w = matrix(NN_F32, N, K);
    float *x = random_floats(M * K), *y = take(M * N * sizeof *y), best;
    NnLinear *linear = nn_linear_new(&w, 1, M, NN_ACT_NONE);
    Arena *arena = arena_new(nn_linear_scratch(linear));
    BEST(best, for (int i = 0; i < TIMES; i++) nn_linear_run(linear, x, y, arena));
    nn_linear_free(linear);
    arena_free(arena);
    matrix_free(&w);
    free(x);
    free(y);
    return 2e-6 * M * N * K * TIMES / best;
}

static double measure_memory(void) {
    size_t count = 64 << 20;
    float *x = take(count * sizeof *x);
    double best, sum = 0;
    BEST(best, {
        float part[64] = {0};
        for (size_t i = 0; i < count; i += 64)
            for (int j = 0; j < 64; j++) part[j] += x[i + (size_t)j];
        for (int j = 0; j < 64; j++) sum += part[j];
    });
    free(x);
    return sum == 1 ? 0 : 1e-6 * (double)(count * sizeof *x) / best;
}

static const char *const type_names[] = {[NN_F32] = "f32", [NN_BF16] = "bf16", [NN_I8] = "int8"};

static double packed(NnType type, int m, int n, int k, NnAct act) {
    NnMatrix w = matrix(type, n, k);
    float *x = random_floats((size_t)m * (size_t)k), *y = take((size_t)m * (size_t)n * sizeof *y);
    NnLinear *linear = nn_linear_new(&w, 1, m, act);
    Arena *arena = arena_new(nn_linear_scratch(linear));
    double best;
    BEST(best, nn_linear_run(linear, x, y, arena));
    double speed = 2e-6 * m * n * k / best;
    printf("packed %-4s %5d x %4d x %4d%-5s %8.3f ms %7.1f GFLOP/s %5.2f of peak\n",
           type_names[type], m, n, k, act ? " gelu" : "", best, speed, speed / peak);
    nn_linear_free(linear);
    arena_free(arena);
    matrix_free(&w);
    free(x);
    free(y);
    return best;
}

/* Layers in turn, so that weights come from memory as they do in a tower. */
static double unpacked(NnType type, int m, int layers, int n, int k) {
    NnMatrix *w = take((size_t)layers * sizeof *w);
    for (int i = 0; i < layers; i++) w[i] = matrix(type, n, k);
    float *x = random_floats((size_t)m * (size_t)k), *y = take((size_t)m * (size_t)n * sizeof *y);
    Arena *arena = arena_new(nn_linear_small_scratch(w, m));
    double best;
    BEST(best,
         for (int i = 0; i < layers; i++) nn_linear_small(w + i, NN_ACT_NONE, m, x, y, arena));
    double count = (double)layers * n * k, bytes = type == NN_F32 ? 4 : type == NN_BF16 ? 2 : 1;
    printf("small  %-4s %5d x %4d x %4d      %8.3f ms %7.1f GFLOP/s %5.2f of peak %6.1f GB/s\n",
           type_names[type], m, n, k, best / layers, 2e-6 * m * count / best,
           2e-6 * m * count / best / peak, 1e-6 * count * bytes / best);
    for (int i = 0; i < layers; i++) matrix_free(w + i);
    free(w);
    free(x);
    free(y);
    arena_free(arena);
    return best;
}

static double windows(int count, int heads, int d) {
    enum { N = 64 };
    size_t width = (size_t)heads * (size_t)d;
    float *qkv = random_floats((size_t)count * N * width * 3);
    float *out = take((size_t)count * N * width * sizeof *out);
    float *bias = random_floats((size_t)heads * N * N), *mask = random_floats(N * N), best;
    Arena *arena = arena_new(nn_attn_scratch(N, d));
    BEST(best,
         for (int i = 0; i < count; i++) nn_attn(qkv + (size_t)i * N * width * 3, N, heads, d, bias,
                                                 mask, out + (size_t)i * N * width, arena));
    double speed = 4e-6 * count * N * N * (double)width / best;
    printf("attention %3d windows %2d heads d %d   %8.3f ms %7.1f GFLOP/s %5.2f of peak\n", count,
           heads, d, best, speed, speed / peak);
    free(qkv);
    free(out);
    free(bias);
    free(mask);
    arena_free(arena);
    return best;
}

static double passes(int rows, int cols) {
    size_t count = (size_t)rows * (size_t)cols;
    float *x = random_floats(count), *y = take(count * sizeof *y), *gamma = random_floats(cols);
    double norm, gelu, add;
    BEST(norm, nn_layer_norm(x, rows, cols, gamma, gamma, 1e-5f, y));
    BEST(gelu, nn_gelu(y, count));
    BEST(add, nn_add(y, x, count));
    printf("%5d x %4d: layer norm %.3f ms, gelu %.3f ms (%.2f ns a value), add %.3f ms\n", rows,
           cols, norm, gelu, gelu * 1e6 / (double)count, add);
    free(x);
    free(y);
    free(gamma);
    return norm;
}

static const struct {
    int tokens, width, heads, depth;
} stages[] = {{4096, 96, 4, 2}, {1024, 192, 8, 2}, {256, 384, 16, 6}, {64, 768, 32, 2}};

static double tower(NnType type) {
    double total = packed(type, 4096, 96, 16, NN_ACT_NONE);
    for (int s = 0; s < 4; s++) {
        int m = stages[s].tokens, c = stages[s].width;
        double block = packed(type, m, 3 * c, c, NN_ACT_NONE) + packed(type, m, c, c, NN_ACT_NONE) +
                       packed(type, m, 4 * c, c, NN_ACT_GELU) +
                       packed(type, m, c, 4 * c, NN_ACT_NONE);
        total += stages[s].depth * block;
        if (s < 3) total += packed(type, m / 4, 2 * c, 4 * c, NN_ACT_NONE);
    }
    return total;
}

static double tower_rest(void) {
    double total = 0;
    for (int s = 0; s < 4; s++)
        total += stages[s].depth * (windows(stages[s].tokens / 64, stages[s].heads, 24) +
                                    2 * passes(stages[s].tokens, stages[s].width));
    return total;
}

static double text(NnType type, int m) {
    return unpacked(type, m, 48, 768, 768) + unpacked(type, m, 12, 3072, 768) +
           unpacked(type, m, 12, 768, 3072);
}

int main(int argc, char **argv) {
    for (NnCpu level = NN_CPU_SCALAR; argc > 1 && level < NN_CPU_LEVELS; level++)
        if (!strcmp(argv[1], nn_cpu_name(level))) nn_cpu_limit(level);
    peak = measure_peak();
    printf("level %s, %.1f GFLOP/s f32 from the first cache, %.1f GB/s read\n",
           nn_cpu_name(nn_cpu()), peak, measure_memory());
    double f32 = tower(NN_F32), bf16 = tower(NN_BF16), int8 = tower(NN_I8);
    double rest = tower_rest();
    double text_f32 = text(NN_F32, 8), text_i8 = text(NN_I8, 8), text_bf16 = text(NN_BF16, 8);
    double long_f32 = text(NN_F32, 77), long_i8 = text(NN_I8, 77);
    printf("audio tower: products f32 %.1f ms, bf16 %.1f ms, int8 %.1f ms; attention and norms %.1f"
           " ms\n",
           f32, bf16, int8, rest);
    printf(
        "text of 8 tokens: f32 %.1f ms, bf16 %.1f ms, int8 %.1f ms; of 77: f32 %.1f, int8 %.1f\n",
        text_f32, text_bf16, text_i8, long_f32, long_i8);
    return 0;
}
