/* Samples on their way from the thread that a sound card wakes to the one that writes them down: a
 * ring without locks, of a size that is fixed at its start. Putting and taking never wait and never
 * allocate.
 *
 * Thread: one puts, one takes; a third may do nothing. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Ring Ring;

/* Room for `least` samples or more. */
Ring *ring_new(size_t least);

/* All of them or, where there is no room, none: what was lost is a gap at one place. */
bool ring_put(Ring *ring, const int16_t *samples, size_t count);

/* What is there, at most `most` → how many. */
size_t ring_take(Ring *ring, int16_t *samples, size_t most);

void ring_free(Ring *ring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ring, ring_free)
