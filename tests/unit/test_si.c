/* Numbers as people read them. */
#include "si.h"

#include <glib.h>

#define CHECK(call, wanted)                                                                        \
    do {                                                                                           \
        g_autofree char *got = call;                                                               \
        g_assert_cmpstr(got, ==, wanted);                                                          \
    } while (0)

static void bytes_are_scaled_by_thousands(void) {
    CHECK(si_bytes(0), "0 B");
    CHECK(si_bytes(999), "999 B");
    CHECK(si_bytes(1234567), "1.2 MB");
    CHECK(si_bytes(999999), "1.0 MB");
    CHECK(si_bytes(UINT64_MAX), "18446.7 PB");
}

static void counts_have_no_unit_below_a_thousand(void) {
    CHECK(si_count(512), "512");
    CHECK(si_count(193900000), "193.9 M");
}

static void clocks_show_hours_only_when_there_are_any(void) {
    CHECK(si_clock(0), "0:00");
    CHECK(si_clock(75.9), "1:15");
    CHECK(si_clock(4000), "1:06:40");
    CHECK(si_clock(-1), "0:00");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/si/bytes_are_scaled_by_thousands", bytes_are_scaled_by_thousands);
    g_test_add_func("/si/counts_have_no_unit_below_a_thousand",
                    counts_have_no_unit_below_a_thousand);
    g_test_add_func("/si/clocks_show_hours_only_when_there_are_any",
                    clocks_show_hours_only_when_there_are_any);
    return g_test_run();
}
