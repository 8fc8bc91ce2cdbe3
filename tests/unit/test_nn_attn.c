/* NnAttn against the oracle: windows, texts, odd sizes, bias and mask, every level. */
#include "nn_attn.h"
#include "nn_check.h"
#include "nn_ref.h"

/* Rounded to bf16, a value of up to 2 is off by some 2^-8 of it, and so is its mean by shares. */
static const struct {
    NnAttn *attend;
    double tolerance;
} ways[] = {{nn_attn, 3e-6}, {nn_attn_rounded, 3e-2}};

static void one_attn(GRand *rand, int n, int heads, int d, bool with_bias, bool masked) {
    size_t count = (size_t)n * heads * d, square = (size_t)n * n;
    g_autofree float *qkv = check_floats(rand, count * 3, 2.0);
    g_autofree float *bias = with_bias ? check_floats(rand, square * heads, 1.0) : NULL;
    g_autofree float *mask = masked ? g_new0(float, square) : NULL;
    for (size_t i = 0; masked && i < square; i++)
        mask[i] = i % (n + 1) && g_rand_boolean(rand) ? -100 : 0;
    g_autofree float *wanted = g_new0(float, count), *got = g_new0(float, count);
    ref_attn(qkv, n, heads, d, bias, mask, wanted);
    for (size_t way = 0; way < G_N_ELEMENTS(ways); way++) {
        Arena *arena = arena_new(nn_attn_scratch(n, d));
        ways[way].attend(qkv, n, heads, d, bias, mask, got, arena);
        g_assert_cmpuint(arena_mark(arena), ==, 0);
        arena_free(arena);
        g_autofree char *what = g_strdup_printf("way %zu n %d heads %d d %d bias %d mask %d", way,
                                                n, heads, d, with_bias, masked);
        check_close(what, got, wanted, count, ways[way].tolerance);
    }
}

static void hot_shapes(GRand *rand) {
    one_attn(rand, 64, 4, 24, true, true);
    one_attn(rand, 64, 2, 32, true, false);
    one_attn(rand, 8, 3, 64, false, false);
    one_attn(rand, 77, 1, 64, false, false);
    one_attn(rand, 1, 2, 24, false, false);
    one_attn(rand, 1, 1, 1, true, true);
}

static void random_shapes(GRand *rand) {
    for (int round = 0; round < 20; round++)
        one_attn(rand, g_rand_int_range(rand, 1, 70), g_rand_int_range(rand, 1, 4),
                 g_rand_int_range(rand, 1, 50), g_rand_boolean(rand), g_rand_boolean(rand));
}

static void hot_shapes_match_the_oracle(void) {
    check_levels(hot_shapes);
}

static void random_shapes_match_the_oracle(void) {
    check_levels(random_shapes);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_attn/hot_shapes_match_the_oracle", hot_shapes_match_the_oracle);
    g_test_add_func("/nn_attn/random_shapes_match_the_oracle", random_shapes_match_the_oracle);
    return g_test_run();
}
