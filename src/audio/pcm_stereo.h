/* Any number of channels → two, by where their speakers stand. */
#pragma once
#include "pcm.h"

#include <libavutil/channel_layout.h>

/* left[channels] and right[channels]: what each channel gives to either side. Each side's sum to 1,
 * so that nothing grows louder than full scale. One channel goes to both sides, the first of two to
 * the left. Of more, speakers in the middle go to both sides, weighed by √½, the bass speaker to
 * none; where a file does not say which channel is where, all go to both. At most PCM_MAX_CHANNELS.
 */
void pcm_stereo_weights(const AVChannelLayout *layout, float *left, float *right);
