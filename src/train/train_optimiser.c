/* AdamW with warm-up and cosine, the gradient's length limited, and a running mean of the weights
 * (EMA), which is what is kept. See train_private.h. */
#include "error.h"
#include "nn_adamw.h"
#include "train_private.h"

#include <math.h>
#include <string.h>

#define EPS  1e-8f
#define PART 65536 /* floats of an item of a loop over all weights */

void optimiser_open(Train *train) {
    gsize floats = train->params->floats;
    train->state.m = g_new0(float, floats);
    train->state.v = g_new0(float, floats);
    train->state.ema = g_memdup2(train->params->value, sizeof(float) * floats);
}

void optimiser_close(Train *train) {
    g_free(train->state.m);
    g_free(train->state.v);
    g_free(train->state.ema);
}

static double rate_at(const Train *train) {
    const Recipe *recipe = &train->options->recipe;
    double step = (double)train->state.step, steps = (double)train->state.steps;
    double warm = fmin(1, (step + 1) / fmax(1, recipe->warm_up * steps));
    double cosine = 0.5 * (1 + cos(G_PI * fmin(1, step / steps)));
    return train->rate * warm * (recipe->last_rate + (1 - recipe->last_rate) * cosine);
}

/* In double, tensor by tensor in their order. */
static double gradient_length(const Params *params) {
    double sum = 0;
    for (int i = 0; i < params->count; i++) {
        const Param *p = &params->param[i];
        for (gsize j = 0; p->trained && j < p->count; j++)
            sum += (double)params->gradient[p->at + j] * params->gradient[p->at + j];
    }
    return sqrt(sum);
}

typedef struct {
    Train *train;
    const NnAdamw *how;
    const Param *param;
    float keep; /* of the running mean */
    float most; /* of a value */
} Step;

static void step_part(void *context, int item, int thread) {
    const Step *s = context;
    const Param *p = s->param;
    gsize at = p->at + (gsize)item * PART, n = MIN((gsize)PART, p->at + p->count - at);
    float decay = p->decays ? (float)s->train->options->recipe.decay : 0;
    float *value = s->train->params->value + at, *ema = s->train->state.ema + at;
    if (p->trained)
        nn_adamw_step(s->how, decay, n, s->train->params->gradient + at, s->train->state.m + at,
                      s->train->state.v + at, value);
    for (gsize i = 0; i < n && s->most < INFINITY; i++) value[i] = MIN(value[i], s->most);
    for (gsize i = 0; i < n; i++) ema[i] = ema[i] * s->keep + value[i] * (1 - s->keep);
}

/* The logarithms of the scales stay below the recipe's, or where a model came with them. */
static float limit_of(const Train *train, const Param *p) {
    float most = (float)log(train->options->recipe.scale_most);
    return p->part == PARAM_SCALE ? MAX(most, train->params->value[p->at]) : INFINITY;
}

bool optimiser_step(Train *train, GError **error) {
    const Recipe *recipe = &train->options->recipe;
    double length = gradient_length(train->params), step = (double)train->state.step + 1;
    if (!isfinite(length))
        return error_fail(error, ERR_FORMAT, "step %.0f: the gradient is not a number", step);
    NnAdamw how = {.rate = (float)rate_at(train),
                   .beta1 = (float)recipe->beta1,
                   .beta2 = (float)recipe->beta2,
                   .eps = EPS,
                   .power1 = (float)pow(recipe->beta1, step),
                   .power2 = (float)pow(recipe->beta2, step),
                   .clip = length > recipe->clip ? (float)(recipe->clip / length) : 1};
    Step s = {train, &how, NULL, (float)fmin(recipe->ema, step / (step + 9)), INFINITY};
    for (int i = 0; i < train->params->count; i++) {
        s.param = &train->params->param[i];
        s.most = limit_of(train, s.param);
        bool moves = s.param->trained || (s.param->statistic && train->audio_trained);
        if (moves) team_run(train->team, (int)((s.param->count + PART - 1) / PART), step_part, &s);
    }
    train->state.step++;
    return true;
}
