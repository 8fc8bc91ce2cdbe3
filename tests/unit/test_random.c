/* Random numbers: the same from the same names, others from others, and of the shape they should
 * be. */
#include "random.h"

#include <glib.h>
#include <math.h>

static void streams_depend_on_every_number_of_their_name(void) {
    Random same = random_of(1, 2, 3), again = random_of(1, 2, 3);
    Random others[] = {random_of(2, 2, 3), random_of(1, 3, 3), random_of(1, 2, 4),
                       random_of(1, 3, 2)};
    uint64_t first = random_bits(&same);
    g_assert_cmpuint(first, ==, random_bits(&again));
    for (int i = 0; i < 4; i++) g_assert_cmpuint(random_bits(&others[i]), !=, first);
}

/* xoshiro256** from its published code, state 1, 2, 3, 4. */
static void the_generator_is_the_published_one(void) {
    Random random = {{1, 2, 3, 4}};
    const uint64_t wanted[] = {11520, 0, 1509978240, UINT64_C(1215971899390074240)};
    for (int i = 0; i < 4; i++) g_assert_cmpuint(random_bits(&random), ==, wanted[i]);
}

static void distributions_have_their_mean_and_spread(void) {
    enum { N = 200000 };
    Random random = random_of(5, 0, 0);
    double unit = 0, normal = 0, square = 0, exponential = 0;
    int below[3] = {0};
    for (int i = 0; i < N; i++) {
        double u = random_unit(&random), z = random_normal(&random);
        g_assert_true(u >= 0 && u < 1);
        unit += u, normal += z, square += z * z;
        exponential += random_exponential(&random);
        below[random_below(&random, 3)]++;
    }
    g_assert_cmpfloat(fabs(unit / N - 0.5), <, 0.005);
    g_assert_cmpfloat(fabs(normal / N), <, 0.02);
    g_assert_cmpfloat(fabs(square / N - 1), <, 0.02);
    g_assert_cmpfloat(fabs(exponential / N - 1), <, 0.02);
    for (int i = 0; i < 3; i++) g_assert_cmpfloat(fabs(below[i] / (double)N - 1 / 3.0), <, 0.01);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/random/streams_depend_on_every_number_of_their_name",
                    streams_depend_on_every_number_of_their_name);
    g_test_add_func("/random/the_generator_is_the_published_one",
                    the_generator_is_the_published_one);
    g_test_add_func("/random/distributions_have_their_mean_and_spread",
                    distributions_have_their_mean_and_spread);
    return g_test_run();
}
