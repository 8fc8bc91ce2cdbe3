/* The face of the towers' training, RoBERTa, and the projections. See clap_graph.h. */
#include "clap_graph.h"

#include "clap_graph_private.h"

#include <stdio.h>
#include <string.h>

const char *graph_name(char name[GRAPH_NAME], const char *prefix, const char *part) {
    snprintf(name, GRAPH_NAME, "%s%s", prefix, part);
    return name;
}

/* Reference's quirk: a stage whose shorter side is a single window is not shifted at all. */
static void make_windows(ClapGraph *clap) {
    int grid[2], window = clap->config.audio.window_size;
    clap_config_grid(&clap->config, grid);
    for (int s = 0; s < clap->config.audio.stages; s++) {
        int rows = grid[0] >> s, cols = grid[1] >> s;
        bool shifts = MIN(rows, cols) > window && window > 1;
        clap->even[s] = swin_windows_new(rows, cols, window, 0);
        clap->odd[s] = shifts ? swin_windows_new(rows, cols, window, window / 2) : clap->even[s];
    }
}

ClapGraph *clap_graph_new(const ClapConfig *config) {
    ClapGraph *clap = g_new0(ClapGraph, 1);
    clap->config = *config;
    if (config->audio.kind == CLAP_HTSAT) make_windows(clap);
    return clap;
}

void clap_graph_free(ClapGraph *clap) {
    if (!clap) return;
    for (int s = 0; s < CLAP_MAX_STAGES; s++) {
        if (clap->odd[s] != clap->even[s]) swin_windows_free(clap->odd[s]);
        swin_windows_free(clap->even[s]);
    }
    g_free(clap);
}

const ClapConfig *clap_graph_config(const ClapGraph *clap) {
    return &clap->config;
}

Node *clap_graph_audio(const ClapGraph *clap, Graph *g, const float *mels, int batch) {
    return clap->config.audio.kind == CLAP_PANN ? pann_graph(clap, g, mels, batch)
                                                : htsat_graph(clap, g, mels, batch, false);
}

Node *clap_graph_longer(const ClapGraph *clap, Graph *g, const float *mels, int batch) {
    g_assert(clap->config.audio.enable_fusion);
    return htsat_graph(clap, g, mels, batch, true);
}

/* ---- RoBERTa ---- */

/* Where texts begin; positions count from pad + 1, and a token that is the padding stands at pad.
 */
typedef struct {
    int tokens;
    int *first; /* [texts + 1] */
    int32_t *position, *type;
} Texts;

static Texts lay_out(Graph *g, const ClapTextConfig *config, const int32_t *ids, const int *counts,
                     int texts) {
    Texts t = {.first = graph_keep(g, sizeof(int) * (texts + 1))};
    for (int i = 0; i < texts; i++) {
        t.first[i] = t.tokens;
        t.tokens += counts[i];
    }
    t.first[texts] = t.tokens;
    t.position = graph_keep(g, sizeof(int32_t) * t.tokens);
    t.type = memset(graph_keep(g, sizeof(int32_t) * t.tokens), 0, sizeof(int32_t) * t.tokens);
    for (int i = 0; i < texts; i++)
        for (int j = t.first[i], seen = 0; j < t.first[i + 1]; j++)
            t.position[j] = config->pad_token_id + (ids[j] == config->pad_token_id ? 0 : ++seen);
    return t;
}

/* x = LN(x + attention(x)); x = LN(x + down(gelu(up(x)))) */
static Node *text_layer(Graph *g, const ClapTextConfig *config, int layer, Node *x,
                        const AttnGroups *groups) {
    char prefix[GRAPH_NAME / 2], n[GRAPH_NAME];
    float eps = (float)config->layer_norm_eps;
    snprintf(prefix, sizeof prefix, "text_model.encoder.layer.%d.", layer);
    Node *q = graph_linear(g, x, graph_name(n, prefix, "attention.self.query"));
    Node *k = graph_linear(g, x, graph_name(n, prefix, "attention.self.key"));
    Node *v = graph_linear(g, x, graph_name(n, prefix, "attention.self.value"));
    Node *context = graph_attention(g, q, k, v, NULL, groups);
    Node *out = graph_linear(g, context, graph_name(n, prefix, "attention.output.dense"));
    x = graph_layer_norm(g, graph_add(g, x, out),
                         graph_name(n, prefix, "attention.output.LayerNorm"), eps);
    Node *up = graph_gelu(g, graph_linear(g, x, graph_name(n, prefix, "intermediate.dense")));
    Node *down = graph_linear(g, up, graph_name(n, prefix, "output.dense"));
    return graph_layer_norm(g, graph_add(g, x, down), graph_name(n, prefix, "output.LayerNorm"),
                            eps);
}

Node *clap_graph_text(const ClapGraph *clap, Graph *g, const int32_t *ids, const int *counts,
                      int texts) {
    const ClapTextConfig *config = &clap->config.text;
    int pad = config->pad_token_id;
    Texts t = lay_out(g, config, ids, counts, texts);
    int32_t *kept = graph_keep(g, sizeof *kept * t.tokens);
    memcpy(kept, ids, sizeof *kept * t.tokens);
    AttnGroups *groups = graph_keep(g, sizeof *groups);
    *groups = (AttnGroups){.count = texts, .first = t.first, .heads = config->num_attention_heads};
    Node *word = graph_embedding(g, "text_model.embeddings.word_embeddings", kept, t.tokens, pad);
    Node *type =
        graph_embedding(g, "text_model.embeddings.token_type_embeddings", t.type, t.tokens, -1);
    Node *position =
        graph_embedding(g, "text_model.embeddings.position_embeddings", t.position, t.tokens, pad);
    Node *x = graph_layer_norm(g, graph_add(g, graph_add(g, word, type), position),
                               "text_model.embeddings.LayerNorm", (float)config->layer_norm_eps);
    for (int i = 0; i < config->num_hidden_layers; i++) x = text_layer(g, config, i, x, groups);
    return graph_tanh(g,
                      graph_linear(g, graph_rows(g, x, t.first, texts), "text_model.pooler.dense"));
}

/* ---- projections ---- */

Node *clap_graph_project(const ClapGraph *clap, Graph *g, ClapTower tower, Node *features) {
    char n[GRAPH_NAME];
    const char *prefix = tower == CLAP_AUDIO ? "audio_projection." : "text_projection.";
    Node *x = graph_linear(g, features, graph_name(n, prefix, "linear1"));
    if (clap->config.projection_act == CLAP_ACT_RELU) x = graph_relu(g, x);
    if (clap->config.projection_act == CLAP_ACT_GELU) x = graph_gelu(g, x);
    return graph_unit(g, graph_linear(g, x, graph_name(n, prefix, "linear2")));
}
