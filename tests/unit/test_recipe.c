/* Knobs: what a file sets is set, the rest stays, and what is no knob is refused. */
#include "files.h"
#include "recipe.h"

static bool read_text(const char *text, Recipe *recipe, GError **error) {
    char *dir = files_dir();
    files_put_text(dir, "r.json", text);
    g_autofree char *path = g_build_filename(dir, "r.json", NULL);
    recipe_standard(recipe);
    bool good = recipe_read(path, recipe, error);
    files_remove(dir);
    return good;
}

static void a_file_sets_what_it_names(void) {
    Recipe standard, recipe;
    GError *error = NULL;
    recipe_standard(&standard);
    g_assert_true(read_text("{\"mix\": 0.25, \"ema\": 0}", &recipe, &error));
    g_assert_cmpfloat(recipe.mix, ==, 0.25);
    g_assert_cmpfloat(recipe.ema, ==, 0);
    g_assert_cmpfloat(recipe.noise, ==, standard.noise);
    g_autofree char *a = recipe_text(&standard), *b = recipe_text(&recipe);
    g_assert_cmpstr(a, !=, b);
}

static void what_is_no_knob_is_refused(void) {
    static const char *const faults[][2] = {{"{\"mixx\": 1}", "*mixx: there is no such knob"},
                                            {"{\"mix\": \"1\"}", "*mix: is not a number"},
                                            {"{\"mix\": -1}", "*mix: -1 is out of range*"},
                                            {"[]", "*"}};
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        Recipe recipe;
        GError *error = NULL;
        g_assert_false(read_text(faults[i][0], &recipe, &error));
        files_expect_error(&error, faults[i][1]);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recipe/a_file_sets_what_it_names", a_file_sets_what_it_names);
    g_test_add_func("/recipe/what_is_no_knob_is_refused", what_is_no_knob_is_refused);
    return g_test_run();
}
