/* What a model directory says of itself: config.json and preprocessor_config.json, with the
 * defaults of transformers' ClapConfig, ClapTextConfig, ClapAudioConfig and ClapFeatureExtractor
 * for keys that are absent, and every value checked against what the towers can compute. An
 * unsupported value is refused by the name of its field.
 *
 * Plain data; no owner but the struct that holds it. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define CLAP_MAX_STAGES    8
#define CLAP_MAX_LAYERS    64 /* per stage, and of the text tower */
#define CLAP_MAX_HIDDEN    8192
#define CLAP_MAX_INNER     32768 /* of the perceptrons */
#define CLAP_MAX_VOCAB     1048576
#define CLAP_MAX_POSITIONS 16384
#define CLAP_MAX_SPEC      1024      /* side of the spectrogram image */
#define CLAP_MAX_TOKENS    77        /* LAION's text length, <s> and </s> included */
#define CLAP_MAX_WINDOW_S  600       /* seconds of sound in one window */
#define CLAP_MAX_FLOATS    (1 << 26) /* in any one array of activations or attention biases */
#define CLAP_MAX_CONVS     24        /* layers of a PANN */
#define CLAP_MAX_KERNEL    15
#define CLAP_MAX_STEP      16 /* of a convolution, and side of a pool */

typedef enum { CLAP_ACT_RELU, CLAP_ACT_GELU, CLAP_ACT_LINEAR } ClapAct;

typedef struct {
    int vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
    int max_position_embeddings, type_vocab_size, pad_token_id;
    double layer_norm_eps;
} ClapTextConfig;

/* audio_config.model_type "pann": our own, for towers of the PANN family (arXiv 1912.10211); how
 * they compute is told in pann.h. Lists have one entry a layer. */
typedef struct {
    int layers;
    int conv_channels[CLAP_MAX_CONVS];
    int conv_kernel[CLAP_MAX_CONVS];    /* square and odd */
    int conv_stride[CLAP_MAX_CONVS][2]; /* along time, along mel bins; [1, 1] when absent */
    int pool[CLAP_MAX_CONVS];           /* side of the average pool that follows; 1: none */
} ClapPannConfig;

typedef enum { CLAP_HTSAT, CLAP_PANN } ClapAudioKind;

typedef struct {
    ClapAudioKind kind;
    ClapPannConfig pann;
    int window_size, num_mel_bins, spec_size;
    int patch_size[2], patch_stride[2]; /* of rows, of columns of the image */
    int stages, depths[CLAP_MAX_STAGES], num_attention_heads[CLAP_MAX_STAGES];
    int patch_embeds_hidden_size;
    int patch_embed_input_channels;
    int hidden_size; /* of HTSAT, must be patch_embeds_hidden_size << (stages − 1) */
    int aff_block_r;
    bool enable_fusion, enable_patch_layer_norm, qkv_bias, flatten_patch_embeds;
    double mlp_ratio, layer_norm_eps;
} ClapAudioConfig;

/* preprocessor_config.json: what the audio has to be turned into. */
typedef struct {
    int sampling_rate, n_fft, hop_length, feature_size;
    double max_length_s;
    double frequency_min, frequency_max;
    bool fusion; /* truncation == "fusion": HTK filters without norm; else Slaney */
} ClapFeatures;

typedef struct {
    ClapTextConfig text;
    ClapAudioConfig audio;
    ClapFeatures features;
    int projection_dim;
    ClapAct projection_act;
} ClapConfig;

/* `dir` holds config.json and preprocessor_config.json, or the processor_config.json that newer
 * versions of transformers write in its place. Without either: the published values for the
 * checkpoint's kind, fused or not. */
bool clap_config_read(const char *dir, ClapConfig *config, GError **error);

/* The same for the text of the files. `features` may be NULL: there is no preprocessor_config.json.
 * `dir` is for messages. */
bool clap_config_parse(const char *dir, GBytes *model, GBytes *features, ClapConfig *config,
                       GError **error);

/* Derived sizes that several files need. `ratio` is freq_ratio: how many strips of the spectrogram
 * lie above each other in the image; grid: tokens of the first stage, rows and columns. */
int clap_config_window_samples(const ClapConfig *config);
int clap_config_frames(const ClapConfig *config); /* mel frames of one window: 1001 */
int clap_config_ratio(const ClapConfig *config);
void clap_config_grid(const ClapConfig *config, int grid[2]);

/* Rows (time) and columns (mel bins) of what layer `layer` of a PANN gives, before and after its
 * pool. Layer −1 is the spectrogram. */
void clap_config_pann_size(const ClapConfig *config, int layer, int size[2], int pooled[2]);

/* The longest text: CLAP_MAX_TOKENS, or fewer where the positions end before. */
int clap_config_tokens(const ClapConfig *config);
