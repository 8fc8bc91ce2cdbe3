/* Lists of lines and of words. */
#include "inputs.h"

#include "error.h"

#include <errno.h>
#include <string.h>

/* Reads to the end, at most INPUT_MAX_LIST bytes. */
static bool read_all(FILE *in, const char *path, GString *text, GError **error) {
    char block[65536];
    for (gsize got; (got = fread(block, 1, sizeof block, in)) > 0;) {
        if (text->len + got > INPUT_MAX_LIST)
            return error_fail(error, ERR_LIMIT, "%s: a list of more than 256 MB", path);
        g_string_append_len(text, block, (gssize)got);
    }
    return !ferror(in) || error_fail_errno(error, path, errno);
}

static char **lines_of(const char *text) {
    if (g_str_has_prefix(text, "\xEF\xBB\xBF")) text += 3;
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    for (char **line = all; *line; line++) {
        gsize len = strlen(*line);
        if (len && (*line)[len - 1] == '\r') (*line)[len - 1] = 0;
        if (**line) g_strv_builder_add(kept, *line);
    }
    return g_strv_builder_end(kept);
}

char **input_lines(const char *path, GError **error) {
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "rb");
    if (!in) {
        error_fail_errno(error, path, errno);
        return NULL;
    }
    GString *text = g_string_new(NULL);
    bool read = read_all(in, path, text, error);
    if (!is_stdin) fclose(in);
    if (read && memchr(text->str, 0, text->len))
        read = error_fail(error, ERR_FORMAT, "%s: not a text file (it holds a NUL)", path);
    char **lines = read ? lines_of(text->str) : NULL;
    g_string_free(text, TRUE);
    return lines;
}

char **input_split_commas(const char *text) {
    char **parts = g_strsplit(text, ",", -1);
    for (char **part = parts; *part; part++) g_strstrip(*part);
    return parts;
}
