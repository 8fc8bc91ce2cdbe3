/* Every tiny model of tests/ref/models and tests/ref/pann against what the reference computed with
 * the same weights and inputs, stage by stage (tools/make_refs.py and tools/pann_twin.py made
 * them). */
#include "files.h"
#include "quant.h"
#include "verify.h"

#include <string.h>

/* `name` is "models/NAME" or "pann/NAME". */
static char *model_dir(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", name, NULL);
}

static void each_stage_is_what_the_reference_computed(const void *name) {
    g_autofree char *dir = model_dir(name);
    g_autofree char *recording = g_build_filename(dir, "reference.safetensors", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Clap) clap = clap_open(dir, &error);
    g_assert_no_error(error);
    VerifyResult *stages = NULL;
    int count = 0;
    verify_run(clap, recording, &stages, &count, &error);
    g_assert_no_error(error);
    double most = 0;
    for (int i = 0; i < count; i++) most = MAX(most, stages[i].error);
    g_test_message("%s: %d stages, largest difference %.2g of the scale", (const char *)name, count,
                   most);
    const VerifyResult *bad = verify_first_bad(stages, count);
    if (bad) {
        g_autofree char *line = verify_line(bad);
        g_test_fail_printf("%s: first divergence: %s", (const char *)name, line);
    }
    verify_free(stages, count);
}

/* Least cosine of final vectors after converting a tiny model. They are the harder for it: few
 * dimensions, and projections that magnify what differs between inputs (mean cosine between
 * different inputs 0.4). Measured: 0.9983, 0.9736. */
static const struct {
    NnType type;
    const char *name;
    double cosine;
} narrow[] = {{NN_BF16, "bf16", 0.997}, {NN_I8, "int8", 0.965}};

static void check_final_vectors(const char *dir, const char *recording, const char *type,
                                double least) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Clap) clap = clap_open(dir, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(clap_type_name(clap), ==, type);
    VerifyResult *stages = NULL;
    int count = 0, vectors = 0;
    g_assert_true(verify_run(clap, recording, &stages, &count, &error));
    for (int i = 0; i < count; i++) {
        if (!strstr(stages[i].stage, ".embedding#")) continue;
        vectors++;
        if (stages[i].cosine < least)
            g_test_fail_printf("%s: %s: cosine %.6f", type, stages[i].stage, stages[i].cosine);
    }
    g_assert_cmpint(vectors, >=, 5);
    verify_free(stages, count);
}

static void narrow_weights_give_nearly_the_same_vectors(const void *name) {
    g_autofree char *dir = model_dir(name);
    g_autofree char *recording = g_build_filename(dir, "reference.safetensors", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(narrow); i++) {
        char *out = files_dir();
        g_autoptr(GError) error = NULL;
        quant_convert(dir, out, narrow[i].type, &error);
        g_assert_no_error(error);
        check_final_vectors(out, recording, narrow[i].name, narrow[i].cosine);
        files_remove(out);
    }
}

/* Two tests a directory. */
static void add_models(const char *family, GPtrArray *names) {
    g_autofree char *models = model_dir(family);
    g_autoptr(GDir) dir = g_dir_open(models, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(models, entry, NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) continue;
        char *name = g_strconcat(family, "/", entry, NULL);
        g_ptr_array_add(names, name);
        g_autofree char *test = g_strconcat("/parity/", name, NULL);
        g_test_add_data_func(test, name, each_stage_is_what_the_reference_computed);
        g_autofree char *other = g_strconcat("/parity/narrow/", name, NULL);
        g_test_add_data_func(other, name, narrow_weights_give_nearly_the_same_vectors);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    add_models("models", names);
    add_models("pann", names);
    g_assert_cmpuint(names->len, >=, 11);
    return g_test_run();
}
