/* A file by HTTP, continued where an earlier attempt, call or process left it.
 *
 * The bytes so far lie in PATH.part, the ETag they belong to in PATH.etag. They are continued only
 * when something vouches for the seam: the ETag (If-Range: the server sends the whole file when it
 * has changed) or the expected hash, which covers the earlier bytes, too. Otherwise the file is
 * fetched from its beginning. */
#include "http.h"

#include "error.h"
#include "http_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ETAG 256
#define CHUNK    65536

typedef struct {
    const char *url, *path, *sha256;
    uint64_t size, limit;
    HttpProgress progress;
    void *user;
    char *part, *etag_path;
    int fd;
    GChecksum *sum; /* over the part's bytes; NULL when no hash is wanted */
    uint64_t done;  /* bytes in the part; where the next are written */
    uint64_t total; /* as the server says; 0: unknown */
    char *etag;     /* of the part's bytes, strong; "" unknown */
    char range[24];
    bool begun; /* the answer in hand has been looked at */
} Download;

/* Only a strong ETag may stand in If-Range (RFC 9110, 13.1.5). */
static bool etag_usable(const char *etag) {
    size_t len = etag ? strlen(etag) : 0;
    if (len < 2 || len > MAX_ETAG || etag[0] != '"' || etag[len - 1] != '"') return false;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isprint(etag[i])) return false;
    return true;
}

static char *etag_read(const char *path) {
    char text[MAX_ETAG + 1] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, MAX_ETAG);
    if (fd >= 0) close(fd);
    text[MAX(len, 0)] = 0;
    return g_strdup(etag_usable(text) ? text : "");
}

static bool resumable(const Download *d) {
    return d->done > 0 && (*d->etag || d->sha256);
}

/* Throws away what is there, the ETag first, so that no crash leaves it beside other bytes. */
static bool start_afresh(Download *d, GError **error) {
    unlink(d->etag_path);
    if (ftruncate(d->fd, 0) < 0 || lseek(d->fd, 0, SEEK_SET) < 0)
        return error_fail_errno(error, d->part, errno);
    if (d->sum) g_checksum_reset(d->sum);
    d->done = 0;
    g_free(d->etag);
    d->etag = g_strdup("");
    return true;
}

static bool remember_etag(Download *d, const char *etag, GError **error) {
    if (!etag_usable(etag)) return true;
    g_autoptr(GError) fault = NULL;
    if (!g_file_set_contents(d->etag_path, etag, -1, &fault))
        return error_fail(error, ERR_IO, "%s", fault->message);
    g_free(d->etag);
    d->etag = g_strdup(etag);
    return true;
}

/* A file that can never become the right one: gone, and the next call begins anew. */
static void discard(Download *d) {
    unlink(d->etag_path);
    unlink(d->part);
}

static bool check_total(Download *d, uint64_t total, GError **error) {
    if (d->size && total != d->size)
        http_error(error, ERR_FORMAT, d->url,
                   "the server has %" G_GUINT64_FORMAT " bytes where %" G_GUINT64_FORMAT
                   " are expected",
                   total, d->size);
    else if (total > d->limit)
        http_error(error, ERR_LIMIT, d->url,
                   "%" G_GUINT64_FORMAT " bytes, more than the limit of %" G_GUINT64_FORMAT, total,
                   d->limit);
    else
        return true;
    return false;
}

/* "bytes 100-999/1000" begins at 100. */
static bool range_begins_at(const char *range, uint64_t first) {
    guint64 begin;
    g_autofree char *digits = NULL;
    if (!range || !g_str_has_prefix(range, "bytes ")) return false;
    digits = g_strndup(range + 6, strspn(range + 6, "0123456789"));
    return range[6 + strlen(digits)] == '-' &&
           g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &begin, NULL) && begin == first;
}

/* Looks at the answer before its first byte is taken: the rest of the part, or all of it anew? */
static bool begin(Download *d, Http *http, GError **error) {
    bool rest = http_status(http) == 206;
    int64_t length = http_content_length(http);
    if (rest && !(d->range[0] && range_begins_at(http_header(http, "Content-Range"), d->done)))
        return http_error(error, ERR_NET, d->url,
                          "the server sends another range than was asked for");
    const char *etag = http_header(http, "ETag");
    if (rest && *d->etag && etag && strcmp(etag, d->etag) != 0) {
        http_error(error, ERR_NET, d->url, "the file changed under the download, which is removed");
        discard(d);
        return false;
    }
    d->total = length < 0 ? 0 : (uint64_t)length + (rest ? d->done : 0);
    if (length >= 0 && !check_total(d, d->total, error)) return false;
    d->begun = true;
    if (rest) return true;
    return start_afresh(d, error) && remember_etag(d, etag, error);
}

static bool write_all(Download *d, const char *data, size_t len, GError **error) {
    while (len > 0) {
        ssize_t wrote = write(d->fd, data, len);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return error_fail_errno(error, d->part, errno);
        if (d->sum) g_checksum_update(d->sum, (const guchar *)data, wrote);
        d->done += (uint64_t)wrote;
        data += wrote;
        len -= (size_t)wrote;
    }
    return true;
}

static bool download_take(void *user, Http *http, const char *data, size_t len, GError **error) {
    Download *d = user;
    if (!d->begun && !begin(d, http, error)) return false;
    uint64_t most = d->size ? MIN(d->size, d->limit) : d->limit;
    if (len > most - d->done) {
        http_error(error, d->size ? ERR_FORMAT : ERR_LIMIT, d->url,
                   "more than %" G_GUINT64_FORMAT " bytes; the download is removed", most);
        discard(d);
        return false;
    }
    return write_all(d, data, len, error);
}

static void download_ask(void *user, const char **range, const char **if_range) {
    Download *d = user;
    d->begun = false;
    d->range[0] = 0;
    if (!resumable(d)) return;
    g_snprintf(d->range, sizeof d->range, "%" G_GUINT64_FORMAT "-", d->done);
    *range = d->range;
    *if_range = d->etag;
}

static bool download_poll(void *user) {
    Download *d = user;
    return !d->progress || d->progress(d->user, d->done, d->size ? d->size : d->total);
}

/* Brings the hash up to the part's end, where the next bytes will be written. */
static bool hash_part(Download *d, GError **error) {
    g_autofree guchar *chunk = g_malloc(CHUNK);
    if (!d->sum) return lseek(d->fd, 0, SEEK_END) >= 0 || error_fail_errno(error, d->part, errno);
    for (ssize_t len; (len = read(d->fd, chunk, CHUNK)) != 0;) {
        if (len < 0) return error_fail_errno(error, d->part, errno);
        g_checksum_update(d->sum, chunk, len);
        if (download_poll(d)) continue;
        return http_error(error, ERR_CANCELLED, d->url, "stopped");
    }
    return true;
}

/* A GChecksum is closed by reading it, so a copy is read. */
static bool hash_matches(const Download *d, char **found) {
    g_autoptr(GChecksum) copy = g_checksum_copy(d->sum);
    *found = g_strdup(g_checksum_get_string(copy));
    return g_ascii_strcasecmp(*found, d->sha256) == 0;
}

static bool is_whole(const Download *d) {
    g_autofree char *found = NULL;
    return d->size && d->done == d->size && d->sha256 && hash_matches(d, &found);
}

static bool open_part(Download *d, GError **error) {
    struct stat st;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (d->fd < 0 || fstat(d->fd, &st) < 0) return error_fail_errno(error, d->part, errno);
    d->etag = etag_read(d->etag_path);
    uint64_t most = d->size ? MIN(d->size, d->limit) : d->limit;
    if ((uint64_t)st.st_size > most) return start_afresh(d, error);
    d->done = (uint64_t)st.st_size;
    if (!hash_part(d, error)) return false;
    bool spoilt = d->size && d->done == d->size && d->sha256 && !is_whole(d);
    return !spoilt || start_afresh(d, error);
}

/* 416: nothing lies behind our last byte. Either the part is all there is, or the file has become
 * shorter. */
static bool part_was_all(const Download *d, Http *http) {
    g_autofree char *all = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, d->done);
    return g_strcmp0(http_header(http, "Content-Range"), all) == 0;
}

static bool fetch(Download *d, Http *http, GError **error) {
    HttpSink sink = {download_ask, download_take, download_poll, d};
    long status = http_run(http, d->url, &sink, error);
    if (status == 416 && d->range[0]) {
        if (part_was_all(d, http)) return true;
        if (!start_afresh(d, error)) return false;
        status = http_run(http, d->url, &sink, error);
    }
    if (status == 0) return false;
    if (status != 200 && status != 206) {
        http_refused(d->url, status, error);
        return false;
    }
    return d->begun || begin(d, http, error); /* an empty body was never taken */
}

static bool check_bytes(Download *d, GError **error) {
    g_autofree char *found = NULL;
    if (d->size && d->done != d->size)
        http_error(error, ERR_FORMAT, d->url,
                   "%" G_GUINT64_FORMAT " bytes where %" G_GUINT64_FORMAT
                   " are expected; the download is removed",
                   d->done, d->size);
    else if (d->sha256 && !hash_matches(d, &found))
        http_error(error, ERR_FORMAT, d->url,
                   "sha256 is %s where %s is expected; the download is removed", found, d->sha256);
    else
        return true;
    discard(d);
    return false;
}

static bool keep(Download *d, GError **error) {
    if (fsync(d->fd) < 0) return error_fail_errno(error, d->part, errno);
    if (rename(d->part, d->path) < 0) return error_fail_errno(error, d->path, errno);
    unlink(d->etag_path);
    return true;
}

bool http_download(Http *http, const char *url, const char *path, uint64_t size, const char *sha256,
                   uint64_t limit, HttpProgress progress, void *user, GError **error) {
    Download d = {.url = url, .path = path, .sha256 = sha256, .size = size, .limit = limit};
    d.progress = progress;
    d.user = user;
    d.part = g_strconcat(path, ".part", NULL);
    d.etag_path = g_strconcat(path, ".etag", NULL);
    d.sum = sha256 ? g_checksum_new(G_CHECKSUM_SHA256) : NULL;
    bool ok = open_part(&d, error) && (is_whole(&d) || fetch(&d, http, error)) &&
              check_bytes(&d, error) && keep(&d, error);
    if (ok && progress) progress(user, d.done, d.done);
    if (d.fd >= 0) close(d.fd);
    g_clear_pointer(&d.sum, g_checksum_free);
    g_free(d.etag);
    g_free(d.etag_path);
    g_free(d.part);
    return ok;
}
