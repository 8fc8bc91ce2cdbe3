/* Cosine → match: see match.h for what is done and docs/MODEL.md for why in this way. */
#include "match.h"

#include "vec.h"

#include <math.h>
#include <stdlib.h>

#define PRIOR_WEIGHT      20   /* a prior counts as so many cosines that were seen */
#define BACKGROUND_WEIGHT 180  /* background sounds count as so many at most */
#define LEAST_DEVIATION   0.01 /* of cosines; below it there is nothing to tell apart */

typedef struct {
    double mean, deviation;
} Spread;

/* What cosines with unrelated sounds are taken for while none was seen. */
static const Spread prior_of_text = {0.05, 0.10}, prior_of_sound = {0.25, 0.15};

void match_background_free(Background *background) {
    if (!background) return;
    g_free(background->sound);
    g_free(background->text);
    g_free(background);
}

static int by_value(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median, and how far below it the 16th percentile lies: for a normal distribution its mean and
 * deviation, and blind to the right tail, where that lies which was asked for. Sorts `values`. */
static Spread spread_of(float *values, int count) {
    if (count == 0) return (Spread){0, 0};
    qsort(values, (size_t)count, sizeof *values, by_value);
    double middle = 0.5 * (values[(count - 1) / 2] + values[count / 2]);
    return (Spread){middle, middle - values[(int)(0.1587 * (count - 1))]};
}

/* `seen` with the weight of `count` cosines, `expected` with that of `weight`. */
static Spread shrink(Spread expected, double weight, Spread seen, int count) {
    double share = count / (weight + count);
    return (Spread){
        expected.mean + share * (seen.mean - expected.mean),
        fmax(LEAST_DEVIATION, expected.deviation + share * (seen.deviation - expected.deviation)),
    };
}

/* Of `query` with vectors[count][dim], over `prior`. */
static Spread spread_over(const float *query, const float *vectors, int count, int dim,
                          Spread prior) {
    g_autofree float *cosines = g_new(float, MAX(count, 1));
    for (int i = 0; i < count; i++)
        cosines[i] = vec_dot(query, vectors + (size_t)i * (size_t)dim, (size_t)dim);
    return shrink(prior, PRIOR_WEIGHT, spread_of(cosines, count), count);
}

MatchScale match_scale(const Background *background, const float *query, bool from_text,
                       const float *sample, int count) {
    Spread expected = from_text ? prior_of_text : prior_of_sound;
    double weight = PRIOR_WEIGHT;
    if (background && background->sounds) {
        expected =
            spread_over(query, background->sound, background->sounds, background->dim, expected);
        weight += MIN(background->sounds, BACKGROUND_WEIGHT);
    }
    g_autofree float *sorted = g_memdup2(sample, (gsize)count * sizeof *sample);
    Spread all = shrink(expected, weight, spread_of(sorted, count), count);
    return (MatchScale){background, from_text, all.mean, all.deviation};
}

double match_value(const MatchScale *scale, double cosine, const float *row) {
    const Background *background = scale->background;
    double slope = background ? background->slope : MATCH_SLOPE;
    double middle = background ? background->middle : MATCH_MIDDLE;
    double z = (cosine - scale->mean) / scale->deviation;
    if (scale->from_text && background && background->texts && row) {
        Spread own =
            spread_over(row, background->text, background->texts, background->dim, prior_of_text);
        z = 0.5 * (z + (cosine - own.mean) / own.deviation);
    }
    return 1 / (1 + exp(-slope * (z - middle)));
}
