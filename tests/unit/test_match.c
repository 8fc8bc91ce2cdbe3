/* Match: grows with the cosine, means the same for every query, lowers hubs, and leans on the
 * background while the library is small. */
#include "match.h"
#include "vec.h"

#include <math.h>

#define DIM   64
#define MANY  500
#define TEXTS 120

static float *random_units(GRand *random, int count, double toward_first) {
    float *all = g_new(float, (gsize)count *DIM);
    for (int i = 0; i < count; i++) {
        float *v = all + (gsize)i * DIM;
        for (int j = 0; j < DIM; j++) v[j] = (float)g_rand_double_range(random, -1, 1);
        v[0] += (float)toward_first;
        vec_normalise(v, DIM);
    }
    return all;
}

static GRand *seeded(void) {
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    return g_rand_new_with_seed(seed);
}

/* Twelve uniform numbers make a normal one near enough. */
static void normal(GRand *random, float *out, int count, double mean, double deviation) {
    for (int i = 0; i < count; i++) {
        double sum = -6;
        for (int j = 0; j < 12; j++) sum += g_rand_double(random);
        out[i] = (float)(mean + deviation * sum);
    }
}

static Background *background_of(float *sounds, int sound_count, float *texts, int text_count) {
    Background *background = g_new0(Background, 1);
    *background =
        (Background){DIM, sound_count, text_count, sounds, texts, MATCH_SLOPE, MATCH_MIDDLE};
    return background;
}

static void match_grows_with_the_cosine(void) {
    g_autoptr(GRand) random = seeded();
    g_autoptr(Background) background =
        background_of(random_units(random, MANY, 0), MANY, random_units(random, TEXTS, 0), TEXTS);
    g_autofree float *query = random_units(random, 2, 0);
    float sample[MANY];
    normal(random, sample, MANY, 0.1, 0.08);
    for (int text = 0; text < 2; text++) {
        MatchScale scale = match_scale(background, query, text, sample, MANY);
        double before = 0;
        for (double cosine = -1; cosine <= 1; cosine += 0.01) {
            double match = match_value(&scale, cosine, query + DIM);
            g_assert_true(match >= before && match >= 0 && match <= 1);
            before = match;
        }
        g_assert_cmpfloat(match_value(&scale, -0.5, query + DIM), <, 0.01);
        g_assert_cmpfloat(match_value(&scale, 0.9, query + DIM), >, 0.99);
    }
}

/* Two queries, of which one lies nearer to everything and spreads wider: a hit at the same standing
 * matches alike, but for the prior, which draws both a little to where it lies. */
static void shifted_and_scaled_queries_compare(void) {
    g_autoptr(GRand) random = seeded();
    float query[DIM] = {1}, narrow[MATCH_SAMPLE], wide[MATCH_SAMPLE];
    normal(random, narrow, MATCH_SAMPLE, 0, 1);
    for (int i = 0; i < MATCH_SAMPLE; i++) {
        wide[i] = 0.30f + 0.12f * narrow[i];
        narrow[i] = 0.02f + 0.05f * narrow[i];
    }
    MatchScale a = match_scale(NULL, query, true, narrow, MATCH_SAMPLE);
    MatchScale b = match_scale(NULL, query, true, wide, MATCH_SAMPLE);
    for (double z = 1; z < 6; z += 0.5)
        g_assert_cmpfloat_with_epsilon(match_value(&a, 0.02 + 0.05 * z, NULL),
                                       match_value(&b, 0.30 + 0.12 * z, NULL), 0.1);
    g_assert_cmpfloat(match_value(&a, 0.3, NULL), >, 0.9);
    g_assert_cmpfloat(match_value(&b, 0.3, NULL), <, 0.1);
}

static void what_was_asked_for_does_not_raise_its_own_bar(void) {
    g_autoptr(GRand) random = seeded();
    float query[DIM] = {1}, rare[MANY], common[MANY];
    normal(random, rare, MANY, 0.05, 0.08);
    normal(random, common, MANY, 0.05, 0.08);
    for (int i = 0; i < MANY; i += 4) common[i] += 0.5f; /* a quarter is what was asked for */
    MatchScale a = match_scale(NULL, query, true, rare, MANY);
    MatchScale b = match_scale(NULL, query, true, common, MANY);
    g_assert_cmpfloat(match_value(&b, 0.55, NULL), >, 0.7);
    g_assert_cmpfloat(match_value(&a, 0.55, NULL), >, 0.9);
}

static void hubs_are_lowered_for_texts_alone(void) {
    g_autoptr(GRand) random = seeded();
    g_autofree float *rows = random_units(random, 2, 0);
    float *texts = random_units(random, TEXTS, 0);
    float *hub = rows, *plain = rows + DIM;
    for (int i = 0; i < DIM; i++) hub[i] = 0; /* the mean of all texts */
    for (int t = 0; t < TEXTS; t++) {
        texts[(gsize)t * DIM] += 0.6f;
        vec_normalise(texts + (gsize)t * DIM, DIM);
        for (int i = 0; i < DIM; i++) hub[i] += texts[(gsize)t * DIM + (gsize)i];
    }
    vec_normalise(hub, DIM);
    g_autoptr(Background) background = background_of(NULL, 0, texts, TEXTS);
    float query[DIM] = {1}, sample[MANY];
    normal(random, sample, MANY, 0.05, 0.1);
    MatchScale text = match_scale(background, query, true, sample, MANY);
    MatchScale sound = match_scale(background, query, false, sample, MANY);
    g_assert_cmpfloat(match_value(&text, 0.4, hub) + 0.1, <, match_value(&text, 0.4, plain));
    g_assert_cmpfloat(match_value(&sound, 0.4, hub), ==, match_value(&sound, 0.4, plain));
}

/* Three sounds, all of them what was asked for: alone they would be their own standard. */
static void a_small_library_leans_on_the_background(void) {
    g_autoptr(GRand) random = seeded();
    float *sounds = random_units(random, MANY, 0);
    g_autoptr(Background) background = background_of(sounds, MANY, NULL, 0);
    float query[DIM] = {1}, cosines[MANY];
    const float few[] = {0.82f, 0.8f, 0.78f};
    for (int i = 0; i < MANY; i++) cosines[i] = vec_dot(query, sounds + (gsize)i * DIM, DIM);
    MatchScale small = match_scale(background, query, true, few, 3);
    MatchScale alone = match_scale(background, query, true, cosines, MANY);
    g_assert_cmpfloat_with_epsilon(small.mean, alone.mean, 0.03);
    g_assert_cmpfloat(match_value(&small, 0.8, NULL), >, 0.9);

    float own[MATCH_SAMPLE];
    normal(random, own, MATCH_SAMPLE, 0.5, 0.02);
    MatchScale large = match_scale(background, query, true, own, MATCH_SAMPLE);
    g_assert_cmpfloat_with_epsilon(large.mean, 0.5, 0.1);
    g_assert_cmpfloat(large.mean, <, 0.5);
}

static void with_nothing_known_there_is_a_prior(void) {
    float query[DIM] = {1};
    MatchScale text = match_scale(NULL, query, true, NULL, 0);
    MatchScale sound = match_scale(NULL, query, false, NULL, 0);
    g_assert_cmpfloat_with_epsilon(match_value(&text, 0.05 + 3 * 0.10, NULL), 0.5, 1e-9);
    g_assert_cmpfloat_with_epsilon(match_value(&sound, 0.25 + 3 * 0.15, NULL), 0.5, 1e-9);
}

static void sounds_that_are_all_alike_do_not_sharpen_the_scale(void) {
    float query[DIM] = {1}, same[MATCH_SAMPLE];
    for (int i = 0; i < MATCH_SAMPLE; i++) same[i] = 0.5f;
    MatchScale scale = match_scale(NULL, query, true, same, MATCH_SAMPLE);
    g_assert_cmpfloat(scale.deviation, >=, 0.01);
    g_assert_cmpfloat(match_value(&scale, 0.505, NULL), <, 0.1);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/match/match_grows_with_the_cosine", match_grows_with_the_cosine);
    g_test_add_func("/match/shifted_and_scaled_queries_compare",
                    shifted_and_scaled_queries_compare);
    g_test_add_func("/match/what_was_asked_for_does_not_raise_its_own_bar",
                    what_was_asked_for_does_not_raise_its_own_bar);
    g_test_add_func("/match/hubs_are_lowered_for_texts_alone", hubs_are_lowered_for_texts_alone);
    g_test_add_func("/match/a_small_library_leans_on_the_background",
                    a_small_library_leans_on_the_background);
    g_test_add_func("/match/with_nothing_known_there_is_a_prior",
                    with_nothing_known_there_is_a_prior);
    g_test_add_func("/match/sounds_that_are_all_alike_do_not_sharpen_the_scale",
                    sounds_that_are_all_alike_do_not_sharpen_the_scale);
    return g_test_run();
}
