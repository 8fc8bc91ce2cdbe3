/* Gradients of the kernels against differences of what they compute forward: along a random
 * direction u, (f(x + hu) − f(x − hu)) · dy / 2h is <dx, u>. Forward sides are the plain loops
 * where there are some, so that a fault on both sides is seen. */
#include "nn_act.h"
#include "nn_adamw.h"
#include "nn_attn.h"
#include "nn_check.h"
#include "nn_conv.h"
#include "nn_loss.h"
#include "nn_norm.h"
#include "nn_ref.h"

#include <string.h>

#define STEP 4e-3

/* y = f(x), for the arrays and sizes in `context`. */
typedef void Forward(const void *context, const float *x, float *y);

static double along(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* dx is what the kernel says of dy. */
static void check_gradient(GRand *rand, const char *what, Forward *f, const void *context,
                           const float *x, size_t n, const float *dy, size_t m, const float *dx) {
    for (int trial = 0; trial < 3; trial++) {
        g_autofree float *u = check_floats(rand, n, 1), *at = g_new(float, n);
        g_autofree float *after = g_new(float, m), *before = g_new(float, m);
        for (size_t i = 0; i < n; i++) at[i] = x[i] + (float)STEP * u[i];
        f(context, at, after);
        for (size_t i = 0; i < n; i++) at[i] = x[i] - (float)STEP * u[i];
        f(context, at, before);
        double slope = (along(after, dy, m) - along(before, dy, m)) / (2 * STEP);
        double said = along(dx, u, n), size = sqrt(along(dx, dx, n) * along(u, u, n)) + 1e-6;
        g_test_message("%s, level %s: %g, should be %g", what, nn_cpu_name(nn_cpu()), said, slope);
        g_assert_cmpfloat(fabs(said - slope) / size, <, 2e-3);
    }
}

/* ---- elementwise: against the formulas ---- */

static double gelu_slope(double x) {
    return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * G_PI);
}

static void slopes(GRand *rand) {
    enum { N = 203 };
    g_autofree float *x = check_floats(rand, N, 7), *dy = check_floats(rand, N, 1);
    float y[4][N], dx[4][N], wanted[4][N];
    x[0] = 0, x[1] = -1e-20f, x[2] = 100, x[3] = -100;
    for (int i = 0; i < N; i++) {
        double s = 1 / (1 + exp(-x[i])), t = tanh(x[i]),
               slope[] = {gelu_slope(x[i]), x[i] > 0, 1 - t * t, s * (1 - s)};
        y[1][i] = x[i] > 0 ? x[i] : 0, y[2][i] = (float)t, y[3][i] = (float)s;
        for (int f = 0; f < 4; f++)
            dx[f][i] = (float)f, wanted[f][i] = (float)(f + dy[i] * slope[f]);
    }
    nn_gelu_back(x, dy, N, dx[0]);
    nn_relu_back(y[1], dy, N, dx[1]);
    nn_tanh_back(y[2], dy, N, dx[2]);
    nn_sigmoid_back(y[3], dy, N, dx[3]);
    for (int f = 0; f < 4; f++) check_close("slope", dx[f], wanted[f], N, 1e-6);
}

/* ---- norms ---- */

enum { ROWS = 5, COLS = 37 };

typedef struct {
    const float *x, *gamma, *beta;
} Normed;

static void norm_of_x(const void *context, const float *x, float *y) {
    const Normed *c = context;
    ref_layer_norm(x, ROWS, COLS, c->gamma, c->beta, 1e-5f, y);
}

static void norm_of_gamma(const void *context, const float *gamma, float *y) {
    const Normed *c = context;
    ref_layer_norm(c->x, ROWS, COLS, gamma, c->beta, 1e-5f, y);
}

static void norms(GRand *rand) {
    g_autofree float *x = check_floats(rand, ROWS * COLS, 2),
                     *dy = check_floats(rand, ROWS * COLS, 1);
    g_autofree float *gamma = check_floats(rand, COLS, 1), *beta = check_floats(rand, COLS, 1);
    float dx[ROWS * COLS] = {0}, dgamma[COLS] = {0}, dbeta[COLS] = {0}, wanted[COLS] = {0};
    Normed c = {x, gamma, beta};
    nn_layer_norm_back(x, dy, ROWS, COLS, gamma, 1e-5f, dx, dgamma, dbeta);
    check_gradient(rand, "LayerNorm, x", norm_of_x, &c, x, ROWS * COLS, dy, ROWS * COLS, dx);
    check_gradient(rand, "LayerNorm, gamma", norm_of_gamma, &c, gamma, COLS, dy, ROWS * COLS,
                   dgamma);
    for (int i = 0; i < ROWS * COLS; i++) wanted[i % COLS] += dy[i];
    check_close("LayerNorm, beta", dbeta, wanted, COLS, 1e-6);
}

static void unit_of_x(const void *context, const float *x, float *y) {
    memcpy(y, x, sizeof *y * COLS);
    nn_l2_normalise(y, COLS);
}

static void units(GRand *rand) {
    g_autofree float *x = check_floats(rand, COLS, 1), *dy = check_floats(rand, COLS, 1);
    float y[COLS], dx[COLS] = {0};
    unit_of_x(NULL, x, y);
    nn_l2_normalise_back(y, dy, (float)sqrt(along(x, x, COLS)), COLS, dx);
    check_gradient(rand, "unit vector", unit_of_x, NULL, x, COLS, dy, COLS, dx);
}

/* ---- attention ---- */

typedef struct {
    int n, heads, d;
    const float *qkv, *bias, *mask;
} Group;

static void attn_of_qkv(const void *context, const float *qkv, float *y) {
    const Group *g = context;
    ref_attn(qkv, g->n, g->heads, g->d, g->bias, g->mask, y);
}

static void attn_of_bias(const void *context, const float *bias, float *y) {
    const Group *g = context;
    ref_attn(g->qkv, g->n, g->heads, g->d, bias, g->mask, y);
}

static void one_group(GRand *rand, int n, int heads, int d, bool biased) {
    size_t inner = (size_t)(n * heads * d), biases = (size_t)(heads * n * n);
    g_autofree float *qkv = check_floats(rand, 3 * inner, 1), *dy = check_floats(rand, inner, 1);
    g_autofree float *bias = check_floats(rand, biases, 1), *mask = g_new0(float, (size_t)(n * n));
    g_autofree float *dqkv = g_new(float, 3 * inner), *dbias = g_new0(float, biases);
    for (int i = 0; i < n * n; i += 3) mask[i] = i / n == i % n ? 0 : -100;
    Group group = {n, heads, d, qkv, biased ? bias : NULL, biased ? mask : NULL};
    Arena *arena = arena_new(nn_attn_back_scratch(n, d));
    nn_attn_back(qkv, n, heads, d, group.bias, group.mask, dy, dqkv, biased ? dbias : NULL, arena);
    g_assert_cmpuint(arena_mark(arena), ==, 0);
    arena_free(arena);
    check_gradient(rand, "attention", attn_of_qkv, &group, qkv, 3 * inner, dy, inner, dqkv);
    if (biased) check_gradient(rand, "bias", attn_of_bias, &group, bias, biases, dy, inner, dbias);
}

static void groups(GRand *rand) {
    one_group(rand, 1, 1, 3, false);
    one_group(rand, 9, 2, 5, true);
    one_group(rand, 64, 3, 24, true);
    one_group(rand, 23, 2, 32, false);
}

/* ---- linear maps: <dy, f(x)> is <dx, x> ---- */

static void transposes(GRand *rand) {
    for (int round = 0; round < 12; round++) {
        int h = g_rand_int_range(rand, 2, 20), w = g_rand_int_range(rand, 2, 9);
        int oh = g_rand_int_range(rand, 2, 30), ow = round % 2 ? w : g_rand_int_range(rand, 2, 12);
        size_t in = (size_t)(h * w), out = (size_t)(oh * ow), columns = in * 15;
        g_autofree float *x = check_floats(rand, in, 1), *dy = check_floats(rand, out, 1);
        g_autofree float *y = g_new(float, out), *dx = g_new0(float, in);
        nn_resize_bicubic(x, h, w, oh, ow, y);
        nn_resize_bicubic_back(dy, h, w, oh, ow, dx);
        g_assert_cmpfloat(fabs(along(y, dy, out) - along(x, dx, in)), <, 1e-4 * (double)out);
        g_autofree float *patches = g_new(float, columns), *back = check_floats(rand, columns, 1);
        memset(dx, 0, sizeof *dx * in);
        nn_im2col(x, h, w, 3, 5, 1, 1, 1, 2, patches);
        nn_col2im(back, h, w, 3, 5, 1, 1, 1, 2, dx);
        g_assert_cmpfloat(fabs(along(patches, back, columns) - along(x, dx, in)), <,
                          1e-4 * (double)in);
    }
}

/* ---- losses ---- */

typedef struct {
    const float *target;
    const bool *left_out;
} Wanted;

static void entropy_of_logits(const void *context, const float *x, float *y) {
    const Wanted *w = context;
    *y = (float)nn_cross_entropy(x, ROWS, COLS, w->target, w->left_out, 1, NULL);
}

static void square_of_x(const void *context, const float *x, float *y) {
    *y = (float)nn_mean_square(x, ((const Wanted *)context)->target, ROWS * COLS, 1, NULL);
}

static void losses_have_their_gradients(void) {
    g_autoptr(GRand) rand = check_rand();
    g_autofree float *x = check_floats(rand, ROWS * COLS, 2),
                     *target = check_floats(rand, ROWS * COLS, 1);
    float dx[ROWS * COLS] = {0}, one = 1, twice = 2;
    bool left_out[ROWS * COLS] = {0};
    for (int i = 0; i < ROWS * COLS; i++) target[i] = fabsf(target[i]), left_out[i] = i % 5 == 2;
    Wanted wanted = {target, left_out};
    nn_cross_entropy(x, ROWS, COLS, target, left_out, 2, dx);
    check_gradient(rand, "cross-entropy", entropy_of_logits, &wanted, x, ROWS * COLS, &twice, 1,
                   dx);
    memset(dx, 0, sizeof dx);
    nn_mean_square(x, target, ROWS * COLS, 1, dx);
    check_gradient(rand, "mean square", square_of_x, &wanted, x, ROWS * COLS, &one, 1, dx);
}

static void known_losses_come_out(void) {
    const float logits[] = {1, 2, 3, 0, 0, 0}, target[] = {0, 0, 1, 0.5f, 0.5f, 9};
    const bool left_out[] = {false, false, false, false, false, true};
    double first = log(exp(1) + exp(2) + exp(3)) - 3;
    g_assert_cmpfloat(
        fabs(nn_cross_entropy(logits, 2, 3, target, left_out, 1, NULL) - (first + log(2)) / 2), <,
        1e-9);
    const float a[] = {1, 0, 0, 1}, b[] = {0.6f, 0.8f, 0.6f, 0.8f};
    float dx[4] = {0};
    g_assert_cmpfloat(fabs(nn_cosine_loss(a, b, 2, 2, 1, dx) - 0.3), <, 1e-6);
    g_assert_cmpfloat(fabs(dx[1] + 0.4), <, 1e-6);
}

/* Two steps by hand, in double. */
static void adamw_steps_as_the_paper_says(GRand *rand) {
    enum { N = 19 };
    g_autofree float *w = check_floats(rand, N, 1);
    float m[N] = {0}, v[N] = {0};
    double dw[N], dm[N] = {0}, dv[N] = {0};
    for (int i = 0; i < N; i++) dw[i] = w[i];
    for (int step = 1; step <= 2; step++) {
        g_autofree float *g = check_floats(rand, N, 1);
        NnAdamw how = {0.01f, 0.9f, 0.98f, 1e-8f, (float)pow(0.9, step), (float)pow(0.98, step),
                       0.5f};
        nn_adamw_step(&how, 0.1f, N, g, m, v, w);
        for (int i = 0; i < N; i++) {
            double half = 0.5 * g[i];
            dm[i] = 0.9 * dm[i] + 0.1 * half;
            dv[i] = 0.98 * dv[i] + 0.02 * half * half;
            dw[i] *= 1 - 0.01 * 0.1;
            dw[i] -=
                0.01 * dm[i] / (1 - pow(0.9, step)) / (sqrt(dv[i] / (1 - pow(0.98, step))) + 1e-8);
            g_assert_cmpfloat(fabs(w[i] - dw[i]), <, 2e-6);
        }
    }
}

#define AT_ALL_LEVELS(name, of)                                                                    \
    static void name(void) {                                                                       \
        check_levels(of);                                                                          \
    }
AT_ALL_LEVELS(activations_have_the_slopes_of_their_formulas, slopes)
AT_ALL_LEVELS(layer_norms_have_their_gradients, norms)
AT_ALL_LEVELS(unit_vectors_have_their_gradient, units)
AT_ALL_LEVELS(attention_has_its_gradients, groups)
AT_ALL_LEVELS(resizing_and_gathering_have_their_transposes, transposes)
AT_ALL_LEVELS(adamw_steps_are_those_of_the_paper, adamw_steps_as_the_paper_says)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/nn_back/" #name, name)
    ADD(activations_have_the_slopes_of_their_formulas);
    ADD(layer_norms_have_their_gradients);
    ADD(unit_vectors_have_their_gradient);
    ADD(attention_has_its_gradients);
    ADD(resizing_and_gathering_have_their_transposes);
    ADD(losses_have_their_gradients);
    ADD(known_losses_come_out);
    ADD(adamw_steps_are_those_of_the_paper);
    return g_test_run();
}
