/* Progress: quiet says nothing, a bar is drawn and cleared. */
#include "progress.h"

#include <glib.h>
#include <stdlib.h>

static char *written_by(ProgressStyle style) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    Progress *progress = progress_new(out, style, "embedding", "files", 4);
    progress_add(progress, 2);
    progress_free(progress);
    fclose(out);
    return text;
}

static void quiet_writes_nothing(void) {
    char *text = written_by(PROGRESS_QUIET);
    g_assert_cmpstr(text, ==, "");
    free(text);
}

static void bar_shows_the_part_done_and_is_cleared(void) {
    char *text = written_by(PROGRESS_BAR);
    g_assert_nonnull(g_strstr_len(text, -1, "embedding [############............]  50 % 2 files"));
    g_assert_true(g_str_has_suffix(text, "\r\033[K"));
    free(text);
}

static void lines_come_every_ten_seconds_not_at_once(void) {
    char *text = written_by(PROGRESS_LINES);
    g_assert_cmpstr(text, ==, "");
    free(text);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/progress/quiet_writes_nothing", quiet_writes_nothing);
    g_test_add_func("/progress/bar_shows_the_part_done_and_is_cleared",
                    bar_shows_the_part_done_and_is_cleared);
    g_test_add_func("/progress/lines_come_every_ten_seconds_not_at_once",
                    lines_come_every_ten_seconds_not_at_once);
    return g_test_run();
}
