/* Progress on a terminal or in a log. Redraws at most ten times a second, so that callers can
 * report every step. */
#include "progress.h"

#include "si.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH      24
#define REDRAW_US      100000
#define LINE_EVERY_US  10000000
#define CLEAR_THE_LINE "\r\033[K"

struct Progress {
    FILE *out;
    ProgressStyle style;
    char *what, *unit;
    uint64_t total, done;
    gint64 start, last;
    bool drawn;
    GMutex lock; /* over done, last, drawn and the stream */
};

ProgressStyle progress_style_for(FILE *out, bool quiet) {
    if (quiet) return PROGRESS_QUIET;
    return isatty(fileno(out)) ? PROGRESS_BAR : PROGRESS_LINES;
}

Progress *progress_new(FILE *out, ProgressStyle style, const char *what, const char *unit,
                       uint64_t total) {
    Progress *p = g_new0(Progress, 1);
    p->out = out;
    p->style = style;
    p->what = g_strdup(what);
    p->unit = g_strdup(unit);
    p->total = total;
    p->start = g_get_monotonic_time();
    p->last = p->start - REDRAW_US;
    g_mutex_init(&p->lock);
    return p;
}

static char *amount(const Progress *p, double value) {
    return strcmp(p->unit, "bytes") == 0 ? si_bytes((uint64_t)value)
                                         : g_strdup_printf("%.0f %s", value, p->unit);
}

/* "1200 files, 40 files/s, 0:30 left" */
static char *status(const Progress *p, gint64 now) {
    double seconds = (double)(now - p->start) / 1e6;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;
    g_autofree char *done = amount(p, (double)p->done);
    g_autofree char *speed = amount(p, rate);
    if (!p->total || rate <= 0) return g_strdup_printf("%s, %s/s", done, speed);
    g_autofree char *left = si_clock((double)(p->total - MIN(p->done, p->total)) / rate);
    return g_strdup_printf("%s, %s/s, %s left", done, speed, left);
}

static void draw_bar(Progress *p, gint64 now) {
    g_autofree char *text = status(p, now);
    double part = p->total ? MIN((double)p->done / (double)p->total, 1.0) : 0;
    int full = (int)(part * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(BAR_WIDTH - full));
    bar[BAR_WIDTH] = 0;
    if (p->total)
        fprintf(p->out, CLEAR_THE_LINE "%s [%s] %3.0f %% %s", p->what, bar, part * 100, text);
    else
        fprintf(p->out, CLEAR_THE_LINE "%s %s", p->what, text);
    fflush(p->out);
    p->drawn = true;
}

static void draw(Progress *p) {
    gint64 now = g_get_monotonic_time();
    gint64 every = p->style == PROGRESS_BAR ? REDRAW_US : LINE_EVERY_US;
    if (p->style == PROGRESS_QUIET || now - p->last < every) return;
    p->last = now;
    if (p->style == PROGRESS_BAR) {
        draw_bar(p, now);
        return;
    }
    g_autofree char *text = status(p, now);
    fprintf(p->out, "%s: %s\n", p->what, text);
}

void progress_add(Progress *p, uint64_t done) {
    g_mutex_lock(&p->lock);
    p->done += done;
    draw(p);
    g_mutex_unlock(&p->lock);
}

void progress_clear(Progress *p) {
    g_mutex_lock(&p->lock);
    if (p->drawn) {
        fputs(CLEAR_THE_LINE, p->out);
        fflush(p->out);
    }
    p->drawn = false;
    g_mutex_unlock(&p->lock);
}

void progress_free(Progress *p) {
    if (!p) return;
    progress_clear(p);
    g_mutex_clear(&p->lock);
    g_free(p->what);
    g_free(p->unit);
    g_free(p);
}
