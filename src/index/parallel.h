/* Private to index: the same work on many pieces, by a few threads. */
#pragma once
#include <stddef.h>

/* Called with pieces 0 … count - 1, each once, in any order; `thread` < threads tells which of the
 * caller's per-thread scratch is free. */
typedef void (*ParallelWork)(void *user, size_t piece, int thread);

enum { PARALLEL_MOST = 64 };

void parallel_run(int threads, size_t count, ParallelWork work, void *user);
