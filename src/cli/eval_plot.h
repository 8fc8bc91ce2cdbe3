/* A confusion matrix as a picture that a person looks at. */
#pragma once
#include "measure.h"

#define PLOT_MOST 60 /* classes in one picture */

/* labels: those of `m`, [classes]. Rows are what sounds are, columns what they were taken for; of
 * more than PLOT_MOST classes with sounds, those with the most mistakes. Written whole or not at
 * all. */
bool eval_plot_confusion(const ClassMetrics *m, char **labels, const char *path, GError **error);
