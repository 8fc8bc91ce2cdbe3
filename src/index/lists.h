/* Private to index: the lists of a partition: k-means of the rotated vectors, and which lists a
 * query should look through. Centres are scored in int8, in panels of sixteen. Everything is of
 * `padded` dimensions. */
#pragma once
#include "rotate.h"
#include "vec_kernels.h"

/* Vectors as columns of integers. Owns its arrays. */
typedef struct {
    int count, padded;
    int8_t *columns;     /* [panels][padded / 4][VEC_PANEL][4] */
    float *scale;        /* [panels · VEC_PANEL] */
    int32_t *correction; /* likewise */
} Panels;

Panels panels_new(const float *vectors, int count, int padded);
void panels_clear(Panels *panels);
int panels_count(const Panels *panels);

/* Products of `rows` quantised rows (VEC_ROWS of them) with panel p. */
void panels_scores(const Panels *panels, int p, const uint8_t *rows, const float *row_scale,
                   float scores[VEC_ROWS][VEC_PANEL]);

typedef struct {
    int count, padded;
    const float *centres;  /* [count][padded], borrowed */
    const float *spread;   /* [count]: rms residual; borrowed; NULL while there is none */
    const uint32_t *sizes; /* [count], likewise */
    float *square;         /* [panels · VEC_PANEL]: |c|²; beyond the last, more than any */
    Panels panels;
} Lists;

Lists lists_new(const float *centres, int count, int padded);
void lists_clear(Lists *lists);

/* Every row's list. rows[count][dim] in half precision → list[count]. */
void lists_assign(const Lists *lists, const Rotation *rotation, const uint16_t *rows,
                  uint64_t count, int threads, uint32_t *list);

/* k-means of a sample → centres[lists][padded]. The same whatever the threads. */
void lists_train(const Rotation *rotation, const uint16_t *rows, uint64_t count, int lists,
                 int threads, float *centres);

/* How the members of each list would lie to a query, were their cosines normally distributed about
 * that of the centre. Owns its arrays, which grow with the lists it sees. */
typedef struct {
    int room;
    uint8_t *bytes; /* the query quantised */
    float *reach;   /* [count]: what came of it */
    float *dots, *inverse;
    float *near_dots, *near_inverse, *near_sizes;
} ListsView;

void lists_view_clear(ListsView *view);

/* For the rotated unit query q → view->reach[count]: (<q, c> - t) / σ with the list's centre c,
 * σ = weight · spread · |q's part across c|, and the t that about `expected` of all members exceed.
 * Lists are worth going through in this order, and down to nearly the same reach for every query.
 */
void lists_reach(const Lists *lists, const float *q, float weight, float expected, ListsView *view);
