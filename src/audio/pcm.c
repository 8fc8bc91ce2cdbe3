/* The stream: packets → frames → mixed → resampled → whoever reads. One frame and one resampled
 * slice are held at a time. See pcm.h. */
#include "pcm.h"
#include "error.h"
#include "ffmpeg.h"
#include "pcm_ends.h"
#include "pcm_input.h"
#include "pcm_mix.h"
#include "pcm_ogg.h"
#include "pcm_stereo.h"
#include "pcm_tags.h"

#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <string.h>

#define SLICE     8192 /* samples that are mixed and resampled at a time */
#define MAX_TRIES 1000 /* packets in a row that a demuxer may fail to give for the time being */

/* A file is called truncated when so much of what it claims is missing, in seconds: encoders and
 * containers round, by a frame or two. */
#define TRUNCATED 0.25

#define ROUNDING 1e-6 /* seconds, of a sum over frames */

struct Pcm {
    PcmInput input;
    PcmInfo info;
    char container[32];
    int rate, channels; /* delivered */

    AVPacket *packet;
    AVFrame *frame;
    int frame_at; /* samples of the frame that are mixed already */
    bool drained; /* the decoder has nothing more */

    SwrContext *resampler; /* NULL: the rates agree, or no frame has been seen */
    int frame_rate;        /* Hz of the frames that the resampler was made for; 0: none yet */
    float mixed[2][SLICE];
    float *ready; /* what pcm_read hands out next: [ready_at, ready_len) */
    gsize ready_at, ready_len, ready_room;

    double most;        /* seconds that may be decoded; 0: any */
    double seconds;     /* decoded so far */
    gint64 bad_samples; /* NaN, infinite */
    gint64 bad_packets; /* left out */
    int bad_pages;      /* of Ogg, left out */
    bool broken_off;    /* the container could not be read to its end */
    char *warning;
};

static double claimed_seconds(const PcmInput *input) {
    if (input->format->duration == AV_NOPTS_VALUE) return -1;
    return (double)input->format->duration / AV_TIME_BASE;
}

static void fill_info(Pcm *pcm) {
    const PcmInput *input = &pcm->input;
    const char *name = input->format->iformat->name;
    g_strlcpy(pcm->container, name, MIN(sizeof pcm->container, strcspn(name, ",") + 1));
    pcm->info = (PcmInfo){
        .rate = input->stream->codecpar->sample_rate,
        .channels = input->stream->codecpar->ch_layout.nb_channels,
        .seconds = claimed_seconds(input),
        .container = pcm->container,
        .codec = avcodec_get_name(input->stream->codecpar->codec_id),
        .tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    pcm_tags_add(pcm->info.tags, input->format->metadata);
    pcm_tags_add(pcm->info.tags, input->stream->metadata);
}

static bool set_error(const Pcm *pcm, ErrorCode code, const char *what, GError **error) {
    return error_fail(error, code, "%s: %s", pcm->input.shown, what);
}

static Pcm *open_file(const char *path, int rate, int most_channels, GError **error) {
    if (!ffmpeg_load(error)) return NULL;
    g_autoptr(Pcm) pcm = g_new0(Pcm, 1);
    if (!pcm_input_open(&pcm->input, path, error)) return NULL;
    const AVCodecParameters *own = pcm->input.stream->codecpar;
    pcm->rate = rate ? rate : own->sample_rate;
    pcm->channels = MIN(own->ch_layout.nb_channels, most_channels);
    if (pcm->rate < PCM_MIN_RATE || pcm->rate > PCM_MAX_RATE) {
        set_error(pcm, ERR_UNSUPPORTED, "sound cannot be delivered at that rate", error);
        return NULL;
    }
    fill_info(pcm);
    pcm->packet = av_packet_alloc();
    pcm->frame = av_frame_alloc();
    if (!pcm->packet || !pcm->frame) g_error("out of memory");
    return g_steal_pointer(&pcm);
}

Pcm *pcm_open(const char *path, int rate, GError **error) {
    return open_file(path, rate, 1, error);
}

Pcm *pcm_open_stereo(const char *path, int rate, GError **error) {
    return open_file(path, rate, 2, error);
}

int pcm_rate(const Pcm *pcm) {
    return pcm->rate;
}

int pcm_channels(const Pcm *pcm) {
    return pcm->channels;
}

void pcm_set_most(Pcm *pcm, double seconds) {
    pcm->most = seconds;
}

void pcm_close(Pcm *pcm) {
    if (!pcm) return;
    swr_free(&pcm->resampler);
    av_frame_free(&pcm->frame);
    av_packet_free(&pcm->packet);
    pcm_input_close(&pcm->input);
    g_clear_pointer(&pcm->info.tags, g_hash_table_unref);
    g_free(pcm->ready);
    g_free(pcm->warning);
    g_free(pcm);
}

/* Gives the decoder the next packet of our stream, or at the end the word that none will come. */
static void feed_decoder(Pcm *pcm) {
    int status, tries = 0;
    do {
        av_packet_unref(pcm->packet);
        status = av_read_frame(pcm->input.format, pcm->packet);
        if (status == AVERROR(EAGAIN) && ++tries > MAX_TRIES) status = AVERROR_INVALIDDATA;
    } while (status == AVERROR(EAGAIN) ||
             (status >= 0 && pcm->packet->stream_index != pcm->input.stream->index));
    pcm->broken_off |= status < 0 && status != AVERROR_EOF;
    if (status >= 0 && pcm->packet->size == 0) return; /* would be taken for the end */
    if (status >= 0) pcm_ends_fix_packet(&pcm->input, pcm->packet);
    if (avcodec_send_packet(pcm->input.decoder, status < 0 ? NULL : pcm->packet) < 0)
        pcm->bad_packets += status >= 0;
}

static void finish(Pcm *pcm) {
    pcm->drained = true;
    if (strcmp(pcm->container, "ogg") == 0) pcm->bad_pages = pcm_ogg_bad_pages(pcm->input.fd);
}

/* The next frame with at least one sample; false at the end. */
static bool decode_frame(Pcm *pcm) {
    pcm->frame_at = 0;
    while (!pcm->drained) {
        int status = avcodec_receive_frame(pcm->input.decoder, pcm->frame);
        if (status >= 0) pcm_ends_fix_frame(&pcm->input, pcm->frame);
        if (status >= 0 && pcm->frame->nb_samples > 0) return true;
        if (status == AVERROR(EAGAIN))
            feed_decoder(pcm);
        else if (status == AVERROR_EOF)
            finish(pcm);
        else if (status < 0)
            pcm->bad_packets++;
    }
    av_frame_unref(pcm->frame);
    return false;
}

/* soxr at its default of 20 bits has the steeper filter; FFmpeg's own engine takes its place where
 * the library was built without it. */
static SwrContext *new_resampler(int from, int to, int channels) {
    for (int engine = SWR_ENGINE_SOXR; engine >= SWR_ENGINE_SWR; engine--) {
        SwrContext *resampler = NULL;
        AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO, stereo = AV_CHANNEL_LAYOUT_STEREO;
        AVChannelLayout *layout = channels == 1 ? &mono : &stereo;
        if (swr_alloc_set_opts2(&resampler, layout, AV_SAMPLE_FMT_FLT, to, layout,
                                AV_SAMPLE_FMT_FLTP, from, 0, NULL) < 0)
            g_error("out of memory");
        av_opt_set_int(resampler, "resampler", engine, 0);
        av_opt_set_int(resampler, "filter_size", 64, 0);
        if (swr_init(resampler) >= 0) return resampler;
        swr_free(&resampler);
    }
    return NULL;
}

/* Room for `count` more samples behind ready_len, everything before having been read. */
static float *make_room(Pcm *pcm, gsize count) {
    if (pcm->ready_at == pcm->ready_len) pcm->ready_at = pcm->ready_len = 0;
    if (pcm->ready_len + count > pcm->ready_room) {
        pcm->ready_room = pcm->ready_len + count;
        pcm->ready = g_renew(float, pcm->ready, pcm->ready_room);
    }
    return pcm->ready + pcm->ready_len;
}

static void interleave(const Pcm *pcm, int count, float *out) {
    if (pcm->channels == 1) memcpy(out, pcm->mixed[0], sizeof(float) * count);
    for (int i = 0; pcm->channels == 2 && i < count; i++)
        out[2 * i] = pcm->mixed[0][i], out[2 * i + 1] = pcm->mixed[1][i];
}

/* mixed[][count] at the file's rate → ready; 0: what the resampler still holds. */
static void resample(Pcm *pcm, int count) {
    int room = pcm->resampler ? swr_get_out_samples(pcm->resampler, count) : count;
    float *out = make_room(pcm, (gsize)MAX(room, 0) * pcm->channels);
    const uint8_t *in[] = {(uint8_t *)pcm->mixed[0], (uint8_t *)pcm->mixed[1]};
    int made = count;
    if (pcm->resampler)
        made = swr_convert(pcm->resampler, (uint8_t **)&out, room, count ? in : NULL, count);
    else
        interleave(pcm, count, out);
    pcm->ready_len += (gsize)MAX(made, 0) * pcm->channels;
}

/* What the resampler holds comes out, and the next frame finds none. */
static void finish_resampler(Pcm *pcm) {
    for (gsize before = ~(gsize)0; pcm->resampler && before != pcm->ready_len;) {
        before = pcm->ready_len;
        resample(pcm, 0);
    }
    swr_free(&pcm->resampler);
    pcm->frame_rate = 0;
}

/* A frame's own word on rate and channels counts, not the header's: chained streams change them. */
static bool begin_frame(Pcm *pcm, GError **error) {
    const AVFrame *frame = pcm->frame;
    int channels = frame->ch_layout.nb_channels;
    if (channels < 1 || channels > PCM_MAX_CHANNELS)
        return set_error(pcm, ERR_LIMIT, "changes to more channels than can be read", error);
    if (frame->sample_rate < PCM_MIN_RATE || frame->sample_rate > PCM_MAX_RATE)
        return set_error(pcm, ERR_FORMAT, "changes to a sample rate that makes no sense", error);
    pcm->seconds += (double)frame->nb_samples / frame->sample_rate;
    if (pcm->most > 0 && pcm->seconds > pcm->most + ROUNDING)
        return error_fail(error, ERR_LIMIT, "%s: longer than %g s", pcm->input.shown, pcm->most);
    if (frame->sample_rate == pcm->frame_rate) return true;
    finish_resampler(pcm);
    pcm->frame_rate = frame->sample_rate;
    if (frame->sample_rate == pcm->rate) return true;
    pcm->resampler = new_resampler(frame->sample_rate, pcm->rate, pcm->channels);
    return pcm->resampler || set_error(pcm, ERR_UNSUPPORTED, "its rate cannot be converted", error);
}

/* The next `count` samples of the frame → mixed; how many were damaged, −1: unknown format. */
static int mix(Pcm *pcm, int count) {
    float left[PCM_MAX_CHANNELS], right[PCM_MAX_CHANNELS];
    const AVFrame *frame = pcm->frame;
    if (pcm->channels == 1) return pcm_mix(frame, pcm->frame_at, count, NULL, pcm->mixed[0]);
    pcm_stereo_weights(&frame->ch_layout, left, right);
    int bad = pcm_mix(frame, pcm->frame_at, count, left, pcm->mixed[0]);
    int more = pcm_mix(frame, pcm->frame_at, count, right, pcm->mixed[1]);
    return bad < 0 ? bad : bad + more;
}

/* Mixes and resamples the next slice, or what the resampler holds at the end. */
static bool fill_ready(Pcm *pcm, GError **error) {
    if (pcm->frame_at >= pcm->frame->nb_samples) {
        if (!decode_frame(pcm)) {
            finish_resampler(pcm);
            return true;
        }
        if (!begin_frame(pcm, error)) return false;
    }
    int count = MIN(SLICE, pcm->frame->nb_samples - pcm->frame_at);
    int bad = mix(pcm, count);
    if (bad < 0) return set_error(pcm, ERR_UNSUPPORTED, "has an unknown sample format", error);
    pcm->bad_samples += bad;
    pcm->frame_at += count;
    resample(pcm, count);
    return true;
}

/* Seconds of sound that the header promises for certain; −1: it only lets one guess. */
static double promised_seconds(const Pcm *pcm) {
    const AVFormatContext *format = pcm->input.format;
    const AVStream *stream = pcm->input.stream;
    if (format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return -1;
    if (stream->duration != AV_NOPTS_VALUE && stream->duration > 0)
        return stream->duration * av_q2d(stream->time_base);
    return format->nb_streams == 1 ? pcm->info.seconds : -1;
}

/* At the end: a device that broke, and a file of which nothing could be decoded, are errors. */
static bool check_end(const Pcm *pcm, GError **error) {
    bool damaged = pcm->bad_packets > 0 || pcm->broken_off || promised_seconds(pcm) > TRUNCATED;
    if (pcm->input.io_errno) return set_error(pcm, ERR_IO, g_strerror(pcm->input.io_errno), error);
    if (damaged && pcm->seconds == 0)
        return set_error(pcm, ERR_FORMAT, "damaged: nothing could be decoded", error);
    return true;
}

gssize pcm_read(Pcm *pcm, float *samples, gsize count, GError **error) {
    gsize done = 0;
    while (done < count) {
        gsize n = MIN(count - done, pcm->ready_len - pcm->ready_at);
        if (n) memcpy(samples + done, pcm->ready + pcm->ready_at, sizeof(float) * n);
        pcm->ready_at += n;
        done += n;
        if (n) continue;
        if (pcm->drained) break;
        if (!fill_ready(pcm, error)) return -1;
    }
    if (done < count && !check_end(pcm, error)) return -1;
    return done;
}

const char *pcm_path(const Pcm *pcm) {
    return pcm->input.shown;
}

const PcmInfo *pcm_info(const Pcm *pcm) {
    return &pcm->info;
}

static void append_warning(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void append_warning(GString *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (text->len) g_string_append(text, "; ");
    g_string_append_vprintf(text, format, args);
    va_end(args);
}

const char *pcm_warning(const Pcm *pcm) {
    Pcm *self = (Pcm *)pcm;
    GString *text = g_string_new(NULL);
    double promised = promised_seconds(pcm);
    bool short_of = pcm->drained && !pcm->bad_pages && promised - pcm->seconds > TRUNCATED;
    if (short_of)
        append_warning(text, "truncated: %.2f of %.2f seconds are there", pcm->seconds, promised);
    else if (pcm->drained && (pcm->broken_off || pcm->input.cut_short))
        append_warning(text, "truncated: breaks off after %.2f seconds", pcm->seconds);
    if (pcm->bad_pages) append_warning(text, "damaged Ogg pages left out: %d", pcm->bad_pages);
    if (pcm->bad_packets)
        append_warning(text, "damaged packets left out: %" G_GINT64_FORMAT, pcm->bad_packets);
    if (pcm->bad_samples)
        append_warning(text, "NaN or infinite samples taken as 0: %" G_GINT64_FORMAT,
                       pcm->bad_samples);
    g_free(self->warning);
    self->warning = text->len ? g_strdup_printf("%s: %s", pcm->input.shown, text->str) : NULL;
    g_string_free(text, TRUE);
    return self->warning;
}
