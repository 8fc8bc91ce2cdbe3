/* A whole clip → the four mels of CLAP's feature fusion (arXiv 2211.06687, section 3.3): the whole
 * clip shrunk bilinearly in time to one window's frames, and a front, a middle and a back chunk of
 * one window each.
 *
 * Where the reference draws the chunks at random inside each third of the possible starts (numpy's
 * array_split of 0 … total − chunk), we start at element ⌊n/2⌋ of each third (an empty third: 0).
 * The clip is decoded twice, once to know its length, so that memory does not grow with it. */
#pragma once
#include "mel.h"

/* `window` in samples (the model's max length). out[4][window/hop + 1][bins]. A clip that is not
 * longer than a window, or that gives just as many frames, yields four copies and *is_longer =
 * false. `most_seconds` as pcm_set_most has it. *seconds (may be NULL): its length. *warning (may
 * be NULL) receives pcm_warning's text, caller frees. */
bool mel_fusion_run(Mel *mel, const char *path, gsize window, double most_seconds, float *out,
                    bool *is_longer, double *seconds, char **warning, GError **error);
