/* pytorch_model.bin: what torch.save wrote (tests/ref/torch, made by tools/make_torch_fixtures.py)
 * is read; what could do harm, or is broken, is refused. */
#include "files.h"
#include "torch_bin.h"

static char *fixture(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "torch", name, NULL);
}

/* Values are i / 4 − 1, from `first` on. */
static void expect_ramp(const Safetensors *st, const char *name, int first, int n) {
    const Tensor *tensor = safetensors_find(st, name);
    g_assert_nonnull(tensor);
    g_assert_cmpint(tensor->type, ==, ST_F32);
    g_assert_cmpuint(tensor->bytes, ==, n * sizeof(float));
    for (int i = 0; i < n; i++) {
        float x;
        memcpy(&x, (const char *)tensor->data + i * sizeof x, sizeof x);
        g_assert_cmpfloat(x, ==, (first + i) / 4.0f - 1);
    }
}

static void expect_type(const Safetensors *st, const char *name, StType type, int rank,
                        int64_t first_side) {
    const Tensor *tensor = safetensors_find(st, name);
    g_assert_nonnull(tensor);
    g_assert_cmpint(tensor->type, ==, type);
    g_assert_cmpint(tensor->rank, ==, rank);
    if (rank > 0) g_assert_cmpint(tensor->shape[0], ==, first_side);
}

static void expect_state_dict(const char *name) {
    g_autofree char *path = fixture(name);
    GError *error = NULL;
    g_autoptr(Safetensors) st = torch_bin_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(st), ==, 9);
    expect_ramp(st, "a.weight", 0, 15);
    expect_ramp(st, "a.bias", 0, 3);
    expect_ramp(st, "part", 6, 12);
    expect_ramp(st, "parameter", 0, 4);
    expect_type(st, "a.weight", ST_F32, 2, 3);
    expect_type(st, "half", ST_F16, 2, 2);
    expect_type(st, "brain", ST_BF16, 2, 2);
    expect_type(st, "double", ST_F64, 1, 4);
    expect_type(st, "ids", ST_I64, 1, 5);
    expect_type(st, "scalar", ST_F32, 0, 0);
    g_assert_cmpstr(safetensors_path(st, safetensors_find(st, "ids")), ==, path);
}

static void what_torch_saves_is_read(void) {
    expect_state_dict("plain.bin");
    expect_state_dict("protocol4.bin");
}

static void expect_fixture_refusal(const char *name, const char *pattern) {
    g_autofree char *path = fixture(name);
    GError *error = NULL;
    g_assert_null(torch_bin_open(path, &error));
    files_expect_error(&error, pattern);
}

static void other_layouts_are_refused_with_advice(void) {
    expect_fixture_refusal("transposed.bin", "*.bin: t: is not contiguous; convert*to safetensors");
    expect_fixture_refusal("nested.bin", "*.bin: nested: is not a plain tensor; convert*");
    expect_fixture_refusal("old.bin", "*.bin: not a zip file (PyTorch before 1.6*convert*");
    expect_fixture_refusal("nowhere.bin", "*nowhere.bin: no such file");
}

/* A model in one or more shards, with this index. */
static Safetensors *open_sharded(const char *index, GError **error) {
    char *dir = files_dir();
    const char *const fixtures[] = {"plain.bin", "protocol4.bin"};
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autofree char *from = fixture(fixtures[i]);
        g_autofree char *bytes = NULL;
        gsize len;
        g_assert_true(g_file_get_contents(from, &bytes, &len, NULL));
        files_put(dir, fixtures[i], bytes, len);
    }
    files_put_text(dir, "m.bin.index.json", index);
    g_autofree char *path = g_build_filename(dir, "m.bin.index.json", NULL);
    Safetensors *st = torch_bin_open(path, error);
    files_remove(dir);
    return st;
}

static void shards_are_read_by_their_index(void) {
    GError *error = NULL;
    g_autoptr(Safetensors) st = open_sharded(
        "{\"weight_map\":{\"a.weight\":\"plain.bin\",\"half\":\"plain.bin\"}}", &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(st), ==, 9);
    expect_ramp(st, "a.weight", 0, 15);
    g_assert_true(
        g_str_has_suffix(safetensors_path(st, safetensors_find(st, "half")), "/plain.bin"));
}

static void expect_bad_index(const char *index, const char *pattern) {
    GError *error = NULL;
    g_assert_null(open_sharded(index, &error));
    files_expect_error(&error, pattern);
}

static void broken_indices_are_refused(void) {
    expect_bad_index("{}", "*index.json: weight_map: is not an object");
    expect_bad_index("{\"weight_map\":{\"half\":\"plain.safetensors\"}}",
                     "*: half: not the plain name of a .bin file");
    expect_bad_index("{\"weight_map\":{\"half\":\"../plain.bin\"}}", "*half: not the plain name*");
    expect_bad_index("{\"weight_map\":{\"half\":\"none.bin\"}}", "*/none.bin: no such file");
    expect_bad_index("{\"weight_map\":{\"z\":\"plain.bin\"}}", "*z: is not in plain.bin");
    expect_bad_index("{\"weight_map\":{\"half\":\"plain.bin\",\"ids\":\"protocol4.bin\"}}",
                     "*.bin: *: is in *.bin too");
}

/* A dict with one tensor "t" of two floats: `offset`, `shape` and `strides` are pickle code. */
#define TENSOR(type, key, offset, shape, strides)                                                  \
    "\200\2}X\1\0\0\0tctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\n" type          \
    "\nX\1\0\0\0" key "X\3\0\0\0cpuK\2tQ" offset shape strides "\211}tRs."
#define GOOD TENSOR("FloatStorage", "0", "K\0", "K\2\205", "K\1\205")

static void number(GByteArray *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++, value >>= 8) g_byte_array_append(out, (guint8[]){value}, 1);
}

static void zeros(GByteArray *out, int bytes) {
    number(out, 0, bytes);
}

static void text(GByteArray *out, const char *bytes) {
    g_byte_array_append(out, (const guint8 *)bytes, strlen(bytes));
}

/* A stored entry in `zip`, and its record in `directory`. */
static void add_entry(GByteArray *zip, GByteArray *directory, const char *name, const void *data,
                      size_t bytes) {
    guint at = zip->len;
    text(zip, "PK\3\4");
    zeros(zip, 22);
    number(zip, strlen(name), 2);
    zeros(zip, 2);
    text(zip, name);
    g_byte_array_append(zip, data, bytes);
    text(directory, "PK\1\2");
    zeros(directory, 16);
    number(directory, bytes, 4);
    number(directory, bytes, 4);
    number(directory, strlen(name), 2);
    zeros(directory, 12);
    number(directory, at, 4);
    text(directory, name);
}

static void end_zip(GByteArray *zip, GByteArray *directory, int count) {
    guint at = zip->len;
    g_byte_array_append(zip, directory->data, directory->len);
    text(zip, "PK\5\6");
    zeros(zip, 4);
    number(zip, count, 2);
    number(zip, count, 2);
    number(zip, directory->len, 4);
    number(zip, at, 4);
    zeros(zip, 2);
    g_byte_array_free(directory, TRUE);
}

/* A file with this pickle and eight bytes of storage "0". Caller frees. */
static GByteArray *make_zip(const char *pickle, size_t bytes) {
    GByteArray *zip = g_byte_array_new(), *directory = g_byte_array_new();
    add_entry(zip, directory, "x/data.pkl", pickle, bytes);
    add_entry(zip, directory, "x/data/0", "\0\0\200\77\0\0\0\100", 8);
    end_zip(zip, directory, 2);
    return zip;
}

/* The same with sizes, offset and directory given in zip64 fields, as files over 4 GB have them.
 * `at`: the offset of the entry, `end64`: of the end record; −1: the right one. */
static GByteArray *make_zip64(int64_t at, int64_t end64) {
    GByteArray *zip = g_byte_array_new(), *directory = g_byte_array_new();
    add_entry(zip, directory, "x/data/0", "\0\0\200\77\0\0\0\100", 8);
    guint record = directory->len, entry = zip->len;
    add_entry(zip, directory, "x/data.pkl", GOOD, sizeof GOOD - 1);
    memset(directory->data + record + 20, 0xFF, 8);
    memset(directory->data + record + 42, 0xFF, 4);
    directory->data[record + 30] = 28;
    number(directory, 24 << 16 | 1, 4);
    number(directory, sizeof GOOD - 1, 8);
    number(directory, sizeof GOOD - 1, 8);
    number(directory, at < 0 ? entry : at, 8);
    guint begin = zip->len, bytes = directory->len;
    g_byte_array_append(zip, directory->data, bytes);
    guint end = zip->len;
    text(zip, "PK\6\6");
    zeros(zip, 28);
    number(zip, 2, 8);
    number(zip, bytes, 8);
    number(zip, begin, 8);
    text(zip, "PK\6\7");
    zeros(zip, 4);
    number(zip, end64 < 0 ? end : end64, 8);
    zeros(zip, 4);
    g_byte_array_set_size(directory, 0);
    end_zip(zip, directory, 0);
    return zip;
}

static Safetensors *open_bytes(const GByteArray *zip, GError **error) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "m.bin", NULL);
    files_put(dir, "m.bin", zip->data, zip->len);
    Safetensors *st = torch_bin_open(path, error);
    files_remove(dir);
    return st;
}

static void expect_refusal(const char *pickle, size_t bytes, const char *pattern) {
    GByteArray *zip = make_zip(pickle, bytes);
    GError *error = NULL;
    g_assert_null(open_bytes(zip, &error));
    files_expect_error(&error, pattern);
    g_byte_array_free(zip, TRUE);
}

#define REFUSE(pickle, pattern) expect_refusal(pickle, sizeof(pickle) - 1, pattern)

static void a_hand_made_file_is_read(void) {
    GByteArray *zip = make_zip(GOOD, sizeof GOOD - 1);
    GError *error = NULL;
    g_autoptr(Safetensors) st = open_bytes(zip, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(safetensors_find(st, "t")->data, 8, "\0\0\200\77\0\0\0\100", 8);
    g_byte_array_free(zip, TRUE);
}

static void pickles_that_would_run_something_are_refused(void) {
    char *dir = files_dir();
    g_autofree char *witness = g_build_filename(dir, "witness", NULL);
    g_autofree char *code = g_strdup_printf("cposix\nsystem\n(X%c%c%c%ctouch %stR.",
                                            (int)strlen(witness) + 6, 1, 1, 1, witness);
    expect_refusal(code, strlen(code), "*asks for posix.system, which*convert*to safetensors");
    g_assert_false(g_file_test(witness, G_FILE_TEST_EXISTS));
    files_remove(dir);
    REFUSE("\200\2cos\nsystem\nX\4\0\0\0true\205R.", "*asks for os.system, which*");
    REFUSE("\200\4\214\10builtins\214\4eval\223.", "*asks for builtins.eval, which*");
    REFUSE("\200\2c__main__\nX\n)\201.", "*asks for __main__.X, which*");
    REFUSE("\200\2(X\2\0\0\0lsios\nsystem\n.", "*uses operation 0x69; convert*");
    REFUSE("\200\2\202\1.", "*uses operation 0x82; convert*");
    REFUSE("\200\2ccollections\nOrderedDict\nX\1\0\0\0a\205R.", "*pickle is broken*");
    REFUSE("\200\2ca\33[31m\nb\n.", "*asks for a?[31m.b, which*");
}

static void broken_pickles_are_refused(void) {
    REFUSE("", "*pickle is cut off*");
    REFUSE("\200", "*pickle is cut off*");
    REFUSE("\200\2}", "*pickle is cut off*");
    REFUSE("\200\2.", "*pickle is broken*");
    REFUSE("\200\2(.", "*pickle is broken*");
    REFUSE("\200\2}}.", "*pickle is broken*");
    REFUSE("\200\2s.", "*pickle is broken*");
    REFUSE("\200\2(s.", "*pickle is broken*");
    REFUSE("\200\2u.", "*pickle is broken*");
    REFUSE("\200\2}(K\1u.", "*pickle is broken*");
    REFUSE("\200\2]K\1K\2s.", "*pickle is broken*");
    REFUSE("\200\2t.", "*pickle is broken*");
    REFUSE("\200\2\207.", "*pickle is broken*");
    REFUSE("\200\2h\1.", "*pickle is broken*");
    REFUSE("\200\2q\1.", "*pickle is broken*");
    REFUSE("\200\2(q\1h\1.", "*pickle is broken*");
    REFUSE("\200\2)R.", "*pickle is broken*");
    REFUSE("\200\2K\1)R.", "*pickle is broken*");
    REFUSE("\200\2b.", "*pickle is broken*");
    REFUSE("\200\2\212\20.", "*pickle is broken*");
    REFUSE("\200\2X\377\377\377\377a.", "*pickle is cut off*");
    REFUSE("\200\2X\1\0\0\0\0.", "*pickle is broken*");
    REFUSE("\200\2ctorch", "*pickle is cut off*");
    REFUSE("\200\2K\1.", "*data.pkl: is not a dict*");
}

static void pickles_of_endless_values_are_refused(void) {
    g_autofree char *code = g_malloc(2000000);
    memset(code, ')', 2000000);
    expect_refusal(code, 2000000, "*has more than 1000000 values*");
}

static void dicts_of_other_things_are_refused(void) {
    REFUSE("\200\2}K\1K\2s.", "*a name: is not text*");
    REFUSE("\200\2}X\1\0\0\0tK\2s.", "*: t: is not a plain tensor*");
    REFUSE("\200\2}q\0X\1\0\0\0th\0s.", "*: t: is not a plain tensor*");
    REFUSE("\200\2}X\1\0\0\0tctorch._utils\n_rebuild_tensor_v2\n)Rs.", "*t: is not in a plain*");
    REFUSE("\200\2}X\1\0\0\0tctorch._utils\n_rebuild_parameter\n)Rs.",
           "*t: is not a plain tensor*");
}

static void tensors_that_do_not_fit_their_storage_are_refused(void) {
    REFUSE(TENSOR("FloatStorage", "0", "K\1", "K\2\205", "K\1\205"),
           "*t: reaches beyond its data*");
    REFUSE(TENSOR("FloatStorage", "0", "K\0", "K\3\205", "K\1\205"),
           "*t: reaches beyond its data*");
    REFUSE(TENSOR("LongStorage", "0", "K\0", "K\2\205", "K\1\205"), "*t: reaches beyond its data*");
    REFUSE(TENSOR("FloatStorage", "0", "J\377\377\377\377", "K\2\205", "K\1\205"), "*beyond*");
    REFUSE(TENSOR("FloatStorage", "0", "K\0", "J\377\377\377\377\205", "K\1\205"),
           "*t: its shape is not a possible one*");
    REFUSE(TENSOR("FloatStorage", "0", "K\0", "\212\10\1\1\1\1\1\1\1\100\205", "K\1\205"),
           "*t: its shape is not a possible one*");
    REFUSE(TENSOR("FloatStorage", "0", "K\0", "K\2\205", "K\2\205"), "*t: is not contiguous*");
    REFUSE(TENSOR("FloatStorage", "0", "K\0", "K\2\205", ")"), "*t: is not contiguous*");
    REFUSE(TENSOR("FloatStorage", "7", "K\0", "K\2\205", "K\1\205"), "*t: its data is not in the*");
    REFUSE(TENSOR("ComplexFloatStorage", "0", "K\0", "K\2\205", "K\1\205"),
           "*asks for torch.ComplexFloatStorage*");
}

/* Every cut of a good file is refused in one line, whatever it takes away. */
static void cut_files_are_refused(void) {
    GByteArray *zip = make_zip(GOOD, sizeof GOOD - 1);
    for (guint len = zip->len; len-- > 0;) {
        GByteArray cut = {zip->data, len};
        GError *error = NULL;
        g_assert_null(open_bytes(&cut, &error));
        files_expect_error(&error, "*m.bin: *");
    }
    g_byte_array_free(zip, TRUE);
}

/* Any byte changed: read or refused, never more than that. */
static void changed_bytes_do_no_harm(void) {
    GByteArray *zip = make_zip(GOOD, sizeof GOOD - 1);
    for (guint i = 0; i < zip->len; i++) {
        guint8 was = zip->data[i];
        for (int with = 0; with < 256; with += 51) {
            zip->data[i] = with;
            GError *error = NULL;
            g_autoptr(Safetensors) st = open_bytes(zip, &error);
            g_assert_true((st == NULL) == (error != NULL));
            g_clear_error(&error);
        }
        zip->data[i] = was;
    }
    g_byte_array_free(zip, TRUE);
}

static void zip64_fields_are_understood(void) {
    GByteArray *zip = make_zip64(-1, -1);
    GError *error = NULL;
    g_autoptr(Safetensors) st = open_bytes(zip, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(st), ==, 1);
    g_byte_array_free(zip, TRUE);
    const int64_t wrong[][2] = {{INT64_MAX, -1}, {1, -1}, {-1, INT64_MAX}, {-1, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        zip = make_zip64(wrong[i][0], wrong[i][1]);
        g_assert_null(open_bytes(zip, &error));
        files_expect_error(&error, "*m.bin: broken zip file: * is not where *");
        g_byte_array_free(zip, TRUE);
    }
}

static void compressed_entries_are_refused(void) {
    GByteArray *zip = make_zip(GOOD, sizeof GOOD - 1);
    for (guint i = 0; i + 10 < zip->len; i++)
        if (memcmp(zip->data + i, "PK\1\2", 4) == 0) zip->data[i + 10] = 8;
    GError *error = NULL;
    g_assert_null(open_bytes(zip, &error));
    files_expect_error(&error, "*m.bin: x/data.pkl: is compressed or encrypted; convert*");
    g_byte_array_free(zip, TRUE);
}

#define TEST(name) g_test_add_func("/torch_bin/" #name, name)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST(what_torch_saves_is_read);
    TEST(other_layouts_are_refused_with_advice);
    TEST(shards_are_read_by_their_index);
    TEST(broken_indices_are_refused);
    TEST(a_hand_made_file_is_read);
    TEST(pickles_that_would_run_something_are_refused);
    TEST(broken_pickles_are_refused);
    TEST(pickles_of_endless_values_are_refused);
    TEST(dicts_of_other_things_are_refused);
    TEST(tensors_that_do_not_fit_their_storage_are_refused);
    TEST(cut_files_are_refused);
    TEST(changed_bytes_do_no_harm);
    TEST(zip64_fields_are_understood);
    TEST(compressed_entries_are_refused);
    return g_test_run();
}
