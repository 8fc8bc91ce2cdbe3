/* Reading JSON objects. See json_file.h. */
#include "json_file.h"

#include "error.h"
#include "file.h"

json_t *json_file_parse(const char *path, const char *text, size_t bytes, GError **error) {
    json_error_t why;
    json_t *root = json_loadb(bytes ? text : "", bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        error_fail(error, ERR_FORMAT, "%s: not valid JSON: line %d: %s", path, MAX(why.line, 1),
                   why.text);
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
