/* Error codes map to statuses, and messages cannot drive a terminal. */
#include "error.h"

#include <errno.h>
#include <string.h>

static void every_code_has_statuses_and_a_name(void) {
    for (int code = 0; code < ERR_CODES; code++) {
        g_autoptr(GError) error = g_error_new_literal(EARSHOT_ERROR, code, "x");
        g_assert_cmpint(error_exit_status(error), >=, 1);
        g_assert_cmpint(error_http_status(error), >=, 400);
        g_assert_nonnull(error_code_name(error));
    }
}

static void wrong_usage_leaves_with_two(void) {
    g_autoptr(GError) error = g_error_new_literal(EARSHOT_ERROR, ERR_USAGE, "x");
    g_assert_cmpint(error_exit_status(error), ==, 2);
    g_assert_cmpint(error_http_status(error), ==, 400);
}

static void foreign_errors_count_as_failures(void) {
    g_autoptr(GError) error = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOENT, "x");
    g_assert_cmpint(error_exit_status(error), ==, 1);
}

static void control_characters_are_replaced(void) {
    g_autofree char *text = error_printable("a\033[2Jb\nc\xff");
    g_assert_cmpstr(text, ==,
                    "a\xEF\xBF\xBD[2Jb\xEF\xBF\xBD"
                    "c\xEF\xBF\xBD");
}

static void messages_are_printable_whatever_they_name(void) {
    g_autoptr(GError) error = NULL;
    g_assert_false(error_fail(&error, ERR_FORMAT, "%s: odd", "a\nb"));
    g_assert_cmpstr(error->message, ==,
                    "a\xEF\xBF\xBD"
                    "b: odd");
}

static void long_messages_lose_their_middle_and_stay_utf8(void) {
    for (int shift = 0; shift < 3; shift++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strnfill(20000, 'x');
        for (int at = shift; at + 2 <= 20000; at += 2) memcpy(name + at, "\u00e4", 2);
        error_fail(&error, ERR_FORMAT, "a/%s: odd", name);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpuint(strlen(error->message), <=, ERROR_MAX_MESSAGE);
        g_assert_cmpuint(strlen(error->message), >, ERROR_MAX_MESSAGE - 4);
        g_assert_true(g_str_has_prefix(error->message, "a/"));
        g_assert_nonnull(strstr(error->message, "\u2026"));
        g_assert_true(g_str_has_suffix(error->message, "\u00e4: odd") ||
                      g_str_has_suffix(error->message, "x: odd"));
    }
}

static void messages_of_the_longest_allowed_length_are_whole(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strnfill(ERROR_MAX_MESSAGE, 'x');
    error_fail(&error, ERR_FORMAT, "%s", name);
    g_assert_cmpstr(error->message, ==, name);
}

static void errno_has_words_and_a_code(void) {
    g_autoptr(GError) missing = NULL, full = NULL, other = NULL;
    error_fail_errno(&missing, "x", ENOENT);
    error_fail_errno(&full, "x", ENOSPC);
    error_fail_errno(&other, "x", EIO);
    g_assert_error(missing, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_assert_cmpstr(missing->message, ==, "x: no such file");
    g_assert_error(full, EARSHOT_ERROR, ERR_IO);
    g_assert_cmpstr(full->message, ==, "x: the disk is full");
    g_assert_error(other, EARSHOT_ERROR, ERR_IO);
    g_assert_true(g_str_has_prefix(other->message, "x: "));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/every_code_has_statuses_and_a_name",
                    every_code_has_statuses_and_a_name);
    g_test_add_func("/error/wrong_usage_leaves_with_two", wrong_usage_leaves_with_two);
    g_test_add_func("/error/foreign_errors_count_as_failures", foreign_errors_count_as_failures);
    g_test_add_func("/error/control_characters_are_replaced", control_characters_are_replaced);
    g_test_add_func("/error/messages_are_printable_whatever_they_name",
                    messages_are_printable_whatever_they_name);
    g_test_add_func("/error/long_messages_lose_their_middle_and_stay_utf8",
                    long_messages_lose_their_middle_and_stay_utf8);
    g_test_add_func("/error/messages_of_the_longest_allowed_length_are_whole",
                    messages_of_the_longest_allowed_length_are_whole);
    g_test_add_func("/error/errno_has_words_and_a_code", errno_has_words_and_a_code);
    return g_test_run();
}
