/* Every tiny model of tests/ref/models against what the reference computed with the same weights
 * and inputs, stage by stage (tools/make_refs.py made them). */
#include "verify.h"

#include <string.h>

static char *models_dir(void) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", NULL);
}

static void each_stage_is_what_the_reference_computed(const void *name) {
    g_autofree char *models = models_dir();
    g_autofree char *dir = g_build_filename(models, name, NULL);
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

/* One test a directory; returns how many. */
static int add_models(GPtrArray *names) {
    g_autofree char *models = models_dir();
    g_autoptr(GDir) dir = g_dir_open(models, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(models, name, NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_DIR)) continue;
        g_ptr_array_add(names, g_strdup(name));
        g_autofree char *test = g_strconcat("/parity/", name, NULL);
        g_test_add_data_func(test, names->pdata[names->len - 1],
                             each_stage_is_what_the_reference_computed);
    }
    return (int)names->len;
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_assert_cmpint(add_models(names), >=, 8);
    return g_test_run();
}
