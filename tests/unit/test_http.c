/* Addresses, redirects, credentials and retries of the HTTP client against a server that breaks
 * every promise a server can break. */
#include "error.h"
#include "http.h"
#include "http_url.h"
#include "loopback.h"

static Http *client(void) {
    return http_new(&(HttpOptions){.retry_wait_ms = 1});
}

static char *fetch(Http *http, const char *url, GError **error) {
    g_autoptr(GBytes) body = http_get(http, url, 1000, error);
    if (!body) return NULL;
    return g_strndup(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
}

/* ---- addresses ---- */

static void redirects_never_lead_from_https_to_http(void) {
    g_assert_true(http_url_may_follow("http://a/x", "https://b/y"));
    g_assert_true(http_url_may_follow("http://a/x", "http://b/y"));
    g_assert_true(http_url_may_follow("https://a/x", "https://b/y"));
    g_assert_false(http_url_may_follow("https://a/x", "http://a/x"));
    g_assert_false(http_url_may_follow("http://a/x", "ftp://a/x"));
    g_assert_false(http_url_may_follow("http://a/x", "file:///etc/passwd"));
}

static void an_origin_is_scheme_host_and_port(void) {
    g_assert_true(http_url_same_origin("https://a/x", "https://A:443/y?z"));
    g_assert_false(http_url_same_origin("https://a/x", "https://b/x"));
    g_assert_false(http_url_same_origin("https://a/x", "http://a/x"));
    g_assert_false(http_url_same_origin("http://a/x", "http://a:8080/x"));
    g_assert_false(http_url_same_origin("http://a/x", "nonsense nonsense"));
}

static void messages_hide_passwords_and_queries(void) {
    g_autofree char *shown = http_url_shown("https://me:secret@a:81/x?sig=abc#top");
    g_assert_cmpstr(shown, ==, "https://a:81/x");
    g_autofree char *odd = http_url_shown("\n bad");
    g_assert_null(strchr(odd, '\n'));
    const char *unreadable[] = {"http://me:sec ret@a/x", "me:secret@a",
                                "foo://me:secret@a/",    "http://me:1/secret@a/",
                                "http://me:sec?ret@a",   "no url?key=secret"};
    for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++) {
        g_autofree char *hidden = http_url_shown(unreadable[i]);
        g_assert_null(strstr(hidden, "sec"));
    }
    g_autofree char *plain = http_url_shown("huggingface.co");
    g_assert_cmpstr(plain, ==, "huggingface.co");
}

/* ---- get ---- */

static void say_hello(const Asked *asked, int number, GIOStream *peer, void *user) {
    loopback_answer(peer, 200, "", "hello", 5);
}

static void the_body_comes_back(void) {
    g_autoptr(Loopback) server = loopback_new(say_hello, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_autofree char *body = fetch(http, url, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(body, ==, "hello");
    g_assert_cmpstr(asked_header(loopback_asked(server, 1), "range"), ==, "");
}

static void a_status_becomes_an_error_that_begins_with_the_url(void) {
    const struct {
        int status;
        ErrorCode code;
    } rows[] = {{404, ERR_NOT_FOUND}, {410, ERR_NOT_FOUND}, {401, ERR_DENIED},
                {403, ERR_DENIED},    {418, ERR_NET},       {204, ERR_NET}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status = rows[i].status;
        g_autoptr(Loopback) server = loopback_new(answer_status, &status);
        g_autofree char *shown = loopback_url(server, "/a");
        g_autofree char *url = g_strconcat(shown, "?token=secret", NULL);
        g_autoptr(Http) http = client();
        g_autoptr(GError) error = NULL;
        g_assert_null(fetch(http, url, &error));
        g_assert_error(error, EARSHOT_ERROR, (int)rows[i].code);
        g_assert_true(g_str_has_prefix(error->message, shown));
        g_assert_null(strstr(error->message, "secret"));
        g_assert_cmpint(loopback_count(server), ==, 1);
    }
}

static void redirect_twice(const Asked *asked, int number, GIOStream *peer, void *user) {
    Loopback **server = user;
    g_autofree char *absolute = loopback_url(*server, "/three");
    if (strcmp(asked->target, "/one") == 0)
        loopback_redirect(peer, "two?x=1");
    else if (strcmp(asked->target, "/two?x=1") == 0)
        loopback_redirect(peer, absolute);
    else
        loopback_answer(peer, 200, "", asked->target, strlen(asked->target));
}

static void relative_and_absolute_redirects_are_followed(void) {
    Loopback *self = NULL;
    g_autoptr(Loopback) server = loopback_new(redirect_twice, &self);
    self = server;
    g_autofree char *url = loopback_url(server, "/one");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_autofree char *body = fetch(http, url, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(body, ==, "/three");
}

static void redirect_to(const Asked *asked, int number, GIOStream *peer, void *user) {
    loopback_redirect(peer, user);
}

static void expect_refused_redirect(const char *to, int requests, const char *words) {
    g_autoptr(Loopback) server = loopback_new(redirect_to, (void *)to);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_cmpint(loopback_count(server), ==, requests);
}

static void a_loop_of_redirects_ends(void) {
    expect_refused_redirect("/a", 11, "more than 10 redirects");
}

static void redirects_to_files_and_other_protocols_are_not_followed(void) {
    expect_refused_redirect("file:///etc/passwd", 1, "file:///etc/passwd, which is not followed");
    expect_refused_redirect("gopher://127.0.0.1/x", 1, "which is not followed");
}

static void the_bearer_stays_with_the_first_host(void) {
    g_autoptr(Loopback) other = loopback_new(say_hello, NULL);
    g_autofree char *there = loopback_url(other, "/a");
    g_autoptr(Loopback) server = loopback_new(redirect_to, there);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = http_new(&(HttpOptions){.bearer = "hf_secret", .retry_wait_ms = 1});
    g_autoptr(GError) error = NULL;
    g_autofree char *body = fetch(http, url, &error);
    g_assert_no_error(error);
    g_assert_nonnull(body);
    g_assert_cmpstr(asked_header(loopback_asked(server, 1), "authorization"), ==,
                    "Bearer hf_secret");
    g_assert_cmpstr(asked_header(loopback_asked(other, 1), "authorization"), ==, "");
}

static void the_bearer_follows_redirects_on_its_own_host(void) {
    Loopback *self = NULL;
    g_autoptr(Loopback) server = loopback_new(redirect_twice, &self);
    self = server;
    g_autofree char *url = loopback_url(server, "/one");
    g_autoptr(Http) http = http_new(&(HttpOptions){.bearer = "hf_secret", .retry_wait_ms = 1});
    g_autofree char *body = fetch(http, url, NULL);
    g_assert_nonnull(body);
    g_assert_cmpstr(asked_header(loopback_asked(server, 3), "authorization"), ==,
                    "Bearer hf_secret");
}

static void passwords_of_an_address_stay_with_its_host(void) {
    g_autoptr(Loopback) other = loopback_new(say_hello, NULL);
    g_autofree char *there = loopback_url(other, "/a");
    g_autoptr(Loopback) server = loopback_new(redirect_to, there);
    g_autofree char *url = g_strdup_printf("http://me:pw@127.0.0.1:%d/a", server->port);
    g_autoptr(Http) http = client();
    g_autofree char *body = fetch(http, url, NULL);
    g_assert_cmpstr(body, ==, "hello");
    g_assert_cmpstr(asked_header(loopback_asked(server, 1), "authorization"), ==, "Basic bWU6cHc=");
    g_assert_cmpstr(asked_header(loopback_asked(other, 1), "authorization"), ==, "");
}

static void a_token_with_a_line_break_is_refused(void) {
    g_autoptr(Loopback) server = loopback_new(say_hello, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = http_new(&(HttpOptions){.bearer = "hf\r\nX-Evil: 1"});
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    g_assert_cmpint(loopback_count(server), ==, 0);
}

static void only_http_addresses_are_asked(void) {
    g_autoptr(Http) http = client();
    const char *urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/x", "", "no address", "http://"};
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(fetch(http, urls[i], &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    }
}

/* Fails `*user` times, then says hello. */
static void fail_then_hello(const Asked *asked, int number, GIOStream *peer, void *user) {
    const int *status = user;
    if (status[number - 1])
        loopback_answer(peer, status[number - 1], "", "", 0);
    else
        loopback_answer(peer, 200, "", "hello", 5);
}

static void passing_faults_of_a_server_are_tried_again(void) {
    int statuses[] = {500, 502, 503, 504, 429, 0};
    g_autoptr(Loopback) server = loopback_new(fail_then_hello, statuses);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_autofree char *body = fetch(http, url, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(body, ==, "hello");
    g_assert_cmpint(loopback_count(server), ==, 6);
}

static void five_retries_are_enough(void) {
    int status = 503;
    g_autoptr(Loopback) server = loopback_new(answer_status, &status);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_nonnull(strstr(error->message, "503"));
    g_assert_cmpint(loopback_count(server), ==, 6);
}

static void busy_for_a_second(const Asked *asked, int number, GIOStream *peer, void *user) {
    if (number == 1)
        loopback_answer(peer, 429, "Retry-After: 1\r\n", "", 0);
    else
        loopback_answer(peer, 200, "", "hello", 5);
}

static void retry_after_is_obeyed(void) {
    g_autoptr(Loopback) server = loopback_new(busy_for_a_second, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    gint64 start = g_get_monotonic_time();
    g_autofree char *body = fetch(http, url, NULL);
    g_assert_cmpstr(body, ==, "hello");
    g_assert_cmpint(g_get_monotonic_time() - start, >=, 1000000);
}

/* Half an answer, then nothing; whole from the second request on. */
static void half_an_answer(const Asked *asked, int number, GIOStream *peer, void *user) {
    const char *half = "HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nhel";
    if (number == 1)
        loopback_send(peer, half, strlen(half));
    else
        loopback_answer(peer, 200, "", "hello", 5);
}

static void a_cut_answer_is_fetched_anew(void) {
    g_autoptr(Loopback) server = loopback_new(half_an_answer, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autofree char *body = fetch(http, url, NULL);
    g_assert_cmpstr(body, ==, "hello");
}

/* Holds the first connection open in silence until the client goes. */
static void silent_at_first(const Asked *asked, int number, GIOStream *peer, void *user) {
    char byte;
    if (number == 1)
        g_input_stream_read(g_io_stream_get_input_stream(peer), &byte, 1, NULL, NULL);
    else
        loopback_answer(peer, 200, "", "hello", 5);
}

static void a_stalled_transfer_is_ended_and_tried_again(void) {
    g_autoptr(Loopback) server = loopback_new(silent_at_first, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = http_new(&(HttpOptions){.retry_wait_ms = 1, .stall_s = 1});
    g_autoptr(GError) error = NULL;
    g_autofree char *body = fetch(http, url, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(body, ==, "hello");
}

static void an_endless_body_ends_at_the_limit(void) {
    int status = 200;
    g_autoptr(Loopback) server = loopback_new(endless_body, &status);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_assert_cmpint(loopback_count(server), ==, 1);
}

static void an_endless_error_page_is_not_read_to_its_end(void) {
    int status = 404;
    g_autoptr(Loopback) server = loopback_new(endless_body, &status);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
}

static void a_body_of_just_the_limit_is_taken(void) {
    g_autoptr(Loopback) server = loopback_new(say_hello, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) body = http_get(http, url, 5, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(body), ==, 5);
    g_assert_null(http_get(http, url, 4, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
}

static void plain_http_is_no_answer_to_https(void) {
    g_autoptr(Loopback) server = loopback_new(say_hello, NULL);
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%d/a", server->port);
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
}

static void a_host_that_is_not_there_is_named(void) {
    g_autoptr(Loopback) server = loopback_new(say_hello, NULL);
    g_autofree char *url = loopback_url(server, "/a");
    g_socket_listener_close(server->listener);
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_null(fetch(http, url, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_true(g_str_has_prefix(error->message, url));
    g_assert_null(strchr(error->message, '\n'));
}

#define ADD(group, name) g_test_add_func("/http/" group "/" #name, name)

static void add_get(void) {
    ADD("url", redirects_never_lead_from_https_to_http);
    ADD("url", an_origin_is_scheme_host_and_port);
    ADD("url", messages_hide_passwords_and_queries);
    ADD("get", the_body_comes_back);
    ADD("get", a_status_becomes_an_error_that_begins_with_the_url);
    ADD("get", relative_and_absolute_redirects_are_followed);
    ADD("get", a_loop_of_redirects_ends);
    ADD("get", redirects_to_files_and_other_protocols_are_not_followed);
    ADD("get", the_bearer_stays_with_the_first_host);
    ADD("get", the_bearer_follows_redirects_on_its_own_host);
    ADD("get", passwords_of_an_address_stay_with_its_host);
    ADD("get", a_token_with_a_line_break_is_refused);
    ADD("get", only_http_addresses_are_asked);
    ADD("get", passing_faults_of_a_server_are_tried_again);
    ADD("get", five_retries_are_enough);
    ADD("get", retry_after_is_obeyed);
    ADD("get", a_cut_answer_is_fetched_anew);
    ADD("get", a_stalled_transfer_is_ended_and_tried_again);
    ADD("get", an_endless_body_ends_at_the_limit);
    ADD("get", an_endless_error_page_is_not_read_to_its_end);
    ADD("get", a_body_of_just_the_limit_is_taken);
    ADD("get", plain_http_is_no_answer_to_https);
    ADD("get", a_host_that_is_not_there_is_named);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    loopback_without_proxies();
    add_get();
    return g_test_run();
}
