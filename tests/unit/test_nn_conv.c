/* Gathering for convolutions, and resampling, against the oracle. */
#include "nn_check.h"
#include "nn_conv.h"
#include "nn_ref.h"

static void columns_match_the_oracle(void) {
    g_autoptr(GRand) rand = check_rand();
    for (int round = 0; round < 100; round++) {
        int kh = g_rand_int_range(rand, 1, 6), kw = g_rand_int_range(rand, 1, 13);
        int sh = g_rand_int_range(rand, 1, 5), sw = g_rand_int_range(rand, 1, 13);
        int ph = g_rand_int_range(rand, 0, kh), pw = g_rand_int_range(rand, 0, kw);
        int h = g_rand_int_range(rand, kh, 30), w = g_rand_int_range(rand, kw, 40);
        int oh = (h + 2 * ph - kh) / sh + 1, ow = (w + 2 * pw - kw) / sw + 1;
        size_t count = (size_t)oh * ow * kh * kw;
        g_autofree float *x = check_floats(rand, (size_t)h * w, 1.0), *got = g_new(float, count);
        g_autofree float *wanted = g_new(float, count);
        nn_im2col(x, h, w, kh, kw, sh, sw, ph, pw, got);
        ref_im2col(x, h, w, kh, kw, sh, sw, ph, pw, wanted);
        g_assert_cmpmem(got, count * sizeof *got, wanted, count * sizeof *wanted);
    }
}

static void one_resize(GRand *rand, int h, int w, int oh, int ow) {
    size_t count = (size_t)oh * ow;
    g_autofree float *x = check_floats(rand, (size_t)h * w, 1.0), *got = g_new(float, count);
    g_autofree float *wanted = g_new(float, count);
    nn_resize_bicubic(x, h, w, oh, ow, got);
    ref_resize_bicubic(x, h, w, oh, ow, wanted);
    check_close("bicubic", got, wanted, count, 1e-6);
}

static void resized_images_match_the_oracle(void) {
    g_autoptr(GRand) rand = check_rand();
    one_resize(rand, 1001, 64, 1024, 64);
    one_resize(rand, 1, 1, 3, 2);
    one_resize(rand, 5, 4, 1, 1);
    for (int round = 0; round < 50; round++)
        one_resize(rand, g_rand_int_range(rand, 1, 30), g_rand_int_range(rand, 1, 30),
                   g_rand_int_range(rand, 1, 40), g_rand_int_range(rand, 1, 40));
}

static void the_same_size_changes_nothing(void) {
    g_autoptr(GRand) rand = check_rand();
    g_autofree float *x = check_floats(rand, 9 * 7, 1.0);
    float y[9 * 7];
    nn_resize_bicubic(x, 9, 7, 9, 7, y);
    g_assert_cmpmem(x, sizeof y, y, sizeof y);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_conv/columns_match_the_oracle", columns_match_the_oracle);
    g_test_add_func("/nn_conv/resized_images_match_the_oracle", resized_images_match_the_oracle);
    g_test_add_func("/nn_conv/the_same_size_changes_nothing", the_same_size_changes_nothing);
    return g_test_run();
}
