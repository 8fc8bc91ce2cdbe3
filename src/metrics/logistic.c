/* See logistic.h. */
#include "logistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY     10
#define ITERATIONS 500
#define TOLERANCE  1e-7 /* of the gradient's largest entry */

typedef struct {
    const float *x;
    const int *label;
    int n, dim, classes;
    double penalty;
    double *scores; /* [classes] */
} Problem;

static void *taken(size_t bytes) {
    void *room = calloc(1, bytes ? bytes : 1);
    if (room) return room;
    fprintf(stderr, "earshot: out of memory (%zu bytes for a regression)\n", bytes);
    abort();
}

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void score(const double *w, const float *x, int classes, int dim, double *scores) {
    for (int c = 0; c < classes; c++, w += dim + 1) {
        double sum = w[dim];
        for (int d = 0; d < dim; d++) sum += w[d] * x[d];
        scores[c] = sum;
    }
}

/* → softmax; returns log Σ e^score. */
static double soften(double *scores, int classes) {
    double most = scores[0], sum = 0;
    for (int c = 1; c < classes; c++) most = fmax(most, scores[c]);
    for (int c = 0; c < classes; c++) sum += scores[c] = exp(scores[c] - most);
    for (int c = 0; c < classes; c++) scores[c] /= sum;
    return most + log(sum);
}

/* The loss at w, and its gradient. */
static double evaluate(const Problem *p, const double *w, double *gradient) {
    size_t wide = (size_t)p->dim + 1, count = (size_t)p->classes * wide;
    double loss = 0;
    memset(gradient, 0, sizeof *gradient * count);
    for (int i = 0; i < p->n; i++) {
        const float *x = p->x + (size_t)i * p->dim;
        score(w, x, p->classes, p->dim, p->scores);
        double own = p->scores[p->label[i]];
        loss += (soften(p->scores, p->classes) - own) / p->n;
        for (int c = 0; c < p->classes; c++) {
            double slope = (p->scores[c] - (c == p->label[i])) / p->n;
            double *g = gradient + (size_t)c * wide;
            for (int d = 0; d < p->dim; d++) g[d] += slope * x[d];
            g[p->dim] += slope;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (i % wide == (size_t)p->dim) continue;
        loss += 0.5 * p->penalty * w[i] * w[i];
        gradient[i] += p->penalty * w[i];
    }
    return loss;
}

typedef struct {
    size_t count;
    int stored;
    double *step[MEMORY], *change[MEMORY], rho[MEMORY]; /* the newest last */
} History;

/* −H · gradient, by the two loops of L-BFGS. */
static void direction_of(const History *h, const double *gradient, double *out) {
    double alpha[MEMORY];
    for (size_t i = 0; i < h->count; i++) out[i] = -gradient[i];
    for (int m = h->stored; m-- > 0;) {
        alpha[m] = h->rho[m] * dot(h->step[m], out, h->count);
        for (size_t i = 0; i < h->count; i++) out[i] -= alpha[m] * h->change[m][i];
    }
    if (h->stored) {
        int last = h->stored - 1;
        double scale = 1 / (h->rho[last] * dot(h->change[last], h->change[last], h->count));
        for (size_t i = 0; i < h->count; i++) out[i] *= scale;
    }
    for (int m = 0; m < h->stored; m++) {
        double beta = h->rho[m] * dot(h->change[m], out, h->count);
        for (size_t i = 0; i < h->count; i++) out[i] += (alpha[m] - beta) * h->step[m][i];
    }
}

/* Takes over the two arrays' contents; pairs without curvature are passed over. */
static void remember(History *h, const double *step, const double *change) {
    double curve = dot(step, change, h->count);
    if (curve <= 1e-12) return;
    if (h->stored == MEMORY) {
        double *s = h->step[0], *y = h->change[0];
        memmove(h->step, h->step + 1, sizeof h->step - sizeof *h->step);
        memmove(h->change, h->change + 1, sizeof h->change - sizeof *h->change);
        memmove(h->rho, h->rho + 1, sizeof h->rho - sizeof *h->rho);
        h->step[MEMORY - 1] = s, h->change[MEMORY - 1] = y;
        h->stored--;
    }
    memcpy(h->step[h->stored], step, sizeof *step * h->count);
    memcpy(h->change[h->stored], change, sizeof *change * h->count);
    h->rho[h->stored++] = 1 / curve;
}

typedef struct {
    double *gradient, *direction, *w, *next; /* trial point and its gradient */
} Work;

static double largest(const double *x, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Halves the step until the loss falls enough (Armijo). Returns the new loss, or the old one where
 * no step helps. */
static double search_line(const Problem *p, const double *w, double loss, const Work *work,
                          size_t count, double first) {
    double slope = dot(work->gradient, work->direction, count);
    for (double t = first; t > 1e-12; t *= 0.5) {
        for (size_t i = 0; i < count; i++) work->w[i] = w[i] + t * work->direction[i];
        double there = evaluate(p, work->w, work->next);
        if (there <= loss + 1e-4 * t * slope) return there;
    }
    return loss;
}

static void minimise(const Problem *p, double *w, History *h, Work *work) {
    size_t count = h->count;
    double loss = evaluate(p, w, work->gradient);
    for (int i = 0; i < ITERATIONS && largest(work->gradient, count) > TOLERANCE; i++) {
        direction_of(h, work->gradient, work->direction);
        double there = search_line(p, w, loss, work, count, 1);
        if (!(there < loss)) return;
        for (size_t j = 0; j < count; j++) {
            work->direction[j] = work->w[j] - w[j];
            work->gradient[j] = work->next[j] - work->gradient[j];
        }
        remember(h, work->direction, work->gradient);
        memcpy(w, work->w, sizeof *w * count);
        memcpy(work->gradient, work->next, sizeof *w * count);
        loss = there;
    }
}

Logistic *logistic_fit(const float *x, const int *label, int n, int dim, int classes,
                       double penalty) {
    size_t count = (size_t)classes * ((size_t)dim + 1), bytes = sizeof(double) * count;
    Logistic *l = taken(sizeof *l);
    *l = (Logistic){classes, dim, taken(bytes)};
    Problem p = {x, label, n, dim, classes, penalty, taken(sizeof(double) * (size_t)classes)};
    History h = {.count = count};
    Work work = {taken(bytes), taken(bytes), taken(bytes), taken(bytes)};
    for (int m = 0; m < MEMORY; m++) h.step[m] = taken(bytes), h.change[m] = taken(bytes);
    minimise(&p, l->w, &h, &work);
    for (int m = 0; m < MEMORY; m++) free(h.step[m]), free(h.change[m]);
    free(work.gradient), free(work.direction), free(work.w), free(work.next);
    free(p.scores);
    return l;
}

void logistic_free(Logistic *l) {
    if (!l) return;
    free(l->w);
    free(l);
}

int logistic_predict(const Logistic *l, const float *x, double *probability) {
    int best = 0;
    score(l->w, x, l->classes, l->dim, probability);
    soften(probability, l->classes);
    for (int c = 1; c < l->classes; c++)
        if (probability[c] > probability[best]) best = c;
    return best;
}
