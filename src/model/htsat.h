/* The audio tower: HTS-AT (2202.00874), a Swin transformer (2103.14030) over a log-mel spectrogram
 * folded into a square image.
 *
 *   image = fold(bicubic(BatchNorm(mel)))                              htsat_stem.c
 *   x = LN(conv(image)), mixed with the local mels when the clip is longer (aff.h)
 *   x += out(window attention(LN x)); x += down(gelu(up(LN x)))        each block of each stage
 *   x = reduce(LN(4 neighbours))                                       between stages
 *   out = projection(mean over tokens of LN(x))
 *
 * Large matrices are packed by htsat_pack; before it only the shapes are known. A pass works on a
 * few windows at a time from norm to residual, so that what flows stays in the cache.
 *
 * Owner: the Clap. Thread: read-only after htsat_pack; the arena belongs to the caller. */
#pragma once
#include "arena.h"
#include "bind.h"
#include "tap.h"

typedef struct Htsat Htsat;

Htsat *htsat_bind(Weights *weights, const ClapConfig *config, GError **error);
void htsat_free(Htsat *htsat);
void htsat_pack(Htsat *htsat); /* once */

/* Bytes of arena for either of the passes below; after htsat_pack. */
size_t htsat_scratch(const Htsat *htsat);

/* mel[frames][bins] in dB → out[dim], a unit vector. */
void htsat_run(const Htsat *htsat, const float *mel, float *out, Arena *arena, const Tap *t);

/* mels[4][frames][bins]: the whole clip shrunk, front, middle, back. Fused checkpoints alone. */
void htsat_run_longer(const Htsat *htsat, const float *mels, float *out, Arena *arena,
                      const Tap *t);
