/* Files as the model needs them: read-only memory, small JSON values, and files that appear whole
 * or not at all. Regular files only; a FIFO or a directory is an error, never a wait.
 *
 * Owner: the caller. A mapping is private; its size is the file's at the time of opening. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#define FILE_MAX_JSON (16 << 20) /* bytes: config.json, preprocessor_config.json, a shard index */

/* Sets "PATH: what errno says", with the code that fits. */
void file_error(GError **error, const char *path, int err);

GMappedFile *file_map(const char *path, GError **error);

/* At most FILE_MAX_JSON bytes, as text and as a JSON object. In the object, keys that come twice
 * are an error. `json_parse` takes `bytes` of text that came from `path`. */
GBytes *file_text(const char *path, GError **error);
json_t *file_json(const char *path, GError **error);
json_t *json_parse(const char *path, const char *text, size_t bytes, GError **error);

/* Calls `write` on a new file beside `path`, syncs it, and gives it its name. */
typedef bool (*FileWrite)(int fd, const char *path, void *user, GError **error);
bool file_replace(const char *path, FileWrite write, void *user, GError **error);

/* For FileWrite: all of `bytes`, or an error that names `path`. */
bool file_put(int fd, const char *path, const void *data, size_t bytes, GError **error);

/* Makes a rename inside `dir` last. */
bool file_sync_dir(const char *dir, GError **error);
