/* The triangular filters of a mel filter bank, each as the few FFT bins it covers.
 *
 * HTK scale: 2595·log10(1 + f/700). Slaney scale: linear below 1 kHz, logarithmic above (Slaney,
 * Auditory Toolbox, 1998); its norm divides each triangle by its width in Hz. */
#pragma once
#include "mel.h"

typedef struct {
    int first, count; /* FFT bins [first, first + count); count may be 0 */
    gsize at;         /* where its `count` weights begin */
} MelBand;

typedef struct {
    MelBand *bands; /* [bins] */
    int bins;
    int first_bin, end_bin; /* all FFT bins that any band covers: [first_bin, end_bin) */
    double *weights;        /* of all bands, one after the other */
} MelBank;

void mel_bank_init(MelBank *bank, const MelConfig *config);
void mel_bank_clear(MelBank *bank);
