/* How good a model is, on sounds with labels or captions: zero-shot classification, a linear probe,
 * and retrieval, as the CLAP papers measure them (arXiv 2211.06687, section 4).
 *
 * Owner: the caller of what is returned. Thread: one at a time; embedding is shared out. */
#pragma once
#include "engine.h"
#include "examples.h"
#include "retrieval_metrics.h"

/* Sounds that could be embedded, beside their examples; the others are told and left out. */
typedef struct {
    int count, dim;
    int *example;   /* [count] */
    float *vectors; /* [count][dim], unit vectors of whole clips */
} EmbeddedSet;

/* `fault` (may be NULL) is told of each sound that could not be used; `done` of each that was
 * looked at. */
typedef struct {
    void (*fault)(void *user, const char *message);
    void (*done)(void *user);
    void *user;
    const gint *stop;
} MeasureReport;

EmbeddedSet *embedded_set_new(Engine *engine, const Examples *examples, const MeasureReport *report,
                              GError **error);
void embedded_set_free(EmbeddedSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmbeddedSet, embedded_set_free)

#define CLASSES_MOST 4096 /* ERR_LIMIT above: a confusion of all pairs is kept */

typedef struct {
    int count, classes;
    double accuracy;            /* of the sounds: the best class is theirs */
    RetrievalMetrics retrieval; /* each class's text among all sounds; all 0 for a probe */
    int *confusion;             /* [classes][classes]: of class, taken for */
} ClassMetrics;

/* Sounds of class `of` that were taken for class `as`. */
static inline int class_confusion(const ClassMetrics *m, int of, int as) {
    return m->confusion[(size_t)of * (size_t)m->classes + (size_t)as];
}

void class_metrics_free(ClassMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClassMetrics, class_metrics_free)

/* labels: candidates, NULL-terminated, among them those of the sounds. templates as labels_new has
 * them. */
ClassMetrics *measure_zeroshot(Engine *engine, const Examples *examples, const EmbeddedSet *set,
                               char **labels, const char *const *templates, GError **error);

/* Logistic regression, cross-validated: by the examples' folds, or `folds` parts drawn class by
 * class. */
ClassMetrics *measure_probe(const Examples *examples, const EmbeddedSet *set, char **labels,
                            int folds, GError **error);

/* Every caption among all sounds, and every sound among all captions. */
bool measure_retrieval(Engine *engine, const Examples *examples, const EmbeddedSet *set,
                       RetrievalMetrics *text_to_audio, RetrievalMetrics *audio_to_text,
                       GError **error);
