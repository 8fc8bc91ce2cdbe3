/* A stream of samples → windows of fixed length.
 *
 * A clip longer than a window is cut every `hop` samples; the last window is aligned with the
 * clip's end. A clip shorter than a window is repeat-padded: whole copies, ⌊window/len⌋ times, then
 * zeros (the reference's "repeatpad"). Memory: one window and a hop.
 *
 * Owner: the caller. The Pcm is borrowed and must outlive it. Thread: one at a time. */
#pragma once
#include "pcm.h"

typedef struct WindowCutter WindowCutter;

typedef struct {
    gint64 first, last; /* samples of the clip that the window covers: [first, last) */
} Window;

/* window, hop ≥ 1, in samples; hop ≤ window is not required. */
WindowCutter *window_cutter_new(Pcm *pcm, gsize window, gsize hop);

/* Fills samples[window] and *where. 1: a window; 0: no more; −1: error (also when the clip has no
 * sample at all). */
int window_next(WindowCutter *cutter, float *samples, Window *where, GError **error);

/* Samples read so far; after window_next returned 0, the clip's length. */
gint64 window_clip_length(const WindowCutter *cutter);
void window_cutter_free(WindowCutter *cutter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WindowCutter, window_cutter_free)

/* samples[0..len) already hold the clip; fills up to `window` as described above. 1 ≤ len ≤ window.
 */
void window_repeat_pad(float *samples, gsize len, gsize window);
