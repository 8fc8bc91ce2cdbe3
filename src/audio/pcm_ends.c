/* Ends of streams. See pcm_ends.h. */
#include "pcm_ends.h"

#include <libavutil/intreadwrite.h>
#include <string.h>

#define DISCARD_AT 4 /* where AV_PKT_DATA_SKIP_SAMPLES says how many samples to drop at the end */

static bool is_format(const PcmInput *input, const char *name) {
    return g_str_has_prefix(input->format->iformat->name, name);
}

void pcm_ends_fix_packet(PcmInput *input, AVPacket *packet) {
    if (input->decoder->codec_id != AV_CODEC_ID_VORBIS || !is_format(input, "ogg")) return;
    if (!input->begun) input->overcounted = packet->pts == 0 ? packet->duration : 0;
    input->begun = true;
    size_t size;
    uint8_t *side = av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (!side || size < DISCARD_AT + 4) return;
    uint32_t discard = AV_RL32(side + DISCARD_AT);
    AV_WL32(side + DISCARD_AT, discard - MIN(discard, input->overcounted));
    input->overcounted = 0;
}

void pcm_ends_fix_frame(const PcmInput *input, AVFrame *frame) {
    const AVStream *stream = input->stream;
    AVRational sample = {1, MAX(frame->sample_rate, 1)};
    if (!is_format(input, "mov") || stream->duration <= 0 || frame->pts == AV_NOPTS_VALUE) return;
    if (stream->duration > INT64_MAX / 2 || llabs(frame->pts) > INT64_MAX / 2) return;
    gint64 start = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
    gint64 left = av_rescale_q(start + stream->duration - frame->pts, stream->time_base, sample);
    if (left > 0 && left < frame->nb_samples) frame->nb_samples = left;
}
