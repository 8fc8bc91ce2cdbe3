/* What the files behind clap_graph.h share. */
#pragma once
#include "clap_graph.h"
#include "swin.h"

#define GRAPH_NAME 160 /* bytes of a layer's name, prefix and all */

struct ClapGraph {
    ClapConfig config;
    SwinWindows *even[CLAP_MAX_STAGES], *odd[CLAP_MAX_STAGES]; /* HTSAT alone; odd may be even */
};

Node *htsat_graph(const ClapGraph *clap, Graph *g, const float *mels, int batch, bool longer);
Node *pann_graph(const ClapGraph *clap, Graph *g, const float *mels, int batch);

/* NAME = prefix and part, in a buffer of the caller. */
const char *graph_name(char name[GRAPH_NAME], const char *prefix, const char *part);
