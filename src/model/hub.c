/* Names of models, and the folders they stand for. Pulling is in hub_pull.c. */
#include "hub.h"

#include "error.h"
#include "hub_answer.h"
#include "json_file.h"

#include <string.h>

#define PARTIAL ".partial"

/* Parameters: of reference models built from the published configurations. Licences: as their model
 * cards state. */
static const HubModel known[] = {
    {"laion/clap-htsat-unfused", 153492890, 512, "apache-2.0", "sounds of all kinds; small", ""},
    {"laion/clap-htsat-fused", 153507530, 512, "apache-2.0",
     "sounds of all kinds; clips over 10 s as a whole", ""},
    {"laion/larger_clap_general", 193913882, 512, "apache-2.0", "sounds, speech and music", ""},
    {"laion/larger_clap_music_and_speech", 193913882, 512, "apache-2.0", "music and speech", ""},
    {"laion/larger_clap_music", 193913882, 512, "apache-2.0", "music, by example",
     "text tower broken as published: all texts are nearly equal"},
};

const HubModel *hub_known(int *count) {
    *count = G_N_ELEMENTS(known);
    return known;
}

static bool is_repo_part(const char *part) {
    return hub_plain_name(part) && strlen(part) <= HUB_MAX_NAME && !strstr(part, "--") &&
           !strstr(part, "..") && !g_str_has_suffix(part, PARTIAL);
}

static bool is_repo(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "/", 3);
    return g_strv_length(parts) == 2 && is_repo_part(parts[0]) && is_repo_part(parts[1]);
}

char *hub_repo(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(strchr(known[i].repo, '/') + 1, name) == 0) return g_strdup(known[i].repo);
    return is_repo(name) ? g_strdup(name) : NULL;
}

char *hub_dir(const char *models_dir, const char *repo) {
    g_auto(GStrv) parts = g_strsplit(repo, "/", 2);
    g_autofree char *name = g_strjoinv("--", parts);
    return g_build_filename(models_dir, name, NULL);
}

/* The reverse of hub_dir: "OWNER--NAME" → "OWNER/NAME"; other names stay. */
static char *installed_name(const char *folder) {
    g_auto(GStrv) parts = g_strsplit(folder, "--", 2);
    g_autofree char *repo = g_strjoinv("/", parts);
    return g_strdup(is_repo(repo) ? repo : folder);
}

static bool is_model(const char *dir) {
    g_autofree char *config = g_build_filename(dir, "config.json", NULL);
    return g_file_test(config, G_FILE_TEST_IS_REGULAR);
}

static bool is_model_name(const char *folder) {
    return hub_plain_name(folder) && !g_str_has_suffix(folder, PARTIAL);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **hub_installed(const char *models_dir) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GDir) dir = g_dir_open(models_dir, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(models_dir, name, NULL);
        if (is_model_name(name) && is_model(path)) g_ptr_array_add(names, installed_name(name));
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void not_found(const char *name, const char *repo, GError **error) {
    if (g_file_test(name, G_FILE_TEST_IS_DIR))
        error_fail(error, ERR_NOT_FOUND, "%s: holds no model (no config.json)", name);
    else if (repo)
        error_fail(error, ERR_NOT_FOUND,
                   "%s: not on this machine; get it with: earshot model pull %s", name, name);
    else
        error_fail(error, ERR_NOT_FOUND,
                   "%s: no such folder or model; those known: earshot model list", name);
}

char *hub_find(const char *models_dir, const char *name, GError **error) {
    if (is_model(name)) return g_strdup(name);
    g_autofree char *repo = hub_repo(name);
    g_autofree char *dir = repo                  ? hub_dir(models_dir, repo)
                           : is_model_name(name) ? g_build_filename(models_dir, name, NULL)
                                                 : NULL;
    if (dir && is_model(dir)) return g_steal_pointer(&dir);
    char *builtin = strcmp(name, HUB_BUILTIN) == 0 ? hub_builtin_dir() : NULL;
    if (builtin) return builtin;
    not_found(name, repo, error);
    return NULL;
}

bool hub_source_read(const char *dir, HubSource *source, GError **error) {
    *source = (HubSource){0};
    g_autofree char *path = g_build_filename(dir, "source.json", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) return false;
    json_auto_t *root = json_file_read(path, error);
    if (!root) return false;
    const char *repo = json_string_value(json_object_get(root, "repo"));
    const char *revision = json_string_value(json_object_get(root, "revision"));
    if (!repo || !revision)
        return error_fail(error, ERR_FORMAT, "%s: names no repo and revision", path);
    source->repo = error_printable(repo);
    source->revision = error_printable(revision);
    return true;
}

void hub_source_clear(HubSource *source) {
    g_clear_pointer(&source->repo, g_free);
    g_clear_pointer(&source->revision, g_free);
}
