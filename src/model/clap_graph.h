/* The towers as training computes them: batches on a tape (graph.h), in the same stages as htsat.h,
 * pann.h and roberta.h. Without dropout and stochastic depth, which the published checkpoints were
 * trained with; so a batch has one result.
 *
 * Owner: whoever made it; it borrows nothing. Thread: one at a time. */
#pragma once
#include "clap.h"
#include "graph.h"

typedef struct ClapGraph ClapGraph;

ClapGraph *clap_graph_new(const ClapConfig *config);
void clap_graph_free(ClapGraph *clap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClapGraph, clap_graph_free)
const ClapConfig *clap_graph_config(const ClapGraph *clap);

/* mels[batch][frames][bins] in dB → [batch][hidden], what the projection takes. */
Node *clap_graph_audio(const ClapGraph *clap, Graph *g, const float *mels, int batch);

/* The same for clips that are longer than a window: mels[batch][4][frames][bins]. Fused alone. */
Node *clap_graph_longer(const ClapGraph *clap, Graph *g, const float *mels, int batch);

/* ids of `texts` texts one after the other, counts[i] tokens each → [texts][hidden]. */
Node *clap_graph_text(const ClapGraph *clap, Graph *g, const int32_t *ids, const int *counts,
                      int texts);

/* features[n][hidden] → [n][dim], unit rows. */
Node *clap_graph_project(const ClapGraph *clap, Graph *g, ClapTower tower, Node *features);
