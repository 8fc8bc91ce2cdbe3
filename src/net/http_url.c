/* Rules on addresses. libcurl's own URL parser takes them apart, so that what is judged here is
 * what is later connected to. */
#include "http_url.h"

#include "error.h"

#include <curl/curl.h>
#include <string.h>

typedef CURLU Url;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Url, curl_url_cleanup)

static Url *parse(const char *url) {
    Url *parsed = curl_url();
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) return parsed;
    curl_url_cleanup(parsed);
    return NULL;
}

/* A part of a URL in memory of ours; "" when it is absent. */
static char *part(Url *url, CURLUPart which, unsigned flags) {
    char *text = NULL;
    if (!url || curl_url_get(url, which, &text, flags) != CURLUE_OK) return g_strdup("");
    char *copy = g_strdup(text);
    curl_free(text);
    return copy;
}

static char *scheme_of(const char *url) {
    g_autoptr(Url) parsed = parse(url);
    return part(parsed, CURLUPART_SCHEME, 0);
}

bool http_url_ok(const char *url) {
    g_autofree char *scheme = scheme_of(url);
    return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

bool http_url_may_follow(const char *from, const char *to) {
    g_autofree char *before = scheme_of(from), *after = scheme_of(to);
    return http_url_ok(to) && (strcmp(before, "https") != 0 || strcmp(after, "https") == 0);
}

bool http_url_same_origin(const char *a, const char *b) {
    g_autoptr(Url) one = parse(a);
    g_autoptr(Url) two = parse(b);
    if (!one || !two) return false;
    const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *left = part(one, parts[i], CURLU_DEFAULT_PORT);
        g_autofree char *right = part(two, parts[i], CURLU_DEFAULT_PORT);
        if (g_ascii_strcasecmp(left, right) != 0) return false;
    }
    return true;
}

char *http_url_shown(const char *url) {
    g_autoptr(Url) parsed = parse(url);
    const CURLUPart hidden[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                CURLUPART_FRAGMENT};
    for (size_t i = 0; i < G_N_ELEMENTS(hidden); i++) curl_url_set(parsed, hidden[i], NULL, 0);
    g_autofree char *rest = parsed ? part(parsed, CURLUPART_URL, 0) : g_strdup(url);
    /* A password with a character that ought to be escaped ends in an @ that is still there. */
    bool doubtful = strpbrk(rest, parsed ? "@" : "@?#") != NULL;
    return error_printable(doubtful ? "(an address that may hold a password)" : rest);
}

char *http_url_host(const char *url) {
    g_autoptr(Url) parsed = parse(url);
    return part(parsed, CURLUPART_HOST, 0);
}
