/* Peaks of a sound of any length. See peaks.h. */
#include "peaks.h"

#include "error.h"
#include "pcm.h"

#include <math.h>

#define BLOCK 16384 /* samples read at a time */
#define FINER 16    /* stretches for each that is asked for, when there is no more room */

typedef struct {
    float *least, *most; /* [room] */
    gsize room, count;   /* even; stretches so far */
    gint64 step;         /* samples of a stretch */
    gint64 left;         /* that the last one still takes */
    gint64 total;        /* samples so far */
} Stretches;

/* Neighbours become one. All are full. */
static void join(Stretches *s) {
    s->count /= 2;
    s->step *= 2;
    for (gsize i = 0; i < s->count; i++) {
        s->least[i] = MIN(s->least[2 * i], s->least[2 * i + 1]);
        s->most[i] = MAX(s->most[2 * i], s->most[2 * i + 1]);
    }
}

static void begin_stretch(Stretches *s) {
    if (s->count == s->room) join(s);
    s->least[s->count] = INFINITY;
    s->most[s->count] = -INFINITY;
    s->count++;
    s->left = s->step;
}

/* samples[count] go into the last stretch. */
static void widen(Stretches *s, const float *samples, gsize count) {
    float least = s->least[s->count - 1], most = s->most[s->count - 1];
    for (gsize i = 0; i < count; i++) {
        least = MIN(least, samples[i]);
        most = MAX(most, samples[i]);
    }
    s->least[s->count - 1] = least;
    s->most[s->count - 1] = most;
}

static void add(Stretches *s, const float *samples, gsize count) {
    s->total += (gint64)count;
    while (count) {
        if (!s->left) begin_stretch(s);
        gsize n = (gsize)MIN(s->left, (gint64)count);
        widen(s, samples, n);
        s->left -= (gint64)n;
        samples += n;
        count -= n;
    }
}

/* Stretch i of n, of samples i·total/n … (i + 1)·total/n, at least one. */
static void peak_at(const Stretches *s, int i, int n, float *least, float *most) {
    gint64 first = i * s->total / n, end = MAX((i + 1) * s->total / n, first + 1);
    *least = 1;
    *most = -1;
    for (gint64 k = first / s->step; k <= (end - 1) / s->step; k++) {
        *least = MIN(*least, s->least[k]);
        *most = MAX(*most, s->most[k]);
    }
    *least = CLAMP(*least, -1, 1);
    *most = CLAMP(*most, -1, 1);
}

static bool read_all(Pcm *pcm, const gint *stop, Stretches *s, GError **error) {
    g_autofree float *block = g_new(float, BLOCK);
    for (gssize n; (n = pcm_read(pcm, block, BLOCK, error)) != 0;) {
        if (n < 0) return false;
        if (stop && g_atomic_int_get(stop)) return error_fail(error, ERR_CANCELLED, "interrupted");
        add(s, block, (gsize)n);
    }
    return s->total || error_fail(error, ERR_FORMAT, "%s: holds no sound at all", pcm_path(pcm));
}

bool peaks_read(const char *path, int n, double most_seconds, const gint *stop, float *least,
                float *most, double *seconds, GError **error) {
    if (n < 1 || n > PEAKS_MOST)
        return error_fail(error, ERR_USAGE, "%d peaks; 1 to %d can be had", n, PEAKS_MOST);
    g_autoptr(Pcm) pcm = pcm_open(path, 0, error);
    if (!pcm) return false;
    pcm_set_most(pcm, most_seconds);
    const gsize room = (gsize)n * FINER;
    g_autofree float *stretches = g_new(float, 2 * room);
    Stretches s = {.least = stretches, .most = stretches + room, .room = room, .step = 1};
    if (!read_all(pcm, stop, &s, error)) return false;
    *seconds = (double)s.total / pcm_rate(pcm);
    for (int i = 0; i < n; i++) peak_at(&s, i, n, &least[i], &most[i]);
    return true;
}
