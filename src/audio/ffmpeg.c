/* The functions of FFmpeg that this module calls, each handing on to the library once that is
 * loaded. */
#include "ffmpeg.h"

#include "error.h"

#include <dlfcn.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/crc.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

/* X(library, result, name, parameters, arguments). The headers' prototypes check each row. */
/* clang-format off */
#define FUNCTIONS(X)                                                                                                   \
    X(UTIL, enum AVChannel, av_channel_layout_channel_from_index,                                                      \
      (const AVChannelLayout *layout, unsigned index), (layout, index))                                                \
    X(UTIL, uint32_t, av_crc, (const AVCRC *table, uint32_t crc, const uint8_t *bytes, size_t len),                    \
      (table, crc, bytes, len))                                                                                        \
    X(UTIL, const AVCRC *, av_crc_get_table, (AVCRCId id), (id))                                                       \
    X(UTIL, AVDictionaryEntry *, av_dict_get,                                                                          \
      (const AVDictionary *m, const char *key, const AVDictionaryEntry *prev, int flags), (m, key, prev, flags))       \
    X(UTIL, AVFrame *, av_frame_alloc, (void), ())                                                                     \
    X(UTIL, void, av_frame_free, (AVFrame * *frame), (frame))                                                          \
    X(UTIL, void, av_frame_unref, (AVFrame * frame), (frame))                                                          \
    X(UTIL, void, av_freep, (void *ptr), (ptr))                                                                        \
    X(UTIL, int, av_get_bytes_per_sample, (enum AVSampleFormat f), (f))                                                \
    X(UTIL, enum AVSampleFormat, av_get_packed_sample_fmt, (enum AVSampleFormat f), (f))                               \
    X(UTIL, int, av_sample_fmt_is_planar, (enum AVSampleFormat f), (f))                                                \
    X(UTIL, void, av_log_set_level, (int level), (level))                                                              \
    X(UTIL, void *, av_malloc, (size_t size), (size))                                                                  \
    X(UTIL, int, av_opt_set_int, (void *obj, const char *name, int64_t val, int flags), (obj, name, val, flags))       \
    X(UTIL, int64_t, av_rescale_q, (int64_t a, AVRational b, AVRational c), (a, b, c))                                 \
    X(UTIL, char *, av_strdup, (const char *s), (s))                                                                   \
    X(CODEC, int, av_codec_is_decoder, (const AVCodec *codec), (codec))                                                \
    X(CODEC, const AVCodec *, av_codec_iterate, (void **opaque), (opaque))                                             \
    X(CODEC, AVPacket *, av_packet_alloc, (void), ())                                                                  \
    X(CODEC, void, av_packet_free, (AVPacket * *packet), (packet))                                                     \
    X(CODEC, uint8_t *, av_packet_get_side_data,                                                                       \
      (const AVPacket *packet, enum AVPacketSideDataType type, size_t *size), (packet, type, size))                    \
    X(CODEC, void, av_packet_unref, (AVPacket * packet), (packet))                                                     \
    X(CODEC, AVCodecContext *, avcodec_alloc_context3, (const AVCodec *codec), (codec))                                \
    X(CODEC, const AVCodec *, avcodec_find_decoder, (enum AVCodecID id), (id))                                         \
    X(CODEC, void, avcodec_free_context, (AVCodecContext * *context), (context))                                       \
    X(CODEC, const char *, avcodec_get_name, (enum AVCodecID id), (id))                                                \
    X(CODEC, int, avcodec_open2, (AVCodecContext * context, const AVCodec *codec, AVDictionary **options),             \
      (context, codec, options))                                                                                       \
    X(CODEC, int, avcodec_parameters_to_context, (AVCodecContext * context, const AVCodecParameters *parameters),      \
      (context, parameters))                                                                                           \
    X(CODEC, int, avcodec_receive_frame, (AVCodecContext * context, AVFrame *frame), (context, frame))                 \
    X(CODEC, int, avcodec_send_packet, (AVCodecContext * context, const AVPacket *packet), (context, packet))          \
    X(FORMAT, int, av_find_best_stream,                                                                                \
      (AVFormatContext * context, enum AVMediaType type, int wanted, int related, const AVCodec **decoder, int flags), \
      (context, type, wanted, related, decoder, flags))                                                                \
    X(FORMAT, int, av_probe_input_buffer2,                                                                             \
      (AVIOContext * io, const AVInputFormat **format, const char *url, void *log, unsigned offset, unsigned most),    \
      (io, format, url, log, offset, most))                                                                            \
    X(FORMAT, int, av_read_frame, (AVFormatContext * context, AVPacket *packet), (context, packet))                    \
    X(FORMAT, AVFormatContext *, avformat_alloc_context, (void), ())                                                   \
    X(FORMAT, void, avformat_close_input, (AVFormatContext * *context), (context))                                     \
    X(FORMAT, int, avformat_find_stream_info, (AVFormatContext * context, AVDictionary **options), (context, options)) \
    X(FORMAT, int, avformat_open_input,                                                                                \
      (AVFormatContext * *context, const char *url, const AVInputFormat *format, AVDictionary **options),              \
      (context, url, format, options))                                                                                 \
    X(FORMAT, AVIOContext *, avio_alloc_context,                                                                       \
      (unsigned char *buffer, int size, int write_flag, void *opaque, int (*read)(void *, uint8_t *, int),             \
       int (*write)(void *, uint8_t *, int), int64_t (*seek)(void *, int64_t, int)),                                   \
      (buffer, size, write_flag, opaque, read, write, seek))                                                           \
    X(FORMAT, void, avio_context_free, (AVIOContext * *io), (io))                                                      \
    X(RESAMPLE, int, swr_alloc_set_opts2,                                                                              \
      (struct SwrContext * *swr, AVChannelLayout *out, enum AVSampleFormat out_format, int out_rate,                   \
       AVChannelLayout *in, enum AVSampleFormat in_format, int in_rate, int offset, void *log),                        \
      (swr, out, out_format, out_rate, in, in_format, in_rate, offset, log))                                           \
    X(RESAMPLE, int, swr_convert,                                                                                      \
      (struct SwrContext * swr, uint8_t **out, int out_count, const uint8_t **in, int in_count),                       \
      (swr, out, out_count, in, in_count))                                                                             \
    X(RESAMPLE, void, swr_free, (struct SwrContext * *swr), (swr))                                                     \
    X(RESAMPLE, int, swr_get_out_samples, (struct SwrContext * swr, int count), (swr, count))                          \
    X(RESAMPLE, int, swr_init, (struct SwrContext * swr), (swr))
/* clang-format on */

enum { UTIL, CODEC, FORMAT, RESAMPLE, LIBRARIES };

/* The ABI that the headers describe. */
static const char *const sonames[LIBRARIES] = {
    [UTIL] = "libavutil.so." AV_STRINGIFY(LIBAVUTIL_VERSION_MAJOR),
    [CODEC] = "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR),
    [FORMAT] = "libavformat.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR),
    [RESAMPLE] = "libswresample.so." AV_STRINGIFY(LIBSWRESAMPLE_VERSION_MAJOR),
};

/* What the libraries export; written once, by the first ffmpeg_load. */
static struct {
#define MEMBER(library, result, name, parameters, arguments) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
} loaded;

#define HAND_ON(library, result, name, parameters, arguments)                                      \
    result name parameters {                                                                       \
        return loaded.name arguments;                                                              \
    }
FUNCTIONS(HAND_ON)

static const struct {
    int library;
    const char *name;
    void *place;
} rows[] = {
#define ROW(library, result, name, parameters, arguments) {library, #name, &loaded.name},
    FUNCTIONS(ROW)};

static bool load_all(GError **error) {
    void *libraries[LIBRARIES];
    for (int i = 0; i < LIBRARIES; i++) {
        libraries[i] = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
        if (!libraries[i])
            return error_fail(error, ERR_UNSUPPORTED,
                              "%s: not on this machine; install FFmpeg's libraries", sonames[i]);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        *(void **)rows[i].place = dlsym(libraries[rows[i].library], rows[i].name);
        if (!*(void **)rows[i].place)
            return error_fail(error, ERR_UNSUPPORTED, "%s: has no %s", sonames[rows[i].library],
                              rows[i].name);
    }
    av_log_set_level(AV_LOG_QUIET);
    return true;
}

bool ffmpeg_load(GError **error) {
    static GMutex lock;
    static bool done;
    g_mutex_lock(&lock);
    if (!done) done = load_all(error);
    bool well = done;
    g_mutex_unlock(&lock);
    return well;
}
