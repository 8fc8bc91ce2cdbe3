/* The geometry of shifted windows (Swin, arXiv 2103.14030): which token of the grid stands where in
 * which window, who may attend to whom, and the relative position bias. Computed once; forward
 * passes only read it.
 *
 * The grid is padded at the bottom and at the right to whole windows, rolled up and left by `shift`
 * (0: not shifted), and cut. Reference's quirk: tokens of the padding are attended to like others.
 *
 * Owner: whoever made it. Thread: read-only after creation. */
#pragma once

#define SWIN_PADDING (-1)

typedef struct {
    int count, tokens;  /* windows; tokens in each (window²) */
    int *token;         /* [count][tokens]: index in the grid, or SWIN_PADDING */
    const float **mask; /* [count]: [tokens][tokens] to add to the scores, or NULL */
    float *masks;       /* what `mask` points into */
} SwinWindows;

/* The grid has rows × cols tokens; 1 ≤ window ≤ both; 0 ≤ shift < window. */
SwinWindows *swin_windows_new(int rows, int cols, int window, int shift);
void swin_windows_free(SwinWindows *windows);

/* table[(2·window − 1)²][heads], as checkpoints have it → a new [heads][window²][window²]; the
 * caller frees. */
float *swin_bias_new(const float *table, int window, int heads);
