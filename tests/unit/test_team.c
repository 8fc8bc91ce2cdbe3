/* Threads that share a loop: each item once, by a thread of the team, again and again. */
#include "team.h"

#include <glib.h>

#define ITEMS 1000

typedef struct {
    int threads;
    int done[ITEMS];
    int by[TEAM_MOST];
} Count;

static void count_item(void *context, int item, int thread) {
    Count *count = context;
    g_assert_cmpint(thread, >=, 0);
    g_assert_cmpint(thread, <, count->threads);
    count->done[item]++;
    count->by[thread]++;
}

static void count_rounds(Team *team, int rounds) {
    for (int round = 0; round < rounds; round++) {
        Count count = {.threads = team_threads(team)};
        int items = round % 7 == 0 ? round % 3 : ITEMS - round, sum = 0;
        team_run(team, items, count_item, &count);
        for (int i = 0; i < ITEMS; i++) g_assert_cmpint(count.done[i], ==, i < items);
        for (int t = 0; t < TEAM_MOST; t++) sum += count.by[t];
        g_assert_cmpint(sum, ==, items);
    }
}

static void every_item_is_done_once(void) {
    for (int threads = 1; threads <= 5; threads++) {
        Team *team = team_new(threads);
        g_assert_cmpint(team_threads(team), ==, threads);
        count_rounds(team, 300);
        team_free(team);
    }
    count_rounds(NULL, 10);
}

static void a_team_that_slept_works_on(void) {
    Team *team = team_new(3);
    for (int i = 0; i < 3; i++) {
        count_rounds(team, 2);
        g_usleep(5000);
    }
    team_free(team);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/team/every_item_is_done_once", every_item_is_done_once);
    g_test_add_func("/team/a_team_that_slept_works_on", a_team_that_slept_works_on);
    return g_test_run();
}
