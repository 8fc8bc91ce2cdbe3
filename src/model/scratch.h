/* Adding up what a forward pass will take from its arena, before it runs. */
#pragma once
#include "arena.h"

static inline size_t scratch_floats(size_t count) {
    return (count * sizeof(float) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static inline size_t scratch_max(size_t a, size_t b) {
    return a > b ? a : b;
}
