/* The level meter: peaks in dBFS, a line that is drawn and cleared. */
#include "meter.h"

#include <math.h>
#include <stdlib.h>

static void full_scale_is_0_dbfs_and_half_of_it_6_less(void) {
    g_assert_cmpfloat(meter_dbfs(METER_FULL), ==, 0);
    g_assert_cmpfloat_with_epsilon(meter_dbfs(METER_FULL / 2), -6.0206, 1e-4);
    g_assert_true(isinf(meter_dbfs(0)));
}

static void the_highest_peak_of_all_blocks_is_kept(void) {
    g_autoptr(Meter) meter = meter_new(NULL);
    meter_take(meter, (int16_t[]){100, -3000, 5}, 3, 1);
    meter_take(meter, (int16_t[]){1, 2, 3}, 3, 2);
    g_assert_cmpint(meter_highest(meter), ==, 3000);
    g_assert_false(meter_is_clipped(meter));
    meter_take(meter, (int16_t[]){0, INT16_MIN}, 2, 3);
    g_assert_cmpint(meter_highest(meter), ==, METER_FULL);
    g_assert_true(meter_is_clipped(meter));
}

static void the_bar_shows_the_level_and_is_cleared(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    Meter *meter = meter_new(out);
    meter_take(meter, (int16_t[]){0, METER_FULL / 32}, 2, 75); /* -30 dBFS: half of the bar */
    meter_clear(meter);
    meter_free(meter);
    fclose(out);
    g_assert_cmpstr(text, ==,
                    "\r\033[Krecording 1:15 [###############...............] -30.1 dBFS, at most "
                    "-30.1\r\033[K");
    free(text);
}

static void silence_draws_an_empty_bar(void) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    Meter *meter = meter_new(out);
    meter_take(meter, (int16_t[]){0, 0}, 2, 0);
    meter_free(meter);
    fclose(out);
    g_assert_nonnull(g_strstr_len(text, -1, "[..............................] -60.0 dBFS"));
    free(text);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/meter/full_scale_is_0_dbfs_and_half_of_it_6_less",
                    full_scale_is_0_dbfs_and_half_of_it_6_less);
    g_test_add_func("/meter/the_highest_peak_of_all_blocks_is_kept",
                    the_highest_peak_of_all_blocks_is_kept);
    g_test_add_func("/meter/the_bar_shows_the_level_and_is_cleared",
                    the_bar_shows_the_level_and_is_cleared);
    g_test_add_func("/meter/silence_draws_an_empty_bar", silence_draws_an_empty_bar);
    return g_test_run();
}
