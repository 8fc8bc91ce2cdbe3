/* Weights by name: what is borrowed, what is widened, and how a misfit is named. */
#include "weights.h"

#include "files.h"
#include "tensor_set.h"
#include "widen.h"

#include <math.h>

static const float four[4] = {1, -2, 0.5f, 1024};
static const uint16_t four_half[4] = {0x3C00, 0xC000, 0x3800, 0x6400};
static const uint16_t four_brain[4] = {0x3F80, 0xC000, 0x3F00, 0x4480};
static const double four_double[4] = {1, -2, 0.5, 1024};
static const int8_t four_int8[4] = {2, -4, 1, 127};
static const float scales[2] = {0.5f, 0.25f};
static const int64_t integers[4] = {1, 2, 3, 4};

static const Tensor tensors[] = {
    {"f32.weight", ST_F32, 2, {2, 2}, four, 16},
    {"f32.bias", ST_F32, 1, {2}, four, 8},
    {"f16.weight", ST_F16, 2, {2, 2}, four_half, 8},
    {"bf16.weight", ST_BF16, 2, {2, 2}, four_brain, 8},
    {"f64.weight", ST_F64, 2, {2, 2}, four_double, 32},
    {"i8.weight", ST_I8, 2, {2, 2}, four_int8, 4},
    {"i8.weight_scale", ST_F32, 1, {2}, scales, 8},
    {"bare.weight", ST_I8, 2, {2, 2}, four_int8, 4},
    {"ids.weight", ST_I64, 2, {2, 2}, integers, 32},
    {"clap.lost.weight", ST_F32, 2, {2, 2}, four, 16},
};

/* A directory with the tensors above, opened; the mapping outlives the files. */
static Weights *open_tensors(void) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "model.safetensors", NULL);
    GError *error = NULL;
    safetensors_write(path, tensors, G_N_ELEMENTS(tensors), NULL, &error);
    g_assert_no_error(error);
    Weights *weights = weights_open(dir, &error);
    g_assert_no_error(error);
    files_remove(dir);
    return weights;
}

static const int64_t two_by_two[] = {2, 2};

static void every_float_type_is_widened(void) {
    static const char *const names[] = {"f32.weight", "f16.weight", "bf16.weight", "f64.weight"};
    g_autoptr(Weights) weights = open_tensors();
    GError *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const float *x = weights_floats(weights, names[i], 2, two_by_two, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(x, 16, four, 16);
        g_assert_true(weights_floats(weights, names[i], 2, two_by_two, &error) == x);
    }
    g_assert_cmpint(weights_parameters(weights), ==, 16);
}

static void int8_is_widened_with_its_scales(void) {
    g_autoptr(Weights) weights = open_tensors();
    GError *error = NULL;
    const float *x = weights_floats(weights, "i8.weight", 2, two_by_two, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(x, 16, ((float[]){1, -2, 0.25f, 31.75f}), 16);
    g_assert_null(weights_floats(weights, "bare.weight", 2, two_by_two, &error));
    files_expect_error(&error, "*model.safetensors: bare.weight_scale: no such tensor");
}

static void matrices_are_borrowed_as_they_lie(void) {
    g_autoptr(Weights) weights = open_tensors();
    GError *error = NULL;
    NnMatrix f32, bf16, int8, f16;
    g_assert_true(weights_matrix(weights, "f32", 2, 2, true, &f32, &error));
    g_assert_cmpint(weights_type(weights), ==, NN_F32);
    g_assert_true(weights_matrix(weights, "bf16", 2, 2, false, &bf16, &error));
    g_assert_true(weights_matrix(weights, "i8", 2, 2, false, &int8, &error));
    g_assert_true(weights_matrix(weights, "f16", 2, 2, false, &f16, &error));
    g_assert_cmpmem(f32.bias, 8, four, 8);
    g_assert_null(bf16.bias);
    g_assert_cmpint(bf16.type, ==, NN_BF16);
    g_assert_cmpmem(bf16.w, 8, four_brain, 8);
    g_assert_cmpint(int8.type, ==, NN_I8);
    g_assert_cmpmem(int8.scale, 8, scales, 8);
    g_assert_cmpint(f16.type, ==, NN_F32);
    g_assert_cmpmem(f16.w, 16, four, 16);
    g_assert_cmpint(weights_type(weights), ==, NN_I8);
    g_assert_cmpint(weights_parameters(weights), ==, 18);
}

static void rows_of_a_matrix_are_widened_alone(void) {
    static const char *const names[] = {"f32", "bf16", "i8"};
    g_autoptr(Weights) weights = open_tensors();
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        NnMatrix matrix;
        float row[2];
        g_assert_true(weights_matrix(weights, names[i], 2, 2, false, &matrix, NULL));
        weights_row(&matrix, 1, row);
        if (matrix.type == NN_I8)
            g_assert_cmpmem(row, 8, ((float[]){0.25f, 31.75f}), 8);
        else
            g_assert_cmpmem(row, 8, four + 2, 8);
    }
}

static void misfits_are_named(void) {
    g_autoptr(Weights) weights = open_tensors();
    GError *error = NULL;
    NnMatrix matrix;
    g_assert_false(weights_matrix(weights, "f32", 2, 3, true, &matrix, &error));
    files_expect_error(&error, "*.safetensors: f32.weight: the shape is ?2, 2?, not ?2, 3?");
    g_assert_null(weights_floats(weights, "f32.bias", 0, NULL, &error));
    files_expect_error(&error, "*: f32.bias: the shape is ?2?, not ??");
    g_assert_null(weights_floats(weights, "ids.weight", 2, two_by_two, &error));
    files_expect_error(&error, "*: ids.weight: the type is I64, not F32");
    g_assert_false(weights_matrix(weights, "bf16", 2, 2, true, &matrix, &error));
    files_expect_error(&error, "*model.safetensors: bf16.bias: no such tensor");
    g_assert_null(weights_floats(weights, "lost.weight", 2, two_by_two, &error));
    files_expect_error(&error, "*: lost.weight: no such tensor, but there is clap.lost.weight*");
    g_assert_nonnull(safetensors_find(weights_tensors(weights), "f32.bias"));
    g_assert_null(safetensors_find(weights_tensors(weights), "f32"));
}

/* A foreign file whose floats lie at an odd address. */
static void odd_addresses_are_read(void) {
    static const char header[] =
        "{\"b\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"x\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[1,17]}}";
    g_autoptr(GByteArray) file = g_byte_array_new();
    uint64_t length = GUINT64_TO_LE(sizeof header - 1);
    g_byte_array_append(file, (const guint8 *)&length, 8);
    g_byte_array_append(file, (const guint8 *)header, sizeof header - 1);
    g_byte_array_append(file, (const guint8 *)"\1", 1);
    g_byte_array_append(file, (const guint8 *)four, 16);
    char *dir = files_dir();
    files_put(dir, "model.safetensors", file->data, file->len);
    GError *error = NULL;
    g_autoptr(Weights) weights = weights_open(dir, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(weights_floats(weights, "x", 2, two_by_two, &error), 16, four, 16);
    files_remove(dir);
}

static void the_first_file_there_is_opened(void) {
    char *dir = files_dir();
    GError *error = NULL;
    g_assert_null(weights_open(dir, &error));
    files_expect_error(&error, "*: holds none of model.safetensors, model.safetensors.index.json, "
                               "pytorch_model.bin, pytorch_model.bin.index.json");
    files_put_text(dir, "pytorch_model.bin.index.json", "{}");
    g_assert_null(weights_open(dir, &error));
    files_expect_error(&error, "*/pytorch_model.bin.index.json: weight_map: is not an object");
    files_put_text(dir, "pytorch_model.bin", "none");
    g_assert_null(weights_open(dir, &error));
    files_expect_error(&error, "*/pytorch_model.bin: not a zip file*");
    files_put_text(dir, "model.safetensors.index.json", "{}");
    g_assert_null(weights_open(dir, &error));
    files_expect_error(&error, "*/model.safetensors.index.json: weight_map: is not an object");
    files_put_text(dir, "model.safetensors", "");
    g_assert_null(weights_open(dir, &error));
    files_expect_error(&error, "*/model.safetensors: 0 bytes*");
    files_remove(dir);
    g_assert_null(weights_open("/nowhere/at/all", &error));
    files_expect_error(&error, "/nowhere/at/all: no such directory");
}

/* Every binary16 against its value by arithmetic. */
static void every_half_is_widened_exactly(void) {
    for (unsigned h = 0; h < 65536; h++) {
        uint16_t bits = h;
        const Tensor tensor = {"h", ST_F16, 1, {1}, &bits, 2};
        int exponent = h >> 10 & 31, mantissa = h & 1023;
        double value = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
        float x;
        widen(&tensor, NULL, &x);
        if (exponent == 31) value = mantissa ? NAN : INFINITY;
        if (h & 0x8000) value = -value;
        g_assert_true(isnan(value) ? isnan(x) : x == value && !signbit(x) == !signbit(value));
    }
}

static void bf16_rounds_to_the_nearest_and_ties_to_even(void) {
    const float x[] = {1,     1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.02p-8f,
                       -0.0f, INFINITY,    NAN,         0x1.FFFFFEp127f};
    uint16_t out[8];
    narrow_bf16(x, 8, out);
    const uint16_t wanted[] = {0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x8000, 0x7F80};
    g_assert_cmpmem(out, 12, wanted, 12);
    g_assert_cmpint(out[6] & 0x7FC0, ==, 0x7FC0);
    g_assert_cmpint(out[7], ==, 0x7F80);
}

static void int8_rows_use_the_whole_range(void) {
    const float x[] = {-2, 1, 0.004f, 0.012f};
    const int8_t wanted[] = {-127, 64, 0, 1};
    int8_t out[4];
    g_assert_cmpfloat(narrow_int8(x, 4, out), ==, 2.0f / 127);
    g_assert_cmpmem(out, 4, wanted, 4);
    g_assert_cmpfloat(narrow_int8((float[]){0, -0.0f}, 2, out), ==, 0);
    g_assert_cmpint(out[0], ==, 0);
}

#define TEST(name) g_test_add_func("/weights/" #name, name)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST(every_float_type_is_widened);
    TEST(int8_is_widened_with_its_scales);
    TEST(matrices_are_borrowed_as_they_lie);
    TEST(rows_of_a_matrix_are_widened_alone);
    TEST(misfits_are_named);
    TEST(odd_addresses_are_read);
    TEST(the_first_file_there_is_opened);
    TEST(every_half_is_widened_exactly);
    TEST(bf16_rounds_to_the_nearest_and_ties_to_even);
    TEST(int8_rows_use_the_whole_range);
    return g_test_run();
}
