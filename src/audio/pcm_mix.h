/* A decoded frame of any sample format and channel count → the arithmetic mean of its channels. */
#pragma once
#include <glib.h>
#include <libavutil/frame.h>

/* Beyond this (full scale is 1) a floating-point sample is damage, as NaN and infinity are. */
#define PCM_MAX_SAMPLE 1e9f

/* Samples [first, first + count) of `frame` → mono[count], the sum of its channels by weights[]
 * (those of weight 0 are not looked at); NULL: their mean. Damaged samples become 0; returns how
 * many there were, −1 for a sample format that we do not know. */
int pcm_mix(const AVFrame *frame, int first, int count, const float *weights, float *mono);
