/* A tap shows what flows through a tower, stage by stage, to whoever checks it: parity tests,
 * `model verify`. Without one it costs a comparison a stage. */
#pragma once
#include <stddef.h>

typedef struct {
    /* `stage` is a stable name ("audio.stage0.block1"); x[rows][cols] is valid during the call
     * alone. */
    void (*see)(void *user, const char *stage, const float *x, int rows, int cols);
    void *user;
} Tap;

static inline void tap(const Tap *t, const char *stage, const float *x, int rows, int cols) {
    if (t) t->see(t->user, stage, x, rows, cols);
}
