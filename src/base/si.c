/* Numbers as people read them. */
#include "si.h"

#include <glib.h>

static char *scaled(double value, const char *const *units, const char *joint) {
    int unit = 0;
    while (value >= 999.95 && units[unit + 1]) {
        value /= 1000;
        unit++;
    }
    const char *blank = units[unit][0] ? joint : "";
    return unit == 0 ? g_strdup_printf("%.0f%s%s", value, blank, units[unit])
                     : g_strdup_printf("%.1f%s%s", value, blank, units[unit]);
}

char *si_bytes(uint64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", NULL};
    return scaled((double)bytes, units, " ");
}

char *si_count(uint64_t count) {
    static const char *const units[] = {"", "k", "M", "G", "T", NULL};
    return scaled((double)count, units, " ");
}

char *si_clock(double seconds) {
    uint64_t whole = seconds > 0 ? (uint64_t)seconds : 0;
    unsigned s = whole % 60, m = whole / 60 % 60;
    uint64_t h = whole / 3600;
    return h ? g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u", h, m, s)
             : g_strdup_printf("%u:%02u", m, s);
}
