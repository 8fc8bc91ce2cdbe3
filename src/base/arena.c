/* Bump allocation in one aligned block. See arena.h for the rules. */
#include "arena.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct Arena {
    unsigned char *block;
    size_t size, used;
    bool mapped;
};

static void out_of_memory(size_t bytes) {
    fprintf(stderr, "earshot: out of memory (%zu bytes of scratch)\n", bytes);
    abort();
}

Arena *arena_new(size_t bytes) {
    Arena *arena = malloc(sizeof *arena);
    size_t size = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    void *block = aligned_alloc(ARENA_ALIGN, size ? size : ARENA_ALIGN);
    if (!arena || !block) out_of_memory(size);
    *arena = (Arena){.block = block, .size = size};
    return arena;
}

Arena *arena_new_reserved(size_t bytes) {
    Arena *arena = malloc(sizeof *arena);
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!arena || block == MAP_FAILED) out_of_memory(bytes);
    madvise(block, bytes, MADV_HUGEPAGE);
    *arena = (Arena){.block = block, .size = bytes, .mapped = true};
    return arena;
}

void arena_free(Arena *arena) {
    if (!arena) return;
    if (arena->mapped)
        munmap(arena->block, arena->size);
    else
        free(arena->block);
    free(arena);
}

void *arena_bytes(Arena *arena, size_t bytes) {
    size_t need = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (need < bytes || need > arena->size - arena->used) {
        fprintf(stderr, "earshot: scratch of %zu bytes asked for %zu more than it has\n",
                arena->size, need - (arena->size - arena->used));
        abort();
    }
    void *at = arena->block + arena->used;
    arena->used += need;
    return at;
}

float *arena_floats(Arena *arena, size_t count) {
    return arena_bytes(arena, count * sizeof(float));
}

size_t arena_mark(const Arena *arena) {
    return arena->used;
}

void arena_reset(Arena *arena, size_t mark) {
    if (mark <= arena->used) arena->used = mark;
}
