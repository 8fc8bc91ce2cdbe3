/* WAV files for tests, written into a folder of files.h. */
#pragma once
#include "files.h"

typedef struct {
    int rate, channels, bits;
    gboolean floating;
} WavFormat;

static inline void wav_put(GByteArray *out, guint32 value, int bytes) {
    for (int i = 0; i < bytes; i++) g_byte_array_append(out, (guint8[]){value >> 8 * i & 255}, 1);
}

static inline void wav_put_text(GByteArray *out, const char *four) {
    g_byte_array_append(out, (const guint8 *)four, 4);
}

/* The whole file; `size` bytes of sample data. */
static inline GByteArray *wav_make(WavFormat format, const void *data, gsize size) {
    GByteArray *out = g_byte_array_new();
    int frame = format.channels * format.bits / 8;
    wav_put_text(out, "RIFF"), wav_put(out, 36 + size, 4), wav_put_text(out, "WAVE");
    wav_put_text(out, "fmt "), wav_put(out, 16, 4), wav_put(out, format.floating ? 3 : 1, 2);
    wav_put(out, format.channels, 2), wav_put(out, format.rate, 4);
    wav_put(out, format.rate * frame, 4), wav_put(out, frame, 2), wav_put(out, format.bits, 2);
    wav_put_text(out, "data"), wav_put(out, size, 4);
    g_byte_array_append(out, data, size);
    return out;
}

static inline char *wav_write(const char *folder, const char *name, const void *data, gsize size) {
    g_autoptr(GError) error = NULL;
    char *path = g_build_filename(folder, name, NULL);
    g_file_set_contents_full(path, data, size, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error);
    g_assert_no_error(error);
    return path;
}

/* Mono float at `rate`. Caller frees the path. */
static inline char *wav_write_floats(const char *folder, const char *name, int rate,
                                     const float *samples, gsize count) {
    WavFormat format = {rate, 1, 32, TRUE};
    g_autoptr(GByteArray) file = wav_make(format, samples, count * sizeof(float));
    return wav_write(folder, name, file->data, file->len);
}
