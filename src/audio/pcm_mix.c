/* Mean or weighed sum of all channels, one plain loop per sample format. */
#include "pcm_mix.h"

#include <math.h>
#include <string.h>

/* Adds every `step`th of count·step samples, times `scale`, to mono[count]; returns how many were
 * damaged. */
typedef int Add(const void *samples, int step, int count, float scale, float *mono);

#define ADD_INTEGER(name, type, zero)                                                              \
    static int name(const void *samples, int step, int count, float scale, float *mono) {          \
        const type *x = samples;                                                                   \
        for (int i = 0; i < count; i++) mono[i] += (float)(x[(gsize)i * step] - zero) * scale;     \
        return 0;                                                                                  \
    }
#define ADD_FLOATING(name, type)                                                                   \
    static int name(const void *samples, int step, int count, float scale, float *mono) {          \
        const type *x = samples;                                                                   \
        int bad = 0;                                                                               \
        for (int i = 0; i < count; i++) {                                                          \
            float value = (float)x[(gsize)i * step];                                               \
            int good = fabsf(value) <= PCM_MAX_SAMPLE; /* false for NaN */                         \
            mono[i] += good ? value * scale : 0;                                                   \
            bad += !good;                                                                          \
        }                                                                                          \
        return bad;                                                                                \
    }

ADD_INTEGER(add_u8, uint8_t, 128)
ADD_INTEGER(add_s16, int16_t, 0)
ADD_INTEGER(add_s32, int32_t, 0)
ADD_INTEGER(add_s64, int64_t, 0)
ADD_FLOATING(add_float, float)
ADD_FLOATING(add_double, double)

static const struct {
    Add *add;
    float full_scale;
} kinds[AV_SAMPLE_FMT_NB] = {
    [AV_SAMPLE_FMT_U8] = {add_u8, 128},       [AV_SAMPLE_FMT_S16] = {add_s16, 32768},
    [AV_SAMPLE_FMT_S32] = {add_s32, 0x1p31f}, [AV_SAMPLE_FMT_S64] = {add_s64, 0x1p63f},
    [AV_SAMPLE_FMT_FLT] = {add_float, 1},     [AV_SAMPLE_FMT_DBL] = {add_double, 1},
};

int pcm_mix(const AVFrame *frame, int first, int count, const float *weights, float *mono) {
    enum AVSampleFormat packed = av_get_packed_sample_fmt(frame->format);
    if (packed < 0 || !kinds[packed].add) return -1;
    int channels = frame->ch_layout.nb_channels, bytes = av_get_bytes_per_sample(packed);
    int planar = av_sample_fmt_is_planar(frame->format), step = planar ? 1 : channels;
    float mean = 1.0f / (kinds[packed].full_scale * channels);
    int bad = 0;
    memset(mono, 0, sizeof(float) * count);
    for (int c = 0; c < channels; c++) {
        float scale = weights ? weights[c] / kinds[packed].full_scale : mean;
        if (scale == 0) continue;
        const uint8_t *samples = planar ? frame->extended_data[c] : frame->data[0] + c * bytes;
        bad += kinds[packed].add(samples + (gsize)first * step * bytes, step, count, scale, mono);
    }
    return bad;
}
