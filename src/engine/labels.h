/* Labels of the user's own, as vectors: zero-shot classification (CLIP, arXiv 2103.00020,
 * section 3.1; CLAP, 2206.04769).
 *
 * A label is put into each template, the texts are embedded, and their mean, normalised, stands for
 * the label. Probabilities are the softmax over the labels of cosine × the model's own learned
 * scale.
 *
 * Owner: the caller. Thread: read-only after labels_new. */
#pragma once
#include "engine.h"

#define LABELS_MAX     100000
#define TEMPLATES_MAX  1000
#define LABEL_TEMPLATE "This is a sound of {}."

typedef struct Labels Labels;

typedef struct {
    int label;
    float cosine, probability;
} LabelScore;

/* `templates` NULL or empty: LABEL_TEMPLATE alone. A template holds {} once or more, "{}" alone
 * gives the bare label. Both lists are NULL-terminated and copied. Errors (ERR_USAGE): no label, an
 * empty one, one twice, a template without {}. */
Labels *labels_new(Engine *engine, const char *const *labels, const char *const *templates,
                   GError **error);
void labels_free(Labels *labels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Labels, labels_free)

int labels_count(const Labels *labels);
int labels_dim(const Labels *labels); /* numbers of a vector */
const char *labels_name(const Labels *labels, int label);

/* vector[dim], a unit vector → scores[labels_count], the best first; equal ones in the order of the
 * labels. */
void labels_score(const Labels *labels, const float *vector, LabelScore *scores);
