/* Error codes and their one table. */
#include "error.h"

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

bool error_fail(GError **error, ErrorCode code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(EARSHOT_ERROR, code, format, args));
    va_end(args);
    return false;
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
