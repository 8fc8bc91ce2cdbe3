/* Converting a model directory: what becomes of each tensor, how large the error is, and that the
 * result appears whole or not at all. */
#include "quant.h"

#include "files.h"
#include "tensor_set.h"
#include "weights.h"

#include <math.h>
#include <unistd.h>

#define N 6
#define K 70

/* A directory with one matrix, and with what must not change. */
static char *make_model(float matrix[N * K]) {
    static const float bias[N] = {1, 2, 3, 4, 5, 6}, table[2 * 3] = {0.1f, 0.2f}, scalar = 2.5f;
    static const float conv[4] = {0.3f, 0.7f, 0.9f, 0.11f};
    static const int64_t ids[3] = {0, 1, 2};
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "model.safetensors", NULL);
    for (int i = 0; i < N * K; i++) matrix[i] = g_test_rand_double_range(-1, 1) * (1 + i / K);
    const Tensor tensors[] = {{"l.weight", ST_F32, 2, {N, K}, matrix, N * K * 4},
                              {"l.bias", ST_F32, 1, {N}, bias, N * 4},
                              {"relative_position_bias_table", ST_F32, 2, {2, 3}, table, 24},
                              {"conv.weight", ST_F32, 4, {1, 1, 2, 2}, conv, 16},
                              {"scale", ST_F32, 0, {0}, &scalar, 4},
                              {"ids", ST_I64, 1, {3}, ids, 24}};
    GError *error = NULL;
    safetensors_write(path, tensors, G_N_ELEMENTS(tensors), NULL, &error);
    g_assert_no_error(error);
    files_put_text(dir, "config.json", "{\"any\": 1}");
    files_put_text(dir, "merges.txt", "#version\n");
    files_put_text(dir, "other.txt", "not ours");
    return dir;
}

/* dir converted to a directory of its own. Caller removes. */
static char *convert(const char *dir, NnType type) {
    char *out = g_strconcat(dir, "-", quant_type_name(type), NULL);
    GError *error = NULL;
    quant_convert(dir, out, type, &error);
    g_assert_no_error(error);
    return out;
}

static void expect_text(const char *dir, const char *name, const char *text) {
    g_autofree char *path = g_build_filename(dir, name, NULL), *is = NULL;
    g_assert_true(g_file_get_contents(path, &is, NULL, NULL));
    g_assert_cmpstr(is, ==, text);
}

static bool is_there(const char *dir, const char *name) {
    g_autofree char *path = g_build_filename(dir, name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Everything but the matrix is as it was; `worst` bounds the matrix's error by the row's maximum.
 */
static void expect_model(const char *dir, const float *matrix, StType type, double worst) {
    GError *error = NULL;
    g_autoptr(Weights) weights = weights_open(dir, &error);
    g_assert_no_error(error);
    const Safetensors *st = weights_tensors(weights);
    g_assert_cmpint(safetensors_count(st), ==, type == ST_I8 ? 6 : 5);
    g_assert_cmpint(safetensors_find(st, "l.weight")->type, ==, type);
    const float *x = weights_floats(weights, "l.weight", 2, (int64_t[]){N, K}, &error);
    g_assert_no_error(error);
    for (int i = 0; i < N * K; i++)
        g_assert_cmpfloat(fabs((double)x[i] - matrix[i]), <=, worst * (1 + i / K));
    const float *bias = weights_floats(weights, "l.bias", 1, (int64_t[]){N}, &error);
    g_assert_cmpfloat(bias[5], ==, 6);
    const float *conv = weights_floats(weights, "conv.weight", 4, (int64_t[]){1, 1, 2, 2}, &error);
    g_assert_cmpfloat(conv[3], ==, 0.11f);
    g_assert_cmpint(safetensors_find(st, "relative_position_bias_table")->type, ==, ST_F32);
    g_assert_cmpfloat(*weights_floats(weights, "scale", 0, NULL, &error), ==, 2.5f);
    g_assert_null(safetensors_find(weights_tensors(weights), "ids"));
}

static void each_type_keeps_what_it_can(void) {
    static const struct {
        NnType type;
        StType stored;
        double worst;
    } cases[] = {{NN_F32, ST_F32, 0}, {NN_BF16, ST_BF16, 0x1p-8}, {NN_I8, ST_I8, 0.501 / 127}};
    float matrix[N * K];
    char *dir = make_model(matrix);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *out = convert(dir, cases[i].type);
        expect_model(out, matrix, cases[i].stored, cases[i].worst);
        g_autofree char *path = g_build_filename(out, "model.safetensors", NULL);
        g_autoptr(Safetensors) st = safetensors_open(path, NULL);
        g_assert_cmpstr(safetensors_metadata(st, QUANT_TYPE_KEY), ==,
                        quant_type_name(cases[i].type));
        files_remove(out);
    }
    files_remove(dir);
}

static void converting_again_loses_nothing_more(void) {
    float matrix[N * K];
    char *dir = make_model(matrix), *int8 = convert(dir, NN_I8), *wide = convert(int8, NN_F32);
    expect_model(wide, matrix, ST_F32, 0.501 / 127);
    char *again = convert(wide, NN_I8);
    GError *error = NULL;
    g_autoptr(Weights) first = weights_open(int8, &error), second = weights_open(again, &error);
    const Tensor *a = safetensors_find(weights_tensors(first), "l.weight");
    const Tensor *b = safetensors_find(weights_tensors(second), "l.weight");
    g_assert_cmpmem(a->data, a->bytes, b->data, b->bytes);
    files_remove(again);
    files_remove(wide);
    files_remove(int8);
    files_remove(dir);
}

static void companions_come_along(void) {
    float matrix[N * K];
    char *dir = make_model(matrix), *out = convert(dir, NN_BF16);
    expect_text(out, "config.json", "{\"any\": 1}");
    expect_text(out, "merges.txt", "#version\n");
    g_assert_false(is_there(out, "other.txt"));
    g_assert_false(is_there(out, "vocab.json"));
    files_remove(out);
    files_remove(dir);
}

/* Nothing is left beside `out`: neither itself nor an unfinished one. */
static void expect_nothing_at(const char *out) {
    g_autofree char *parent = g_path_get_dirname(out), *name = g_path_get_basename(out);
    g_autoptr(GDir) list = g_dir_open(parent, 0, NULL);
    for (const char *file; (file = g_dir_read_name(list));)
        if (g_str_has_prefix(file, name)) g_error("%s is left behind", file);
}

static void what_fails_leaves_nothing(void) {
    float matrix[N * K];
    char *dir = make_model(matrix);
    g_autofree char *out = g_strconcat(dir, "-out", NULL);
    g_autofree char *weights = g_build_filename(dir, "model.safetensors", NULL);
    g_autofree char *config = g_build_filename(dir, "config.json", NULL);
    GError *error = NULL;
    float row[4] = {1, 2, NAN, 4};
    const Tensor bad = {"l.weight", ST_F32, 2, {2, 2}, row, 16};
    g_assert_true(safetensors_write(weights, &bad, 1, NULL, &error));
    g_assert_false(quant_convert(dir, out, NN_I8, &error));
    files_expect_error(&error, "*model.safetensors: l.weight: row 1 is not finite");
    expect_nothing_at(out);
    g_unlink(config);
    g_assert_false(quant_convert(dir, out, NN_F32, &error));
    files_expect_error(&error, "*/config.json: no such file");
    expect_nothing_at(out);
    files_remove(dir);
}

static void what_is_there_is_not_overwritten(void) {
    float matrix[N * K];
    char *dir = make_model(matrix);
    g_autofree char *file = g_build_filename(dir, "merges.txt", NULL);
    GError *error = NULL;
    g_assert_false(quant_convert(dir, dir, NN_I8, &error));
    files_expect_error(&error, "*: is already there and not empty");
    g_assert_false(quant_convert(dir, file, NN_I8, &error));
    files_expect_error(&error, "*/merges.txt: is already there");
    g_assert_false(quant_convert(dir, "/nowhere/at/all", NN_I8, &error));
    files_expect_error(&error, "/nowhere/at/all: no such file");
    g_autofree char *empty = g_strconcat(dir, "-empty/", NULL);
    g_assert_cmpint(g_mkdir(empty, 0777), ==, 0);
    g_assert_true(quant_convert(dir, empty, NN_I8, &error));
    g_assert_true(is_there(empty, "model.safetensors"));
    files_remove(g_steal_pointer(&empty));
    files_remove(dir);
}

static void a_link_stays_and_the_model_is_where_it_points(void) {
    float matrix[N * K];
    char *dir = make_model(matrix), *outside = files_dir();
    g_autofree char *link = g_build_filename(outside, "link", NULL);
    g_autofree char *target = g_build_filename(outside, "model", NULL);
    GError *error = NULL;
    g_assert_cmpint(symlink("model/", link), ==, 0);
    g_assert_true(quant_convert(dir, link, NN_I8, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_assert_true(is_there(target, "model.safetensors"));
    files_remove(outside);
    files_remove(dir);
}

static void types_are_known_by_name(void) {
    NnType type;
    g_assert_true(quant_type_parse("int8", &type));
    g_assert_cmpint(type, ==, NN_I8);
    g_assert_false(quant_type_parse("fp8", &type));
}

#define TEST(name) g_test_add_func("/quant/" #name, name)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST(each_type_keeps_what_it_can);
    TEST(converting_again_loses_nothing_more);
    TEST(companions_come_along);
    TEST(what_fails_leaves_nothing);
    TEST(what_is_there_is_not_overwritten);
    TEST(a_link_stays_and_the_model_is_where_it_points);
    TEST(types_are_known_by_name);
    return g_test_run();
}
