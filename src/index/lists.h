/* Private to index: the lists of a partition: k-means of the rotated vectors, and the order of the
 * lists for a query. Centres are scored in int8, in panels of sixteen. Everything is of `padded`
 * dimensions. */
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
    const float *centres; /* [count][padded], borrowed */
    const float *spread;  /* [count]: rms residual; borrowed; NULL while there is none */
    float *square;        /* [panels · VEC_PANEL]: |c|²; beyond the last, more than any */
    Panels panels;
} Lists;

Lists lists_new(const float *centres, const float *spread, int count, int padded);
void lists_clear(Lists *lists);

/* Every row's list. rows[count][dim] in half precision → list[count]. */
void lists_assign(const Lists *lists, const Rotation *rotation, const uint16_t *rows,
                  uint64_t count, int threads, uint32_t *list);

/* k-means of a sample → centres[lists][padded]. The same whatever the threads. */
void lists_train(const Rotation *rotation, const uint16_t *rows, uint64_t count, int lists,
                 int threads, float *centres);

/* Keys (top.h) of the `wanted` most promising lists for the rotated unit query q, the best first.
 * keys[lists->count] and bytes[padded] are scratch. */
void lists_order(const Lists *lists, const float *q, int wanted, uint8_t *bytes, uint64_t *keys);
