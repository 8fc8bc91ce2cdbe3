/* Convolutions, pooling and BatchNorm of training, forward and backward, against plain loops. */
#include "nn_check.h"
#include "nn_conv2d.h"
#include "nn_ref.h"

#include <string.h>

/* x[h][w][c] as a strip, and a strip back. */
static float *strip_of(int h, int w, int channels, int pad, const float *x) {
    NnImage image = {h, w, channels, 1, NULL, NULL};
    float *strip = g_new(float, nn_strip_floats(&image, pad));
    nn_strip_fill(&image, x, pad, strip);
    return strip;
}

static void check_strip(const char *what, const float *strip, int h, int w, int channels, int pad,
                        const float *wanted) {
    g_autofree float *whole = strip_of(h, w, channels, pad, wanted);
    NnImage image = {h, w, channels, 1, NULL, NULL};
    check_close(what, strip, whole, nn_strip_floats(&image, pad) - 32, 1e-5);
}

static void one_conv(GRand *rand, const NnConv2d *conv) {
    int pad = conv->kernel / 2, rows = nn_conv2d_rows(conv), cols = nn_conv2d_cols(conv);
    size_t in = (size_t)(conv->h * conv->w * conv->in), out = (size_t)(rows * cols * conv->out);
    size_t weights = (size_t)(conv->out * conv->in * conv->kernel * conv->kernel);
    g_autofree float *x = check_floats(rand, in, 1), *w = check_floats(rand, weights, 1);
    g_autofree float *dy = check_floats(rand, out, 1), *y = g_new(float, out);
    g_autofree float *wanted = g_new(float, out), *dx = g_new(float, in),
                     *dw = g_new0(float, weights);
    g_autofree float *wanted_dx = g_new(float, in), *wanted_dw = g_new(float, weights);
    g_autofree float *order = g_new0(float, weights);
    g_autofree float *packed = g_new(float, nn_conv2d_packed_floats(conv));
    g_autofree float *strip = strip_of(conv->h, conv->w, conv->in, pad, x);
    g_autofree float *dy_strip = strip_of(rows, cols, conv->out, pad, dy);
    Arena *arena = arena_new(nn_conv2d_scratch(conv));
    ref_conv2d(conv, w, x, wanted);
    ref_conv2d_back(conv, w, x, dy, wanted_dx, wanted_dw);
    nn_conv2d_pack(conv, w, packed);
    nn_conv2d_run(conv, packed, strip, y, arena);
    check_close("forward", y, wanted, out, 2e-5);
    nn_conv2d_pack_turned(conv, w, packed);
    nn_conv2d_back_input(conv, packed, w, dy_strip, dx, arena);
    check_close("gradient of the input", dx, wanted_dx, in, 2e-5);
    nn_conv2d_back_weights(conv, strip, dy_strip, order, arena);
    nn_conv2d_add_weights(conv, order, dw);
    check_close("gradient of the weights", dw, wanted_dw, weights, 5e-5);
    g_assert_cmpuint(arena_mark(arena), ==, 0);
    arena_free(arena);
}

static void random_convolutions(GRand *rand) {
    for (int round = 0; round < 30; round++) {
        NnConv2d conv = {.h = g_rand_int_range(rand, 1, 40),
                         .w = g_rand_int_range(rand, 1, 20),
                         .in = g_rand_int_range(rand, 1, 40),
                         .out = g_rand_int_range(rand, 1, 70),
                         .kernel = 2 * g_rand_int_range(rand, 0, 3) + 1,
                         .stride_h = round % 3 ? 1 : g_rand_int_range(rand, 1, 5),
                         .stride_w = round % 3 ? 1 : g_rand_int_range(rand, 1, 3)};
        one_conv(rand, &conv);
    }
    one_conv(rand, &(NnConv2d){150, 8, 16, 32, 3, 1, 1}); /* more positions than a block */
}

static void one_image(GRand *rand, int h, int w, int n, int pool) {
    g_autofree float *y = check_floats(rand, (size_t)(h * w * n), 1);
    g_autofree float *scale = check_floats(rand, (size_t)n, 1),
                     *shift = check_floats(rand, (size_t)n, 1);
    g_autofree float *p = check_floats(rand, (size_t)n, 1), *q = check_floats(rand, (size_t)n, 1);
    NnImage image = {h, w, n, pool, scale, shift}, small = {h / pool, w / pool, n, 1, NULL, NULL};
    size_t pooled = (size_t)(small.h * small.w * n);
    g_autofree float *wanted = g_new(float, pooled + 1),
                     *strip = g_new(float, nn_strip_floats(&image, 1));
    ref_image(&image, y, wanted);
    nn_strip_fill(&image, y, 1, strip);
    check_strip("image", strip, small.h, small.w, n, 1, wanted);

    g_autofree float *da = check_floats(rand, pooled, 1), *dy = g_new(float, (size_t)(h * w * n));
    NnImage whole = {h, w, n, 1, NULL, NULL};
    g_autofree float *back = g_new(float, nn_strip_floats(&whole, 1)),
                     *part = g_new(float, 2 * (size_t)n);
    ref_image_back(&image, y, da, p, q, dy);
    nn_image_back(&image, y, da, p, q, 1, back);
    check_strip("gradient of an image", back, h, w, n, 1, dy);

    g_autofree float *none = g_new0(float, (size_t)n), *ones = g_new(float, (size_t)n);
    g_autofree double *sum = g_new0(double, (size_t)n), *product = g_new0(double, (size_t)n);
    nn_image_back_moments(&image, y, da, part, sum, product);
    ref_image_back(&image, y, da, none, none, dy); /* scale · dz */
    for (int c = 0; c < n; c++) {
        double s = 0, sy = 0;
        for (int i = c; i < h * w * n; i += n) s += dy[i], sy += (double)dy[i] * y[i];
        ones[c] = (float)(sum[c] * scale[c] - s), none[c] = (float)(product[c] * scale[c] - sy);
        g_assert_cmpfloat(fabs(ones[c]), <=, 1e-5 * h * w);
        g_assert_cmpfloat(fabs(none[c]), <=, 1e-5 * h * w);
    }
}

static void random_images(GRand *rand) {
    for (int round = 0; round < 20; round++) {
        int pool = g_rand_int_range(rand, 1, 4);
        one_image(rand, g_rand_int_range(rand, pool, 20), g_rand_int_range(rand, pool, 20),
                  g_rand_int_range(rand, 1, 50), pool);
    }
}

static void convolutions_match_the_oracle_forward_and_backward(void) {
    check_levels(random_convolutions);
}

static void normed_and_pooled_images_match_the_oracle(void) {
    check_levels(random_images);
}

static void moments_are_sums_in_double(void) {
    enum { N = 5000, C = 3 };
    g_autoptr(GRand) rand = check_rand();
    g_autofree float *y = check_floats(rand, N * C, 1);
    double sum[C] = {1, 2, 3}, square[C] = {0}, wanted[C] = {1, 2, 3}, squares[C] = {0};
    float part[2 * C];
    for (int i = 0; i < N * C; i++) {
        y[i] += 5; /* far from zero, as sums dislike it */
        wanted[i % C] += y[i];
        squares[i % C] += (double)y[i] * y[i];
    }
    nn_moments(y, N, C, part, sum, square);
    for (int c = 0; c < C; c++) {
        g_assert_cmpfloat(fabs(sum[c] / wanted[c] - 1), <, 1e-7);
        g_assert_cmpfloat(fabs(square[c] / squares[c] - 1), <, 3e-7);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nn_conv2d/convolutions_match_the_oracle_forward_and_backward",
                    convolutions_match_the_oracle_forward_and_backward);
    g_test_add_func("/nn_conv2d/normed_and_pooled_images_match_the_oracle",
                    normed_and_pooled_images_match_the_oracle);
    g_test_add_func("/nn_conv2d/moments_are_sums_in_double", moments_are_sums_in_double);
    return g_test_run();
}
