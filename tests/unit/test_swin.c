/* Windows of a grid: every token once, neighbours together, masks as the paper's picture has them,
 * against the same thing said the slow way: pad, roll, cut. */
#include "swin.h"

#include <glib.h>
#include <string.h>

/* Which token stands at (row, col) of the padded grid after rolling up and left by `shift`. */
static int rolled(int rows, int cols, int padded_rows, int padded_cols, int shift, int row,
                  int col) {
    int from_row = (row + shift) % padded_rows, from_col = (col + shift) % padded_cols;
    return from_row < rows && from_col < cols ? from_row * cols + from_col : SWIN_PADDING;
}

/* The reference's regions along one axis of the padded grid. */
static int region(int at, int length, int window, int shift) {
    return (at >= length - window) + (at >= length - shift);
}

static float wanted_mask(int padded_rows, int padded_cols, int window, int shift, int top, int left,
                         int a, int b) {
    int at[2];
    const int token[2] = {a, b};
    for (int i = 0; i < 2; i++)
        at[i] = 3 * region(top + token[i] / window, padded_rows, window, shift) +
                region(left + token[i] % window, padded_cols, window, shift);
    return at[0] == at[1] ? 0.0f : -100.0f;
}

static void check_window(const SwinWindows *windows, int which, int rows, int cols, int window,
                         int shift) {
    int padded_rows = (rows + window - 1) / window * window;
    int padded_cols = (cols + window - 1) / window * window;
    int across = padded_cols / window, n = window * window;
    int top = which / across * window, left = which % across * window;
    for (int a = 0; a < n; a++) {
        g_assert_cmpint(windows->token[which * n + a], ==,
                        rolled(rows, cols, padded_rows, padded_cols, shift, top + a / window,
                               left + a % window));
        for (int b = 0; b < n; b++) {
            float mask = windows->mask[which] ? windows->mask[which][a * n + b] : 0;
            float wanted =
                shift ? wanted_mask(padded_rows, padded_cols, window, shift, top, left, a, b) : 0;
            g_assert_cmpfloat(mask, ==, wanted);
        }
    }
}

static void windows_are_those_of_the_padded_rolled_grid(void) {
    for (int window = 1; window <= 5; window++)
        for (int rows = window; rows <= 13; rows++)
            for (int cols = window; cols <= 11; cols += 2)
                for (int shift = 0; shift <= window / 2; shift += MAX(1, window / 2)) {
                    SwinWindows *windows = swin_windows_new(rows, cols, window, shift);
                    for (int i = 0; i < windows->count; i++)
                        check_window(windows, i, rows, cols, window, shift);
                    swin_windows_free(windows);
                }
}

static void every_token_stands_in_one_window(void) {
    SwinWindows *windows = swin_windows_new(12, 7, 5, 2);
    int seen[12 * 7] = {0};
    g_assert_cmpint(windows->count, ==, 3 * 2);
    for (int i = 0; i < windows->count * windows->tokens; i++)
        if (windows->token[i] != SWIN_PADDING) seen[windows->token[i]]++;
    for (int i = 0; i < 12 * 7; i++) g_assert_cmpint(seen[i], ==, 1);
    swin_windows_free(windows);
}

/* Window 2: the table's row of a pair is 3·(row a − row b + 1) + (col a − col b + 1). */
static void bias_depends_on_where_a_lies_from_b(void) {
    float table[9 * 2];
    for (int i = 0; i < 9 * 2; i++) table[i] = (float)i;
    float *bias = swin_bias_new(table, 2, 2);
    g_assert_cmpfloat(bias[0 * 4 + 0], ==, 2 * 4);          /* head 0, a token with itself */
    g_assert_cmpfloat(bias[0 * 4 + 1], ==, 2 * 3);          /* b to the right of a */
    g_assert_cmpfloat(bias[2 * 4 + 0], ==, 2 * 7);          /* b above a */
    g_assert_cmpfloat(bias[16 + 3 * 4 + 0], ==, 2 * 8 + 1); /* head 1, b above and to the left */
    g_free(bias);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/swin/windows_are_those_of_the_padded_rolled_grid",
                    windows_are_those_of_the_padded_rolled_grid);
    g_test_add_func("/swin/every_token_stands_in_one_window", every_token_stands_in_one_window);
    g_test_add_func("/swin/bias_depends_on_where_a_lies_from_b",
                    bias_depends_on_where_a_lies_from_b);
    return g_test_run();
}
