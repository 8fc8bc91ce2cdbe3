/* Similarities and losses. See graph.h. */
#include "graph_private.h"
#include "nn_loss.h"
#include "nn_matmul.h"

#include <math.h>
#include <string.h>

/* ---- similarity ---- */

static void similarity_back(Graph *g, Op *op) {
    Node *a = op->in[0], *b = op->in[1], *y = op->out;
    const Param *scale = op->param[0];
    float factor = op->number, *dscale = scale ? graph_param_gradient(g, scale) : NULL;
    size_t n = node_floats(y), mark = arena_mark(g->scratch[0]);
    float *dy = arena_floats(g->scratch[0], n);
    double slope = 0;
    for (size_t i = 0; i < n; i++) {
        dy[i] = y->dx[i] * factor;
        slope += (double)y->dx[i] * y->x[i]; /* of e^s, at s: itself */
    }
    if (dscale) *dscale += (float)slope;
    bool add;
    float *da = graph_gradient_raw(g, a, &add);
    if (da) nn_matmul(g->team, NN_NN, a->rows, a->cols, b->rows, dy, b->x, add, da, g->scratch[0]);
    float *db = graph_gradient_raw(g, b, &add);
    if (db) nn_matmul(g->team, NN_TN, b->rows, b->cols, a->rows, dy, a->x, add, db, g->scratch[0]);
    arena_reset(g->scratch[0], mark);
}

Node *graph_similarity(Graph *g, Node *a, Node *b, const char *scale, float factor) {
    Param *param = scale ? graph_param(g, scale, "") : NULL;
    bool trained = param && param->trained;
    Node *y = graph_node(g, a->rows, b->rows, a->wanted || b->wanted || trained);
    if (param) factor *= expf(*graph_value(g, param));
    nn_matmul(g->team, NN_NT, a->rows, b->rows, a->cols, a->x, b->x, false, y->x, g->scratch[0]);
    for (size_t i = 0; i < node_floats(y); i++) y->x[i] *= factor;
    Op *op = graph_record(g, similarity_back, y);
    if (op) op->in[0] = a, op->in[1] = b, op->param[0] = param, op->number = factor;
    return y;
}

/* ---- losses ---- */

static Node *loss_node(Graph *g, Node *x, double value) {
    Node *loss = graph_node(g, 1, 1, x->wanted);
    *loss->x = (float)value;
    return loss;
}

static void cross_entropy_back(Graph *g, Op *op) {
    Node *x = op->in[0];
    nn_cross_entropy(x->x, x->rows, x->cols, op->data, op->more, *op->out->dx,
                     graph_gradient(g, x));
}

Node *graph_cross_entropy(Graph *g, Node *x, const float *target, const bool *left_out) {
    Node *loss =
        loss_node(g, x, nn_cross_entropy(x->x, x->rows, x->cols, target, left_out, 1, NULL));
    Op *op = graph_record(g, cross_entropy_back, loss);
    if (op) op->in[0] = x, op->data = target, op->more = left_out;
    return loss;
}

static void mean_square_back(Graph *g, Op *op) {
    nn_mean_square(op->in[0]->x, op->data, node_floats(op->in[0]), *op->out->dx,
                   graph_gradient(g, op->in[0]));
}

Node *graph_mean_square(Graph *g, Node *x, const float *target) {
    Node *loss = loss_node(g, x, nn_mean_square(x->x, target, node_floats(x), 1, NULL));
    Op *op = graph_record(g, mean_square_back, loss);
    if (op) op->in[0] = x, op->data = target;
    return loss;
}

static void cosine_back(Graph *g, Op *op) {
    Node *x = op->in[0];
    nn_cosine_loss(x->x, op->data, x->rows, x->cols, *op->out->dx, graph_gradient(g, x));
}

Node *graph_cosine_loss(Graph *g, Node *x, const float *target) {
    Node *loss = loss_node(g, x, nn_cosine_loss(x->x, target, x->rows, x->cols, 1, NULL));
    Op *op = graph_record(g, cosine_back, loss);
    if (op) op->in[0] = x, op->data = target;
    return loss;
}

static void sum_back(Graph *g, Op *op) {
    Node *const *losses = op->data;
    const float *weights = op->more;
    for (int i = 0; i < op->size[0]; i++) {
        float *dx = graph_gradient(g, losses[i]);
        if (dx) *dx += *op->out->dx * weights[i];
    }
}

Node *graph_sum(Graph *g, int count, Node *const *losses, const float *weights) {
    bool wanted = false;
    double sum = 0;
    Node **kept = arena_bytes(g->arena, sizeof *kept * count);
    float *shares = arena_floats(g->arena, count);
    memcpy(kept, losses, sizeof *kept * count);
    memcpy(shares, weights, sizeof *shares * count);
    for (int i = 0; i < count; i++) {
        wanted |= losses[i]->wanted;
        sum += (double)*losses[i]->x * weights[i];
    }
    Node *y = graph_node(g, 1, 1, wanted);
    *y->x = (float)sum;
    Op *op = graph_record(g, sum_back, y);
    if (op) op->data = kept, op->more = shares, op->size[0] = count;
    return y;
}
