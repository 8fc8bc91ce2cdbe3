/* Two orders into one, with OpenSearch's arithmetic: normalization-processor (min_max,
 * arithmetic_mean) and score-ranker-processor (rrf; Cormack 2009), as of 2.19.
 *
 * Each list is a part's best candidates of the whole library, the best first. Equal scores are
 * ordered by id, so that every backend gives the same order.
 *
 * Pure arithmetic; thread: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define FUSE_RANK_CONSTANT 60
#define FUSE_LEAST_SCORE   0.001 /* what the last candidate of a list is given by min_max */

typedef struct {
    uint64_t id; /* a clip's 16 hex digits as a number */
    double score;
} Candidate;

/* Of candidates in a GArray: the best first, equal ones by id. */
gint candidate_order(gconstpointer a, gconstpointer b);

typedef struct {
    uint64_t id;
    double score;
    double part[2]; /* what each list gave: its normalised score, or 1 / (constant + rank) */
    int rank[2];    /* in each list, from 1; 0: not there */
} Fused;

/* Lists are arrays of Candidate; NULL counts as empty. weights[i] ≥ 0, not both 0. → array of
 * Fused, the best first. */
GArray *fuse_minmax(const GArray *const lists[2], const double weights[2]);
GArray *fuse_rrf(const GArray *const lists[2], const double weights[2]);
