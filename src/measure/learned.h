/* Labels learnt from examples: a logistic regression on the vectors of sounds that have them.
 *
 * Owner: the caller. Thread: read-only after learned_new. */
#pragma once
#include "labels_json.h"
#include "measure.h"

typedef struct Learned Learned;

/* labels: those of the examples, NULL-terminated, sorted; copied. */
Learned *learned_new(const Examples *examples, const EmbeddedSet *set, char **labels,
                     GError **error);
void learned_free(Learned *learned);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Learned, learned_free)

int learned_count(const Learned *learned);
const char *learned_name(const Learned *learned, int label);

/* vector[dim], a unit vector → scores[learned_count], the most probable first; `cosine` is that to
 * the mean of the label's examples. */
void learned_score(const Learned *learned, const float *vector, LabelScore *scores);

/* For classified_json; `learned` must outlive it. */
Labeller learned_labeller(const Learned *learned);
