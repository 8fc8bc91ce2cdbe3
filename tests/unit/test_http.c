/* The HTTP client against a server that breaks every promise a server can break. */
#include "error.h"
#include "http.h"
#include "http_url.h"
#include "loopback.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEN 300000

static char content[LEN]; /* bytes of a file: different everywhere */
static char *content_sha256;
static char *dir; /* scratch directory of the whole run */

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

static void answer_status(const Asked *asked, int number, GIOStream *peer, void *user) {
    loopback_answer(peer, *(int *)user, "", "no", 2);
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

static void endless_body(const Asked *asked, int number, GIOStream *peer, void *user) {
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 %d x\r\nConnection: close\r\n\r\n", *(int *)user);
    bool open = loopback_send(peer, head, strlen(head));
    while (open) open = loopback_send(peer, content, LEN);
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

/* ---- download ---- */

static void serve(const Asked *asked, int number, GIOStream *peer, void *user) {
    serve_file(user, asked, peer);
}

/* Cuts the first answers short: `user` is a Served whose cut ends with the third request. */
static void serve_cut_twice(const Asked *asked, int number, GIOStream *peer, void *user) {
    Served file = *(const Served *)user;
    if (number > 2) file.cut_after = 0;
    serve_file(&file, asked, peer);
}

typedef struct {
    char *path, *part, *etag;
} Target;

static Target target_new(void) {
    static int count;
    g_autofree char *name = g_strdup_printf("file%d", count++);
    char *path = g_build_filename(dir, name, NULL);
    return (Target){path, g_strconcat(path, ".part", NULL), g_strconcat(path, ".etag", NULL)};
}

static void target_clear(Target *target) {
    g_free(target->path);
    g_free(target->part);
    g_free(target->etag);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

static bool exists(const char *path) {
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void write_file(const char *path, const char *data, gssize len) {
    g_assert_true(g_file_set_contents(path, data, len, NULL));
}

static void assert_file_is(const char *path, const char *data, gsize len) {
    g_autofree char *found = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &found, &size, NULL));
    g_assert_cmpmem(found, size, data, len);
}

/* The file is whole, and nothing else is left. */
static void assert_arrived(const Target *target) {
    assert_file_is(target->path, content, LEN);
    g_assert_false(exists(target->part));
    g_assert_false(exists(target->etag));
}

static gsize size_of(const char *path) {
    GStatBuf st;
    return g_stat(path, &st) == 0 ? (gsize)st.st_size : 0;
}

static bool get_file(Loopback *server, const Target *to, const char *sha256, GError **error) {
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = client();
    return http_download(http, url, to->path, LEN, sha256, LEN, NULL, NULL, error);
}

static void a_file_arrives_whole_and_alone(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_true(get_file(server, &to, content_sha256, &error));
    g_assert_no_error(error);
    assert_arrived(&to);
}

static void a_cut_download_goes_on_where_it_was(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\"", .cut_after = 100000};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_true(get_file(server, &to, content_sha256, &error));
    g_assert_no_error(error);
    assert_arrived(&to);
    const Asked *last = loopback_asked(server, 3);
    g_assert_cmpstr(asked_header(last, "range"), ==, "bytes=200000-");
    g_assert_cmpstr(asked_header(last, "if-range"), ==, "\"v1\"");
}

static void a_later_call_continues_what_an_earlier_one_left(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\"", .cut_after = 1000};
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Loopback) broken = loopback_new(serve, &file);
    g_assert_false(get_file(broken, &to, content_sha256, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_cmpuint(size_of(to.part), ==, 6000);
    file.cut_after = 0;
    g_autoptr(Loopback) mended = loopback_new(serve, &file);
    g_assert_true(get_file(mended, &to, content_sha256, NULL));
    g_assert_cmpstr(asked_header(loopback_asked(mended, 1), "range"), ==, "bytes=6000-");
    assert_arrived(&to);
}

static void a_server_without_ranges_begins_again(void) {
    Served file = {
        .data = content, .len = LEN, .etag = "\"v1\"", .cut_after = 1000, .no_ranges = true};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    assert_arrived(&to);
}

static void without_etag_and_hash_nothing_is_continued(void) {
    Served file = {.data = content, .len = LEN, .cut_after = 1000};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_assert_true(get_file(server, &to, NULL, NULL));
    assert_arrived(&to);
    g_assert_cmpstr(asked_header(loopback_asked(server, 2), "range"), ==, "");
}

static void a_weak_etag_vouches_for_nothing(void) {
    Served file = {.data = content, .len = LEN, .etag = "W/\"v1\"", .cut_after = 1000};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_assert_true(get_file(server, &to, NULL, NULL));
    assert_arrived(&to);
    g_assert_cmpstr(asked_header(loopback_asked(server, 2), "range"), ==, "");
}

/* A part of another version of the file, as an earlier call left it. */
static void leave_old_part(const Target *to, const char *etag, gsize len) {
    g_autofree char *old = g_malloc(len);
    memset(old, 'o', len);
    write_file(to->part, old, (gssize)len);
    write_file(to->etag, etag, -1);
}

static void a_file_that_changed_is_fetched_anew(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v2\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    leave_old_part(&to, "\"v1\"", 5000);
    g_assert_true(get_file(server, &to, NULL, NULL));
    assert_arrived(&to);
}

static void a_server_deaf_to_if_range_does_not_mix_versions(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v2\"", .deaf_to_change = true};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    leave_old_part(&to, "\"v1\"", 5000);
    g_assert_false(get_file(server, &to, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_true(get_file(server, &to, NULL, NULL));
    assert_arrived(&to);
}

static void a_range_that_was_not_asked_for_is_refused(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\"", .lies_on_range = true};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    leave_old_part(&to, "\"v1\"", 5000);
    g_assert_false(get_file(server, &to, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NET);
    g_assert_false(exists(to.path));
}

static bool get_unsized(Loopback *server, const Target *to, GError **error) {
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = client();
    return http_download(http, url, to->path, 0, NULL, LEN, NULL, NULL, error);
}

static void a_part_that_was_all_is_complete(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    write_file(to.part, content, LEN);
    write_file(to.etag, "\"v1\"", -1);
    g_assert_true(get_unsized(server, &to, NULL));
    g_assert_cmpint(loopback_count(server), ==, 1);
    assert_arrived(&to);
}

static void a_file_that_became_shorter_is_fetched_anew(void) {
    Served file = {.data = content, .len = 1000, .etag = "\"v2\"", .deaf_to_change = true};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    leave_old_part(&to, "\"v1\"", 5000);
    g_assert_true(get_unsized(server, &to, NULL));
    assert_file_is(to.path, content, 1000);
    g_assert_cmpint(loopback_count(server), ==, 2);
}

static void an_empty_file_arrives(void) {
    Served file = {.data = "", .len = 0};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_assert_true(get_unsized(server, &to, NULL));
    assert_file_is(to.path, "", 0);
}

static void a_wrong_hash_is_removed(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *wrong = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "other", -1);
    g_assert_false(get_file(server, &to, wrong, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_nonnull(strstr(error->message, content_sha256));
    g_assert_false(exists(to.path) || exists(to.part) || exists(to.etag));
}

static void the_hash_covers_the_bytes_of_earlier_calls(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    leave_old_part(&to, "\"v1\"", 5000);
    g_assert_false(get_file(server, &to, content_sha256, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    assert_arrived(&to);
}

static void a_whole_part_with_the_right_hash_needs_no_request(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    write_file(to.part, content, LEN);
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    g_assert_cmpint(loopback_count(server), ==, 0);
    assert_arrived(&to);
}

static void a_whole_part_with_a_wrong_hash_is_fetched_anew(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    leave_old_part(&to, "\"v1\"", LEN);
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    assert_arrived(&to);
}

static void a_wrong_size_is_refused_before_anything_is_written(void) {
    Served file = {.data = content, .len = LEN - 1, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(get_file(server, &to, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_cmpuint(size_of(to.part), ==, 0);
}

/* Without Content-Length, the end of the connection is the end of the file. */
static void serve_without_length(const Asked *asked, int number, GIOStream *peer, void *user) {
    const char *head = "HTTP/1.1 200 x\r\nConnection: close\r\n\r\n";
    loopback_send(peer, head, strlen(head));
    loopback_send(peer, content, *(gsize *)user);
}

static void a_file_of_unannounced_length_must_still_fit(void) {
    gsize len = LEN - 1;
    g_autoptr(Loopback) server = loopback_new(serve_without_length, &len);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(get_file(server, &to, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_false(exists(to.part));
    len = LEN;
    g_assert_true(get_file(server, &to, NULL, NULL));
    assert_arrived(&to);
}

static void a_download_stops_at_its_limit(void) {
    int status = 200;
    g_autoptr(Loopback) server = loopback_new(endless_body, &status);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(get_unsized(server, &to, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_assert_false(exists(to.part));
}

static void a_file_announced_beyond_the_limit_is_not_begun(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_false(http_download(http, url, to.path, 0, NULL, LEN - 1, NULL, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_assert_cmpuint(size_of(to.part), ==, 0);
}

/* A file that may not grow stands for a disk that is full. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

static void a_full_disk_keeps_what_is_there(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    signal(SIGXFSZ, SIG_IGN);
    limit_files(100000);
    g_assert_false(get_file(server, &to, content_sha256, &error));
    limit_files(RLIM_INFINITY);
    g_assert_error(error, EARSHOT_ERROR, ERR_IO);
    g_assert_true(g_str_has_prefix(error->message, to.part));
    g_assert_cmpuint(size_of(to.part), ==, 100000);
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    g_assert_cmpstr(asked_header(loopback_asked(server, 2), "range"), ==, "bytes=100000-");
    assert_arrived(&to);
}

static void a_folder_that_is_not_there_is_named(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\""};
    g_autoptr(Loopback) server = loopback_new(serve, &file);
    g_autofree char *path = g_build_filename(dir, "absent", "file", NULL);
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = client();
    g_autoptr(GError) error = NULL;
    g_assert_false(http_download(http, url, path, LEN, NULL, LEN, NULL, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_assert_true(g_str_has_prefix(error->message, path));
    g_assert_cmpint(loopback_count(server), ==, 0);
}

static void a_missing_file_leaves_nothing_at_its_place(void) {
    int status = 404;
    g_autoptr(Loopback) server = loopback_new(answer_status, &status);
    g_auto(Target) to = target_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(get_file(server, &to, content_sha256, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_assert_false(exists(to.path));
}

static bool stop_when_bytes_came(void *user, uint64_t done, uint64_t total) {
    uint64_t *enough = user;
    return done < *enough;
}

static void a_stopped_download_is_continued_later(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\"", .cut_after = 1000};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = http_new(&(HttpOptions){.retry_wait_ms = 20000});
    g_autoptr(GError) error = NULL;
    uint64_t enough = 1000;
    gint64 start = g_get_monotonic_time();
    g_assert_false(http_download(http, url, to.path, LEN, content_sha256, LEN, stop_when_bytes_came,
                                 &enough, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10000000); /* not the wait of 20 s */
    g_assert_cmpuint(size_of(to.part), ==, 1000);
    g_assert_true(get_file(server, &to, content_sha256, NULL));
    assert_arrived(&to);
}

typedef struct {
    uint64_t last, total;
    bool fell;
} Seen;

static bool watch(void *user, uint64_t done, uint64_t total) {
    Seen *seen = user;
    seen->fell |= done < seen->last;
    seen->last = done;
    seen->total = total;
    return true;
}

static void progress_rises_to_the_whole_file(void) {
    Served file = {.data = content, .len = LEN, .etag = "\"v1\"", .cut_after = 100000};
    g_autoptr(Loopback) server = loopback_new(serve_cut_twice, &file);
    g_auto(Target) to = target_new();
    g_autofree char *url = loopback_url(server, "/file");
    g_autoptr(Http) http = client();
    Seen seen = {0};
    g_assert_true(http_download(http, url, to.path, 0, content_sha256, LEN, watch, &seen, NULL));
    g_assert_cmpuint(seen.last, ==, LEN);
    g_assert_cmpuint(seen.total, ==, LEN);
    g_assert_false(seen.fell);
}

static void prepare(void) {
    guint32 x = 1;
    for (int i = 0; i < LEN; i++) {
        x = x * 1664525u + 1013904223u;
        content[i] = (char)(x >> 24);
    }
    content_sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)content, LEN);
    dir = g_dir_make_tmp(NULL, NULL);
    const char *proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++) g_unsetenv(proxies[i]);
}

static void clean_up(void) {
    g_autoptr(GDir) names = g_dir_open(dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(names));) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
    g_free(dir);
    g_free(content_sha256);
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

static void add_download(void) {
    ADD("download", a_file_arrives_whole_and_alone);
    ADD("download", a_cut_download_goes_on_where_it_was);
    ADD("download", a_later_call_continues_what_an_earlier_one_left);
    ADD("download", a_server_without_ranges_begins_again);
    ADD("download", without_etag_and_hash_nothing_is_continued);
    ADD("download", a_weak_etag_vouches_for_nothing);
    ADD("download", a_file_that_changed_is_fetched_anew);
    ADD("download", a_server_deaf_to_if_range_does_not_mix_versions);
    ADD("download", a_range_that_was_not_asked_for_is_refused);
    ADD("download", a_part_that_was_all_is_complete);
    ADD("download", a_file_that_became_shorter_is_fetched_anew);
    ADD("download", an_empty_file_arrives);
    ADD("download", a_wrong_hash_is_removed);
    ADD("download", the_hash_covers_the_bytes_of_earlier_calls);
    ADD("download", a_whole_part_with_the_right_hash_needs_no_request);
    ADD("download", a_whole_part_with_a_wrong_hash_is_fetched_anew);
    ADD("download", a_wrong_size_is_refused_before_anything_is_written);
    ADD("download", a_file_of_unannounced_length_must_still_fit);
    ADD("download", a_download_stops_at_its_limit);
    ADD("download", a_file_announced_beyond_the_limit_is_not_begun);
    ADD("download", a_full_disk_keeps_what_is_there);
    ADD("download", a_folder_that_is_not_there_is_named);
    ADD("download", a_missing_file_leaves_nothing_at_its_place);
    ADD("download", a_stopped_download_is_continued_later);
    ADD("download", progress_rises_to_the_whole_file);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    prepare();
    add_get();
    add_download();
    int failed = g_test_run();
    clean_up();
    return failed;
}
