/* What the client may do with an address, as plain rules on strings: which redirects are followed,
 * where credentials go, how an address stands in a message. Private to `net` but for
 * http_url_shown.
 *
 * No state, no network; safe from any thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Absolute, with a host, and http or https. */
bool http_url_ok(const char *url);

/* From http to http or https, from https to https alone. */
bool http_url_may_follow(const char *from, const char *to);

/* Scheme, host and port are the same: the credentials of one may be shown to the other. */
bool http_url_same_origin(const char *a, const char *b);

/* For messages: without user, password, query and fragment (signed addresses carry their secret in
 * the query), and printable. Something that is no URL is returned printable as it is, unless it may
 * hold such a secret. Caller frees. */
char *http_url_shown(const char *url);

/* "host" of a URL, "" when there is none. Caller frees. */
char *http_url_host(const char *url);
