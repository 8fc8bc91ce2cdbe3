/* One request with its redirects and retries; http_get and http_download differ only in what they
 * do with the body. Private to `net`.
 *
 * An HttpSink belongs to the caller and hears of every attempt anew; nothing here is kept after
 * http_run returns but the last answer's headers. */
#pragma once
#include "error.h"
#include "http.h"

#include <stddef.h>

#define HTTP_MAX_REDIRECTS 10
#define HTTP_MAX_RETRIES   5
#define HTTP_MAX_WAIT_MS   60000
#define HTTP_MAX_IGNORED   65536 /* bytes read of the body of a redirect or an error */

typedef struct {
    /* Before each attempt: what to ask for. "" for the whole, else "FIRST-" and an ETag or "". May
     * be NULL. */
    void (*ask)(void *user, const char **range, const char **if_range);
    /* Bytes of a 200's or 206's body as they come. False with `error` set ends the request. */
    bool (*take)(void *user, Http *http, const char *data, size_t len, GError **error);
    /* Several times a second; false: ERR_CANCELLED. May be NULL. */
    bool (*poll)(void *user);
    void *user;
} HttpSink;

/* The status of the last answer, whatever it is, its body taken or ignored; 0 with `error` set when
 * there is none to judge. */
long http_run(Http *http, const char *url, const HttpSink *sink, GError **error);

/* Of the answer in hand: the status, a header (NULL: not sent; borrowed until the next request),
 * and Content-Length (−1: not sent). */
long http_status(Http *http);
const char *http_header(Http *http, const char *name);
int64_t http_content_length(Http *http);

/* Sets the error that belongs to a status no caller wants: ERR_NOT_FOUND, ERR_DENIED, ERR_NET. */
void http_refused(const char *url, long status, GError **error);

/* error_fail with "URL: " before the message, as http_url_shown gives it. */
bool http_error(GError **error, ErrorCode code, const char *url, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
