/* Files appear whole or not at all, at the place the user means. */
#include "file.h"

#include "error.h"
#include "files.h"

#include <unistd.h>

static bool put_text(int fd, const char *path, void *user, GError **error) {
    return file_put(fd, path, user, strlen(user), error);
}

static bool refuse(int fd, const char *path, void *user, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s: refused", path);
}

static char *text_at(const char *dir, const char *name) {
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text ? text : g_strdup("(absent)");
}

static void expect_text(const char *dir, const char *name, const char *wanted) {
    g_autofree char *text = text_at(dir, name);
    g_assert_cmpstr(text, ==, wanted);
}

static char *make_link(const char *dir, const char *name, const char *to) {
    char *path = g_build_filename(dir, name, NULL);
    g_assert_cmpint(symlink(to, path), ==, 0);
    return path;
}

static void expect_still_a_link(const char *path) {
    g_autofree char *to = g_file_read_link(path, NULL);
    g_assert_nonnull(to);
}

static void what_fails_leaves_the_old_file_and_nothing_beside_it(void) {
    char *dir = files_dir();
    g_autofree char *path = g_build_filename(dir, "a", NULL);
    GError *error = NULL;
    files_put_text(dir, "a", "old");
    g_assert_false(file_replace(path, refuse, NULL, &error));
    files_expect_error(&error, "*/a: refused");
    expect_text(dir, "a", "old");
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_free(dir);
}

static void a_link_stays_and_its_target_is_replaced(void) {
    char *dir = files_dir();
    g_autofree char *folder = g_build_filename(dir, "folder", NULL);
    g_assert_cmpint(g_mkdir(folder, 0777), ==, 0);
    files_put_text(folder, "file", "old");
    g_autofree char *middle = make_link(folder, "middle", "file");
    g_autofree char *link = make_link(dir, "link", "folder/middle");
    GError *error = NULL;
    g_assert_true(file_replace(link, put_text, (void *)"new", &error));
    g_assert_no_error(error);
    expect_still_a_link(link);
    expect_still_a_link(middle);
    expect_text(folder, "file", "new");
    files_remove(dir);
}

static void a_dangling_link_gets_its_target(void) {
    char *dir = files_dir();
    g_autofree char *target = g_build_filename(dir, "not yet", NULL);
    g_autofree char *link = make_link(dir, "link", target);
    GError *error = NULL;
    g_assert_true(file_replace(link, put_text, (void *)"new", &error));
    g_assert_no_error(error);
    expect_still_a_link(link);
    expect_text(dir, "not yet", "new");
    files_remove(dir);
}

static void links_in_a_circle_are_an_error_that_names_the_first(void) {
    char *dir = files_dir();
    g_autofree char *there = make_link(dir, "there", "back");
    g_autofree char *back = make_link(dir, "back", "there");
    GError *error = NULL;
    g_assert_false(file_replace(there, put_text, (void *)"new", &error));
    files_expect_error(&error, "*/there: *");
    files_remove(dir);
}

#define TEST(name) g_test_add_func("/file/" #name, name)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST(what_fails_leaves_the_old_file_and_nothing_beside_it);
    TEST(a_link_stays_and_its_target_is_replaced);
    TEST(a_dangling_link_gets_its_target);
    TEST(links_in_a_circle_are_an_error_that_names_the_first);
    return g_test_run();
}
