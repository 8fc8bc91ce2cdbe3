/* The PANN's training pass; the formulas are in pann.h. */
#include "clap_graph_private.h"

#include <stdio.h>

#define PREFIX "audio_model.audio_encoder."

Node *pann_graph(const ClapGraph *clap, Graph *g, const float *mels, int batch) {
    const ClapPannConfig *config = &clap->config.audio.pann;
    int frames = clap_config_frames(&clap->config), bins = clap->config.audio.num_mel_bins;
    Node *mel = graph_input(g, batch * frames, bins, mels);
    Image *x = graph_image(g, graph_batch_norm(g, mel, PREFIX "bn0"), batch, frames, bins);
    for (int i = 0; i < config->layers; i++) {
        char name[GRAPH_NAME];
        snprintf(name, sizeof name, PREFIX "layers.%d", i);
        x = graph_conv(g, x, name, config->conv_channels[i], config->conv_kernel[i],
                       config->conv_stride[i], config->pool[i]);
    }
    return graph_relu(g, graph_linear(g, graph_image_pool(g, x), PREFIX "fc1"));
}
