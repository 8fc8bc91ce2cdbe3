/* Two places where the demuxers of FFmpeg 5.1 leave a stream's end wrong by less than a packet, set
 * right. Where a later FFmpeg does so itself, these change nothing. */
#pragma once
#include "pcm_input.h"

/* Ogg Vorbis whose sound fits in one page: the first packet yields no samples, but is counted as if
 * it did, and so as many are cut off the end. */
void pcm_ends_fix_packet(PcmInput *input, AVPacket *packet);

/* MP4: the edit list ends inside the last packet; what lies behind is the encoder's padding. */
void pcm_ends_fix_frame(const PcmInput *input, AVFrame *frame);
