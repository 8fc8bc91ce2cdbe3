/* See learned.h. */
#include "learned.h"

#include "error.h"
#include "logistic.h"
#include "nn_norm.h"

#include <string.h>

#define PENALTY 1e-4 /* as the probe's */

struct Learned {
    Logistic *logistic;
    char **labels;
    int count, dim;
    float *means; /* [count][dim], unit vectors */
};

/* Each sound's place among the labels, and the labels' means. */
static int *place_examples(Learned *l, const Examples *examples, const EmbeddedSet *set) {
    int *class = g_new(int, set->count);
    for (int i = 0; i < set->count; i++) {
        const char *label = examples->labels->pdata[set->example[i]];
        class[i] = 0;
        while (strcmp(l->labels[class[i]], label) != 0) class[i]++;
        for (int d = 0; d < l->dim; d++)
            l->means[(gsize) class[i] * l -> dim + d] += set->vectors[(gsize)i * l->dim + d];
    }
    for (int c = 0; c < l->count; c++) nn_l2_normalise(l->means + (gsize)c * l->dim, l->dim);
    return class;
}

Learned *learned_new(const Examples *examples, const EmbeddedSet *set, char **labels,
                     GError **error) {
    int count = (int)g_strv_length(labels);
    if (count < 2) {
        error_fail(error, ERR_USAGE,
                   "the examples have a single label; there is nothing to tell apart");
        return NULL;
    }
    if (count > CLASSES_MOST) {
        error_fail(error, ERR_LIMIT, "the examples have %d labels, more than %d", count,
                   CLASSES_MOST);
        return NULL;
    }
    Learned *l = g_new0(Learned, 1);
    *l = (Learned){.labels = g_strdupv(labels), .count = count, .dim = set->dim};
    l->means = g_new0(float, (gsize)l->count * l->dim);
    g_autofree int *class = place_examples(l, examples, set);
    l->logistic = logistic_fit(set->vectors, class, set->count, l->dim, l->count, PENALTY);
    return l;
}

void learned_free(Learned *l) {
    if (!l) return;
    logistic_free(l->logistic);
    g_strfreev(l->labels);
    g_free(l->means);
    g_free(l);
}

int learned_count(const Learned *l) {
    return l->count;
}

const char *learned_name(const Learned *l, int label) {
    return l->labels[label];
}

static int by_probability(const void *a, const void *b) {
    const LabelScore *x = a, *y = b;
    if (x->probability != y->probability) return x->probability < y->probability ? 1 : -1;
    return x->label - y->label;
}

void learned_score(const Learned *l, const float *vector, LabelScore *scores) {
    g_autofree double *probability = g_new(double, l->count);
    logistic_predict(l->logistic, vector, probability);
    for (int c = 0; c < l->count; c++) {
        float cosine = 0;
        for (int d = 0; d < l->dim; d++) cosine += vector[d] * l->means[(gsize)c * l->dim + d];
        scores[c] = (LabelScore){c, cosine, (float)probability[c]};
    }
    qsort(scores, (gsize)l->count, sizeof *scores, by_probability);
}

static void score(const void *self, const float *vector, LabelScore *scores) {
    learned_score(self, vector, scores);
}

static const char *name(const void *self, int label) {
    return learned_name(self, label);
}

Labeller learned_labeller(const Learned *l) {
    return (Labeller){score, name, l, l->count, l->dim};
}
