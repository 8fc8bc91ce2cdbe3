/* The model that comes with the program, found from where the program lies. See hub.h. */
#include "hub.h"

static char *model_in(const char *folder, const char *models) {
    g_autofree char *dir = g_build_filename(folder, models, HUB_BUILTIN, NULL);
    g_autofree char *config = g_build_filename(dir, "config.json", NULL);
    if (!g_file_test(config, G_FILE_TEST_IS_REGULAR)) return NULL;
    return g_canonicalize_filename(dir, NULL);
}

char *hub_builtin_dir_of(const char *program) {
    g_autofree char *folder = g_path_get_dirname(program);
    char *dir = model_in(folder, "../share/earshot/models");
    return dir ? dir : model_in(folder, "../models");
}

char *hub_builtin_dir(void) {
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    char *dir = program ? hub_builtin_dir_of(program) : NULL;
    return dir ? dir : model_in(EARSHOT_DATADIR, "models");
}
