/* WAV and RF64, written front to back with the header kept up to date. */
#include "wav_out.h"

#include "error.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE_BYTES 2
#define FORM_AHEAD   8 /* bytes of the header that the size of the form does not count */
#define RF64_BYTES   28

struct WavOut {
    int fd, rate, channels;
    char *path;
    uint64_t bytes; /* of samples */
};

/* -- the header -- */

static uint8_t *put(uint8_t *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
    return at + bytes;
}

static uint8_t *put_name(uint8_t *at, const char name[5]) {
    memcpy(at, name, 4);
    return at + 4;
}

/* RF64's sizes, or as many bytes that stand for nothing. */
static uint8_t *put_sizes(uint8_t *at, uint64_t form, uint64_t data, uint64_t frames, bool large) {
    at = put(put_name(at, large ? "ds64" : "JUNK"), RF64_BYTES, 4);
    at = put(put(at, large ? form : 0, 8), large ? data : 0, 8);
    return put(put(at, large ? frames : 0, 8), 0, 4);
}

static uint8_t *put_format(uint8_t *at, int rate, int channels) {
    uint64_t frame = (uint64_t)channels * SAMPLE_BYTES;
    at = put(put_name(at, "fmt "), 16, 4);
    at = put(put(at, 1 /* whole numbers */, 2), (uint64_t)channels, 2);
    at = put(put(at, (uint64_t)rate, 4), (uint64_t)rate * frame, 4);
    return put(put(at, frame, 2), 8 * SAMPLE_BYTES, 2);
}

void wav_header(uint8_t header[WAV_HEADER], int rate, int channels, uint64_t data_bytes) {
    uint64_t form = WAV_HEADER - FORM_AHEAD + data_bytes;
    bool large = form > UINT32_MAX;
    uint8_t *at = put(put_name(header, large ? "RF64" : "RIFF"), large ? UINT32_MAX : form, 4);
    at = put_sizes(put_name(at, "WAVE"), form, data_bytes,
                   data_bytes / ((uint64_t)channels * SAMPLE_BYTES), large);
    at = put_format(at, rate, channels);
    at = put(put_name(at, "data"), large ? UINT32_MAX : data_bytes, 4);
    g_assert(at == header + WAV_HEADER);
}

/* -- the file -- */

static bool write_header(WavOut *out, GError **error) {
    uint8_t header[WAV_HEADER];
    wav_header(header, out->rate, out->channels, out->bytes);
    return pwrite(out->fd, header, sizeof header, 0) == sizeof header ||
           error_fail_errno(error, out->path, errno);
}

/* The folder is what is missing where a new file cannot be made. */
static bool fail_to_make(GError **error, const char *path, int number) {
    if (number == ENOENT || number == ENOTDIR)
        return error_fail(error, ERR_NOT_FOUND, "%s: there is no such folder", path);
    if (number == EEXIST)
        return error_fail(error, ERR_CONFLICT, "%s: is already there; name another file", path);
    return error_fail_errno(error, path, number);
}

WavOut *wav_out_open(const char *path, int rate, int channels, GError **error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        fail_to_make(error, path, errno);
        return NULL;
    }
    WavOut *out = g_new0(WavOut, 1);
    *out = (WavOut){.fd = fd, .rate = rate, .channels = channels, .path = g_strdup(path)};
    if (write_header(out, error) && lseek(fd, WAV_HEADER, SEEK_SET) == WAV_HEADER) return out;
    unlink(path);
    wav_out_close(out);
    return NULL;
}

static bool put_samples(WavOut *out, const int16_t *samples, size_t count, GError **error) {
    if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
        return file_put(out->fd, out->path, samples, count * SAMPLE_BYTES, error);
    g_autofree int16_t *swapped = g_new(int16_t, count);
    for (size_t i = 0; i < count; i++) swapped[i] = GINT16_TO_LE(samples[i]);
    return file_put(out->fd, out->path, swapped, count * SAMPLE_BYTES, error);
}

bool wav_out_add(WavOut *out, const int16_t *samples, size_t count, GError **error) {
    if (!put_samples(out, samples, count, error)) {
        (void)!ftruncate(out->fd, (off_t)(WAV_HEADER + out->bytes));
        return false;
    }
    out->bytes += count * SAMPLE_BYTES;
    return write_header(out, error);
}

uint64_t wav_out_frames(const WavOut *out) {
    return out->bytes / SAMPLE_BYTES / (uint64_t)out->channels;
}

bool wav_out_sync(WavOut *out, GError **error) {
    return fsync(out->fd) == 0 || error_fail_errno(error, out->path, errno);
}

void wav_out_close(WavOut *out) {
    if (!out) return;
    close(out->fd);
    g_free(out->path);
    g_free(out);
}
