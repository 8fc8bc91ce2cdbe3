/* The tape itself, leaves, and what is done element by element or row by row. See graph.h. */
#include "graph.h"

#include "arena.h"
#include "graph_private.h"
#include "nn_act.h"
#include "nn_matmul.h"
#include "nn_norm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARENA_RESERVED   ((size_t)1 << 37) /* addresses, not memory */
#define SCRATCH_RESERVED ((size_t)1 << 33)
#define OPS_BLOCK        1024
#define NAME_MOST        256

/* ---- the tape ---- */

Graph *graph_new(Params *params, Team *team) {
    Graph *g = g_new0(Graph, 1);
    *g = (Graph){.params = params, .team = team, .arena = arena_new_reserved(ARENA_RESERVED)};
    g->scratch = g_new(Arena *, team_threads(team));
    for (int i = 0; i < team_threads(team); i++)
        g->scratch[i] = arena_new_reserved(SCRATCH_RESERVED);
    return g;
}

void graph_free(Graph *g) {
    if (!g) return;
    arena_free(g->arena);
    for (int i = 0; i < team_threads(g->team); i++) arena_free(g->scratch[i]);
    for (int i = 0; i < g->blocks; i++) g_free(g->ops[i]);
    g_free(g->ops);
    g_free(g->scratch);
    g_free(g);
}

void graph_begin(Graph *g, bool training) {
    arena_reset(g->arena, 0);
    g->count = 0;
    g->training = training;
}

size_t graph_bytes(const Graph *g) {
    return g->most;
}

void *graph_keep(Graph *g, size_t bytes) {
    return arena_bytes(g->arena, bytes);
}

Op *graph_record(Graph *g, OpBack *back, Node *out) {
    g->most = MAX(g->most, arena_mark(g->arena));
    if (!out->wanted || !g->training) return NULL;
    if (g->count == g->blocks * OPS_BLOCK) {
        g->ops = g_renew(Op *, g->ops, g->blocks + 1);
        g->ops[g->blocks++] = g_new(Op, OPS_BLOCK);
    }
    Op *op = &g->ops[g->count / OPS_BLOCK][g->count % OPS_BLOCK];
    g->count++;
    *op = (Op){.back = back, .out = out};
    return op;
}

Node *graph_node(Graph *g, int rows, int cols, bool wanted) {
    Node *node = arena_bytes(g->arena, sizeof *node);
    *node = (Node){.rows = rows, .cols = cols, .wanted = wanted};
    node->x = arena_floats(g->arena, node_floats(node));
    return node;
}

float *graph_gradient_raw(Graph *g, Node *node, bool *add) {
    *add = node->dx != NULL;
    if (node->wanted && !node->dx) node->dx = arena_floats(g->arena, node_floats(node));
    return node->dx;
}

float *graph_gradient(Graph *g, Node *node) {
    bool there;
    float *dx = graph_gradient_raw(g, node, &there);
    if (dx && !there) memset(dx, 0, sizeof *dx * node_floats(node));
    return dx;
}

void graph_backward(Graph *g, Node *loss) {
    g_assert(loss->rows == 1 && loss->cols == 1);
    if (!loss->wanted) return;
    *graph_gradient(g, loss) = 1;
    for (int i = g->count; i-- > 0;) {
        Op *op = &g->ops[i / OPS_BLOCK][i % OPS_BLOCK];
        if (op->out->dx) op->back(g, op);
        g->most = MAX(g->most, arena_mark(g->arena));
    }
}

/* ---- parameters ---- */

Param *graph_param(Graph *g, const char *name, const char *suffix) {
    char whole[NAME_MOST];
    snprintf(whole, sizeof whole, "%s%s", name, suffix);
    return params_find(g->params, whole);
}

float *graph_value(Graph *g, const Param *param) {
    return g->params->value + param->at;
}

float *graph_param_gradient(Graph *g, const Param *param) {
    return param->trained ? g->params->gradient + param->at : NULL;
}

static void parameter_back(Graph *g, Op *op) {
    float *gradient = graph_param_gradient(g, op->param[0]);
    nn_add(gradient, op->out->dx, node_floats(op->out));
}

Node *graph_parameter(Graph *g, const char *name) {
    Param *param = graph_param(g, name, "");
    int rows = param->rank > 0 ? (int)param->shape[0] : 1;
    Node *node = graph_node(g, rows, (int)(param->count / (size_t)rows), param->trained);
    memcpy(node->x, graph_value(g, param), sizeof(float) * param->count);
    Op *op = graph_record(g, parameter_back, node);
    if (op) op->param[0] = param;
    return node;
}

Node *graph_input(Graph *g, int rows, int cols, const float *x) {
    Node *node = graph_node(g, rows, cols, false);
    memcpy(node->x, x, sizeof *x * node_floats(node));
    return node;
}

/* ---- loops ---- */

int graph_items(int rows) {
    return (rows + GRAPH_ROWS - 1) / GRAPH_ROWS;
}

void graph_each(Graph *g, int items, TeamTask task, void *context) {
    team_run(g->team, items, task, context);
}

void graph_add_parts(Graph *g, const float *parts, int items, size_t n, float *into) {
    for (int i = 0; i < items; i++) nn_add(into, parts + (size_t)i * n, n);
}

/* ---- element by element ---- */

#define ELEMENTS 16384

typedef struct {
    size_t n;
    const float *a, *b, *c, *dy;
    float *y, *da, *db, *dc;
    void (*in_place)(float *x, size_t n);
    void (*back)(const float *x, const float *dy, size_t n, float *dx);
} Elements;

static void each_element(Graph *g, TeamTask task, Elements *e) {
    team_run(g->team, (int)((e->n + ELEMENTS - 1) / ELEMENTS), task, e);
}

static size_t part_of(const Elements *e, int item, size_t *count) {
    size_t at = (size_t)item * ELEMENTS;
    *count = MIN((size_t)ELEMENTS, e->n - at);
    return at;
}

static void act_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    memcpy(e->y + at, e->a + at, sizeof(float) * n);
    e->in_place(e->y + at, n);
}

static void act_back_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    e->back(e->a + at, e->dy + at, n, e->da + at);
}

/* GELU's slope is told by its input, the others' by their output. */
static void act_back(Graph *g, Op *op, void (*back)(const float *, const float *, size_t, float *),
                     const float *at) {
    Elements e = {.n = node_floats(op->out), .a = at, .dy = op->out->dx, .back = back};
    e.da = graph_gradient(g, op->in[0]);
    each_element(g, act_back_part, &e);
}

static void gelu_back(Graph *g, Op *op) {
    act_back(g, op, nn_gelu_back, op->in[0]->x);
}

static void relu_back(Graph *g, Op *op) {
    act_back(g, op, nn_relu_back, op->out->x);
}

static void tanh_back(Graph *g, Op *op) {
    act_back(g, op, nn_tanh_back, op->out->x);
}

static void sigmoid_back(Graph *g, Op *op) {
    act_back(g, op, nn_sigmoid_back, op->out->x);
}

static Node *act(Graph *g, Node *x, void (*in_place)(float *, size_t), OpBack *back) {
    Node *y = graph_node(g, x->rows, x->cols, x->wanted);
    Elements e = {.n = node_floats(y), .a = x->x, .y = y->x, .in_place = in_place};
    each_element(g, act_part, &e);
    Op *op = graph_record(g, back, y);
    if (op) op->in[0] = x;
    return y;
}

Node *graph_gelu(Graph *g, Node *x) {
    return act(g, x, nn_gelu, gelu_back);
}

Node *graph_relu(Graph *g, Node *x) {
    return act(g, x, nn_relu, relu_back);
}

Node *graph_tanh(Graph *g, Node *x) {
    return act(g, x, nn_tanh, tanh_back);
}

Node *graph_sigmoid(Graph *g, Node *x) {
    return act(g, x, nn_sigmoid, sigmoid_back);
}

static void add_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    memcpy(e->y + at, e->a + at, sizeof(float) * n);
    nn_add(e->y + at, e->b + at, n);
}

static void accumulate_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    nn_add(e->y + at, e->a + at, n);
}

/* to += from */
static void accumulate(Graph *g, const float *from, size_t n, float *to) {
    Elements e = {.n = n, .a = from, .y = to};
    each_element(g, accumulate_part, &e);
}

static void add_back(Graph *g, Op *op) {
    for (int i = 0; i < 2; i++) {
        float *dx = graph_gradient(g, op->in[i]);
        if (dx) accumulate(g, op->out->dx, node_floats(op->out), dx);
    }
}

Node *graph_add(Graph *g, Node *a, Node *b) {
    Node *y = graph_node(g, a->rows, a->cols, a->wanted || b->wanted);
    Elements e = {.n = node_floats(y), .a = a->x, .b = b->x, .y = y->x};
    each_element(g, add_part, &e);
    Op *op = graph_record(g, add_back, y);
    if (op) op->in[0] = a, op->in[1] = b;
    return y;
}

static void mix_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    for (size_t i = at; i < at + n; i++)
        e->y[i] = 2 * e->a[i] * e->b[i] + 2 * (1 - e->a[i]) * e->c[i];
}

static void mix_back_part(void *context, int item, int thread) {
    const Elements *e = context;
    size_t n, at = part_of(e, item, &n);
    for (size_t i = at; i < at + n; i++) {
        float dy = 2 * e->dy[i];
        if (e->da) e->da[i] += dy * (e->b[i] - e->c[i]);
        if (e->db) e->db[i] += dy * e->a[i];
        if (e->dc) e->dc[i] += dy * (1 - e->a[i]);
    }
}

static void mix_back(Graph *g, Op *op) {
    Elements e = {.n = node_floats(op->out),
                  .a = op->in[0]->x,
                  .b = op->in[1]->x,
                  .c = op->in[2]->x,
                  .dy = op->out->dx,
                  .da = graph_gradient(g, op->in[0]),
                  .db = graph_gradient(g, op->in[1]),
                  .dc = graph_gradient(g, op->in[2])};
    each_element(g, mix_back_part, &e);
}

Node *graph_mix(Graph *g, Node *w, Node *a, Node *b) {
    Node *y = graph_node(g, w->rows, w->cols, w->wanted || a->wanted || b->wanted);
    Elements e = {.n = node_floats(y), .a = w->x, .b = a->x, .c = b->x, .y = y->x};
    each_element(g, mix_part, &e);
    Op *op = graph_record(g, mix_back, y);
    if (op) op->in[0] = w, op->in[1] = a, op->in[2] = b;
    return y;
}

/* ---- gathering ---- */

typedef struct {
    const Node *x, *y;
    const int *index;
    float *dx;
} Gather;

static void rows_part(void *context, int item, int thread) {
    const Gather *r = context;
    int cols = r->y->cols;
    for (int i = item * GRAPH_ROWS; i < MIN(r->y->rows, (item + 1) * GRAPH_ROWS); i++) {
        float *to = r->y->x + (size_t)i * cols;
        if (r->index[i] < 0)
            memset(to, 0, sizeof *to * cols);
        else
            memcpy(to, r->x->x + (size_t)r->index[i] * cols, sizeof *to * cols);
    }
}

/* One thread: rows may be wanted twice. */
static void rows_back(Graph *g, Op *op) {
    const int *index = op->data;
    int cols = op->out->cols;
    float *dx = graph_gradient(g, op->in[0]);
    for (int i = 0; i < op->out->rows; i++)
        if (index[i] >= 0)
            nn_add(dx + (size_t)index[i] * cols, op->out->dx + (size_t)i * cols, cols);
}

Node *graph_rows(Graph *g, Node *x, const int *index, int count) {
    Node *y = graph_node(g, count, x->cols, x->wanted);
    Gather r = {.x = x, .y = y, .index = index};
    graph_each(g, graph_items(count), rows_part, &r);
    Op *op = graph_record(g, rows_back, y);
    if (op) op->in[0] = x, op->data = index;
    return y;
}

static void embedding_back(Graph *g, Op *op) {
    const int32_t *ids = op->data;
    size_t cols = op->out->cols;
    float *gradient = graph_param_gradient(g, op->param[0]);
    for (int i = 0; i < op->out->rows; i++)
        if (ids[i] != op->size[0])
            nn_add(gradient + (size_t)ids[i] * cols, op->out->dx + (size_t)i * cols, cols);
}

Node *graph_embedding(Graph *g, const char *name, const int32_t *ids, int count, int padding) {
    Param *param = graph_param(g, name, ".weight");
    size_t cols = (size_t)param->shape[1];
    Node *y = graph_node(g, count, (int)cols, param->trained);
    for (int i = 0; i < count; i++)
        memcpy(y->x + (size_t)i * cols, graph_value(g, param) + (size_t)ids[i] * cols,
               sizeof(float) * cols);
    Op *op = graph_record(g, embedding_back, y);
    if (op) op->param[0] = param, op->data = ids, op->size[0] = padding;
    return y;
}

static void reshape_back(Graph *g, Op *op) {
    float *dx = graph_gradient(g, op->in[0]);
    accumulate(g, op->out->dx, node_floats(op->out), dx);
}

Node *graph_reshape(Graph *g, Node *x, int rows, int cols) {
    g_assert((size_t)rows * cols == node_floats(x));
    Node *y = arena_bytes(g->arena, sizeof *y);
    *y = (Node){.x = x->x, .rows = rows, .cols = cols, .wanted = x->wanted};
    Op *op = graph_record(g, reshape_back, y);
    if (op) op->in[0] = x;
    return y;
}

static void transpose(const float *x, int rows, int cols, float *y, bool add) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            size_t to = (size_t)c * rows + r;
            y[to] = x[(size_t)r * cols + c] + (add ? y[to] : 0);
        }
}

static void transpose_back(Graph *g, Op *op) {
    transpose(op->out->dx, op->out->rows, op->out->cols, graph_gradient(g, op->in[0]), true);
}

Node *graph_transpose(Graph *g, Node *x) {
    Node *y = graph_node(g, x->cols, x->rows, x->wanted);
    transpose(x->x, x->rows, x->cols, y->x, false);
    Op *op = graph_record(g, transpose_back, y);
    if (op) op->in[0] = x;
    return y;
}

static void mean_back(Graph *g, Op *op) {
    int group = op->size[0], cols = op->out->cols;
    float *dx = graph_gradient(g, op->in[0]), share = 1.0f / (float)group;
    for (int r = 0; r < op->in[0]->rows; r++)
        for (int c = 0; c < cols; c++)
            dx[(size_t)r * cols + c] += op->out->dx[(size_t)(r / group) * cols + c] * share;
}

Node *graph_mean(Graph *g, Node *x, int group) {
    Node *y = graph_node(g, x->rows / group, x->cols, x->wanted);
    memset(y->x, 0, sizeof(float) * node_floats(y));
    for (int r = 0; r < x->rows; r++)
        nn_add(y->x + (size_t)(r / group) * x->cols, x->x + (size_t)r * x->cols, x->cols);
    for (size_t i = 0; i < node_floats(y); i++) y->x[i] /= (float)group;
    Op *op = graph_record(g, mean_back, y);
    if (op) op->in[0] = x, op->size[0] = group;
    return y;
}

static void add_groups_back(Graph *g, Op *op) {
    int group = op->size[0], cols = op->out->cols;
    float *da = graph_gradient(g, op->in[0]), *db = graph_gradient(g, op->in[1]);
    if (da) accumulate(g, op->out->dx, node_floats(op->out), da);
    for (int r = 0; db && r < op->out->rows; r++)
        nn_add(db + (size_t)(r / group) * cols, op->out->dx + (size_t)r * cols, cols);
}

Node *graph_add_groups(Graph *g, Node *a, Node *b) {
    int group = a->rows / b->rows, cols = a->cols;
    Node *y = graph_node(g, a->rows, cols, a->wanted || b->wanted);
    memcpy(y->x, a->x, sizeof(float) * node_floats(y));
    for (int r = 0; r < a->rows; r++)
        nn_add(y->x + (size_t)r * cols, b->x + (size_t)(r / group) * cols, cols);
    Op *op = graph_record(g, add_groups_back, y);
    if (op) op->in[0] = a, op->in[1] = b, op->size[0] = group;
    return y;
}

static void unit_back(Graph *g, Op *op) {
    const float *length = op->data;
    int cols = op->out->cols;
    float *dx = graph_gradient(g, op->in[0]);
    for (int r = 0; r < op->out->rows; r++) {
        size_t at = (size_t)r * cols;
        nn_l2_normalise_back(op->out->x + at, op->out->dx + at, length[r], cols, dx + at);
    }
}

Node *graph_unit(Graph *g, Node *x) {
    Node *y = graph_node(g, x->rows, x->cols, x->wanted);
    float *length = arena_floats(g->arena, x->rows);
    memcpy(y->x, x->x, sizeof(float) * node_floats(y));
    for (int r = 0; r < x->rows; r++) {
        float *row = y->x + (size_t)r * x->cols;
        double sum = 0;
        for (int c = 0; c < x->cols; c++) sum += (double)row[c] * row[c];
        length[r] = (float)sqrt(sum);
        nn_l2_normalise(row, x->cols);
    }
    Op *op = graph_record(g, unit_back, y);
    if (op) op->in[0] = x, op->data = length;
    return y;
}
