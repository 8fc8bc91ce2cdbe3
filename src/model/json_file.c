/* Reading JSON objects. See json_file.h. */
#include "json_file.h"

#include "error.h"
#include "file.h"

/* What is wrong; a number too large for JSON's reader by the key that stands before it. */
static bool fault(const char *path, const char *text, size_t bytes, const json_error_t *why,
                  GError **error) {
    if (bytes == 0 || json_error_code(why) != json_error_numeric_overflow)
        return error_fail(error, ERR_FORMAT, "%s: not valid JSON: line %d: %s", path,
                          MAX(why->line, 1), why->text);
    size_t at = MIN((size_t)MAX(why->position, 0), bytes - 1);
    while (at > 0 && text[at] != ':') at--;
    while (at > 0 && text[at] != '"') at--;
    size_t end = at;
    while (at > 0 && text[at - 1] != '"') at--;
    return error_fail(error, ERR_FORMAT, "%s: %.*s: line %d: %s", path, (int)MIN(end - at, 100),
                      text + at, why->line, why->text);
}

json_t *json_file_parse(const char *path, const char *text, size_t bytes, GError **error) {
    json_error_t why;
    json_t *root = json_loadb(bytes ? text : "", bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        fault(path, text, bytes, &why, error);
        return NULL;
    }
    if (json_is_object(root)) return root;
    json_decref(root);
    error_fail(error, ERR_FORMAT, "%s: not a JSON object", path);
    return NULL;
}

json_t *json_file_read(const char *path, GError **error) {
    g_autoptr(GBytes) text = file_bytes(path, JSON_FILE_MAX, error);
    if (!text) return NULL;
    gsize bytes;
    const char *data = g_bytes_get_data(text, &bytes);
    return json_file_parse(path, data, bytes, error);
}
