/* Files for tests: a directory that comes and goes, and the rule that an error is one line. */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

/* Caller frees with files_remove. */
static inline char *files_dir(void) {
    GError *error = NULL;
    char *dir = g_dir_make_tmp("earshot-test-XXXXXX", &error);
    g_assert_no_error(error);
    return dir;
}

/* Removes the directory, and directories within it. Frees the name. */
static inline void files_remove(char *dir) {
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    for (const char *name; list && (name = g_dir_read_name(list));) {
        char *path = g_build_filename(dir, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
            files_remove(path);
            continue;
        }
        g_unlink(path);
        g_free(path);
    }
    g_rmdir(dir);
    g_free(dir);
}

static inline void files_put(const char *dir, const char *name, const void *data, size_t bytes) {
    g_autofree char *path = g_build_filename(dir, name, NULL);
    GError *error = NULL;
    g_file_set_contents(path, data, bytes, &error);
    g_assert_no_error(error);
}

static inline void files_put_text(const char *dir, const char *name, const char *text) {
    files_put(dir, name, text, strlen(text));
}

/* There is an error, it is one line, and it matches. Clears it. */
static inline void files_expect_error(GError **error, const char *pattern) {
    g_assert_nonnull(*error);
    if (strchr((*error)->message, '\n') || !g_pattern_match_simple(pattern, (*error)->message))
        g_error("\"%s\" does not match \"%s\"", (*error)->message, pattern);
    g_clear_error(error);
}
