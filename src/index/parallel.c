/* POSIX threads that take pieces from a counter. A thread that cannot be made is done without. */
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    atomic_size_t next;
    size_t count;
    ParallelWork work;
    void *user;
} Pieces;

typedef struct {
    Pieces *pieces;
    int thread;
} Worker;

static void *take_pieces(void *user) {
    Worker *worker = user;
    Pieces *pieces = worker->pieces;
    for (size_t i; (i = atomic_fetch_add(&pieces->next, 1)) < pieces->count;)
        pieces->work(pieces->user, i, worker->thread);
    return NULL;
}

void parallel_run(int threads, size_t count, ParallelWork work, void *user) {
    Pieces pieces = {.count = count, .work = work, .user = user};
    Worker workers[PARALLEL_MOST];
    pthread_t handles[PARALLEL_MOST];
    int started = 0;
    if (threads > PARALLEL_MOST) threads = PARALLEL_MOST;
    for (int i = 1; i < threads && (size_t)i < count; i++) {
        workers[i] = (Worker){&pieces, i};
        if (pthread_create(&handles[started], NULL, take_pieces, &workers[i])) break;
        started++;
    }
    workers[0] = (Worker){&pieces, 0};
    take_pieces(&workers[0]);
    for (int i = 0; i < started; i++) pthread_join(handles[i], NULL);
}
