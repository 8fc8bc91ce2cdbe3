/* A level meter in one line of a terminal. */
#include "meter.h"

#include "si.h"

#include <math.h>
#include <string.h>

#define BAR_WIDTH      30
#define LOWEST         (-60.0) /* dBFS at the bar's left end */
#define REDRAW_US      66000
#define CLEAR_THE_LINE "\r\033[K"
#define CLIPPED        INT16_MAX /* and all above it */

struct Meter {
    FILE *out;
    bool drawn;
    int recent, highest; /* peaks: since the last drawing; of all */
    gint64 last;
};

Meter *meter_new(FILE *out) {
    Meter *meter = g_new0(Meter, 1);
    meter->out = out;
    return meter;
}

double meter_dbfs(int peak) {
    return 20 * log10((double)peak / METER_FULL);
}

static int peak_of(const int16_t *samples, size_t count) {
    int peak = 0;
    for (size_t i = 0; i < count; i++) peak = MAX(peak, ABS((int)samples[i]));
    return peak;
}

/* "recording 0:12 [#################.............] -26.3 dBFS, at most -6.1" */
static void draw(Meter *meter, double seconds) {
    char bar[BAR_WIDTH + 1];
    g_autofree char *clock = si_clock(seconds);
    double level = fmax(meter_dbfs(meter->recent), LOWEST);
    double most = fmax(meter_dbfs(meter->highest), LOWEST);
    int full = (int)((level - LOWEST) / -LOWEST * BAR_WIDTH + 0.5);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(BAR_WIDTH - full));
    bar[BAR_WIDTH] = 0;
    fprintf(meter->out, CLEAR_THE_LINE "recording %s [%s] %5.1f dBFS, at most %.1f%s", clock, bar,
            level, most, meter_is_clipped(meter) ? ", clipped" : "");
    fflush(meter->out);
    meter->drawn = true;
}

void meter_take(Meter *meter, const int16_t *samples, size_t count, double seconds) {
    gint64 now = g_get_monotonic_time();
    meter->recent = MAX(meter->recent, peak_of(samples, count));
    meter->highest = MAX(meter->highest, meter->recent);
    if (!meter->out || now - meter->last < REDRAW_US) return;
    draw(meter, seconds);
    meter->recent = 0;
    meter->last = now;
}

void meter_clear(Meter *meter) {
    if (!meter->drawn) return;
    fputs(CLEAR_THE_LINE, meter->out);
    fflush(meter->out);
    meter->drawn = false;
}

int meter_highest(const Meter *meter) {
    return meter->highest;
}

bool meter_is_clipped(const Meter *meter) {
    return meter->highest >= CLIPPED;
}

void meter_free(Meter *meter) {
    g_free(meter);
}
