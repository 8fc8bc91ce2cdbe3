/* Two passes over the file. The first counts samples, so that the chunks' places and the shrinking
 * are known; the second makes the frames of the whole clip in order, and each frame goes to
 * whatever it is part of and is forgotten. See mel_fusion.h. */
#include "mel_fusion.h"
#include "error.h"
#include "mel_fusion_start.h"
#include "pcm.h"
#include "window.h"

#include <string.h>

#define BLOCK  16 /* frames that are made at a time */
#define CHUNKS 3
#define COPIES (CHUNKS + 1)

/* The clip in pieces, reflected at both ends. */
typedef struct {
    Pcm *pcm;
    gint64 length; /* samples of the clip */
    gint64 pad;    /* samples before the first; one more than a frame needs there, for the end */
    float *held;   /* samples [base, end) of the clip; base is −pad at first */
    gint64 base, end;
} Stream;

/* What the frames go to. */
typedef struct {
    gsize total, chunk, bins; /* frames of the clip and of a window */
    gint64 start[CHUNKS];
    float *out;   /* [4][chunk][bins] */
    gsize shrunk; /* rows of out[0] that are done */
    float *last;  /* [bins]: the frame before */
} Fusion;

gint64 mel_fusion_start(gint64 total, gint64 chunk, int third) {
    gint64 starts = total - chunk + 1, size = starts / CHUNKS, over = starts % CHUNKS;
    gint64 count = size + (third < over);
    return count ? third * size + MIN(third, over) + count / 2 : 0;
}

/* Row `i` of the shrunk clip lies between frame *low and the one after; returns how far along. In
 * float, since the reference's rounding shows for clips of minutes. */
static float source_of(const Fusion *fusion, gsize i, gsize *low) {
    float scale = (float)fusion->total / (float)fusion->chunk;
    float at = MAX(scale * ((float)i + 0.5f) - 0.5f, 0.0f);
    *low = MIN((gsize)at, fusion->total - 1);
    return CLAMP(at - (float)*low, 0.0f, 1.0f);
}

static void add_to_shrunk(Fusion *fusion, gsize f, const float *frame) {
    for (; fusion->shrunk < fusion->chunk; fusion->shrunk++) {
        gsize low;
        float part = source_of(fusion, fusion->shrunk, &low);
        gsize high = MIN(low + 1, fusion->total - 1);
        if (high > f) return;
        const float *from = low == f ? frame : fusion->last;
        float *row = fusion->out + fusion->shrunk * fusion->bins;
        for (gsize b = 0; b < fusion->bins; b++) row[b] = (1 - part) * from[b] + part * frame[b];
    }
}

static void add_to_chunks(Fusion *fusion, gint64 f, const float *frame) {
    gint64 chunk = fusion->chunk;
    for (int c = 0; c < CHUNKS; c++) {
        gint64 row = f - fusion->start[c];
        if (row < 0 || row >= chunk) continue;
        float *out = fusion->out + ((c + 1) * chunk + row) * fusion->bins;
        memcpy(out, frame, sizeof(float) * fusion->bins);
    }
}

static void add_frame(Fusion *fusion, gsize f, const float *frame) {
    add_to_shrunk(fusion, f, frame);
    add_to_chunks(fusion, f, frame);
    memcpy(fusion->last, frame, sizeof(float) * fusion->bins);
}

/* Samples up to `end` of the clip, which may lie behind its last one by less than the padding. */
static bool stream_fill(Stream *stream, gint64 end, GError **error) {
    float *held = stream->held - stream->base; /* held[i] is sample i */
    while (stream->end < MIN(end, stream->length)) {
        gsize want = MIN(end, stream->length) - stream->end;
        gssize n = pcm_read(stream->pcm, held + stream->end, want, error);
        if (n < 0) return false;
        if (n == 0)
            return error_fail(error, ERR_CONFLICT, "%s: changed while it was read",
                              pcm_path(stream->pcm));
        stream->end += n;
    }
    for (gint64 i = stream->length; i < end; i++) held[i] = held[2 * (stream->length - 1) - i];
    return true;
}

/* Forgets what lies before sample `base`; with a hop longer than a frame that is read first. */
static bool stream_move(Stream *stream, gint64 base, GError **error) {
    if (!stream_fill(stream, base, error)) return false;
    float *first = stream->held + (base - stream->base);
    memmove(stream->held, first, sizeof(float) * (stream->end - base));
    stream->base = base;
    return true;
}

static bool run_stream(Mel *mel, Stream *stream, Fusion *fusion, GError **error) {
    gint64 hop = mel_config(mel)->hop, pad = stream->pad;
    g_autofree float *frames = g_new(float, BLOCK * fusion->bins);
    for (gsize f = 0; f < fusion->total; f += BLOCK) {
        gsize count = MIN(BLOCK, fusion->total - f);
        if (f > 0 && !stream_move(stream, f * hop - pad, error)) return false;
        if (!stream_fill(stream, (f + count - 1) * hop + pad - 1, error)) return false;
        for (gint64 i = 1; f == 0 && i < pad; i++) stream->held[pad - i] = stream->held[pad + i];
        mel_run_frames(mel, stream->held + 1, count, frames);
        for (gsize k = 0; k < count; k++) add_frame(fusion, f + k, frames + k * fusion->bins);
    }
    return true;
}

/* The second pass. */
static bool fuse_long(Mel *mel, const char *path, gint64 length, Fusion *fusion, char **warning,
                      GError **error) {
    const MelConfig *config = mel_config(mel);
    g_autoptr(Pcm) pcm = pcm_open(path, config->rate, error);
    if (!pcm) return false;
    gint64 pad = config->n_fft / 2 + 1;
    g_autofree float *held = g_new0(float, (gsize)BLOCK * config->hop + 2 * pad);
    g_autofree float *last = g_new0(float, fusion->bins);
    fusion->last = last;
    Stream stream = {.pcm = pcm, .length = length, .pad = pad, .held = held, .base = -pad};
    for (int c = 0; c < CHUNKS; c++)
        fusion->start[c] = mel_fusion_start(fusion->total, fusion->chunk, c);
    if (!run_stream(mel, &stream, fusion, error)) return false;
    if (warning) *warning = g_strdup(pcm_warning(pcm));
    return true;
}

/* samples[length], repeat-padded to a window if shorter, → four copies of its mel. */
static void copy_short(Mel *mel, float *samples, gsize length, gsize window, float *out) {
    gsize size = mel_frames(mel, window) * mel_config(mel)->bins;
    if (length < window) window_repeat_pad(samples, length, window);
    mel_run(mel, samples, MAX(length, window), out);
    for (int c = 1; c < COPIES; c++) memcpy(out + c * size, out, sizeof(float) * size);
}

/* Reads to the end; keeps the first `room` samples. The clip's length, or −1. */
static gint64 read_all(Pcm *pcm, float *samples, gsize room, GError **error) {
    g_autofree float *rest = g_new(float, room);
    gint64 length = 0;
    for (gssize n = 1; n > 0; length += MAX(n, 0)) {
        bool keep = (gsize)length < room;
        n = pcm_read(pcm, keep ? samples + length : rest, keep ? room - length : room, error);
        if (n < 0) return -1;
    }
    if (length > 0) return length;
    error_fail(error, ERR_FORMAT, "%s: holds no sound at all", pcm_path(pcm));
    return -1;
}

bool mel_fusion_run(Mel *mel, const char *path, gsize window, double most_seconds, float *out,
                    bool *is_longer, double *seconds, char **warning, GError **error) {
    const MelConfig *config = mel_config(mel);
    gsize room = window + config->hop; /* enough for every clip that is not longer */
    g_assert(window > (gsize)config->n_fft / 2);
    if (warning) *warning = NULL;
    g_autoptr(Pcm) pcm = pcm_open(path, config->rate, error);
    if (!pcm) return false;
    pcm_set_most(pcm, most_seconds);
    g_autofree float *samples = g_new(float, room);
    gint64 length = read_all(pcm, samples, room, error);
    if (length < 0) return false;
    if (seconds) *seconds = (double)length / config->rate;
    Fusion fusion = {.total = mel_frames(mel, length),
                     .chunk = mel_frames(mel, window),
                     .bins = config->bins,
                     .out = out};
    *is_longer = fusion.total > fusion.chunk;
    if (*is_longer) return fuse_long(mel, path, length, &fusion, warning, error);
    if (warning) *warning = g_strdup(pcm_warning(pcm));
    copy_short(mel, samples, length, window, out);
    return true;
}
