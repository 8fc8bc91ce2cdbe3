/* Whole files: mapped read-only, and written so that they appear whole or not at all. Regular files
 * only; a FIFO or a directory is an error, never a wait. Errors are "PATH: what is wrong".
 *
 * Owner: the caller. A mapping is private; its size is the file's at the time of opening. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define FILE_MAX_LINKS 40 /* in a row, as the kernel has it */

GMappedFile *file_map(const char *path, GError **error);

/* The same for a file that is to be small: more than `most` bytes are ERR_LIMIT. */
GBytes *file_bytes(const char *path, size_t most, GError **error);

/* The file that `path` stands for when symbolic links are followed, be it there or not: what is
 * renamed to `path` would replace the link. ERR_IO when links go round in circles. Caller frees. */
char *file_target(const char *path, GError **error);

/* Calls `write` on a new file beside the target of `path`, syncs it, and gives it its name. */
typedef bool (*FileWrite)(int fd, const char *path, void *user, GError **error);
bool file_replace(const char *path, FileWrite write, void *user, GError **error);

bool file_replace_bytes(const char *path, const void *data, size_t bytes, GError **error);

/* The same for a file that the user names: a device or a pipe is written as it is. */
bool file_output(const char *path, FileWrite write, void *user, GError **error);
bool file_output_bytes(const char *path, const void *data, size_t bytes, GError **error);

/* For FileWrite: all of `bytes`, or an error that names `path`. */
bool file_put(int fd, const char *path, const void *data, size_t bytes, GError **error);

/* Makes a rename inside `dir` last. */
bool file_sync_dir(const char *dir, GError **error);
