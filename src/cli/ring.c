/* A ring for one writer and one reader. Both counters only grow; their difference is what is in it,
 * and each is changed by one thread alone. */
#include "ring.h"

#include <stdatomic.h>
#include <string.h>

struct Ring {
    size_t size;      /* a power of two */
    atomic_size_t in; /* samples put so far; the putting thread's */
    atomic_size_t out;
    int16_t samples[];
};

Ring *ring_new(size_t least) {
    size_t size = 1;
    while (size < least) size *= 2;
    Ring *ring = g_malloc0(sizeof *ring + size * sizeof *ring->samples);
    ring->size = size;
    return ring;
}

void ring_free(Ring *ring) {
    g_free(ring);
}

/* Samples from `at` on that lie in one piece. */
static size_t piece(const Ring *ring, size_t at, size_t count) {
    return MIN(count, ring->size - (at & (ring->size - 1)));
}

bool ring_put(Ring *ring, const int16_t *samples, size_t count) {
    size_t in = atomic_load_explicit(&ring->in, memory_order_relaxed);
    size_t out = atomic_load_explicit(&ring->out, memory_order_acquire);
    if (count > ring->size - (in - out)) return false;
    size_t first = piece(ring, in, count);
    memcpy(ring->samples + (in & (ring->size - 1)), samples, first * sizeof *samples);
    memcpy(ring->samples, samples + first, (count - first) * sizeof *samples);
    atomic_store_explicit(&ring->in, in + count, memory_order_release);
    return true;
}

size_t ring_take(Ring *ring, int16_t *samples, size_t most) {
    size_t out = atomic_load_explicit(&ring->out, memory_order_relaxed);
    size_t in = atomic_load_explicit(&ring->in, memory_order_acquire);
    size_t count = MIN(most, in - out), first = piece(ring, out, count);
    memcpy(samples, ring->samples + (out & (ring->size - 1)), first * sizeof *samples);
    memcpy(samples + first, ring->samples, (count - first) * sizeof *samples);
    atomic_store_explicit(&ring->out, out + count, memory_order_release);
    return count;
}
