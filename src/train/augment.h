/* Examples out of log-mels: everything that makes a sound sound otherwise is done to its
 * spectrogram, where it is cheap. What is drawn depends on the Random alone.
 *
 * After SpecAugment (Park et al., arXiv 1904.08779) and the mixing of AudioCLIP-like training; the
 * recipe's knobs (recipe.h) give strengths at `strength` 1.
 *
 * Owner: the caller. Thread: an Augment is read-only; several may use it with memory of their own.
 */
#pragma once
#include "random.h"
#include "recipe.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Augment Augment;

Augment *augment_new(const Recipe *recipe, int frames, int bins);
void augment_free(Augment *augment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Augment, augment_free)

/* Which of the cached speeds to take: 0 is the sound as it is. */
int augment_speed(const Augment *augment, Random *random, int speeds);

/* A sound's mel [count][bins] in hundredths of a dB → [frames][bins] in dB: cropped at random,
 * placed with gaps, or repeated; then equalised. */
void augment_place(const Augment *augment, Random *random, double strength, const int16_t *mel,
                   int count, float *out);

/* True when the example is to have a second sound. */
bool augment_mixes(const Augment *augment, Random *random, double strength);

/* mel += other, which is changed, at a level drawn around the first one's. Returns the first one's
 * share of the target. */
double augment_mix(const Augment *augment, Random *random, float *mel, float *other);

/* Noise floor, level, masks, shift. scratch[frames][bins]. */
void augment_finish(const Augment *augment, Random *random, double strength, float *mel,
                    float *scratch);
