/* Error codes and their one table, and what errno says in our words. */
#include "error.h"

#include <errno.h>
#include <string.h>

#define ELLIPSIS "\xE2\x80\xA6"
#define TAIL     300 /* bytes kept at the end of a message that is cut */

G_DEFINE_QUARK(earshot - error, error)

static const struct {
    const char *name;
    int exit_status, http_status;
} codes[ERR_CODES] = {
    [ERR_USAGE] = {"usage", 2, 400},   [ERR_NOT_FOUND] = {"not_found", 1, 404},
    [ERR_DENIED] = {"denied", 1, 403}, [ERR_IO] = {"io", 1, 500},
    [ERR_FORMAT] = {"format", 1, 415}, [ERR_UNSUPPORTED] = {"unsupported", 1, 415},
    [ERR_LIMIT] = {"limit", 1, 413},   [ERR_CONFLICT] = {"conflict", 1, 409},
    [ERR_NET] = {"net", 1, 502},       [ERR_CANCELLED] = {"cancelled", 130, 503},
};

static int row_of(const GError *error) {
    gboolean ours =
        error && error->domain == EARSHOT_ERROR && error->code >= 0 && error->code < ERR_CODES;
    return ours ? error->code : ERR_IO;
}

/* The end says what is wrong, the beginning with what: what is too long loses its middle. */
static char *shorten(char *text) {
    const size_t len = strlen(text), head = ERROR_MAX_MESSAGE - TAIL - strlen(ELLIPSIS);
    if (len <= ERROR_MAX_MESSAGE) return text;
    const char *cut = g_utf8_find_prev_char(text, text + head + 1);
    const char *tail = g_utf8_find_next_char(text + len - TAIL - 1, NULL);
    char *shorter = g_strdup_printf("%.*s" ELLIPSIS "%s", (int)(cut - text), text, tail);
    g_free(text);
    return shorter;
}

bool error_fail(GError **error, ErrorCode code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *message = shorten(error_printable(text));
    g_set_error_literal(error, EARSHOT_ERROR, code, message);
    return false;
}

static const struct {
    int number;
    ErrorCode code;
    const char *says;
} causes[] = {
    {ENOENT, ERR_NOT_FOUND, "no such file"},
    {ENOTDIR, ERR_NOT_FOUND, "no such file"},
    {EACCES, ERR_DENIED, "permission denied"},
    {EPERM, ERR_DENIED, "permission denied"},
    {EROFS, ERR_DENIED, "the file system is read-only"},
    {EISDIR, ERR_FORMAT, "is a directory"},
    {ENOSPC, ERR_IO, "the disk is full"},
    {EEXIST, ERR_CONFLICT, "is already there"},
    {ENOTEMPTY, ERR_CONFLICT, "is already there and not empty"},
};

bool error_fail_errno(GError **error, const char *path, int number) {
    for (gsize i = 0; i < G_N_ELEMENTS(causes); i++)
        if (causes[i].number == number)
            return error_fail(error, causes[i].code, "%s: %s", path, causes[i].says);
    return error_fail(error, ERR_IO, "%s: %s", path, g_strerror(number));
}

int error_exit_status(const GError *error) {
    return codes[row_of(error)].exit_status;
}

int error_http_status(const GError *error) {
    return codes[row_of(error)].http_status;
}

const char *error_code_name(const GError *error) {
    return codes[row_of(error)].name;
}

char *error_printable(const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_iscntrl(c) ? 0xFFFD : c);
    }
    return g_string_free(out, FALSE);
}
