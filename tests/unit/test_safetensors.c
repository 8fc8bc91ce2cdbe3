/* The safetensors reader and writer: what is written comes back, and every malformed file ends in
 * one line that names the file and the tensor. */
#include "files.h"
#include "safetensors.h"

#include <stdint.h>

/* A file of a header and `bytes` of data; `length` < 0: the header's own. */
static void put_raw(const char *dir, const char *name, const char *header, int64_t length,
                    size_t bytes) {
    g_autoptr(GByteArray) file = g_byte_array_new();
    uint64_t says = GUINT64_TO_LE(length < 0 ? strlen(header) : (uint64_t)length);
    g_byte_array_append(file, (const guint8 *)&says, sizeof says);
    g_byte_array_append(file, (const guint8 *)header, strlen(header));
    for (size_t i = 0; i < bytes; i++) g_byte_array_append(file, (const guint8[]){i}, 1);
    files_put(dir, name, file->data, file->len);
}

static void expect_refusal(const char *header, int64_t length, size_t bytes, const char *pattern) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "m.safetensors", NULL);
    GError *error = NULL;
    put_raw(dir, "m.safetensors", header, length, bytes);
    g_assert_null(safetensors_open(path, &error));
    files_expect_error(&error, pattern);
    files_remove(dir);
}

static const char *const metadata[] = {"made_by", "a test", NULL};

static void what_is_written_comes_back(void) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "m.safetensors", NULL);
    GError *error = NULL;
    const int8_t bytes[3] = {1, -2, 3};
    const float wide[16] = {[0] = 0.5f, [15] = -7}, scalar = 2;
    const Tensor tensors[] = {{"odd", ST_I8, 1, {3}, bytes, 3},
                              {"wide", ST_F32, 2, {4, 4}, wide, 64},
                              {"none", ST_F16, 2, {0, 5}, "", 0},
                              {"scalar", ST_F32, 0, {0}, &scalar, 4}};
    g_assert_true(safetensors_write(path, tensors, 4, metadata, &error));
    g_autoptr(Safetensors) st = safetensors_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(st), ==, 4);
    for (int i = 0; i < 4; i++) {
        const Tensor *tensor = safetensors_find(st, tensors[i].name);
        g_assert_nonnull(tensor);
        g_assert_cmpint(tensor->type, ==, tensors[i].type);
        g_assert_cmpint(tensor->rank, ==, tensors[i].rank);
        g_assert_cmpmem(tensor->shape, tensor->rank * 8, tensors[i].shape, tensors[i].rank * 8);
        g_assert_cmpmem(tensor->data, tensor->bytes, tensors[i].data, tensors[i].bytes);
        g_assert_cmpuint((uintptr_t)tensor->data % st_type_size(tensor->type), ==, 0);
        g_assert_cmpstr(safetensors_path(st, tensor), ==, path);
    }
    g_assert_cmpuint((uintptr_t)safetensors_find(st, "wide")->data % 64, ==, 0);
    g_assert_cmpstr(safetensors_at(st, 0)->name, ==, "none");
    g_assert_null(safetensors_find(st, "nowhere"));
    g_assert_cmpstr(safetensors_metadata(st, "made_by"), ==, "a test");
    g_assert_null(safetensors_metadata(st, "nothing"));
    files_remove(dir);
}

static void names_that_come_twice_are_not_written(void) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "m.safetensors", NULL);
    const Tensor tensors[] = {{"a", ST_I8, 1, {1}, "x", 1}, {"a", ST_I8, 1, {1}, "y", 1}};
    GError *error = NULL;
    g_assert_false(safetensors_write(path, tensors, 2, NULL, &error));
    files_expect_error(&error, "*m.safetensors: a: comes twice*");
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    files_remove(dir);
}

static void files_that_are_none_are_refused(void) {
    char *dir = files_dir();
    GError *error = NULL;
    g_autofree char *path = g_build_filename(dir, "m.safetensors", NULL);
    g_assert_null(safetensors_open(path, &error));
    files_expect_error(&error, "*/m.safetensors: no such file");
    g_assert_null(safetensors_open(dir, &error));
    files_expect_error(&error, "*: is a directory");
    files_put(dir, "m.safetensors", "", 0);
    g_assert_null(safetensors_open(path, &error));
    files_expect_error(&error, "*: 0 bytes are too few for a safetensors file");
    files_remove(dir);
}

static void broken_headers_are_refused(void) {
    expect_refusal("{}", 1 << 20, 0, "*header of 1048576 bytes is longer than the file");
    expect_refusal("{}", INT64_MAX, 0, "*header of 9223372036854775807 bytes is longer than*");
    expect_refusal("{\"a\":", -1, 0, "*not valid JSON*");
    expect_refusal("", -1, 0, "*not valid JSON*");
    expect_refusal("[]", -1, 0, "*not a JSON object");
    expect_refusal("{\"a\":1,\"a\":1}", -1, 0, "*not valid JSON*duplicate*");
    expect_refusal("{\"a\":1}", -1, 0, "*m.safetensors: a: is not an object");
    expect_refusal("{\"__metadata__\":{\"k\":1}}", -1, 0, "*__metadata__: a value is not a string");
    expect_refusal("{\"__metadata__\":3}", -1, 0, "*__metadata__: is not an object");
}

#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void wrong_types_and_shapes_are_refused(void) {
    expect_refusal(ONE("F8_E4M3", "[4]", "[0,4]"), -1, 4, "*: a: dtype F8_E4M3 is not supported");
    expect_refusal("{\"a\":{}}", -1, 0, "*: a: dtype is not a string");
    expect_refusal(ONE("F32", "4", "[0,4]"), -1, 4, "*: a: shape is not a list");
    expect_refusal(ONE("F32", "[-1]", "[0,4]"), -1, 4, "*: a: shape?0? is negative");
    expect_refusal(ONE("F32", "[1.0]", "[0,4]"), -1, 4, "*: a: shape?0? is not a whole number");
    expect_refusal(ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), -1, 4, "*9 sides, more than 8");
    expect_refusal(ONE("F32", "[4294967296,4294967296]", "[0,4]"), -1, 4, "*larger than any file");
    expect_refusal(ONE("F32", "[9223372036854775808]", "[0,4]"), -1, 4,
                   "*: shape: line 1: too big integer*");
    expect_refusal(ONE("F32", "[1000000000]", "[0,4]"), -1, 4,
                   "*data_offsets span 4 bytes, the shape needs 4000000000");
}

static void wrong_offsets_are_refused(void) {
    expect_refusal(ONE("F32", "[1]", "[-4,0]"), -1, 4, "*: a: data_offsets are negative");
    expect_refusal(ONE("F32", "[1]", "[0,8]"), -1, 4, "*are not within the 4 bytes of data");
    expect_refusal(ONE("F32", "[1]", "[4,0]"), -1, 4, "*are not within*");
    expect_refusal(ONE("F32", "[1]", "[0]"), -1, 4, "*are not two whole numbers");
    expect_refusal(ONE("F32", "[1]", "\"04\""), -1, 4, "*are not two whole numbers");
    expect_refusal(ONE("F32", "[1]", "[4,8]"), -1, 8,
                   "*: a: 4 bytes before it belong to no tensor");
    expect_refusal(ONE("F32", "[1]", "[0,4]"), -1, 9, "*: 5 bytes at its end belong to no tensor");
}

#define AT(name, offsets)                                                                          \
    "\"" name "\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":" offsets "}"

static void overlaps_are_refused(void) {
    expect_refusal("{" AT("a", "[0,4]") "," AT("b", "[2,6]") "}", -1, 6,
                   "*: b: overlaps another tensor");
    expect_refusal("{" AT("a", "[0,4]") "," AT("b", "[0,4]") "}", -1, 4,
                   "*overlaps another tensor");
}

static void too_many_tensors_are_refused(void) {
    GString *header = g_string_new("{");
    for (int i = 0; i <= ST_MAX_TENSORS; i++)
        g_string_append_printf(header,
                               "%s\"t%d\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                               i ? "," : "", i);
    g_string_append(header, "}");
    expect_refusal(header->str, -1, 0, "*m.safetensors: more than 100000 tensors");
    g_string_free(header, TRUE);
}

/* A model in two shards, with this index. */
static char *sharded(const char *index) {
    char *dir = files_dir();
    put_raw(dir, "1.safetensors", "{" AT("a", "[0,4]") "}", -1, 4);
    put_raw(dir, "2.safetensors", "{" AT("b", "[0,4]") "," AT("c", "[4,8]") "}", -1, 8);
    put_raw(dir, "3.safetensors", "{" AT("a", "[0,4]") "}", -1, 4);
    files_put_text(dir, "m.safetensors.index.json", index);
    return dir;
}

static void shards_read_as_one(void) {
    char *dir = sharded("{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\","
                        "\"c\":\"2.safetensors\"}}");
    g_autofree char *path = g_build_filename(dir, "m.safetensors.index.json", NULL);
    GError *error = NULL;
    g_autoptr(Safetensors) st = safetensors_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(st), ==, 3);
    g_assert_cmpmem(safetensors_find(st, "c")->data, 4, "\4\5\6\7", 4);
    g_assert_true(
        g_str_has_suffix(safetensors_path(st, safetensors_find(st, "a")), "/1.safetensors"));
    files_remove(dir);
}

static void expect_bad_index(const char *index, const char *pattern) {
    char *dir = sharded(index);
    g_autofree char *path = g_build_filename(dir, "m.safetensors.index.json", NULL);
    GError *error = NULL;
    g_assert_null(safetensors_open(path, &error));
    files_expect_error(&error, pattern);
    files_remove(dir);
}

static void broken_indices_are_refused(void) {
    expect_bad_index("{}", "*index.json: weight_map: is not an object");
    expect_bad_index("{\"weight_map\":{\"a\":1}}", "*weight_map: a: not the plain name*");
    expect_bad_index("{\"weight_map\":{\"a\":\"../1.safetensors\"}}", "*a: not the plain name*");
    expect_bad_index("{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "*a: not the plain name*");
    expect_bad_index("{\"weight_map\":{\"a\":\"4.safetensors\"}}", "*/4.safetensors: no such file");
    expect_bad_index("{\"weight_map\":{\"z\":\"1.safetensors\"}}", "*z: is not in 1.safetensors");
    expect_bad_index("{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"1.safetensors\","
                     "\"c\":\"2.safetensors\"}}",
                     "*weight_map: b: is not in 1.safetensors");
    expect_bad_index("{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"3.safetensors\"}}",
                     "*.safetensors: a: is in *.safetensors too");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/safetensors/what_is_written_comes_back", what_is_written_comes_back);
    g_test_add_func("/safetensors/names_that_come_twice_are_not_written",
                    names_that_come_twice_are_not_written);
    g_test_add_func("/safetensors/files_that_are_none_are_refused",
                    files_that_are_none_are_refused);
    g_test_add_func("/safetensors/broken_headers_are_refused", broken_headers_are_refused);
    g_test_add_func("/safetensors/wrong_types_and_shapes_are_refused",
                    wrong_types_and_shapes_are_refused);
    g_test_add_func("/safetensors/wrong_offsets_are_refused", wrong_offsets_are_refused);
    g_test_add_func("/safetensors/overlaps_are_refused", overlaps_are_refused);
    g_test_add_func("/safetensors/too_many_tensors_are_refused", too_many_tensors_are_refused);
    g_test_add_func("/safetensors/shards_read_as_one", shards_read_as_one);
    g_test_add_func("/safetensors/broken_indices_are_refused", broken_indices_are_refused);
    return g_test_run();
}
