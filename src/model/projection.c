/* The projection into the space that sound and text share. See projection.h. */
#include "projection.h"

#include "nn_norm.h"
#include "scratch.h"

enum { HIDDEN = 1, DIM, BIASED, SIZES };

static const BindRow rows[] = {
    {"linear1", BIND_LINEAR, offsetof(Projection, linear1), {DIM, HIDDEN, BIASED}},
    {"linear2", BIND_LINEAR, offsetof(Projection, linear2), {DIM, DIM, BIASED}},
};

static NnAct act_of(ClapAct act) {
    switch (act) {
    case CLAP_ACT_RELU:
        return NN_ACT_RELU;
    case CLAP_ACT_GELU:
        return NN_ACT_GELU;
    case CLAP_ACT_LINEAR:
        break;
    }
    return NN_ACT_NONE;
}

bool projection_bind(Projection *projection, Weights *weights, const char *prefix, int hidden,
                     const ClapConfig *config, GError **error) {
    const int64_t sizes[SIZES] = {
        [HIDDEN] = hidden, [DIM] = config->projection_dim, [BIASED] = true};
    projection->act = act_of(config->projection_act);
    return bind_rows(weights, prefix, rows, G_N_ELEMENTS(rows), sizes, projection, error);
}

void projection_run(const Projection *projection, const float *pooled, float *out, Arena *arena,
                    const Tap *t, const char *stage, const char *last) {
    int dim = projection->linear1.n;
    size_t mark = arena_mark(arena);
    float *inner = arena_floats(arena, dim);
    nn_linear_small(&projection->linear1, projection->act, 1, pooled, inner, arena);
    nn_linear_small(&projection->linear2, NN_ACT_NONE, 1, inner, out, arena);
    tap(t, stage, out, 1, dim);
    nn_l2_normalise(out, dim);
    tap(t, last, out, 1, dim);
    arena_reset(arena, mark);
}

size_t projection_scratch(const Projection *projection) {
    return scratch_floats(projection->linear1.n) +
           scratch_max(nn_linear_small_scratch(&projection->linear1, 1),
                       nn_linear_small_scratch(&projection->linear2, 1));
}
