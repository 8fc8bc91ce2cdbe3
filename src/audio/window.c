/* Cutting a stream into windows. The buffer holds the last window; when the stream ends inside a
 * hop, the window is moved on by what there was, so that it ends with the clip. See window.h. */
#include "window.h"
#include "error.h"

#include <string.h>

struct WindowCutter {
    Pcm *pcm;
    gsize window, hop;
    float *held;   /* [window]: the last samples of the clip so far, once there are so many */
    float *next;   /* [min(hop, window)]: what comes in behind them */
    gint64 length; /* samples read so far */
    bool ended;
};

WindowCutter *window_cutter_new(Pcm *pcm, gsize window, gsize hop) {
    g_assert(window >= 1 && hop >= 1);
    WindowCutter *cutter = g_new0(WindowCutter, 1);
    *cutter = (WindowCutter){.pcm = pcm, .window = window, .hop = hop};
    cutter->held = g_new(float, window);
    cutter->next = g_new(float, MIN(hop, window));
    return cutter;
}

void window_cutter_free(WindowCutter *cutter) {
    if (!cutter) return;
    g_free(cutter->held);
    g_free(cutter->next);
    g_free(cutter);
}

gint64 window_clip_length(const WindowCutter *cutter) {
    return cutter->length;
}

void window_repeat_pad(float *samples, gsize len, gsize window) {
    gsize end = window / len * len;
    for (gsize i = len; i < end; i++) samples[i] = samples[i - len];
    memset(samples + end, 0, sizeof(float) * (window - end));
}

/* Reads until `count` samples are there or the clip ends. */
static gssize read_full(WindowCutter *cutter, float *samples, gsize count, GError **error) {
    gsize done = 0;
    while (done < count && !cutter->ended) {
        gssize n = pcm_read(cutter->pcm, samples + done, count - done, error);
        if (n < 0) return -1;
        cutter->ended = n == 0;
        done += n;
    }
    cutter->length += done;
    return done;
}

/* Moves the window on by a hop, or by what the clip still has; how far, or −1. */
static gssize advance(WindowCutter *cutter, GError **error) {
    gsize moved = 0, window = cutter->window;
    while (moved < cutter->hop && !cutter->ended) {
        gsize step = MIN(cutter->hop - moved, window);
        gssize n = read_full(cutter, cutter->next, step, error);
        if (n < 0) return -1;
        memmove(cutter->held, cutter->held + n, sizeof(float) * (window - n));
        memcpy(cutter->held + window - n, cutter->next, sizeof(float) * n);
        moved += n;
    }
    return moved;
}

int window_next(WindowCutter *cutter, float *samples, Window *where, GError **error) {
    bool first = cutter->length == 0;
    gssize n = 0;
    if (first)
        n = read_full(cutter, cutter->held, cutter->window, error);
    else if (!cutter->ended)
        n = advance(cutter, error);
    if (n < 0) return -1;
    if (first && n == 0) {
        error_fail(error, ERR_FORMAT, "%s: holds no sound at all", pcm_path(cutter->pcm));
        return -1;
    }
    if (n == 0) return 0;
    if (first && (gsize)n < cutter->window) window_repeat_pad(cutter->held, n, cutter->window);
    memcpy(samples, cutter->held, sizeof(float) * cutter->window);
    *where = (Window){MAX(cutter->length - (gint64)cutter->window, 0), cutter->length};
    return 1;
}
