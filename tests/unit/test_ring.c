/* A ring between two threads: what is put comes out, in order, once. */
#include "ring.h"

#define PASSED 2000000 /* samples through a small ring */

static void what_is_put_comes_out_in_order(void) {
    g_autoptr(Ring) ring = ring_new(4);
    int16_t out[8];
    for (int16_t i = 0; i < 100; i += 3) {
        g_assert_true(ring_put(ring, (int16_t[]){i, i + 1, i + 2}, 3));
        g_assert_cmpuint(ring_take(ring, out, 8), ==, 3);
        for (int k = 0; k < 3; k++) g_assert_cmpint(out[k], ==, i + k);
    }
    g_assert_cmpuint(ring_take(ring, out, 8), ==, 0);
}

static void what_has_no_room_is_left_out_whole(void) {
    g_autoptr(Ring) ring = ring_new(4);
    int16_t out[8];
    g_assert_true(ring_put(ring, (int16_t[]){1, 2, 3}, 3));
    g_assert_false(ring_put(ring, (int16_t[]){4, 5}, 2));
    g_assert_true(ring_put(ring, (int16_t[]){6}, 1));
    g_assert_cmpuint(ring_take(ring, out, 8), ==, 4);
    g_assert_cmpint(out[3], ==, 6);
}

static void no_more_is_taken_than_was_asked_for(void) {
    g_autoptr(Ring) ring = ring_new(4);
    int16_t out[2];
    g_assert_true(ring_put(ring, (int16_t[]){1, 2, 3}, 3));
    g_assert_cmpuint(ring_take(ring, out, 2), ==, 2);
    g_assert_cmpuint(ring_take(ring, out, 2), ==, 1);
    g_assert_cmpint(out[0], ==, 3);
}

static void *put_all(void *user) {
    Ring *ring = user;
    int16_t block[7];
    for (int sent = 0; sent < PASSED;) {
        int count = MIN(1 + sent % 7, PASSED - sent);
        for (int i = 0; i < count; i++) block[i] = (int16_t)(sent + i);
        if (ring_put(ring, block, (size_t)count))
            sent += count;
        else
            g_thread_yield();
    }
    return NULL;
}

static void two_threads_lose_nothing(void) {
    g_autoptr(Ring) ring = ring_new(64);
    GThread *putting = g_thread_new("putting", put_all, ring);
    int16_t block[13];
    for (int got = 0; got < PASSED;) {
        size_t count = ring_take(ring, block, G_N_ELEMENTS(block));
        for (size_t i = 0; i < count; i++, got++) g_assert_cmpint(block[i], ==, (int16_t)got);
        if (count == 0) g_thread_yield();
    }
    g_thread_join(putting);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ring/what_is_put_comes_out_in_order", what_is_put_comes_out_in_order);
    g_test_add_func("/ring/what_has_no_room_is_left_out_whole", what_has_no_room_is_left_out_whole);
    g_test_add_func("/ring/no_more_is_taken_than_was_asked_for",
                    no_more_is_taken_than_was_asked_for);
    g_test_add_func("/ring/two_threads_lose_nothing", two_threads_lose_nothing);
    return g_test_run();
}
