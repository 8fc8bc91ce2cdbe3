/* Small JSON files of a model directory, as objects. Keys that come twice are an error.
 *
 * Owner: the caller of what is returned. Thread: any. */
#pragma once
#include <glib.h>
#include <jansson.h>

#define JSON_FILE_MAX (16 << 20) /* bytes: config.json, preprocessor_config.json, a shard index */

json_t *json_file_read(const char *path, GError **error);

/* `bytes` of text that came from `path`. */
json_t *json_file_parse(const char *path, const char *text, size_t bytes, GError **error);
