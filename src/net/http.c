/* Requests on libcurl: redirects by our own rules, retries with backoff, and http_get. Files are in
 * http_download.c.
 *
 * Redirects are not left to libcurl, because it would follow http → https → http, and because which
 * host sees the credentials is then one visible line. */
#include "http.h"

#include "error.h"
#include "http_run.h"
#include "http_url.h"

#include <curl/curl.h>
#include <string.h>

#define CONNECT_TIMEOUT_S 15L
#define STALL_BYTES_PER_S 1000L
#define STALL_S           60
#define RETRY_WAIT_MS     500
#define POLL_MS           50

struct Http {
    CURL *curl;
    char *bearer;
    int retry_wait_ms;
    char why[CURL_ERROR_SIZE]; /* libcurl's words on the last failure */
    /* The request under way. */
    const HttpSink *sink;
    GError *fault; /* set by the sink: ends the request, never retried */
    bool cancelled;
    size_t ignored;
};

bool http_error(GError **error, ErrorCode code, const char *url, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *shown = http_url_shown(url);
    return error_fail(error, code, "%s: %s", shown, text);
}

long http_status(Http *http) {
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

const char *http_header(Http *http, const char *name) {
    struct curl_header *header;
    CURLHcode found = curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &header);
    return found == CURLHE_OK ? header->value : NULL;
}

int64_t http_content_length(Http *http) {
    curl_off_t length = -1;
    curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}

static bool is_body(long status) {
    return status == 200 || status == 206;
}

static size_t on_body(char *data, size_t size, size_t count, void *user) {
    Http *http = user;
    size_t len = size * count;
    if (is_body(http_status(http)))
        return http->sink->take(http->sink->user, http, data, len, &http->fault) ? len : 0;
    http->ignored += len;
    return http->ignored > HTTP_MAX_IGNORED ? 0 : len;
}

static bool keep_going(Http *http) {
    if (http->sink->poll && !http->sink->poll(http->sink->user)) http->cancelled = true;
    return !http->cancelled;
}

static int on_tick(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    return keep_going(user) ? 0 : 1;
}

static void set_options(Http *http, int stall_s) {
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "earshot");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
}

Http *http_new(const HttpOptions *options) {
    static gsize ready;
    if (g_once_init_enter(&ready)) {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) g_error("libcurl does not start");
        g_once_init_leave(&ready, 1);
    }
    Http *http = g_new0(Http, 1);
    http->curl = curl_easy_init();
    if (!http->curl) g_error("libcurl gives no handle");
    http->bearer = g_strdup(options->bearer);
    http->retry_wait_ms = options->retry_wait_ms ? options->retry_wait_ms : RETRY_WAIT_MS;
    set_options(http, options->stall_s ? options->stall_s : STALL_S);
    return http;
}

void http_free(Http *http) {
    if (!http) return;
    curl_easy_cleanup(http->curl);
    g_clear_error(&http->fault);
    g_free(http->bearer);
    g_free(http);
}

/* One message out and one answer in, at `url`; `first` is the address the credentials are for. */
static CURLcode send_once(Http *http, const char *first, const char *url) {
    const char *range = "", *if_range = "";
    if (http->sink->ask) http->sink->ask(http->sink->user, &range, &if_range);
    g_autofree char *line = g_strconcat("If-Range: ", if_range, NULL);
    struct curl_slist *headers = *if_range ? curl_slist_append(NULL, line) : NULL;
    bool trusted = http->bearer && http_url_same_origin(first, url);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_RANGE, *range ? range : NULL);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, trusted ? CURLAUTH_BEARER : CURLAUTH_BASIC);
    curl_easy_setopt(http->curl, CURLOPT_XOAUTH2_BEARER, trusted ? http->bearer : NULL);
    http->why[0] = 0;
    http->ignored = 0;
    CURLcode code = curl_easy_perform(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    /* The rest of an overlong error page was left unread: the answer is known all the same. */
    return code == CURLE_WRITE_ERROR && http->ignored > HTTP_MAX_IGNORED ? CURLE_OK : code;
}

/* Follows redirects from `url`. CURLE_OK and the last status in *status, or with `error` set a
 * redirect that is not followed; else what broke. *host is where it ended, for the message. */
static CURLcode follow(Http *http, const char *url, long *status, char **host, GError **error) {
    g_autofree char *at = g_strdup(url);
    for (int hop = 0; hop <= HTTP_MAX_REDIRECTS; hop++) {
        CURLcode code = send_once(http, url, at);
        g_free(*host);
        *host = http_url_host(at);
        *status = http_status(http);
        const char *next = NULL;
        curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &next);
        if (code != CURLE_OK || !next) return code;
        if (!http_url_may_follow(at, next)) {
            g_autofree char *shown = http_url_shown(next);
            http_error(error, ERR_NET, url, "redirects to %s, which is not followed", shown);
            return CURLE_OK;
        }
        g_free(at);
        at = g_strdup(next);
    }
    http_error(error, ERR_NET, url, "more than %d redirects", HTTP_MAX_REDIRECTS);
    return CURLE_OK;
}

static bool worth_another_try(CURLcode code, long status) {
    switch (code) {
    case CURLE_OK:
        return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

/* Waits before the next attempt, in short pieces so that a wish to stop is heard. */
static bool wait_before(Http *http, int attempt) {
    curl_off_t asked_s = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &asked_s);
    gint64 wait_ms = (gint64)http->retry_wait_ms << attempt;
    if (asked_s > 0) wait_ms = MIN(asked_s, HTTP_MAX_WAIT_MS / 1000) * 1000;
    gint64 until = g_get_monotonic_time() + MIN(wait_ms, HTTP_MAX_WAIT_MS) * 1000;
    for (gint64 left; (left = until - g_get_monotonic_time()) > 0;) {
        if (!keep_going(http)) return false;
        g_usleep((gulong)MIN(left, POLL_MS * 1000));
    }
    return true;
}

/* The code of libcurl as an error; `host` is named when redirects led elsewhere. */
static void broken(Http *http, const char *url, CURLcode code, const char *host, GError **error) {
    g_autofree char *asked = http_url_host(url);
    const char *why = http->why[0] ? http->why : curl_easy_strerror(code);
    bool elsewhere = host && strcmp(asked, host) != 0;
    http_error(error, ERR_NET, url, "%s%s%s%s", why, elsewhere ? " (redirected to " : "",
               elsewhere ? host : "", elsewhere ? ")" : "");
}

static bool may_ask(const Http *http, const char *url, GError **error) {
    if (!http_url_ok(url)) return http_error(error, ERR_USAGE, url, "not an http or https address");
    for (const char *at = http->bearer; at && *at; at++) {
        if (g_ascii_isgraph(*at)) continue;
        return http_error(error, ERR_USAGE, url, "the token holds a character that no token has");
    }
    return true;
}

long http_run(Http *http, const char *url, const HttpSink *sink, GError **error) {
    if (!may_ask(http, url, error)) return 0;
    http->sink = sink;
    http->cancelled = false;
    for (int attempt = 0;; attempt++) {
        long status = 0;
        g_autofree char *host = NULL;
        g_autoptr(GError) stop = NULL;
        CURLcode code = follow(http, url, &status, &host, &stop);
        if (!stop) stop = g_steal_pointer(&http->fault);
        bool again = !stop && !http->cancelled && attempt < HTTP_MAX_RETRIES &&
                     worth_another_try(code, status) && wait_before(http, attempt);
        if (again) continue;
        if (http->cancelled) g_clear_error(&stop);
        if (http->cancelled) http_error(&stop, ERR_CANCELLED, url, "stopped");
        if (!stop && code == CURLE_OK) return status;
        if (!stop) broken(http, url, code, host, &stop);
        g_propagate_error(error, g_steal_pointer(&stop));
        return 0;
    }
}

void http_refused(const char *url, long status, GError **error) {
    bool absent = status == 404 || status == 410, denied = status == 401 || status == 403;
    http_error(error,
               absent   ? ERR_NOT_FOUND
               : denied ? ERR_DENIED
                        : ERR_NET,
               url, "%s (HTTP %ld)",
               absent   ? "not found"
               : denied ? "access denied"
                        : "unexpected answer",
               status);
}

typedef struct {
    const char *url;
    GByteArray *body;
    gsize limit;
} Get;

static void get_ask(void *user, const char **range, const char **if_range) {
    Get *get = user;
    g_byte_array_set_size(get->body, 0);
}

static bool get_take(void *user, Http *http, const char *data, size_t len, GError **error) {
    Get *get = user;
    if (len > get->limit - get->body->len)
        return http_error(error, ERR_LIMIT, get->url, "more than %" G_GSIZE_FORMAT " bytes",
                          get->limit);
    g_byte_array_append(get->body, (const guint8 *)data, (guint)len);
    return true;
}

GBytes *http_get(Http *http, const char *url, gsize limit, GError **error) {
    Get get = {url, g_byte_array_new(), MIN(limit, G_MAXINT)};
    HttpSink sink = {.ask = get_ask, .take = get_take, .user = &get};
    long status = http_run(http, url, &sink, error);
    if (status == 200) return g_byte_array_free_to_bytes(get.body);
    if (status) http_refused(url, status, error);
    g_byte_array_unref(get.body);
    return NULL;
}
