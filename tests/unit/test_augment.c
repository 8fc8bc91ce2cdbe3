/* What is done to spectrograms: nothing at strength 0, the same from the same numbers, and sums of
 * powers where two sounds meet. */
#include "augment.h"

#include <glib.h>
#include <math.h>
#include <string.h>

enum { FRAMES = 60, BINS = 16, N = FRAMES * BINS };

static Recipe plain(void) {
    Recipe recipe;
    recipe_standard(&recipe);
    return recipe;
}

static void a_short_sound_is_repeated_where_nothing_is_asked_for(void) {
    Recipe recipe = plain();
    g_autoptr(Augment) a = augment_new(&recipe, FRAMES, BINS);
    int16_t mel[25 * BINS];
    float out[N], scratch[N];
    for (int i = 0; i < 25 * BINS; i++) mel[i] = (int16_t)(-i * 10);
    Random random = random_of(1, 0, 0);
    augment_place(a, &random, 0, mel, 25, out);
    augment_finish(a, &random, 0, out, scratch);
    for (int i = 0; i < N; i++) g_assert_cmpfloat(fabs(out[i] + 0.1 * (i % (25 * BINS))), <, 1e-4);
}

static void a_long_sound_is_cropped_within_itself(void) {
    Recipe recipe = plain();
    g_autoptr(Augment) a = augment_new(&recipe, FRAMES, BINS);
    int16_t mel[90 * BINS];
    float out[N];
    bool seen_first = false, seen_last = false;
    for (int i = 0; i < 90 * BINS; i++) mel[i] = (int16_t)(i / BINS * 100);
    for (int round = 0; round < 400; round++) {
        Random random = random_of(1, (uint64_t)round, 0);
        augment_place(a, &random, 0, mel, 90, out);
        int first = (int)lrintf(out[0]);
        for (int f = 0; f < FRAMES; f++)
            g_assert_cmpfloat(fabs(out[f * BINS] - first - f), <, 1e-4);
        seen_first |= first == 0, seen_last |= first == 30;
    }
    g_assert_true(seen_first && seen_last);
}

static void two_sounds_add_as_powers_at_the_level_that_is_drawn(void) {
    Recipe recipe = plain();
    g_autoptr(Augment) a = augment_new(&recipe, FRAMES, BINS);
    for (int round = 0; round < 50; round++) {
        float x[N], y[N];
        for (int i = 0; i < N; i++) x[i] = i % 2 ? -100 : -20, y[i] = i % 2 ? -50 : -100;
        Random random = random_of(2, (uint64_t)round, 0);
        double share = augment_mix(a, &random, x, y);
        double level = x[1] + 20; /* the second's level over the first's, where it is alone */
        g_assert_cmpfloat(fabs(level), <, 12.01);
        g_assert_cmpfloat(fabs(share - 1 / (1 + pow(10, level / 12))), <, 1e-3);
        g_assert_cmpfloat(fabs(x[0] + 20), <, 0.01);
    }
}

static void what_is_drawn_depends_on_the_numbers_alone(void) {
    Recipe recipe = plain();
    g_autoptr(Augment) a = augment_new(&recipe, FRAMES, BINS);
    int16_t mel[7 * BINS];
    float one[N], two[N], other[N], scratch[N];
    for (int i = 0; i < 7 * BINS; i++) mel[i] = (int16_t)(-2000 + i);
    float *into[] = {one, two, other};
    for (int i = 0; i < 3; i++) {
        Random random = random_of(3, i == 2, 0);
        augment_place(a, &random, 1, mel, 7, into[i]);
        augment_finish(a, &random, 1, into[i], scratch);
    }
    g_assert_cmpmem(one, sizeof one, two, sizeof two);
    g_assert_cmpint(memcmp(one, other, sizeof one), !=, 0);
}

static void examples_stay_within_what_a_spectrogram_can_be(void) {
    Recipe recipe = plain();
    g_autoptr(Augment) a = augment_new(&recipe, FRAMES, BINS);
    for (int round = 0; round < 300; round++) {
        int16_t mel[200 * BINS];
        float out[N], second[N];
        int count = 1 + round % 199;
        for (int i = 0; i < count * BINS; i++) mel[i] = (int16_t)(-10000 + 40 * (i % 200));
        Random random = random_of(4, (uint64_t)round, 0);
        augment_place(a, &random, 1, mel, count, out);
        augment_place(a, &random, 1, mel, count, second);
        augment_mix(a, &random, out, second);
        augment_finish(a, &random, 1, out, second);
        for (int i = 0; i < N; i++) g_assert_true(out[i] >= -100.001f && out[i] < 200);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/augment/" #name, name)
    ADD(a_short_sound_is_repeated_where_nothing_is_asked_for);
    ADD(a_long_sound_is_cropped_within_itself);
    ADD(two_sounds_add_as_powers_at_the_level_that_is_drawn);
    ADD(what_is_drawn_depends_on_the_numbers_alone);
    ADD(examples_stay_within_what_a_spectrogram_can_be);
    return g_test_run();
}
