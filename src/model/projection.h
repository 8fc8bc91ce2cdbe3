/* What ends both towers: Linear, activation, Linear, and the vector made one long. */
#pragma once
#include "arena.h"
#include "bind.h"
#include "tap.h"

typedef struct {
    NnMatrix linear1, linear2; /* [dim][hidden], [dim][dim] */
    NnAct act;
} Projection;

/* `prefix`: "audio_projection." or "text_projection."; hidden: what the tower gives. */
bool projection_bind(Projection *projection, Weights *weights, const char *prefix, int hidden,
                     const ClapConfig *config, GError **error);

/* pooled[hidden] → out[dim]. `stage` and `last` name the two taps: before and after normalising. */
void projection_run(const Projection *projection, const float *pooled, float *out, Arena *arena,
                    const Tap *t, const char *stage, const char *last);
size_t projection_scratch(const Projection *projection);
