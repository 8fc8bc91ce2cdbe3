/* What a sound was called, as JSON, whoever named it: labels put into sentences, or labels learnt
 * from examples. */
#pragma once
#include "embedder.h"
#include "labels.h"

#include <jansson.h>

typedef struct {
    void (*score)(const void *self, const float *vector, LabelScore *scores); /* best first */
    const char *(*name)(const void *self, int label);
    const void *self; /* borrowed */
    int count, dim;   /* labels; numbers of a vector */
} Labeller;

/* `labels` must outlive it. */
Labeller labels_labeller(const Labels *labels);

/* {"path","labels":[{"label","probability","cosine"}],"windows":[{"start","end","labels":[…]}]}:
 * the best `top` labels of file->clip, and, with `windows`, of each of file->vectors; [] without.
 */
json_t *classified_json(const Labeller *labeller, const EmbeddedFile *file, int top, bool windows);
