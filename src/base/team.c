/* POSIX threads that wait for the number of the round to change. See team.h. */
#include "team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SPINS 4000 /* looks at the round before going to sleep: some tens of microseconds */

typedef struct {
    Team *team;
    int thread;
    pthread_t handle;
} Member;

struct Team {
    int threads;
    Member *members; /* [threads]; the first is the caller */
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    atomic_uint round; /* counts loops; its change starts one */
    atomic_int busy;   /* workers that are not through with it */
    atomic_int next;   /* item */
    bool stop;         /* all below: of this round, written before it begins */
    int items;
    TeamTask task;
    void *context;
};

static void take_items(Team *team, int thread) {
    for (int i; (i = atomic_fetch_add(&team->next, 1)) < team->items;)
        team->task(team->context, i, thread);
}

static void wait_for_round(Team *team, unsigned seen) {
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(&team->round, memory_order_acquire) != seen) return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->round) == seen) pthread_cond_wait(&team->wake, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void leave_round(Team *team) {
    if (atomic_fetch_sub(&team->busy, 1) > 1) return;
    pthread_mutex_lock(&team->mutex);
    pthread_cond_signal(&team->done);
    pthread_mutex_unlock(&team->mutex);
}

static void *work(void *user) {
    Member *self = user;
    Team *team = self->team;
    for (unsigned round = 1;; round++) {
        wait_for_round(team, round - 1);
        if (team->stop) return NULL;
        take_items(team, self->thread);
        leave_round(team);
    }
}

static void begin_round(Team *team) {
    atomic_store(&team->next, 0);
    atomic_store(&team->busy, team->threads - 1);
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add_explicit(&team->round, 1, memory_order_release);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
}

static void end_round(Team *team) {
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(&team->busy, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->busy) > 0) pthread_cond_wait(&team->done, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void *taken(size_t bytes) {
    void *room = calloc(1, bytes);
    if (room) return room;
    fprintf(stderr, "earshot: out of memory (%zu bytes for threads)\n", bytes);
    abort();
}

Team *team_new(int threads) {
    Team *team = taken(sizeof *team);
    team->members = taken((size_t)threads * sizeof *team->members);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
    for (team->threads = 1; team->threads < threads; team->threads++) {
        Member *member = &team->members[team->threads];
        *member = (Member){.team = team, .thread = team->threads};
        if (pthread_create(&member->handle, NULL, work, member)) break;
    }
    return team;
}

void team_free(Team *team) {
    if (!team) return;
    team->stop = true;
    begin_round(team);
    for (int i = 1; i < team->threads; i++) pthread_join(team->members[i].handle, NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
    free(team->members);
    free(team);
}

int team_threads(const Team *team) {
    return team ? team->threads : 1;
}

void team_run(Team *team, int items, TeamTask task, void *context) {
    if (!team || team->threads == 1 || items <= 1) {
        for (int i = 0; i < items; i++) task(context, i, 0);
        return;
    }
    team->items = items;
    team->task = task;
    team->context = context;
    begin_round(team);
    take_items(team, 0);
    end_round(team);
}
