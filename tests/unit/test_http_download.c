/* Downloads against a server that cuts, lies, forgets and changes its mind: what is continued, what
 * is begun again, what is refused. */
#include "error.h"
#include "files.h"
#include "http.h"
#include "loopback.h"

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
    dir = files_dir();
    loopback_without_proxies();
}

static void clean_up(void) {
    files_remove(dir);
    g_free(content_sha256);
}

#define ADD(name) g_test_add_func("/http/download/" #name, name)

static void add_download(void) {
    ADD(a_file_arrives_whole_and_alone);
    ADD(a_cut_download_goes_on_where_it_was);
    ADD(a_later_call_continues_what_an_earlier_one_left);
    ADD(a_server_without_ranges_begins_again);
    ADD(without_etag_and_hash_nothing_is_continued);
    ADD(a_weak_etag_vouches_for_nothing);
    ADD(a_file_that_changed_is_fetched_anew);
    ADD(a_server_deaf_to_if_range_does_not_mix_versions);
    ADD(a_range_that_was_not_asked_for_is_refused);
    ADD(a_part_that_was_all_is_complete);
    ADD(a_file_that_became_shorter_is_fetched_anew);
    ADD(an_empty_file_arrives);
    ADD(a_wrong_hash_is_removed);
    ADD(the_hash_covers_the_bytes_of_earlier_calls);
    ADD(a_whole_part_with_the_right_hash_needs_no_request);
    ADD(a_whole_part_with_a_wrong_hash_is_fetched_anew);
    ADD(a_wrong_size_is_refused_before_anything_is_written);
    ADD(a_file_of_unannounced_length_must_still_fit);
    ADD(a_download_stops_at_its_limit);
    ADD(a_file_announced_beyond_the_limit_is_not_begun);
    ADD(a_full_disk_keeps_what_is_there);
    ADD(a_folder_that_is_not_there_is_named);
    ADD(a_missing_file_leaves_nothing_at_its_place);
    ADD(a_stopped_download_is_continued_later);
    ADD(progress_rises_to_the_whole_file);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    prepare();
    add_download();
    int failed = g_test_run();
    clean_up();
    return failed;
}
