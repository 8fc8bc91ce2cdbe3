/* The stem of the audio tower: mels in, tokens of the first stage out. See htsat.h. */
#pragma once
#include "aff.h"
#include "arena.h"
#include "bind.h"
#include "tap.h"

#define STEM_MELS 4 /* of a longer clip: the whole, front, middle, back */

typedef struct {
    ClapAudioConfig config;
    int frames;           /* of a mel */
    int ratio;            /* pieces of time laid over each other: spec_size / bins */
    int rows, cols;       /* of the grid of patches */
    int local_cols;       /* columns that the wide patches of one local mel make */
    BatchNorm mel_norm;   /* over bins */
    NnMatrix patch, wide; /* convolutions; `wide` has three patches' width, for local mels */
    Norm patch_norm;      /* gamma NULL: none */
    Aff *aff;             /* NULL: not a fused checkpoint */
    float *scale, *shift; /* mel_norm, folded */
    NnLinear *patch_run, *wide_run;
} Stem;

/* On false the stem is to be freed all the same. */
bool stem_bind(Stem *stem, Weights *weights, const ClapConfig *config, GError **error);
void stem_free(Stem *stem);
void stem_pack(Stem *stem);
size_t stem_scratch(const Stem *stem);

/* mel[frames][bins] → x[rows·cols][channels] */
void stem_run(const Stem *stem, const float *mel, float *x, Arena *arena, const Tap *t);
/* mels[4][frames][bins] → x[rows·cols][channels] */
void stem_run_longer(const Stem *stem, const float *mels, float *x, Arena *arena, const Tap *t);
