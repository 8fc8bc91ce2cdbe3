/* Principal components against plain power iteration, and the map of a library made of them. */
#include "map.h"

#include "library_fixture.h"
#include "pca.h"

#define ROWS 300

/* -- principal components -- */

/* Gaussian rows, spread by `spread`[i] along axis i, and moved from the origin. */
static float *cloud(int dim, const double *spread) {
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    float *rows = g_new(float, ROWS *(gsize)dim);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < dim; i++) {
            double normal = 0;
            for (int k = 0; k < 12; k++) normal += g_rand_double(random) - 0.5;
            rows[r * dim + i] = (float)(normal * spread[i] + 3);
        }
    return rows;
}

/* The direction of the largest variance of rows that are centred; its variance. */
static double plain_axis(const double *rows, int dim, double *axis) {
    double length = 0;
    for (int i = 0; i < dim; i++) axis[i] = 1.0 / (i + 1);
    for (int round = 0; round < 3000; round++) {
        g_autofree double *next = g_new0(double, dim);
        for (int r = 0; r < ROWS; r++) {
            double dot = 0;
            for (int i = 0; i < dim; i++) dot += rows[r * dim + i] * axis[i];
            for (int i = 0; i < dim; i++) next[i] += dot * rows[r * dim + i];
        }
        length = 0;
        for (int i = 0; i < dim; i++) length += next[i] * next[i];
        length = sqrt(length);
        for (int i = 0; i < dim; i++) axis[i] = next[i] / length;
    }
    return length / ROWS;
}

static double *centred(const float *rows, int dim) {
    double *out = g_new(double, ROWS *(gsize)dim);
    for (int i = 0; i < dim; i++) {
        double mean = 0;
        for (int r = 0; r < ROWS; r++) mean += (double)rows[r * dim + i] / ROWS;
        for (int r = 0; r < ROWS; r++) out[r * dim + i] = (double)rows[r * dim + i] - mean;
    }
    return out;
}

/* Along one axis after another, each taken out of the rows before the next. */
static void expect_places(const float *places, double *rows, int dim) {
    for (int x = 0; x < PCA_AXES; x++) {
        g_autofree double *axis = g_new(double, dim);
        double variance = plain_axis(rows, dim, axis), strongest = 0;
        for (int i = 0; i < dim; i++)
            if (fabs(axis[i]) > fabs(strongest)) strongest = axis[i];
        for (int r = 0; r < ROWS; r++) {
            double dot = 0;
            for (int i = 0; i < dim; i++) dot += rows[r * dim + i] * axis[i];
            for (int i = 0; i < dim; i++) rows[r * dim + i] -= dot * axis[i];
            double place = (double)places[r * PCA_AXES + x];
            g_assert_cmpfloat_with_epsilon(place, strongest < 0 ? -dot : dot,
                                           5e-3 * sqrt(variance));
        }
    }
}

static void places_lie_along_the_largest_variances(void) {
    const double spread[24] = {[3] = 5, [0] = 3, [17] = 1, [9] = 0.5, [20] = 0.5, [5] = 0.4};
    const int dims[] = {24, 24, 18, 4};
    for (gsize d = 0; d < G_N_ELEMENTS(dims); d++) {
        g_autofree float *rows = cloud(dims[d], spread), *again = NULL;
        g_autofree double *plain = centred(rows, dims[d]);
        float places[ROWS * PCA_AXES], same[ROWS * PCA_AXES];
        again = g_memdup2(rows, sizeof(float) * ROWS * (gsize)dims[d]);
        pca_run(rows, ROWS, dims[d], places);
        pca_run(again, ROWS, dims[d], same);
        g_assert_cmpmem(places, sizeof places, same, sizeof same);
        expect_places(places, plain, dims[d]);
    }
}

static void rows_that_do_not_differ_lie_in_the_middle(void) {
    const double flat[12] = {0}, line[12] = {[7] = 2};
    float places[ROWS * PCA_AXES];
    g_autofree float *same = cloud(12, flat), *lined = cloud(12, line),
                     *narrow = cloud(1, line + 7);
    pca_run(same, ROWS, 12, places);
    for (int i = 0; i < ROWS * PCA_AXES; i++) g_assert_cmpfloat(fabsf(places[i]), <, 1e-4);
    pca_run(lined, ROWS, 12, places);
    for (int r = 0; r < ROWS; r++) g_assert_cmpfloat(fabsf(places[r * 2 + 1]), <, 1e-3);
    pca_run(narrow, ROWS, 1, places);
    for (int r = 0; r < ROWS; r++) g_assert_cmpfloat(places[r * 2 + 1], ==, 0);
    pca_run(lined, 1, 12, places);
    g_assert_cmpfloat(fabsf(places[0]) + fabsf(places[1]), ==, 0);
}

/* -- the map -- */

static Library *indexed(Fixture *f) {
    *f = fixture_new();
    for (int i = 0; i < 12; i++) {
        g_autofree char *name = g_strdup_printf("tone %02d.wav", i);
        fixture_put_tone(f, name, i < 6 ? 0.02 + 0.0001 * i : 0.9 + 0.0001 * i, 0.5 + 0.01 * i);
    }
    Library *library = fixture_library(f);
    IngestReport report = fixture_index(f, library, (IngestOptions){0});
    ingest_report_clear(&report);
    return library;
}

static MapPoint *map_of(Library *library, const Filter *filter, int most, int expect) {
    g_autoptr(GError) error = NULL;
    MapPoint *points;
    int count;
    g_assert_true(library_map(library, filter, most, &points, &count, &error));
    g_assert_no_error(error);
    g_assert_cmpint(count, ==, expect);
    for (int i = 0; i < count; i++) {
        g_assert_cmpfloat(fabsf(points[i].x), <=, 1);
        g_assert_cmpfloat(fabsf(points[i].y), <=, 1);
    }
    return points;
}

static void near_sounds_lie_near_each_other(void) {
    Fixture f;
    g_autoptr(Library) library = indexed(&f);
    MapPoint *points = map_of(library, NULL, MAP_MOST, 12);
    float low = 0, high = 0;
    for (int i = 0; i < 12; i++) {
        bool is_low = strcmp(points[i].title, "tone 06") < 0;
        g_assert_true(g_str_has_prefix(points[i].title, "tone "));
        *(is_low ? &low : &high) += points[i].x / 6;
    }
    g_assert_cmpfloat(fabsf(low - high), >, 1);
    for (int i = 0; i < 12; i++) {
        float own = strcmp(points[i].title, "tone 06") < 0 ? low : high;
        g_assert_cmpfloat(fabsf(points[i].x - own), <, fabsf(low - high) / 2);
    }
    map_points_free(points, 12);
    fixture_free(&f);
}

static void a_map_is_of_those_that_fit_and_always_the_same(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    g_autoptr(Filter) filter = filter_parse("duration > 0.555", NULL, NULL, &error);
    map_points_free(map_of(library, filter, MAP_MOST, 6), 6);
    MapPoint *some = map_of(library, NULL, 5, 5), *again = map_of(library, NULL, 5, 5);
    for (int i = 0; i < 5; i++) {
        g_assert_cmpuint(some[i].id, ==, again[i].id);
        g_assert_cmpfloat(some[i].x, ==, again[i].x);
        g_assert_cmpfloat(some[i].duration, >, 0);
    }
    map_points_free(some, 5);
    map_points_free(again, 5);
    map_points_free(map_of(library, NULL, 1, 1), 1);
    fixture_free(&f);
}

static void an_empty_library_has_an_empty_map(void) {
    Fixture f = fixture_new();
    g_autoptr(Library) library = fixture_library(&f);
    map_points_free(map_of(library, NULL, MAP_MOST, 0), 0);
    fixture_free(&f);
}

#define ADD(test) g_test_add_func("/map/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD(places_lie_along_the_largest_variances);
    ADD(rows_that_do_not_differ_lie_in_the_middle);
    ADD(near_sounds_lie_near_each_other);
    ADD(a_map_is_of_those_that_fit_and_always_the_same);
    ADD(an_empty_library_has_an_empty_map);
    return g_test_run();
}
