/* Opening, mapping and replacing files, with one-line errors. */
#include "file.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool check_regular(int fd, const char *path, GError **error) {
    struct stat st;
    if (fstat(fd, &st) != 0) return error_fail_errno(error, path, errno);
    if (S_ISREG(st.st_mode)) return true;
    return error_fail(error, ERR_FORMAT, "%s: is %s", path,
                      S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
}

GMappedFile *file_map(const char *path, GError **error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_fail_errno(error, path, errno);
        return NULL;
    }
    GMappedFile *map = NULL;
    if (check_regular(fd, path, error)) {
        map = g_mapped_file_new_from_fd(fd, FALSE, NULL);
        if (!map) error_fail_errno(error, path, errno);
    }
    close(fd);
    return map;
}

GBytes *file_bytes(const char *path, size_t most, GError **error) {
    GMappedFile *map = file_map(path, error);
    if (!map) return NULL;
    size_t size = g_mapped_file_get_length(map);
    GBytes *bytes = size <= most ? g_mapped_file_get_bytes(map) : NULL;
    if (!bytes)
        error_fail(error, ERR_LIMIT, "%s: %zu bytes are more than the limit of %zu", path, size,
                   most);
    g_mapped_file_unref(map);
    return bytes;
}

bool file_put(int fd, const char *path, const void *data, size_t bytes, GError **error) {
    const char *at = data;
    while (bytes > 0) {
        ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return error_fail_errno(error, path, errno);
        at += put;
        bytes -= put;
    }
    return true;
}

bool file_sync_dir(const char *dir, GError **error) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (!done) error_fail_errno(error, dir, errno);
    if (fd >= 0) close(fd);
    return done;
}

static bool write_and_sync(int fd, const char *path, FileWrite write, void *user, GError **error) {
    bool done = write(fd, path, user, error);
    if (done && fsync(fd) != 0) done = error_fail_errno(error, path, errno);
    if (close(fd) != 0 && done) done = error_fail_errno(error, path, errno);
    return done;
}

char *file_target(const char *path, GError **error) {
    g_autofree char *at = g_strdup(path);
    for (int links = 0; links <= FILE_MAX_LINKS; links++) {
        g_autofree char *to = g_file_read_link(at, NULL);
        if (!to) return g_steal_pointer(&at);
        g_autofree char *dir = g_path_get_dirname(at);
        g_free(at);
        at = g_path_is_absolute(to) ? g_steal_pointer(&to) : g_build_filename(dir, to, NULL);
    }
    error_fail_errno(error, path, ELOOP);
    return NULL;
}

bool file_replace(const char *path, FileWrite write, void *user, GError **error) {
    g_autofree char *target = file_target(path, error);
    if (!target) return false;
    g_autofree char *beside = g_strconcat(target, ".XXXXXX", NULL);
    g_autofree char *dir = g_path_get_dirname(target);
    int fd = g_mkstemp_full(beside, O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) return error_fail_errno(error, path, errno);
    bool done = write_and_sync(fd, path, write, user, error);
    if (done && g_rename(beside, target) != 0) done = error_fail_errno(error, path, errno);
    if (!done) g_unlink(beside);
    return done && file_sync_dir(dir, error);
}

bool file_output(const char *path, FileWrite write, void *user, GError **error) {
    bool special =
        g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR);
    if (!special) return file_replace(path, write, user, error);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return error_fail_errno(error, path, errno);
    bool done = write(fd, path, user, error);
    return (close(fd) == 0 || !done || error_fail_errno(error, path, errno)) && done;
}

typedef struct {
    const void *data;
    size_t bytes;
} Bytes;

static bool put_bytes(int fd, const char *path, void *user, GError **error) {
    const Bytes *all = user;
    return file_put(fd, path, all->data, all->bytes, error);
}

bool file_replace_bytes(const char *path, const void *data, size_t bytes, GError **error) {
    return file_replace(path, put_bytes, &(Bytes){data, bytes}, error);
}

bool file_output_bytes(const char *path, const void *data, size_t bytes, GError **error) {
    return file_output(path, put_bytes, &(Bytes){data, bytes}, error);
}
