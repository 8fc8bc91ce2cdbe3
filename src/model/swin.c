/* Shifted windows: maps, masks, biases. See swin.h. */
#include "swin.h"

#include <glib.h>
#include <stdbool.h>

#define MASKED     (-100.0f)
#define MASK_KINDS 4 /* of inner windows, right ones, bottom ones, the corner */

static int round_up(int n, int to) {
    return (n + to - 1) / to * to;
}

/* Which of the parts that the roll has brought together a token of a window belongs to. Only the
 * last window of a row or column holds more than one: there the last `shift` places came from the
 * other edge. */
static int part_of(int token, int window, int shift, bool bottom, bool right) {
    bool wrapped_row = bottom && token / window >= window - shift;
    bool wrapped_column = right && token % window >= window - shift;
    return 2 * wrapped_row + wrapped_column;
}

static void fill_mask(int window, int shift, bool bottom, bool right, float *mask) {
    int n = window * window;
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            mask[a * n + b] =
                part_of(a, window, shift, bottom, right) == part_of(b, window, shift, bottom, right)
                    ? 0.0f
                    : MASKED;
}

/* The tokens of the window whose upper left corner is at (top, left) of the rolled grid. */
static void fill_tokens(int rows, int cols, int window, int shift, int top, int left, int *token) {
    int padded_rows = round_up(rows, window), padded_cols = round_up(cols, window);
    for (int i = 0; i < window * window; i++) {
        int row = (top + i / window + shift) % padded_rows;
        int col = (left + i % window + shift) % padded_cols;
        token[i] = row < rows && col < cols ? row * cols + col : SWIN_PADDING;
    }
}

static void make_masks(SwinWindows *windows, int window, int shift) {
    size_t size = (size_t)windows->tokens * windows->tokens;
    windows->masks = g_new(float, MASK_KINDS *size);
    for (int kind = 1; kind < MASK_KINDS; kind++)
        fill_mask(window, shift, kind & 2, kind & 1, windows->masks + kind * size);
}

SwinWindows *swin_windows_new(int rows, int cols, int window, int shift) {
    SwinWindows *windows = g_new0(SwinWindows, 1);
    int down = round_up(rows, window) / window, across = round_up(cols, window) / window;
    windows->count = down * across;
    windows->tokens = window * window;
    windows->token = g_new(int, (size_t)windows->count * windows->tokens);
    windows->mask = g_new0(const float *, windows->count);
    if (shift > 0) make_masks(windows, window, shift);
    for (int i = 0; i < windows->count; i++) {
        int y = i / across, x = i % across, kind = 2 * (y == down - 1) + (x == across - 1);
        fill_tokens(rows, cols, window, shift, y * window, x * window,
                    windows->token + (size_t)i * windows->tokens);
        if (shift > 0 && kind > 0)
            windows->mask[i] = windows->masks + (size_t)kind * windows->tokens * windows->tokens;
    }
    return windows;
}

void swin_windows_free(SwinWindows *windows) {
    if (!windows) return;
    g_free(windows->token);
    g_free(windows->mask);
    g_free(windows->masks);
    g_free(windows);
}

float *swin_bias_new(const float *table, int window, int heads) {
    int n = window * window, span = 2 * window - 1;
    float *bias = g_new(float, (size_t)heads *n *n);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++) {
            int down = a / window - b / window + window - 1;
            int across = a % window - b % window + window - 1;
            const float *entry = table + (size_t)(down * span + across) * heads;
            for (int h = 0; h < heads; h++) bias[((size_t)h * n + a) * n + b] = entry[h];
        }
    return bias;
}
