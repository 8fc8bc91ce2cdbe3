/* SHA-256 against FIPS 180-4's examples and against GLib's. */
#include "sha256.h"

#include "error.h"
#include "files.h"

#include <sys/stat.h>

static void expect(const void *data, size_t len, const char *wanted) {
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    g_autoptr(Sha256) sha = sha256_new();
    sha256_add(sha, data, len / 2);
    sha256_add(sha, (const char *)data + len / 2, len - len / 2);
    sha256_end(sha, hash);
    sha256_hex(hash, hex);
    g_assert_cmpstr(hex, ==, wanted);
}

static void it_is_what_the_standard_says(void) {
    expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_file_is_hashed_to_its_end(void) {
    g_autoptr(GError) error = NULL;
    gsize len = 1000003;
    g_autofree char *data = g_malloc(len), *dir = files_dir();
    for (gsize i = 0; i < len; i++) data[i] = (char)(i * i >> 7);
    g_autofree char *wanted =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, len);
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    files_put(dir, "f", data, len);
    g_autofree char *path = g_build_filename(dir, "f", NULL);
    g_assert_true(sha256_file(path, NULL, hash, &error));
    g_assert_no_error(error);
    sha256_hex(hash, hex);
    g_assert_cmpstr(hex, ==, wanted);
    files_remove(g_steal_pointer(&dir));
}

static void what_cannot_be_read_is_an_error(void) {
    g_autoptr(GError) error = NULL;
    uint8_t hash[SHA256_BYTES];
    g_assert_false(sha256_file("/", NULL, hash, &error));
    files_expect_error(&error, "/: is not a regular file");
    g_assert_false(sha256_file("/no/such", NULL, hash, &error));
    files_expect_error(&error, "/no/such: no such file*");
    g_autofree char *dir = files_dir(), *fifo = g_build_filename(dir, "fifo", NULL);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_assert_false(sha256_file(fifo, NULL, hash, &error));
    files_expect_error(&error, "*fifo: is not a regular file");
    files_remove(g_steal_pointer(&dir));
}

static void a_stop_flag_ends_it(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = files_dir();
    uint8_t hash[SHA256_BYTES];
    gint stop = 1;
    files_put_text(dir, "f", "abc");
    g_autofree char *path = g_build_filename(dir, "f", NULL);
    g_assert_false(sha256_file(path, &stop, hash, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    files_remove(g_steal_pointer(&dir));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sha256/it_is_what_the_standard_says", it_is_what_the_standard_says);
    g_test_add_func("/sha256/a_file_is_hashed_to_its_end", a_file_is_hashed_to_its_end);
    g_test_add_func("/sha256/what_cannot_be_read_is_an_error", what_cannot_be_read_is_an_error);
    g_test_add_func("/sha256/a_stop_flag_ends_it", a_stop_flag_ends_it);
    return g_test_run();
}
