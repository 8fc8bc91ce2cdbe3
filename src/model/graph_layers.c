/* Linear layers, norms, attention. See graph.h. */
#include "graph_private.h"
#include "nn_act.h"
#include "nn_attn.h"
#include "nn_matmul.h"
#include "nn_norm.h"
#include "swin.h"

#include <math.h>
#include <string.h>

#define NORM_EPS 1e-5 /* of BatchNorm */
#define MOMENTUM 0.1

/* ---- linear ---- */

typedef struct {
    const Node *node;
    const float *from;
    float *parts; /* [items][cols] */
} Columns;

static void sum_columns(void *context, int item, int thread) {
    const Columns *c = context;
    int cols = c->node->cols;
    float *part = c->parts + (size_t)item * cols;
    memset(part, 0, sizeof *part * cols);
    for (int r = item * GRAPH_ROWS; r < MIN(c->node->rows, (item + 1) * GRAPH_ROWS); r++)
        for (int i = 0; i < cols; i++) part[i] += c->from[(size_t)r * cols + i];
}

/* into[cols] += Σ over the rows of from, which has the node's shape. */
static void add_columns(Graph *g, const Node *node, const float *from, float *into) {
    size_t mark = arena_mark(g->scratch[0]);
    int items = graph_items(node->rows);
    Columns c = {node, from, arena_floats(g->scratch[0], (size_t)items * node->cols)};
    graph_each(g, items, sum_columns, &c);
    graph_add_parts(g, c.parts, items, node->cols, into);
    arena_reset(g->scratch[0], mark);
}

static void linear_back(Graph *g, Op *op) {
    Node *x = op->in[0], *y = op->out;
    const Param *weight = op->param[0], *bias = op->param[1];
    float *dw = graph_param_gradient(g, weight), *db = bias ? graph_param_gradient(g, bias) : NULL;
    bool add;
    float *dx = graph_gradient_raw(g, x, &add);
    if (dw)
        nn_matmul(g->team, NN_TN, y->cols, x->cols, x->rows, y->dx, x->x, true, dw, g->scratch[0]);
    if (db) add_columns(g, y, y->dx, db);
    if (dx)
        nn_matmul(g->team, NN_NN, x->rows, x->cols, y->cols, y->dx, graph_value(g, weight), add, dx,
                  g->scratch[0]);
}

static void put_bias(void *context, int item, int thread) {
    const Columns *c = context;
    size_t cols = c->node->cols;
    for (int r = item * GRAPH_ROWS; r < MIN(c->node->rows, (item + 1) * GRAPH_ROWS); r++)
        memcpy(c->node->x + r * cols, c->from, sizeof(float) * cols);
}

Node *graph_linear(Graph *g, Node *x, const char *name) {
    Param *weight = graph_param(g, name, ".weight"), *bias = graph_param(g, name, ".bias");
    int n = (int)weight->shape[0];
    g_assert(weight->count == (size_t)n * x->cols);
    Node *y = graph_node(g, x->rows, n, x->wanted || weight->trained);
    Columns c = {.node = y, .from = bias ? graph_value(g, bias) : NULL};
    if (bias) graph_each(g, graph_items(y->rows), put_bias, &c);
    nn_matmul(g->team, NN_NT, x->rows, n, x->cols, x->x, graph_value(g, weight), bias != NULL, y->x,
              g->scratch[0]);
    Op *op = graph_record(g, linear_back, y);
    if (op) op->in[0] = x, op->param[0] = weight, op->param[1] = bias;
    return y;
}

/* ---- LayerNorm ---- */

typedef struct {
    const Node *x, *y;
    const float *gamma, *beta;
    float eps, *dx, *parts; /* parts: [items][2 · cols] */
} Norms;

static void norm_part(void *context, int item, int thread) {
    const Norms *n = context;
    int row = item * GRAPH_ROWS, rows = MIN(GRAPH_ROWS, n->x->rows - row);
    size_t at = (size_t)row * n->x->cols;
    nn_layer_norm(n->x->x + at, rows, n->x->cols, n->gamma, n->beta, n->eps, n->y->x + at);
}

static void norm_back_part(void *context, int item, int thread) {
    const Norms *n = context;
    int row = item * GRAPH_ROWS, rows = MIN(GRAPH_ROWS, n->x->rows - row), cols = n->x->cols;
    size_t at = (size_t)row * cols;
    float *part = n->parts + (size_t)item * 2 * cols;
    memset(part, 0, sizeof *part * 2 * cols);
    nn_layer_norm_back(n->x->x + at, n->y->dx + at, rows, cols, n->gamma, n->eps, n->dx + at, part,
                       part + cols);
}

static void layer_norm_back(Graph *g, Op *op) {
    Node *x = op->in[0];
    size_t mark = arena_mark(g->scratch[0]);
    int items = graph_items(x->rows), cols = x->cols;
    float *dgamma = graph_param_gradient(g, op->param[0]), *dx = graph_gradient(g, x);
    float *dbeta = graph_param_gradient(g, op->param[1]);
    if (!dx) /* where nobody wants it, it is computed all the same */
        dx = memset(arena_floats(g->scratch[0], node_floats(x)), 0, sizeof(float) * node_floats(x));
    Norms n = {x, op->out, graph_value(g, op->param[0]), NULL, op->number, dx, NULL};
    n.parts = arena_floats(g->scratch[0], (size_t)items * 2 * cols);
    graph_each(g, items, norm_back_part, &n);
    for (int i = 0; dgamma && i < items; i++)
        for (int c = 0; c < cols; c++) {
            dgamma[c] += n.parts[(size_t)i * 2 * cols + c];
            dbeta[c] += n.parts[((size_t)i * 2 + 1) * cols + c];
        }
    arena_reset(g->scratch[0], mark);
}

Node *graph_layer_norm(Graph *g, Node *x, const char *name, float eps) {
    Param *gamma = graph_param(g, name, ".weight"), *beta = graph_param(g, name, ".bias");
    Node *y = graph_node(g, x->rows, x->cols, x->wanted || gamma->trained);
    Norms n = {x, y, graph_value(g, gamma), graph_value(g, beta), eps, NULL, NULL};
    graph_each(g, graph_items(x->rows), norm_part, &n);
    Op *op = graph_record(g, layer_norm_back, y);
    if (op) op->in[0] = x, op->param[0] = gamma, op->param[1] = beta, op->number = eps;
    return y;
}

/* ---- BatchNorm over columns ---- */

/* Mean and 1 / deviation of each column, of the batch or the running ones, which the batch's
 * update. */
static float *batch_statistics(Graph *g, const Node *x, const char *name) {
    int cols = x->cols;
    float *mean = arena_floats(g->arena, 2 * (size_t)cols), *inverse = mean + cols;
    float *running_mean = graph_value(g, graph_param(g, name, ".running_mean"));
    float *running_var = graph_value(g, graph_param(g, name, ".running_var"));
    size_t mark = arena_mark(g->scratch[0]);
    double *sum = arena_bytes(g->scratch[0], sizeof *sum * 2 * cols), *square = sum + cols;
    float *part = arena_floats(g->scratch[0], 2 * (size_t)cols);
    memset(sum, 0, sizeof *sum * 2 * cols);
    if (g->training) nn_moments(x->x, x->rows, cols, part, sum, square);
    for (int c = 0; c < cols; c++) {
        double m = running_mean[c], var = running_var[c], n = x->rows;
        if (g->training) {
            m = sum[c] / n, var = fmax(0, square[c] / n - m * m);
            running_mean[c] += (float)(MOMENTUM * (m - running_mean[c]));
            running_var[c] += (float)(MOMENTUM * (var * n / fmax(1, n - 1) - running_var[c]));
        }
        mean[c] = (float)m, inverse[c] = (float)(1 / sqrt(var + NORM_EPS));
    }
    arena_reset(g->scratch[0], mark);
    return mean;
}

/* dx = gamma · inverse · (dy − mean(dy) − x̂ · mean(dy · x̂)), without the means where the statistics
 * were not the batch's. */
static void batch_norm_back(Graph *g, Op *op) {
    const Node *x = op->in[0], *y = op->out;
    int cols = x->cols;
    const float *mean = op->data, *inverse = mean + cols, *gamma = graph_value(g, op->param[0]);
    float *dgamma = graph_param_gradient(g, op->param[0]);
    float *dbeta = graph_param_gradient(g, op->param[1]), *dx = graph_gradient(g, op->in[0]);
    size_t mark = arena_mark(g->scratch[0]);
    double *sum = arena_bytes(g->scratch[0], sizeof *sum * 2 * cols), *product = sum + cols;
    memset(sum, 0, sizeof *sum * 2 * cols);
    for (int r = 0; r < x->rows; r++)
        for (int c = 0; c < cols; c++) {
            size_t at = (size_t)r * cols + c;
            sum[c] += y->dx[at];
            product[c] += y->dx[at] * (x->x[at] - mean[c]) * inverse[c];
        }
    for (int c = 0; dgamma && c < cols; c++)
        dgamma[c] += (float)product[c], dbeta[c] += (float)sum[c];
    double share = op->size[0] ? 1.0 / x->rows : 0;
    for (int r = 0; dx && r < x->rows; r++)
        for (int c = 0; c < cols; c++) {
            size_t at = (size_t)r * cols + c;
            float normed = (x->x[at] - mean[c]) * inverse[c];
            dx[at] += gamma[c] * inverse[c] *
                      (y->dx[at] - (float)(share * sum[c]) - normed * (float)(share * product[c]));
        }
    arena_reset(g->scratch[0], mark);
}

Node *graph_batch_norm(Graph *g, Node *x, const char *name) {
    Param *gamma = graph_param(g, name, ".weight"), *beta = graph_param(g, name, ".bias");
    const float *mean = batch_statistics(g, x, name), *inverse = mean + x->cols;
    const float *scale = graph_value(g, gamma), *shift = graph_value(g, beta);
    Node *y = graph_node(g, x->rows, x->cols, x->wanted || gamma->trained);
    for (int r = 0; r < x->rows; r++)
        for (int c = 0; c < x->cols; c++) {
            size_t at = (size_t)r * x->cols + c;
            y->x[at] = (x->x[at] - mean[c]) * inverse[c] * scale[c] + shift[c];
        }
    Op *op = graph_record(g, batch_norm_back, y);
    if (op) {
        op->in[0] = x, op->param[0] = gamma, op->param[1] = beta;
        op->data = mean, op->size[0] = g->training;
    }
    return y;
}

/* ---- attention ---- */

typedef struct {
    Graph *g;
    const AttnGroups *groups;
    const float *qkv, *bias, *dout;
    float *out, *dqkv, *dbias; /* dbias: [parts][heads · n · n] */
    int wide, parts;
} Attention;

#define BIAS_PARTS 16 /* groups are shared out in so many runs, each with a sum of its own */

static int group_rows(const AttnGroups *groups, int i) {
    return groups->first[i + 1] - groups->first[i];
}

static const float *mask_of(const AttnGroups *groups, int i) {
    return groups->mask ? groups->mask[i % groups->masks] : NULL;
}

static void attend_part(void *context, int item, int thread) {
    const Attention *a = context;
    int heads = a->groups->heads;
    size_t at = (size_t)a->groups->first[item] * a->wide;
    nn_attn(a->qkv + 3 * at, group_rows(a->groups, item), heads, a->wide / heads, a->bias,
            mask_of(a->groups, item), a->out + at, a->g->scratch[thread]);
}

static void attend_back_part(void *context, int item, int thread) {
    const Attention *a = context;
    int heads = a->groups->heads, n = group_rows(a->groups, 0), count = a->groups->count;
    float *dbias = a->dbias ? a->dbias + (size_t)item * heads * n * n : NULL;
    for (int i = count * item / a->parts; i < count * (item + 1) / a->parts; i++) {
        size_t at = (size_t)a->groups->first[i] * a->wide;
        nn_attn_back(a->qkv + 3 * at, group_rows(a->groups, i), heads, a->wide / heads, a->bias,
                     mask_of(a->groups, i), a->dout + at, a->dqkv + 3 * at, dbias,
                     a->g->scratch[thread]);
    }
}

typedef struct {
    Node *parts[3];
    float *stacked; /* [rows][3][wide] */
    int wide;
    bool back;
} Stack;

static void stack_rows(void *context, int item, int thread) {
    const Stack *s = context;
    size_t bytes = sizeof(float) * s->wide;
    for (int r = item * GRAPH_ROWS; r < MIN(s->parts[0]->rows, (item + 1) * GRAPH_ROWS); r++)
        for (int p = 0; p < 3; p++) {
            float *row = s->stacked + ((size_t)r * 3 + p) * s->wide;
            Node *part = s->parts[p];
            if (!s->back)
                memcpy(row, part->x + (size_t)r * s->wide, bytes);
            else if (part->dx)
                nn_add(part->dx + (size_t)r * s->wide, row, s->wide);
        }
}

static void attention_back(Graph *g, Op *op) {
    const AttnGroups *groups = op->data;
    Node *bias = op->in[3];
    size_t mark = arena_mark(g->scratch[0]), rows = op->out->rows, wide = op->out->cols;
    size_t biases = bias ? node_floats(bias) : 0;
    float *dbias = bias ? graph_gradient(g, bias) : NULL;
    Attention a = {.g = g, .groups = groups, .qkv = op->more, .bias = bias ? bias->x : NULL};
    a.dout = op->out->dx;
    a.wide = (int)wide;
    a.parts = dbias ? MIN(BIAS_PARTS, groups->count) : groups->count;
    a.dqkv = arena_floats(g->arena, rows * 3 * wide);
    if (dbias) a.dbias = arena_floats(g->scratch[0], a.parts * biases);
    if (dbias) memset(a.dbias, 0, sizeof(float) * a.parts * biases);
    graph_each(g, a.parts, attend_back_part, &a);
    if (dbias) graph_add_parts(g, a.dbias, a.parts, biases, dbias);
    Stack s = {{op->in[0], op->in[1], op->in[2]}, a.dqkv, (int)wide, true};
    for (int p = 0; p < 3; p++) graph_gradient(g, op->in[p]);
    graph_each(g, graph_items((int)rows), stack_rows, &s);
    arena_reset(g->scratch[0], mark);
}

Node *graph_attention(Graph *g, Node *q, Node *k, Node *v, Node *bias, const AttnGroups *groups) {
    bool wanted = q->wanted || k->wanted || v->wanted || (bias && bias->wanted);
    float *qkv = arena_floats(g->arena, 3 * node_floats(q));
    Stack s = {{q, k, v}, qkv, q->cols, false};
    graph_each(g, graph_items(q->rows), stack_rows, &s);
    Node *y = graph_node(g, q->rows, q->cols, wanted);
    Attention a = {.g = g, .groups = groups, .qkv = qkv, .bias = bias ? bias->x : NULL};
    a.out = y->x, a.wide = q->cols;
    graph_each(g, groups->count, attend_part, &a);
    Op *op = graph_record(g, attention_back, y);
    if (op) {
        op->in[0] = q, op->in[1] = k, op->in[2] = v, op->in[3] = bias;
        op->data = groups, op->more = qkv;
    }
    return y;
}

/* Where the bias between tokens a and b of a window stands in the table. */
static size_t table_row(int window, int a, int b) {
    int down = a / window - b / window + window - 1, across = a % window - b % window + window - 1;
    return (size_t)(down * (2 * window - 1) + across);
}

static void swin_bias_back(Graph *g, Op *op) {
    int window = op->size[0], heads = op->size[1], n = window * window;
    float *gradient = graph_param_gradient(g, op->param[0]);
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < n * n; i++)
            gradient[table_row(window, i / n, i % n) * heads + h] +=
                op->out->dx[(size_t)h * n * n + i];
}

Node *graph_swin_bias(Graph *g, const char *name, int window, int heads) {
    Param *table = graph_param(g, name, "");
    int n = window * window;
    Node *y = graph_node(g, heads, n * n, table->trained);
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < n * n; i++)
            y->x[(size_t)h * n * n + i] =
                graph_value(g, table)[table_row(window, i / n, i % n) * heads + h];
    Op *op = graph_record(g, swin_bias_back, y);
    if (op) op->param[0] = table, op->size[0] = window, op->size[1] = heads;
    return y;
}
