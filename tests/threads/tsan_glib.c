/* GLib's mutexes and conditions once more, on pthreads, for the thread-sanitizer build alone.
 *
 * GLib makes its own out of futexes, and the library is not instrumented: the sanitizer cannot see
 * that they order anything, and takes everything they guard for a race. Defined in the program,
 * these come before the library's. A lock lives behind the pointer in GMutex and GCond, and is made
 * at its first use, since a zeroed one is a valid one. */
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t *mutex_of(GMutex *mutex) {
    pthread_mutex_t *made = __atomic_load_n(&mutex->p, __ATOMIC_ACQUIRE);
    if (made) return made;
    pthread_mutex_t *fresh = calloc(1, sizeof *fresh);
    pthread_mutex_init(fresh, NULL);
    void *none = NULL;
    if (__atomic_compare_exchange_n(&mutex->p, &none, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fresh;
    free(fresh);
    return none;
}

static pthread_cond_t *cond_of(GCond *cond) {
    pthread_cond_t *made = __atomic_load_n(&cond->p, __ATOMIC_ACQUIRE);
    if (made) return made;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_t *fresh = calloc(1, sizeof *fresh);
    pthread_cond_init(fresh, &monotonic);
    void *none = NULL;
    if (__atomic_compare_exchange_n(&cond->p, &none, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fresh;
    free(fresh);
    return none;
}

void g_mutex_init(GMutex *mutex) {
    mutex->p = NULL;
}

void g_mutex_clear(GMutex *mutex) {
    if (mutex->p) pthread_mutex_destroy(mutex->p);
    free(mutex->p);
    mutex->p = NULL;
}

void g_mutex_lock(GMutex *mutex) {
    pthread_mutex_lock(mutex_of(mutex));
}

gboolean g_mutex_trylock(GMutex *mutex) {
    return pthread_mutex_trylock(mutex_of(mutex)) == 0;
}

void g_mutex_unlock(GMutex *mutex) {
    pthread_mutex_unlock(mutex_of(mutex));
}

void g_cond_init(GCond *cond) {
    cond->p = NULL;
}

void g_cond_clear(GCond *cond) {
    if (cond->p) pthread_cond_destroy(cond->p);
    free(cond->p);
    cond->p = NULL;
}

void g_cond_wait(GCond *cond, GMutex *mutex) {
    pthread_cond_wait(cond_of(cond), mutex_of(mutex));
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end) {
    struct timespec until = {end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000};
    return pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &until) == 0;
}

void g_cond_signal(GCond *cond) {
    pthread_cond_signal(cond_of(cond));
}

void g_cond_broadcast(GCond *cond) {
    pthread_cond_broadcast(cond_of(cond));
}
