/* Linear layers, packed and unpacked, in every type and at every level, against the oracle. */
#include "nn_check.h"
#include "nn_gemm.h"
#include "nn_ref.h"

#include <string.h>

static uint16_t to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

typedef struct {
    NnMatrix matrix;
    void *w;
    float *scale, *bias;
} Layer;

static Layer layer_random(GRand *rand, NnType type, int n, int k, bool biased) {
    size_t count = (size_t)n * (size_t)k;
    Layer layer = {0};
    float *w = check_floats(rand, count, 1.0);
    if (type == NN_I8) {
        int8_t *q = g_new(int8_t, count);
        for (size_t i = 0; i < count; i++) q[i] = (int8_t)g_rand_int_range(rand, -127, 128);
        layer.w = q;
        layer.scale = check_floats(rand, (size_t)n, 0.01);
    } else if (type == NN_BF16) {
        uint16_t *h = g_new(uint16_t, count);
        for (size_t i = 0; i < count; i++) h[i] = to_bf16(w[i]);
        layer.w = h;
    }
    if (layer.w)
        g_free(w);
    else
        layer.w = w;
    if (biased) layer.bias = check_floats(rand, (size_t)n, 1.0);
    layer.matrix = (NnMatrix){type, n, k, layer.w, layer.scale, layer.bias};
    return layer;
}

static void layer_clear(Layer *layer) {
    g_free(layer->w);
    g_free(layer->scale);
    g_free(layer->bias);
}

#define TOLERANCE 1e-5

/* What a packed product sees of x[count]: where the CPU multiplies bf16 itself, x is rounded, too.
 */
static float *as_packed(NnType type, const float *x, size_t count) {
    float *seen = g_memdup2(x, count * sizeof *x);
    if (type != NN_BF16 || !nn_cpu_has_bf16()) return seen;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)to_bf16(x[i]) << 16;
        memcpy(&seen[i], &bits, sizeof bits);
    }
    return seen;
}

static void one_linear(GRand *rand, NnType type, NnAct act, int m, int n, int k) {
    Layer layer = layer_random(rand, type, n, k, g_rand_boolean(rand));
    size_t count = (size_t)m * (size_t)n;
    g_autofree float *x = check_floats(rand, (size_t)m * (size_t)k, 2.0);
    g_autofree float *seen = as_packed(type, x, (size_t)m * (size_t)k);
    g_autofree float *wanted = g_new(float, count), *got = g_new(float, count);
    /* Errors are those of the sums, where GELU answers next to nothing, too; and of terms up to 2,
     * where they leave next to nothing of each other. */
    ref_linear(&layer.matrix, NN_ACT_NONE, m, seen, wanted);
    const double scale = fmax(check_largest(wanted, count), 0.1);
    ref_linear(&layer.matrix, act, m, seen, wanted);
    g_autofree char *what = g_strdup_printf("type %d act %d m %d n %d k %d", type, act, m, n, k);

    NnLinear *linear = nn_linear_new(&layer.matrix, 1, m, act);
    Arena *arena = arena_new(nn_linear_scratch(linear));
    nn_linear_run(linear, x, got, arena);
    check_close_of(what, got, wanted, count, TOLERANCE, scale);
    g_assert_cmpuint(arena_mark(arena), ==, 0);
    arena_free(arena);
    nn_linear_free(linear);

    arena = arena_new(nn_linear_small_scratch(&layer.matrix, m));
    nn_linear_small(&layer.matrix, act, m, x, got, arena);
    ref_linear(&layer.matrix, act, m, x, wanted);
    check_close_of(what, got, wanted, count, TOLERANCE, scale);
    g_assert_cmpuint(arena_mark(arena), ==, 0);
    arena_free(arena);
    layer_clear(&layer);
}

static const NnType types[] = {NN_F32, NN_BF16, NN_I8};

static void random_shapes(GRand *rand) {
    for (int round = 0; round < 60; round++)
        one_linear(rand, types[round % 3], (NnAct)g_rand_int_range(rand, 0, 4),
                   g_rand_int_range(rand, 1, 70), g_rand_int_range(rand, 1, 100),
                   g_rand_int_range(rand, 1, 150));
}

static void edge_shapes(GRand *rand) {
    const int shapes[][3] = {{1, 1, 1},   {1, 33, 24},   {64, 96, 24},  {14, 32, 64}, {15, 31, 63},
                             {3, 65, 96}, {77, 64, 128}, {200, 40, 96}, {5, 3, 1500}};
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++)
        for (size_t t = 0; t < G_N_ELEMENTS(types); t++)
            one_linear(rand, types[t], NN_ACT_GELU, shapes[i][0], shapes[i][1], shapes[i][2]);
}

static void parts_stack(GRand *rand) {
    enum { M = 9, N = 20, K = 40, ROW = 3 * N };
    for (size_t t = 0; t < G_N_ELEMENTS(types); t++) {
        Layer part[3];
        NnMatrix parts[3];
        g_autofree float *x = check_floats(rand, M * K, 1.0), *wanted = g_new(float, M *ROW);
        g_autofree float *got = g_new(float, M *ROW), *one = g_new(float, M *N);
        g_autofree float *seen = as_packed(types[t], x, M * K);
        for (int p = 0; p < 3; p++) {
            part[p] = layer_random(rand, types[t], N, K, true);
            parts[p] = part[p].matrix;
            ref_linear(&parts[p], NN_ACT_NONE, M, seen, one);
            for (int r = 0; r < M; r++)
                memcpy(wanted + r * ROW + p * N, one + r * N, N * sizeof(float));
        }
        NnLinear *linear = nn_linear_new(parts, 3, M, NN_ACT_NONE);
        for (int p = 0; p < 3; p++) layer_clear(&part[p]);
        Arena *arena = arena_new(nn_linear_scratch(linear));
        nn_linear_run(linear, x, got, arena);
        check_close("stacked", got, wanted, M * ROW, TOLERANCE);
        arena_free(arena);
        nn_linear_free(linear);
    }
}

static void adding(GRand *rand) {
    enum { M = 31, N = 45, K = 70 };
    for (size_t t = 0; t < G_N_ELEMENTS(types); t++) {
        Layer layer = layer_random(rand, types[t], N, K, true);
        g_autofree float *x = check_floats(rand, M * K, 1.0), *y = check_floats(rand, M * N, 1.0);
        g_autofree float *wanted = g_new(float, M *N), *seen = as_packed(types[t], x, M * K);
        ref_linear(&layer.matrix, NN_ACT_NONE, M, seen, wanted);
        for (int i = 0; i < M * N; i++) wanted[i] += y[i];
        NnLinear *linear = nn_linear_new(&layer.matrix, 1, M, NN_ACT_NONE);
        Arena *arena = arena_new(nn_linear_scratch(linear));
        nn_linear_add(linear, x, y, arena);
        check_close("added", y, wanted, M * N, TOLERANCE);
        arena_free(arena);
        nn_linear_free(linear);
        layer_clear(&layer);
    }
}

static void run_packed(const NnMatrix *w, int m, const float *x, float *y) {
    NnLinear *linear = nn_linear_new(w, 1, m, NN_ACT_GELU);
    Arena *arena = arena_new(nn_linear_scratch(linear));
    nn_linear_run(linear, x, y, arena);
    arena_free(arena);
    nn_linear_free(linear);
}

static void run_small(const NnMatrix *w, int m, const float *x, float *y) {
    Arena *arena = arena_new(nn_linear_small_scratch(w, m));
    nn_linear_small(w, NN_ACT_GELU, m, x, y, arena);
    arena_free(arena);
}

/* Every row alone, in part of the batch, and in the whole batch: the same bytes. */
static void rows_alone(GRand *rand) {
    enum { M = 83, N = 50, K = 111 };
    void (*const ways[])(const NnMatrix *, int, const float *, float *) = {run_packed, run_small};
    for (size_t t = 0; t < G_N_ELEMENTS(types); t++)
        for (size_t way = 0; way < G_N_ELEMENTS(ways); way++) {
            Layer layer = layer_random(rand, types[t], N, K, true);
            g_autofree float *x = check_floats(rand, M * K, 1.0), *all = g_new(float, M *N);
            g_autofree float *some = g_new(float, M *N);
            ways[way](&layer.matrix, M, x, all);
            for (int m = 1; m < M; m += m < 20 ? 1 : 13) {
                int first = g_rand_int_range(rand, 0, M - m + 1);
                ways[way](&layer.matrix, m, x + first * K, some);
                g_assert_cmpmem(some, m * N * sizeof(float), all + first * N,
                                m * N * sizeof(float));
            }
            layer_clear(&layer);
        }
}

static void zero_rows(GRand *rand) {
    Layer layer = layer_random(rand, NN_I8, 40, 33, true);
    float x[33] = {0}, y[40];
    run_packed(&layer.matrix, 1, x, y);
    ref_gelu(layer.bias, 40);
    check_close("a row of zeros", y, layer.bias, 40, 1e-6);
    layer_clear(&layer);
}

static void random_shapes_match_the_oracle(void) {
    check_levels(random_shapes);
}

static void edge_shapes_match_the_oracle(void) {
    check_levels(edge_shapes);
}

static void stacked_parts_are_one_matrix_and_may_be_freed(void) {
    check_levels(parts_stack);
}

static void nn_linear_add_keeps_what_was_there(void) {
    check_levels(adding);
}

static void a_row_does_not_know_its_neighbours(void) {
    check_levels(rows_alone);
}

static void a_row_of_zeros_quantises(void) {
    check_levels(zero_rows);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_gemm/random_shapes_match_the_oracle", random_shapes_match_the_oracle);
    g_test_add_func("/nn_gemm/edge_shapes_match_the_oracle", edge_shapes_match_the_oracle);
    g_test_add_func("/nn_gemm/stacked_parts_are_one_matrix_and_may_be_freed",
                    stacked_parts_are_one_matrix_and_may_be_freed);
    g_test_add_func("/nn_gemm/nn_linear_add_keeps_what_was_there",
                    nn_linear_add_keeps_what_was_there);
    g_test_add_func("/nn_gemm/a_row_does_not_know_its_neighbours",
                    a_row_does_not_know_its_neighbours);
    g_test_add_func("/nn_gemm/a_row_of_zeros_quantises", a_row_of_zeros_quantises);
    return g_test_run();
}
