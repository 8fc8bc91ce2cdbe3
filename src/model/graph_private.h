/* What the files behind graph.h share: the tape's records, memory, and loops over rows. */
#pragma once
#include "graph.h"

typedef struct Op Op;
typedef void OpBack(Graph *g, Op *op);

/* One operation. What it means is its maker's; unused fields are zero. */
struct Op {
    OpBack *back;
    Node *out, *in[4];
    Param *param[3];
    const void *data, *more;
    int size[6];
    float number;
};

struct Graph {
    Params *params;
    Team *team;
    bool training;
    Arena *arena;    /* nodes and what operations keep */
    Arena **scratch; /* one a thread */
    Op **ops;        /* blocks of OPS_BLOCK */
    int count, blocks;
    size_t most;
};

#define GRAPH_ROWS 64 /* rows of a loop's item; partial sums of columns are one an item */

/* A node; dx comes when it is first asked for. */
Node *graph_node(Graph *g, int rows, int cols, bool wanted);
Op *graph_record(Graph *g, OpBack *back, Node *out); /* NULL where nothing is wanted back */

/* node->dx, zero at first. NULL where it is not wanted. */
float *graph_gradient(Graph *g, Node *node);

/* The same, for a product that can write instead of add. */
float *graph_gradient_raw(Graph *g, Node *node, bool *add);

Param *graph_param(Graph *g, const char *name, const char *suffix); /* NULL: there is none */
float *graph_value(Graph *g, const Param *param);
float *graph_param_gradient(Graph *g, const Param *param); /* NULL: frozen */

static inline size_t node_floats(const Node *node) {
    return (size_t)node->rows * (size_t)node->cols;
}

/* task(context, item, thread) for each GRAPH_ROWS of `rows`. */
int graph_items(int rows);
void graph_each(Graph *g, int items, TeamTask task, void *context);

/* into[n] += the sum of parts[items][n], item by item. */
void graph_add_parts(Graph *g, const float *parts, int items, size_t n, float *into);
