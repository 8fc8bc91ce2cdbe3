/* Scratch memory for work that must not call malloc while it runs: one block, taken once, handed
 * out in order and given back in order. Its size is computed by the user, from the shapes, before
 * the work begins.
 *
 * Owner: whoever made it. Thread: one at a time. Plain C, so that `nn` can use it too.
 */
#pragma once
#include <stddef.h>

#define ARENA_ALIGN 64 /* bytes; every block starts on a cache line */

typedef struct Arena Arena;

/* Aborts when `bytes` cannot be had. */
Arena *arena_new(size_t bytes);

/* The same over `bytes` of addresses, which cost memory only where they were once used: for work
 * whose size is not known before it ran once. */
Arena *arena_new_reserved(size_t bytes);
void arena_free(Arena *arena);

/* `count` floats, uninitialised, valid until the arena is reset below them. Asking for more than is
 * left is a fault of the program (the size was computed wrong) and aborts. */
float *arena_floats(Arena *arena, size_t count);
void *arena_bytes(Arena *arena, size_t bytes);

/* Stack discipline: everything handed out after the mark is given back. */
size_t arena_mark(const Arena *arena);
void arena_reset(Arena *arena, size_t mark);
