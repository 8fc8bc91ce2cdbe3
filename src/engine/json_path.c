/* Paths and vectors in JSON. */
#include "json_path.h"

#include <glib.h>
#include <string.h>

void json_set_path(json_t *object, const char *path) {
    g_autofree char *valid = g_utf8_make_valid(path, -1);
    json_object_set_new(object, "path", json_string(valid));
    if (strcmp(valid, path) == 0) return;
    g_autofree char *bytes = g_base64_encode((const guchar *)path, strlen(path));
    json_object_set_new(object, "path_base64", json_string(bytes));
}

json_t *json_floats(const float *values, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(array, json_real((double)values[i]));
    return array;
}
