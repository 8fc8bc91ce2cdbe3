/* The other audio tower: a convolutional network of the PANN family (Kong et al., arXiv
 * 1912.10211), which learns from little sound. CNN6, CNN10 and CNN14 are configurations of it.
 *
 *   x = BatchNorm(mel), over the bins
 *   x = pool(ReLU(BatchNorm(conv(x))))        each layer; no bias; zero padding of half the kernel
 *   p = mean of x over the bins; p = mean of p over time + maximum of p over time
 *   out = projection(ReLU(fc1(p)))
 *
 * Images lie as [time][bin][channel]; convolutions work in place on strips (nn_conv2d.h).
 *
 * Owner: the Clap. Thread: read-only after pann_pack; the arena belongs to the caller. */
#pragma once
#include "arena.h"
#include "bind.h"
#include "tap.h"

typedef struct Pann Pann;

Pann *pann_bind(Weights *weights, const ClapConfig *config, GError **error);
void pann_free(Pann *pann);
void pann_pack(Pann *pann); /* once */

/* Bytes of arena for pann_run; after pann_pack. */
size_t pann_scratch(const Pann *pann);

/* mel[frames][bins] in dB → out[dim], a unit vector. */
void pann_run(const Pann *pann, const float *mel, float *out, Arena *arena, const Tap *t);
