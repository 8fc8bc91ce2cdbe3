/* Opening a file for FFmpeg, and keeping FFmpeg to that file. See pcm_input.h. */
#include "pcm_input.h"
#include "error.h"
#include "pcm.h"
#include "pcm_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BUFFER 65536     /* bytes asked of the file at a time */
#define MAX_SAMPLES (1 << 21) /* of one packet; the longest codec frames we know have 1.2 M */

/* Every format that carries sound and cannot point to another file, as FFmpeg names them (the first
 * name where there are several). */
static const char *const formats[] = {
    "aac",    "ac3",  "aiff", "amr",    "amrnb", "amrwb",      "ape",   "asf",  "ast",
    "au",     "avi",  "avr",  "caf",    "dsf",   "dts",        "dtshd", "eac3", "flac",
    "flv",    "hcom", "iff",  "ircam",  "loas",  "matroska",   "mlp",   "mov",  "mp3",
    "mpc",    "mpc8", "mpeg", "mpegts", "mxf",   "nistsphere", "nut",   "ogg",  "oma",
    "pvf",    "qcp",  "rm",   "rso",    "shn",   "smjpeg",     "sox",   "svx",  "tak",
    "truehd", "tta",  "voc",  "vqf",    "w64",   "wav",        "wsd",   "wv",   "xwma",
};

/* "wav,flac,…": a demuxer's look ahead may then open no video or subtitle decoder. */
static const char *sound_decoders(void) {
    static gsize names = 0;
    if (g_once_init_enter(&names)) {
        GString *list = g_string_new(NULL);
        const AVCodec *codec;
        for (void *at = NULL; (codec = av_codec_iterate(&at));)
            if (codec->type == AVMEDIA_TYPE_AUDIO && av_codec_is_decoder(codec))
                g_string_append_printf(list, "%s%s", list->len ? "," : "", codec->name);
        g_once_init_leave(&names, (gsize)g_string_free(list, FALSE));
    }
    return (const char *)names;
}

static bool complain(const PcmInput *input, ErrorCode code, const char *what, GError **error) {
    return error_fail(error, code, "%s: %s", input->shown, what);
}

static bool is_sound_file(const PcmInput *input, const struct stat *st, GError **error) {
    if (S_ISDIR(st->st_mode))
        return complain(input, ERR_UNSUPPORTED, "is a directory, not a sound file", error);
    if (!S_ISREG(st->st_mode))
        return complain(input, ERR_UNSUPPORTED, "is not a regular file", error);
    if (st->st_size == 0) return complain(input, ERR_FORMAT, "the file is empty", error);
    return true;
}

/* The file is looked at before it is opened, since opening a FIFO or a device can block or have
 * effects, and again after, since it may have been exchanged in between. */
static bool open_regular(PcmInput *input, const char *path, GError **error) {
    struct stat st;
    if (stat(path, &st) != 0) return error_fail_errno(error, input->shown, errno);
    if (!is_sound_file(input, &st, error)) return false;
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (input->fd < 0 || fstat(input->fd, &st) != 0)
        return error_fail_errno(error, input->shown, errno);
    if (!is_sound_file(input, &st, error)) return false;
    input->cut_short = pcm_cut_short(input->fd, st.st_size);
    return true;
}

static int read_some(void *opaque, uint8_t *bytes, int size) {
    PcmInput *input = opaque;
    ssize_t n;
    do n = read(input->fd, bytes, size);
    while (n < 0 && errno == EINTR);
    if (n > 0) return n;
    if (n == 0) return AVERROR_EOF;
    input->io_errno = errno;
    return AVERROR(errno);
}

static int64_t seek_to(void *opaque, int64_t offset, int whence) {
    PcmInput *input = opaque;
    struct stat st;
    off_t at = -1;
    if (!(whence & AVSEEK_SIZE))
        at = lseek(input->fd, offset, whence & ~AVSEEK_FORCE);
    else if (fstat(input->fd, &st) == 0)
        at = st.st_size;
    return at < 0 ? AVERROR(errno) : at;
}

static int refuse_to_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                          AVDictionary **options) {
    return AVERROR(EPERM);
}

static void attach_reader(PcmInput *input) {
    uint8_t *buffer = av_malloc(READ_BUFFER);
    if (buffer)
        input->io = avio_alloc_context(buffer, READ_BUFFER, 0, input, read_some, NULL, seek_to);
    input->format = avformat_alloc_context();
    if (!input->io || !input->format) g_error("out of memory");
    input->format->pb = input->io;
    input->format->flags |= AVFMT_FLAG_CUSTOM_IO; /* input->io stays ours */
    input->format->io_open = refuse_to_open;
    input->format->codec_whitelist = av_strdup(sound_decoders());
    input->format->protocol_whitelist = av_strdup("");
}

static bool is_known(const AVInputFormat *format) {
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        gsize len = strlen(formats[i]);
        if (strncmp(format->name, formats[i], len) == 0 && strchr(",", format->name[len]))
            return true;
    }
    return false;
}

/* The path serves as a hint only: of two formats that fit as well, its ending decides. */
static const AVInputFormat *probe(PcmInput *input, const char *path, int *score, GError **error) {
    const AVInputFormat *format = NULL;
    *score = av_probe_input_buffer2(input->io, &format, path, NULL, 0, 0);
    if (*score < 0 && input->io_errno) {
        error_fail_errno(error, input->shown, input->io_errno);
    } else if (*score < 0 || !format) {
        complain(input, ERR_FORMAT, "is not a sound file", error);
    } else if (!is_known(format)) {
        error_fail(error, ERR_UNSUPPORTED, "%s: is not a sound file (it looks like %s)",
                   input->shown, format->long_name ? format->long_name : format->name);
    } else {
        return format;
    }
    return NULL;
}

/* FFmpeg does not say what displeased it; a sample rate of 0 is worth a word of its own. */
static bool complain_header(const PcmInput *input, const char *name, GError **error) {
    uint8_t head[28];
    bool plain_wav = pread(input->fd, head, sizeof head, 0) == sizeof head &&
                     memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WAVEfmt ", 8) == 0;
    gint32 rate = plain_wav ? (gint32)AV_RL32(head + 24) : 1;
    g_autofree char *what = NULL;
    if (rate <= 0)
        what = g_strdup_printf("the header gives a sample rate of %u Hz", (guint32)rate);
    else
        what = g_strdup_printf("the %.*s header is damaged", (int)strcspn(name, ","), name);
    return complain(input, ERR_FORMAT, what, error);
}

static bool open_format(PcmInput *input, const char *path, GError **error) {
    int score;
    const AVInputFormat *known = probe(input, path, &score, error);
    if (!known) return false;
    int status = avformat_open_input(&input->format, NULL, known, NULL);
    if (input->io_errno) return error_fail_errno(error, input->shown, input->io_errno);
    if (status < 0 && score < AVPROBE_SCORE_RETRY)
        return complain(input, ERR_FORMAT, "is not a sound file", error);
    if (status < 0) return complain_header(input, known->name, error);
    avformat_find_stream_info(input->format, NULL); /* what it cannot tell is checked below */
    if (input->io_errno) return error_fail_errno(error, input->shown, input->io_errno);
    return true;
}

static bool choose_stream(PcmInput *input, GError **error) {
    int best = av_find_best_stream(input->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (best < 0) return complain(input, ERR_UNSUPPORTED, "has no audio stream", error);
    for (unsigned i = 0; i < input->format->nb_streams; i++)
        input->format->streams[i]->discard = (int)i == best ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    input->stream = input->format->streams[best];
    return true;
}

static bool check_stream(const PcmInput *input, GError **error) {
    int rate = input->stream->codecpar->sample_rate;
    int channels = input->stream->codecpar->ch_layout.nb_channels;
    g_autofree char *what = NULL;
    if (channels > PCM_MAX_CHANNELS)
        what = g_strdup_printf("has %d channels; %d are the most", channels, PCM_MAX_CHANNELS);
    else if (channels < 1)
        what = g_strdup_printf("the header gives %d channels", channels);
    else if (rate < PCM_MIN_RATE || rate > PCM_MAX_RATE)
        what = g_strdup_printf("the header gives a sample rate of %u Hz", (guint32)rate);
    if (!what) return true;
    return complain(input, channels > PCM_MAX_CHANNELS ? ERR_LIMIT : ERR_FORMAT, what, error);
}

static bool open_decoder(PcmInput *input, GError **error) {
    const AVCodecParameters *parameters = input->stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    if (!codec) return complain(input, ERR_UNSUPPORTED, "no decoder for this kind of sound", error);
    input->decoder = avcodec_alloc_context3(codec);
    if (!input->decoder) g_error("out of memory");
    int status = avcodec_parameters_to_context(input->decoder, parameters);
    input->decoder->pkt_timebase = input->stream->time_base;
    input->decoder->thread_count = 1;
    input->decoder->max_samples = MAX_SAMPLES;
    if (status >= 0) status = avcodec_open2(input->decoder, codec, NULL);
    if (status >= 0) return true;
    return error_fail(error, ERR_FORMAT, "%s: damaged, or a kind of %s that is not read",
                      input->shown, codec->name);
}

bool pcm_input_open(PcmInput *input, const char *path, GError **error) {
    *input = (PcmInput){.fd = -1, .shown = error_printable(path)};
    if (!open_regular(input, path, error)) return false;
    attach_reader(input);
    return open_format(input, path, error) && choose_stream(input, error) &&
           check_stream(input, error) && open_decoder(input, error);
}

void pcm_input_close(PcmInput *input) {
    avcodec_free_context(&input->decoder);
    avformat_close_input(&input->format);
    if (input->io) av_freep(&input->io->buffer);
    avio_context_free(&input->io);
    if (input->fd >= 0) close(input->fd);
    g_free(input->shown);
}
