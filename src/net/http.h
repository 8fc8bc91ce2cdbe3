/* A small face on libcurl: get a document, download a file with resume.
 *
 * Only http and https; redirects (≤ 10) stay within them and never from https to http. TLS is
 * verified. Time-outs: connect 15 s, and a transfer that stays under 1 kB/s for 60 s is ended. 429,
 * 500, 502, 503, 504 and broken connections are tried again (≤ 5 times, waiting 0.5 s doubling, or
 * what Retry-After says up to 60 s). Credentials given for one host never follow a redirect to
 * another.
 *
 * Owner: the caller. Thread: an Http belongs to one thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Http Http;

typedef struct {
    const char *bearer; /* NULL: none; sent as Authorization to the first host alone */
    int retry_wait_ms;  /* first wait; 0: 500 */
    int stall_s;        /* how long a transfer may stay under 1 kB/s; 0: 60 */
} HttpOptions;

Http *http_new(const HttpOptions *options);
void http_free(Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_free)

/* The body of a 200 answer, at most `limit` bytes (more: ERR_LIMIT). 404 → ERR_NOT_FOUND, 401/403 →
 * ERR_DENIED, others → ERR_NET; the message begins with the URL. */
GBytes *http_get(Http *http, const char *url, gsize limit, GError **error);

/* May return false to stop (ERR_CANCELLED). total 0: unknown. */
typedef bool (*HttpProgress)(void *user, uint64_t done, uint64_t total);

/* Downloads to `path`.part and renames when complete; a .part that is there is continued (Range,
 * If-Range with the ETag remembered in `path`.etag; started afresh when the file has changed).
 * `size` 0 or the expected bytes; `sha256` NULL or the expected hash in hex: on mismatch the .part
 * is removed and the error says so. `limit`: most bytes ever written. Disk full: ERR_IO, the part
 * is kept. */
bool http_download(Http *http, const char *url, const char *path, uint64_t size, const char *sha256,
                   uint64_t limit, HttpProgress progress, void *user, GError **error);
