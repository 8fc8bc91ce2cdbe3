/* How sure it is that a hit is what was asked for: a number in [0, 1] that can be compared between
 * queries, which a cosine cannot: texts differ in how near they lie to sounds in general, and some
 * sounds ("hubs", Radovanović 2010) lie near to every text.
 *
 * Both are taken out by standardising twice (after CSLS, arXiv 1710.04087): the cosine against the
 * query's own distribution over sounds that were not asked for, and against the sound's own over
 * background texts:
 *
 *     z     = ½ ((cos − mean(query)) / deviation(query) + (cos − mean(row)) / deviation(row))
 *     match = 1 / (1 + exp(−slope · (z − middle)))
 *
 * without the second part where the query is a sound or there are no texts. mean is the median,
 * deviation its distance to the 16th percentile: what was asked for lies in the other tail. The
 * query's are those of a sample of the library, shrunk towards those of background sounds (kept
 * with the model), and these towards a prior, as if the prior were 20 cosines and the background at
 * most 180 more; so a library of ten sounds leans on the background, one of a thousand on itself.
 * The prior: 0.05 ± 0.10 for texts, 0.25 ± 0.15 for sounds. docs/MODEL.md tells how it was
 * measured.
 *
 * Owner: the caller. Thread: read-only after match_background_new. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define MATCH_SAMPLE 1000 /* rows of the library that are looked at */

/* What is kept with a model (or made with it once). Vectors are unit vectors. */
typedef struct {
    int dim;
    int sounds, texts;
    float *sound;         /* [sounds][dim], may be none */
    float *text;          /* [texts][dim] */
    double slope, middle; /* of the logistic, in z */
} Background;

#define MATCH_SLOPE  1.6
#define MATCH_MIDDLE 3.0

void match_background_free(Background *background);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Background, match_background_free)

/* One query's standard. `sample`: cosines with rows of the library. */
typedef struct {
    const Background *background;
    bool from_text; /* hubs are damped for texts alone */
    double mean, deviation;
} MatchScale;
MatchScale match_scale(const Background *background, const float *query, bool from_text,
                       const float *sample, int count);

/* `row`[dim]: the hit's vector; NULL: unknown, its hubness is not looked at. Grows with the cosine.
 */
double match_value(const MatchScale *scale, double cosine, const float *row);
