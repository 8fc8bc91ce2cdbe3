/* Vectors in half precision, and the loops of the index: every level against the plain one, bit for
 * bit. */
#include "vec.h"
#include "vec_kernels.h"

#include <glib.h>
#include <math.h>
#include <string.h>

static uint64_t state;

static uint32_t draw(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

/* About normal, by the sum of four. */
static float draw_float(void) {
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += (float)(draw() >> 8) * 0x1p-24f - 0.5f;
    return sum;
}

static void fill(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = draw_float();
}

static void fill_bytes(void *to, size_t n) {
    for (size_t i = 0; i < n; i++) ((uint8_t *)to)[i] = (uint8_t)draw();
}

static const int dims[] = {1, 2, 15, 16, 17, 20, 31, 32, 33, 64, 100, 512, 768, 4096};
static const int padded_dims[] = {64, 128, 192, 512, 768, 4096};

typedef void (*Comparison)(const VecKernels *plain, const VecKernels *level);

static void compare_all_levels(const void *data) {
    for (int level = VEC_AVX2; level < VEC_LEVELS; level++)
        if (vec_kernels_of(level))
            (*(const Comparison *)data)(vec_kernels_of(VEC_SCALAR), vec_kernels_of(level));
        else
            g_test_message("this machine has no level %d", level);
}

static void dots(const VecKernels *plain, const VecKernels *level) {
    float a[4096], b[4096];
    uint16_t half[4096];
    for (size_t i = 0; i < G_N_ELEMENTS(dims); i++) {
        size_t dim = (size_t)dims[i];
        fill(a, dim);
        fill(b, dim);
        plain->to_half(a, half, dim);
        float x = plain->dot(a, b, dim), y = level->dot(a, b, dim);
        g_assert_cmpmem(&x, sizeof x, &y, sizeof y);
        x = plain->dot_half(half, b, dim), y = level->dot_half(half, b, dim);
        g_assert_cmpmem(&x, sizeof x, &y, sizeof y);
    }
}

static void halves(const VecKernels *plain, const VecKernels *level) {
    uint16_t in[4096], one[4096], two[4096];
    float x[4096], y[4096];
    for (int first = 0; first < 65536; first += 4096) {
        for (int i = 0; i < 4096; i++) in[i] = (uint16_t)(first + i);
        plain->from_half(in, x, 4096);
        level->from_half(in, y, 4096);
        g_assert_cmpmem(x, sizeof x, y, sizeof y);
    }
    for (int round = 0; round < 64; round++) {
        fill_bytes(x, sizeof x); /* any floats at all */
        plain->to_half(x, one, 4096);
        level->to_half(x, two, 4096);
        g_assert_cmpmem(one, sizeof one, two, sizeof two);
    }
}

static void sums_of_bytes(const VecKernels *plain, const VecKernels *level) {
    static uint8_t x[VEC_ROWS * 4096], quantised[4096], again[4096];
    static int8_t panel[VEC_PANEL * 4096], lo[4096];
    float f[4096];
    for (size_t i = 0; i < G_N_ELEMENTS(padded_dims); i++) {
        int n = padded_dims[i];
        int32_t a[VEC_ROWS][VEC_PANEL], b[VEC_ROWS][VEC_PANEL];
        for (int j = 0; j < VEC_ROWS * n; j++) x[j] = (uint8_t)(1 + draw() % 255);
        for (int j = 0; j < VEC_PANEL * n; j++) panel[j] = (int8_t)(draw() % 255) - 127;
        for (int j = 0; j < n; j++) lo[j] = (int8_t)(draw() % 128) - 64;
        plain->products(x, panel, n, a);
        level->products(x, panel, n, b);
        g_assert_cmpmem(a, sizeof a, b, sizeof b);
        level->products_one(x, panel, n, b[0]);
        g_assert_cmpmem(a[0], sizeof a[0], b[0], sizeof b[0]);
        g_assert_cmpint(plain->dot_bytes(x, panel, lo, n), ==, level->dot_bytes(x, panel, lo, n));
        fill(f, (size_t)n);
        float s = plain->quantise(f, quantised, n), t = level->quantise(f, again, n);
        g_assert_cmpfloat(s, ==, t);
        g_assert_cmpmem(quantised, (size_t)n, again, (size_t)n);
    }
}

static void transforms(const VecKernels *plain, const VecKernels *level) {
    float x[4096], y[4096];
    for (int n = 64; n <= 4096; n *= 2) {
        fill(x, (size_t)n);
        memcpy(y, x, sizeof x);
        plain->hadamard(x, n);
        level->hadamard(y, n);
        g_assert_cmpmem(x, (size_t)n * 4, y, (size_t)n * 4);
    }
}

static void residuals(const VecKernels *plain, const VecKernels *level) {
    float x[4096], c[4096], o[4096], p[4096];
    uint64_t one[VEC_WORDS], two[VEC_WORDS];
    for (size_t i = 0; i < G_N_ELEMENTS(padded_dims); i++) {
        int n = padded_dims[i];
        fill(x, (size_t)n);
        fill(c, (size_t)n);
        VecResidual a = plain->residual(x, c, o, n), b = level->residual(x, c, p, n);
        g_assert_cmpmem(&a, sizeof a, &b, sizeof b);
        g_assert_cmpmem(o, (size_t)n * 4, p, (size_t)n * 4);
        plain->signs(o, one, n);
        level->signs(p, two, n);
        g_assert_cmpmem(one, (size_t)n / 8, two, (size_t)n / 8);
    }
}

static void scans(const VecKernels *plain, const VecKernels *level) {
    static uint8_t blocks[VEC_CHUNK * (4096 * 2 + VEC_BLOCK_TAIL)] __attribute__((aligned(64)));
    static uint64_t one[VEC_CHUNK * VEC_BLOCK], two[VEC_CHUNK * VEC_BLOCK];
    float q[4096], c[4096], values[2 * VEC_BLOCK];
    uint16_t live[VEC_CHUNK];
    for (size_t i = 0; i < G_N_ELEMENTS(padded_dims); i++) {
        int n = padded_dims[i];
        VecPlan a = {.base = 0.1f, .alpha = 0.5f, .step = 0.2f}, b = a;
        fill(q, (size_t)n);
        fill(c, (size_t)n);
        plain->plan(&a, q, c, n);
        level->plan(&b, q, c, n);
        g_assert_cmpint(a.sum, ==, b.sum);
        g_assert_cmpmem(a.planes, (size_t)n / 64 * sizeof *a.planes, b.planes,
                        (size_t)n / 64 * sizeof *b.planes);
        size_t bytes = (size_t)n * 2 + VEC_BLOCK_TAIL;
        fill_bytes(blocks, VEC_CHUNK * bytes);
        fill_bytes(live, sizeof live);
        for (size_t k = 0; k < VEC_CHUNK; k++) {
            fill(values, G_N_ELEMENTS(values));
            plain->to_half(values, (uint16_t *)(blocks + k * bytes + (size_t)n * 2),
                           G_N_ELEMENTS(values));
        }
        live[3] = 0;
        int x = plain->scan(&a, blocks, VEC_CHUNK, live, 0.1f, 160, one);
        int y = level->scan(&b, blocks, VEC_CHUNK, live, 0.1f, 160, two);
        g_assert_cmpint(x, >, 0);
        g_assert_cmpint(x, <, VEC_CHUNK * VEC_BLOCK / 2);
        g_assert_cmpmem(one, (size_t)x * 8, two, (size_t)y * 8);
    }
}

static void checksums(const VecKernels *plain, const VecKernels *level) {
    uint8_t bytes[4096];
    fill_bytes(bytes, sizeof bytes);
    for (size_t n = 0; n < 70; n++) g_assert_cmphex(plain->crc(bytes, n), ==, level->crc(bytes, n));
    g_assert_cmphex(plain->crc(bytes, 4096), ==, level->crc(bytes, 4096));
    g_assert_cmphex(level->crc("123456789", 9), ==, 0xe3069283); /* of CRC-32C, in RFC 3720's way */
}

/* The plain level against the definition. */
static void half_precision_rounds_to_nearest_even(void) {
    const struct {
        float x;
        uint16_t half;
    } known[] = {{0, 0},
                 {1, 0x3c00},
                 {-2, 0xc000},
                 {65504, 0x7bff},
                 {65519, 0x7bff},
                 {65520, 0x7c00},
                 {0x1p-24f, 1},
                 {0x1p-25f, 0},
                 {0x1.8p-24f, 2},
                 {0x1.002p0f, 0x3c00},
                 {0x1.006p0f, 0x3c02},
                 {INFINITY, 0x7c00},
                 {0x1p-14f, 0x400},
                 {-0.0f, 0x8000}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        uint16_t half;
        vec_kernels_of(VEC_SCALAR)->to_half(&known[i].x, &half, 1);
        g_assert_cmphex(half, ==, known[i].half);
    }
    for (int h = 0; h < 65536; h++) {
        uint16_t in = (uint16_t)h, out;
        float x;
        vec_from_half(&in, &x, 1);
        vec_to_half(&x, &out, 1);
        if (!isnan(x)) g_assert_cmphex(in, ==, out);
    }
}

static void normalised_vectors_have_length_one(void) {
    float x[100] = {0}, zero[3] = {0};
    x[3] = 3;
    x[99] = -4;
    g_assert_cmpfloat(vec_normalise(x, 100), ==, 5);
    g_assert_cmpfloat(fabsf(vec_dot(x, x, 100) - 1), <, 1e-6);
    g_assert_cmpfloat(vec_normalise(zero, 3), ==, 0);
    g_assert_cmpfloat(zero[0], ==, 0);
}

int main(int argc, char **argv) {
    static const Comparison all[] = {dots,      halves, sums_of_bytes, transforms,
                                     residuals, scans,  checksums};
    static const char *const names[] = {
        "/vec/dots_are_the_same_at_all_levels",      "/vec/halves_are_the_same_at_all_levels",
        "/vec/bytes_are_the_same_at_all_levels",     "/vec/transforms_are_the_same_at_all_levels",
        "/vec/residuals_are_the_same_at_all_levels", "/vec/scans_are_the_same_at_all_levels",
        "/vec/checksums_are_the_same_at_all_levels"};
    g_test_init(&argc, &argv, NULL);
    state = (uint64_t)g_test_rand_int();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_test_add_data_func(names[i], &all[i], compare_all_levels);
    g_test_add_func("/vec/half_precision_rounds_to_nearest_even",
                    half_precision_rounds_to_nearest_even);
    g_test_add_func("/vec/normalised_vectors_have_length_one", normalised_vectors_have_length_one);
    return g_test_run();
}
