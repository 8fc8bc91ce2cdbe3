/* Writing WAV. See wav_write.h. */
#include "wav_write.h"

#include "error.h"
#include "file.h"
#include "pcm.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define BLOCK     16384 /* samples at a time */
#define HEAD      44    /* bytes */
#define UNKNOWN   0xFFFFFFFFu
#define MOST_DATA (UNKNOWN - HEAD)

static void put(guint8 *at, guint32 value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (guint8)(value >> 8 * i);
}

static void make_head(const Pcm *pcm, guint32 data, guint8 head[HEAD]) {
    const guint32 rate = (guint32)pcm_rate(pcm), frame = 2 * (guint32)pcm_channels(pcm);
    memcpy(head, "RIFF....WAVEfmt ....................data....", HEAD);
    put(head + 4, data == UNKNOWN ? UNKNOWN : data + HEAD - 8, 4);
    put(head + 16, 16, 4);
    put(head + 20, 1, 2); /* PCM */
    put(head + 22, (guint32)pcm_channels(pcm), 2);
    put(head + 24, rate, 4);
    put(head + 28, rate * frame, 4);
    put(head + 32, frame, 2);
    put(head + 34, 16, 2);
    put(head + 40, data, 4);
}

static void to_16_bits(const float *samples, gsize count, guint8 *out) {
    for (gsize i = 0; i < count; i++) {
        long value = lrintf(CLAMP(samples[i] * 32768, -32768, 32767));
        put(out + 2 * i, (guint32)value, 2);
    }
}

/* *data: bytes written. */
static bool write_samples(Pcm *pcm, int fd, const gint *stop, guint32 *data, GError **error) {
    g_autofree float *block = g_new(float, BLOCK);
    g_autofree guint8 *bytes = g_new(guint8, 2 * BLOCK);
    for (gssize n; (n = pcm_read(pcm, block, BLOCK, error)) != 0;) {
        if (n < 0) return false;
        if (stop && g_atomic_int_get(stop)) return error_fail(error, ERR_CANCELLED, "interrupted");
        if (*data > MOST_DATA - 2 * BLOCK)
            return error_fail(error, ERR_LIMIT, "%s: is longer than a WAV can be", pcm_path(pcm));
        to_16_bits(block, (gsize)n, bytes);
        if (!file_put(fd, pcm_path(pcm), bytes, 2 * (gsize)n, error)) return false;
        *data += 2 * (guint32)n;
    }
    return *data || error_fail(error, ERR_FORMAT, "%s: holds no sound at all", pcm_path(pcm));
}

bool wav_transcode(const char *path, int fd, double most_seconds, const gint *stop,
                   GError **error) {
    g_autoptr(Pcm) pcm = pcm_open_stereo(path, 0, error);
    if (!pcm) return false;
    guint8 head[HEAD];
    guint32 data = 0;
    const off_t start = lseek(fd, 0, SEEK_CUR); /* −1: a pipe */
    pcm_set_most(pcm, most_seconds);
    make_head(pcm, UNKNOWN, head);
    if (!file_put(fd, pcm_path(pcm), head, HEAD, error) ||
        !write_samples(pcm, fd, stop, &data, error))
        return false;
    make_head(pcm, data, head);
    return start < 0 || pwrite(fd, head, HEAD, start) == HEAD ||
           error_fail_errno(error, pcm_path(pcm), errno);
}
