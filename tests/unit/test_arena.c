/* The scratch arena: alignment, stack discipline, refusal to hand out more than it has. */
#include "arena.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

static void blocks_are_aligned_and_apart(void) {
    Arena *arena = arena_new(4096);
    float *a = arena_floats(arena, 3), *b = arena_floats(arena, 5);
    g_assert_cmpuint((uintptr_t)a % ARENA_ALIGN, ==, 0);
    g_assert_cmpuint((uintptr_t)b % ARENA_ALIGN, ==, 0);
    g_assert_true(b >= a + 3);
    arena_free(arena);
}

static void reset_gives_back(void) {
    Arena *arena = arena_new(4096);
    size_t mark = arena_mark(arena);
    float *a = arena_floats(arena, 100);
    arena_reset(arena, mark);
    g_assert_true(arena_floats(arena, 10) == a);
    arena_free(arena);
}

static void asking_for_too_much_aborts(void) {
    if (g_test_subprocess()) {
        arena_floats(arena_new(64), 17);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*64 bytes*64 more*");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arena/blocks_are_aligned_and_apart", blocks_are_aligned_and_apart);
    g_test_add_func("/arena/reset_gives_back", reset_gives_back);
    g_test_add_func("/arena/asking_for_too_much_aborts", asking_for_too_much_aborts);
    return g_test_run();
}
