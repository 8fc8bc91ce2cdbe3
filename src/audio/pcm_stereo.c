/* Weights of channels for two sides. See pcm_stereo.h. */
#include "pcm_stereo.h"

#define MIDDLE 0.70710678f

/* Speakers that stand in the middle or are not listed: both sides. */
static const struct {
    enum AVChannel channel;
    float left, right;
} sides[] = {
    {AV_CHAN_FRONT_LEFT, 1, 0},
    {AV_CHAN_FRONT_RIGHT, 0, 1},
    {AV_CHAN_LOW_FREQUENCY, 0, 0},
    {AV_CHAN_LOW_FREQUENCY_2, 0, 0},
    {AV_CHAN_BACK_LEFT, 1, 0},
    {AV_CHAN_BACK_RIGHT, 0, 1},
    {AV_CHAN_FRONT_LEFT_OF_CENTER, 1, 0},
    {AV_CHAN_FRONT_RIGHT_OF_CENTER, 0, 1},
    {AV_CHAN_SIDE_LEFT, 1, 0},
    {AV_CHAN_SIDE_RIGHT, 0, 1},
    {AV_CHAN_TOP_FRONT_LEFT, 1, 0},
    {AV_CHAN_TOP_FRONT_RIGHT, 0, 1},
    {AV_CHAN_TOP_BACK_LEFT, 1, 0},
    {AV_CHAN_TOP_BACK_RIGHT, 0, 1},
    {AV_CHAN_WIDE_LEFT, 1, 0},
    {AV_CHAN_WIDE_RIGHT, 0, 1},
    {AV_CHAN_SURROUND_DIRECT_LEFT, 1, 0},
    {AV_CHAN_SURROUND_DIRECT_RIGHT, 0, 1},
    {AV_CHAN_TOP_SIDE_LEFT, 1, 0},
    {AV_CHAN_TOP_SIDE_RIGHT, 0, 1},
    {AV_CHAN_BOTTOM_FRONT_LEFT, 1, 0},
    {AV_CHAN_BOTTOM_FRONT_RIGHT, 0, 1},
};

static void weigh(enum AVChannel channel, float *left, float *right) {
    *left = *right = MIDDLE;
    for (gsize i = 0; i < G_N_ELEMENTS(sides); i++)
        if (sides[i].channel == channel) *left = sides[i].left, *right = sides[i].right;
}

static void normalise(float *weights, int count) {
    float sum = 0;
    for (int c = 0; c < count; c++) sum += weights[c];
    for (int c = 0; c < count; c++) weights[c] = sum > 0 ? weights[c] / sum : 1.0f / (float)count;
}

void pcm_stereo_weights(const AVChannelLayout *layout, float *left, float *right) {
    const int count = layout->nb_channels;
    for (int c = 0; c < count; c++)
        weigh(av_channel_layout_channel_from_index(layout, (unsigned)c), &left[c], &right[c]);
    if (count == 2) left[0] = right[1] = 1, left[1] = right[0] = 0;
    normalise(left, count);
    normalise(right, count);
}
