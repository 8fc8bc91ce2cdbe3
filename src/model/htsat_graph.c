/* HTSAT's training pass, fusion included; the formulas are in htsat.h, htsat_stem.c and aff.h. */
#include "clap_graph_private.h"
#include "htsat_stem.h"

#include <stdio.h>
#include <string.h>

#define PREFIX   "audio_model.audio_encoder."
#define FUSION   PREFIX "patch_embed.fusion_model."
#define NORM_EPS 1e-5f
#define WIDE     3 /* patches that one patch of a local mel spans along time */
#define LOCALS   (STEM_MELS - 1)

typedef struct {
    const ClapGraph *clap;
    Graph *g;
    int batch, rows, cols; /* of the grid of this stage */
    char prefix[GRAPH_NAME / 2];
} Pass;

static const char *name_of(const Pass *p, char name[GRAPH_NAME], const char *part) {
    return graph_name(name, p->prefix, part);
}

/* ---- the stem ---- */

static Node *patches(const Pass *p, Node *images, int count, int wide, const char *conv) {
    const ClapAudioConfig *a = &p->clap->config.audio;
    PatchShape shape = {.spec = a->spec_size,
                        .kh = a->patch_size[0],
                        .kw = a->patch_size[1] * wide,
                        .stride_h = a->patch_stride[0],
                        .stride_w = a->patch_stride[1] * wide,
                        .pad_h = (a->patch_size[0] - a->patch_stride[0]) / 2,
                        .pad_w = (a->patch_size[1] - a->patch_stride[1]) / 2};
    return graph_linear(p->g, graph_patches(p->g, images, count, &shape), conv);
}

/* Image `which` of every clip, or all but the first. images [batch · STEM_MELS · spec][spec]. */
static Node *some_images(const Pass *p, Node *images, bool first) {
    int spec = images->cols, each = first ? 1 : LOCALS, count = p->batch * each * spec;
    int *index = graph_keep(p->g, sizeof *index * count);
    for (int i = 0; i < count; i++) {
        int clip = i / (each * spec), within = i % (each * spec) + (first ? 0 : spec);
        index[i] = clip * STEM_MELS * spec + within;
    }
    return graph_rows(p->g, images, index, count);
}

/* Tokens of the three local mels side by side, nothing at the right where they end early. */
static Node *side_by_side(const Pass *p, Node *tokens) {
    int local_cols = tokens->rows / (p->batch * LOCALS * p->rows),
        count = p->batch * p->rows * p->cols;
    int *index = graph_keep(p->g, sizeof *index * count);
    for (int i = 0; i < count; i++) {
        int clip = i / (p->rows * p->cols), row = i / p->cols % p->rows, col = i % p->cols;
        int mel = col / local_cols;
        index[i] = mel >= LOCALS
                       ? -1
                       : ((clip * LOCALS + mel) * p->rows + row) * local_cols + col % local_cols;
    }
    return graph_rows(p->g, tokens, index, count);
}

/* conv, norm, relu, conv, norm, numbered from `first`. */
static Node *aff_path(Graph *g, Node *x, const char *path, int first) {
    char name[4][GRAPH_NAME];
    const int number[] = {first, first + 1, first + 3, first + 4};
    for (int i = 0; i < 4; i++) snprintf(name[i], sizeof name[i], FUSION "%s.%d", path, number[i]);
    x = graph_relu(g, graph_batch_norm(g, graph_linear(g, x, name[0]), name[1]));
    return graph_batch_norm(g, graph_linear(g, x, name[2]), name[3]);
}

/* w = sigmoid(local_att(a + b) + global_att(a + b)); 2·w·a + 2·(1 − w)·b */
static Node *fuse(const Pass *p, Node *a, Node *b) {
    Graph *g = p->g;
    Node *sum = graph_add(g, a, b);
    Node *local = aff_path(g, sum, "local_att", 0);
    Node *global = aff_path(g, graph_mean(g, sum, p->rows * p->cols), "global_att", 1);
    return graph_mix(g, graph_sigmoid(g, graph_add_groups(g, local, global)), a, b);
}

static Node *stem(const Pass *p, const float *mels, bool longer) {
    const ClapConfig *config = &p->clap->config;
    int frames = clap_config_frames(config), bins = config->audio.num_mel_bins;
    int count = p->batch * (longer ? STEM_MELS : 1);
    Node *mel = graph_input(p->g, count * frames, bins, mels);
    Node *normed = graph_batch_norm(p->g, mel, PREFIX "batch_norm");
    Node *images =
        graph_fold(p->g, normed, count, config->audio.spec_size, clap_config_ratio(config));
    Node *whole = longer ? some_images(p, images, true) : images;
    Node *x = patches(p, whole, p->batch, 1, PREFIX "patch_embed.proj");
    if (longer) {
        Node *local = patches(p, some_images(p, images, false), p->batch * LOCALS, WIDE,
                              PREFIX "patch_embed.mel_conv2d");
        x = fuse(p, x, side_by_side(p, local));
    }
    if (!config->audio.enable_patch_layer_norm) return x;
    return graph_layer_norm(p->g, x, PREFIX "patch_embed.norm", NORM_EPS);
}

/* ---- stages ---- */

/* Where each token of all windows of the batch stands in the grids, and the reverse. */
static void index_windows(const Pass *p, const SwinWindows *windows, int **in, int **out) {
    int inside = windows->count * windows->tokens, tokens = p->rows * p->cols;
    *in = graph_keep(p->g, sizeof **in * p->batch * inside);
    *out = graph_keep(p->g, sizeof **out * p->batch * tokens);
    for (int b = 0; b < p->batch; b++)
        for (int i = 0; i < inside; i++) {
            int token = windows->token[i];
            (*in)[b * inside + i] = token == SWIN_PADDING ? -1 : b * tokens + token;
            if (token != SWIN_PADDING) (*out)[b * tokens + token] = b * inside + i;
        }
}

static AttnGroups *groups_of(const Pass *p, const SwinWindows *windows, int heads) {
    int count = p->batch * windows->count;
    int *first = graph_keep(p->g, sizeof *first * (count + 1));
    AttnGroups *groups = graph_keep(p->g, sizeof *groups);
    for (int i = 0; i <= count; i++) first[i] = i * windows->tokens;
    *groups = (AttnGroups){count, first, heads, windows->mask, windows->count};
    return groups;
}

/* x += out(window attention(LN x)); x += down(gelu(up(LN x))) */
static Node *block(const Pass *p, const SwinWindows *windows, int heads, Node *x) {
    Graph *g = p->g;
    char n[GRAPH_NAME];
    const ClapAudioConfig *config = &p->clap->config.audio;
    float eps = (float)config->layer_norm_eps;
    int *in, *out;
    index_windows(p, windows, &in, &out);
    Node *normed = graph_layer_norm(g, x, name_of(p, n, "layernorm_before"), eps);
    Node *w = graph_rows(g, normed, in, p->batch * windows->count * windows->tokens);
    Node *q = graph_linear(g, w, name_of(p, n, "attention.self.query"));
    Node *k = graph_linear(g, w, name_of(p, n, "attention.self.key"));
    Node *v = graph_linear(g, w, name_of(p, n, "attention.self.value"));
    Node *bias = graph_swin_bias(g, name_of(p, n, "attention.self.relative_position_bias_table"),
                                 config->window_size, heads);
    Node *context = graph_attention(g, q, k, v, bias, groups_of(p, windows, heads));
    Node *attended = graph_linear(g, context, name_of(p, n, "attention.output.dense"));
    x = graph_add(g, x, graph_rows(g, attended, out, x->rows));
    normed = graph_layer_norm(g, x, name_of(p, n, "layernorm_after"), eps);
    Node *up = graph_gelu(g, graph_linear(g, normed, name_of(p, n, "intermediate.dense")));
    return graph_add(g, x, graph_linear(g, up, name_of(p, n, "output.dense")));
}

/* Four neighbours side by side: (row 0, col 0), (1, 0), (0, 1), (1, 1); half the rows and columns.
 */
static Node *merge(Pass *p, Node *x) {
    char n[GRAPH_NAME];
    int tokens = p->batch * p->rows * p->cols, channels = x->cols;
    int *index = graph_keep(p->g, sizeof *index * tokens), at = 0;
    for (int row = 0; row < p->batch * p->rows; row += 2)
        for (int col = 0; col < p->cols; col += 2)
            for (int i = 0; i < 4; i++) index[at++] = (row + i % 2) * p->cols + col + i / 2;
    Node *wide = graph_reshape(p->g, graph_rows(p->g, x, index, tokens), tokens / 4, channels * 4);
    p->rows /= 2, p->cols /= 2;
    wide = graph_layer_norm(p->g, wide, name_of(p, n, "downsample.norm"), NORM_EPS);
    return graph_linear(p->g, wide, name_of(p, n, "downsample.reduction"));
}

static Node *stage(Pass *p, int s, Node *x) {
    const ClapAudioConfig *config = &p->clap->config.audio;
    for (int b = 0; b < config->depths[s]; b++) {
        snprintf(p->prefix, sizeof p->prefix, PREFIX "layers.%d.blocks.%d.", s, b);
        x = block(p, b % 2 ? p->clap->odd[s] : p->clap->even[s], config->num_attention_heads[s], x);
    }
    snprintf(p->prefix, sizeof p->prefix, PREFIX "layers.%d.", s);
    return s < config->stages - 1 ? merge(p, x) : x;
}

Node *htsat_graph(const ClapGraph *clap, Graph *g, const float *mels, int batch, bool longer) {
    int grid[2];
    clap_config_grid(&clap->config, grid);
    Pass p = {clap, g, batch, grid[0], grid[1], ""};
    Node *x = stem(&p, mels, longer);
    for (int s = 0; s < clap->config.audio.stages; s++) x = stage(&p, s, x);
    x = graph_layer_norm(g, x, PREFIX "norm", NORM_EPS);
    return graph_mean(g, x, p.rows * p.cols);
}
