/* An index of synthetic sounds, for `earshot bench`: clusters of unequal size in one cone, and
 * sentences from another, as docs/SPEED.md describes. A file in a temporary folder, gone with it.
 *
 * Thread: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SYNTHETIC_ROWS_MAX 10000000

typedef struct SyntheticIndex SyntheticIndex;

/* `stop` (may be NULL) ends the making when it becomes non-zero. */
SyntheticIndex *synthetic_index_new(int dim, uint64_t rows, int threads, const gint *stop,
                                    GError **error);
void synthetic_index_free(SyntheticIndex *synthetic);

/* The ten nearest of the next sentence; returns how many were found. */
int synthetic_index_search(SyntheticIndex *synthetic);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyntheticIndex, synthetic_index_free)
