/* A regular file → an open FFmpeg demuxer and decoder for its sound, and nothing but that file.
 *
 * We open the file ourselves and hand FFmpeg a reader over the descriptor: no protocol of FFmpeg's
 * is ever used. Which format it is decides a probe of the contents; only formats of a fixed list,
 * none of which points elsewhere, are then opened, and a format's wish to open a second file is
 * refused.
 *
 * Owner: the caller, of the whole struct. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

typedef struct {
    int fd;
    char *shown;  /* the path as messages show it */
    int io_errno; /* of the first read that broke, or 0 */
    bool cut_short;
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *decoder;
    AVStream *stream; /* the sound, borrowed from format */
    bool begun;       /* pcm_ends has seen a packet */
    uint32_t overcounted;
} PcmInput;

/* On failure nothing is left open, but pcm_input_close must still be called. */
bool pcm_input_open(PcmInput *input, const char *path, GError **error);
void pcm_input_close(PcmInput *input);
