/* A file's path in a JSON document. JSON is UTF-8 and paths are bytes: one that is not UTF-8 is
 * written with U+FFFD, and a second member holds its bytes in base64. */
#pragma once
#include <jansson.h>

/* Sets object["path"], and object["path_base64"] when needed. */
void json_set_path(json_t *object, const char *path);

/* An array of single-precision numbers; written with JSON_FLOATS they read back to the same floats.
 */
json_t *json_floats(const float *values, int count);
#define JSON_FLOATS (JSON_REAL_PRECISION(9) | JSON_COMPACT)
