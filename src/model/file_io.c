/* Opening, mapping and replacing files, with one-line errors. */
#include "file_io.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    int err;
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

void file_error(GError **error, const char *path, int err) {
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
        if (causes[i].err == err) {
            g_set_error(error, EARSHOT_ERROR, causes[i].code, "%s: %s", path, causes[i].says);
            return;
        }
    g_set_error(error, EARSHOT_ERROR, ERR_IO, "%s: %s", path, g_strerror(err));
}

static bool check_regular(int fd, const char *path, GError **error) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        file_error(error, path, errno);
        return false;
    }
    if (S_ISREG(st.st_mode)) return true;
    g_set_error(error, EARSHOT_ERROR, ERR_FORMAT, "%s: is %s", path,
                S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
    return false;
}

GMappedFile *file_map(const char *path, GError **error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        file_error(error, path, errno);
        return NULL;
    }
    GMappedFile *map = NULL;
    if (check_regular(fd, path, error)) {
        map = g_mapped_file_new_from_fd(fd, FALSE, NULL);
        if (!map) file_error(error, path, errno);
    }
    close(fd);
    return map;
}

json_t *json_parse(const char *path, const char *text, size_t bytes, GError **error) {
    json_error_t why;
    json_t *root = json_loadb(bytes ? text : "", bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        g_autofree char *says = error_printable(why.text);
        g_set_error(error, EARSHOT_ERROR, ERR_FORMAT, "%s: not valid JSON: line %d: %s", path,
                    MAX(why.line, 1), says);
        return NULL;
    }
    if (json_is_object(root)) return root;
    json_decref(root);
    g_set_error(error, EARSHOT_ERROR, ERR_FORMAT, "%s: not a JSON object", path);
    return NULL;
}

GBytes *file_text(const char *path, GError **error) {
    GMappedFile *map = file_map(path, error);
    if (!map) return NULL;
    size_t bytes = g_mapped_file_get_length(map);
    GBytes *text = bytes <= FILE_MAX_JSON ? g_mapped_file_get_bytes(map) : NULL;
    if (!text)
        g_set_error(error, EARSHOT_ERROR, ERR_LIMIT, "%s: %zu bytes are more than the limit of %d",
                    path, bytes, FILE_MAX_JSON);
    g_mapped_file_unref(map);
    return text;
}

json_t *file_json(const char *path, GError **error) {
    GBytes *text = file_text(path, error);
    if (!text) return NULL;
    gsize bytes;
    const char *data = g_bytes_get_data(text, &bytes);
    json_t *root = json_parse(path, data, bytes, error);
    g_bytes_unref(text);
    return root;
}

bool file_put(int fd, const char *path, const void *data, size_t bytes, GError **error) {
    const char *at = data;
    while (bytes > 0) {
        ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            file_error(error, path, errno);
            return false;
        }
        at += put;
        bytes -= put;
    }
    return true;
}

bool file_sync_dir(const char *dir, GError **error) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (!done) file_error(error, dir, errno);
    if (fd >= 0) close(fd);
    return done;
}

static bool write_and_sync(int fd, const char *path, FileWrite write, void *user, GError **error) {
    bool done = write(fd, path, user, error);
    if (done && fsync(fd) != 0) {
        file_error(error, path, errno);
        done = false;
    }
    if (close(fd) != 0 && done) {
        file_error(error, path, errno);
        done = false;
    }
    return done;
}

bool file_replace(const char *path, FileWrite write, void *user, GError **error) {
    g_autofree char *beside = g_strconcat(path, ".XXXXXX", NULL);
    g_autofree char *dir = g_path_get_dirname(path);
    int fd = g_mkstemp_full(beside, O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) {
        file_error(error, path, errno);
        return false;
    }
    bool done = write_and_sync(fd, path, write, user, error);
    if (done && g_rename(beside, path) != 0) {
        file_error(error, path, errno);
        done = false;
    }
    if (!done) g_unlink(beside);
    return done && file_sync_dir(dir, error);
}
