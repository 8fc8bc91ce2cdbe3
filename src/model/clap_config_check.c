/* The sizes that follow from a configuration, and the combinations that are refused. Everything an
 * allocation of the towers grows with is bounded here. */
#include "clap_config_check.h"

#include "error.h"

#include <math.h>

int clap_config_window_samples(const ClapConfig *config) {
    return (int)lrint(config->features.max_length_s * config->features.sampling_rate);
}

int clap_config_frames(const ClapConfig *config) {
    return clap_config_window_samples(config) / config->features.hop_length + 1;
}

int clap_config_ratio(const ClapConfig *config) {
    return config->audio.spec_size / config->audio.num_mel_bins;
}

void clap_config_grid(const ClapConfig *config, int grid[2]) {
    for (int i = 0; i < 2; i++) grid[i] = config->audio.spec_size / config->audio.patch_stride[i];
}

void clap_config_pann_size(const ClapConfig *config, int layer, int size[2], int pooled[2]) {
    const ClapPannConfig *pann = &config->audio.pann;
    pooled[0] = size[0] = clap_config_frames(config);
    pooled[1] = size[1] = config->audio.num_mel_bins;
    for (int i = 0; i <= layer; i++)
        for (int axis = 0; axis < 2; axis++) {
            size[axis] = (pooled[axis] - 1) / pann->conv_stride[i][axis] + 1;
            pooled[axis] = size[axis] / pann->pool[i];
        }
}

int clap_config_tokens(const ClapConfig *config) {
    int positions = config->text.max_position_embeddings - config->text.pad_token_id - 1;
    return MIN(CLAP_MAX_TOKENS, positions);
}

G_GNUC_PRINTF(4, 5)
static bool refuse(const char *path, const char *field, GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *says = g_strdup_vprintf(format, args);
    va_end(args);
    return error_fail(error, ERR_UNSUPPORTED, "%s: %s: %s", path, field, says);
}

static bool check_text(const ClapConfig *config, const char *path, GError **error) {
    const ClapTextConfig *text = &config->text;
    if (text->hidden_size % text->num_attention_heads)
        return refuse(path, "text_config.num_attention_heads", error,
                      "%d heads do not divide hidden_size %d", text->num_attention_heads,
                      text->hidden_size);
    if (text->pad_token_id >= text->vocab_size)
        return refuse(path, "text_config.pad_token_id", error, "%d is not below vocab_size %d",
                      text->pad_token_id, text->vocab_size);
    if (clap_config_tokens(config) < 2)
        return refuse(path, "text_config.max_position_embeddings", error,
                      "%d leaves no room for a text after pad_token_id %d",
                      text->max_position_embeddings, text->pad_token_id);
    return true;
}

/* The spectrogram folds into a square image: ratio strips of spec_size / ratio bins. */
static bool check_image(const ClapConfig *config, const char *path, GError **error) {
    int bins = config->audio.num_mel_bins, side = config->audio.spec_size;
    if (bins > side)
        return refuse(path, "audio_config.num_mel_bins", error, "%d is more than spec_size %d",
                      bins, side);
    if (side % clap_config_ratio(config))
        return refuse(path, "audio_config.spec_size", error,
                      "%d is not a multiple of %d, the strips of %d mel bins that it holds", side,
                      clap_config_ratio(config), bins);
    return true;
}

/* The convolution must give as many patches as the grid has: spec_size / stride each way. */
static bool check_patches(const ClapConfig *config, const char *path, GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    int grid[2];
    clap_config_grid(config, grid);
    for (int i = 0; i < 2; i++) {
        int size = audio->patch_size[i], stride = audio->patch_stride[i];
        int width = audio->enable_fusion && i == 1 ? 3 * size : size;
        if (size < stride)
            return refuse(path, "audio_config.patch_size", error, "%d is less than patch_stride %d",
                          size, stride);
        int padded = audio->spec_size + 2 * ((size - stride) / 2);
        if (width > padded)
            return refuse(path, "audio_config.patch_size", error,
                          "%d is too large for an image of side %d", size, audio->spec_size);
        if ((padded - size) / stride + 1 != grid[i])
            return refuse(path, "audio_config.patch_size", error,
                          "%d with patch_stride %d does not give the %d patches of spec_size %d",
                          size, stride, grid[i], audio->spec_size);
    }
    if (audio->flatten_patch_embeds) return true;
    return refuse(path, "audio_config.flatten_patch_embeds", error, "false is not supported");
}

static bool check_stage_sides(const ClapConfig *config, const char *path, int stage, int side,
                              GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    if (side < audio->window_size)
        return refuse(path, "audio_config.window_size", error,
                      "%d is more than %d, the side of stage %d", audio->window_size, side, stage);
    if (stage < audio->stages - 1 && side % 2)
        return refuse(path, "audio_config.spec_size", error,
                      "gives stage %d the odd side %d, which does not merge", stage, side);
    return true;
}

static bool check_stages(const ClapConfig *config, const char *path, GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    int grid[2];
    clap_config_grid(config, grid);
    for (int i = 0; i < audio->stages; i++) {
        int64_t hidden = (int64_t)audio->patch_embeds_hidden_size << i;
        if (!check_stage_sides(config, path, i, grid[0] >> i, error) ||
            !check_stage_sides(config, path, i, grid[1] >> i, error))
            return false;
        if (hidden % audio->num_attention_heads[i])
            return refuse(path, "audio_config.num_attention_heads", error,
                          "%d heads do not divide the %" G_GINT64_FORMAT " channels of stage %d",
                          audio->num_attention_heads[i], hidden, i);
    }
    int64_t last = (int64_t)audio->patch_embeds_hidden_size << (audio->stages - 1);
    if (audio->hidden_size == last) return true;
    return refuse(path, "audio_config.hidden_size", error,
                  "%d is not %" G_GINT64_FORMAT
                  ", which patch_embeds_hidden_size and the stages give",
                  audio->hidden_size, last);
}

/* The pooling groups the last stage's rows by strip, which must come out even. */
static bool check_pooling(const ClapConfig *config, const char *path, GError **error) {
    int grid[2], ratio = clap_config_ratio(config);
    clap_config_grid(config, grid);
    int rows = grid[0] >> (config->audio.stages - 1);
    if (rows >= ratio && rows % (rows / ratio) == 0) return true;
    return refuse(path, "audio_config.num_mel_bins", error,
                  "%d makes %d strips, which do not group the %d rows of the last stage",
                  config->audio.num_mel_bins, ratio, rows);
}

static bool check_perceptrons(const ClapConfig *config, const char *path, GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    double narrowest = floor(audio->mlp_ratio * audio->patch_embeds_hidden_size);
    double widest = floor(audio->mlp_ratio * audio->hidden_size);
    if (narrowest < 1 || widest > CLAP_MAX_INNER)
        return refuse(path, "audio_config.mlp_ratio", error,
                      "%g makes inner sizes %.0f to %.0f, out of range 1…%d", audio->mlp_ratio,
                      narrowest, widest, CLAP_MAX_INNER);
    if (audio->enable_fusion && audio->aff_block_r > audio->patch_embeds_hidden_size)
        return refuse(path, "audio_config.aff_block_r", error,
                      "%d is more than patch_embeds_hidden_size %d", audio->aff_block_r,
                      audio->patch_embeds_hidden_size);
    return true;
}

/* The largest arrays of the audio tower: of the first stage's activations and patches (later stages
 * have fewer), and of the attention biases and masks. */
static bool check_memory(const ClapConfig *config, const char *path, GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    int grid[2], heads = 1;
    clap_config_grid(config, grid);
    for (int i = 0; i < audio->stages; i++) heads = MAX(heads, audio->num_attention_heads[i]);
    double window = (double)audio->window_size * audio->window_size;
    double tokens = (grid[0] + audio->window_size) * (double)(grid[1] + audio->window_size);
    double wide = MAX(audio->patch_embeds_hidden_size * MAX(audio->mlp_ratio, 4),
                      (double)audio->patch_size[0] * audio->patch_size[1] * 3);
    if (tokens * wide > CLAP_MAX_FLOATS)
        return refuse(path, "audio_config.spec_size", error,
                      "%d with this patch_stride and patch_embeds_hidden_size takes more than the "
                      "limit of %d numbers a layer",
                      audio->spec_size, CLAP_MAX_FLOATS);
    if (MAX(heads * window * window, tokens * window) > CLAP_MAX_FLOATS)
        return refuse(path, "audio_config.window_size", error,
                      "%d takes more than the limit of %d numbers for attention",
                      audio->window_size, CLAP_MAX_FLOATS);
    return true;
}

static bool check_spectrum(const ClapConfig *config, const char *path, GError **error) {
    const ClapFeatures *features = &config->features;
    double nyquist = features->sampling_rate / 2.0;
    if (features->n_fft & (features->n_fft - 1))
        return refuse(path, "fft_window_size", error, "%d is not a power of two", features->n_fft);
    if (features->frequency_min >= features->frequency_max)
        return refuse(path, "frequency_min", error, "%g is not below frequency_max %g",
                      features->frequency_min, features->frequency_max);
    if (features->frequency_max > nyquist)
        return refuse(path, "frequency_max", error, "%g is more than half of sampling_rate %d",
                      features->frequency_max, features->sampling_rate);
    if (features->feature_size != config->audio.num_mel_bins)
        return refuse(path, "feature_size", error, "%d is not audio_config.num_mel_bins %d",
                      features->feature_size, config->audio.num_mel_bins);
    return true;
}

/* One window of sound becomes one image. The reference stretches bins and frames one after the
 * other, and can do the bins only where the frames fit already. */
static bool check_window(const ClapConfig *config, const char *path, GError **error) {
    const ClapAudioConfig *audio = &config->audio;
    int samples = clap_config_window_samples(config), frames = clap_config_frames(config);
    int ratio = clap_config_ratio(config), most = audio->spec_size * ratio;
    if (samples <= config->features.n_fft / 2)
        return refuse(path, "max_length_s", error, "%g is too short for fft_window_size %d",
                      config->features.max_length_s, config->features.n_fft);
    if (frames > most)
        return refuse(path, "max_length_s", error,
                      "a window has %d frames, more than the %d that the image holds", frames,
                      most);
    if (audio->num_mel_bins < audio->spec_size / ratio && frames != most)
        return refuse(path, "feature_size", error,
                      "%d bins need stretching to %d, which works with windows of %d frames only, "
                      "not %d",
                      audio->num_mel_bins, audio->spec_size / ratio, most, frames);
    return true;
}

/* Layer by layer: what is left of the image, and the largest arrays, which are the strip of a
 * layer's input, its output, and its weights. */
static bool check_layers(const ClapConfig *config, const char *path, GError **error) {
    const ClapPannConfig *pann = &config->audio.pann;
    int size[2], pooled[2], channels = 1;
    clap_config_pann_size(config, -1, size, pooled);
    for (int i = 0; i < pann->layers; i++) {
        int kernel = pann->conv_kernel[i];
        double strip = (pooled[0] + kernel) * (double)(pooled[1] + kernel) * channels;
        clap_config_pann_size(config, i, size, pooled);
        if (kernel % 2 == 0)
            return refuse(path, "audio_config.conv_kernel", error, "%d of layer %d is even", kernel,
                          i);
        if (pooled[0] < 1 || pooled[1] < 1)
            return refuse(path, "audio_config.pool", error,
                          "%d of layer %d leaves nothing of an image of %d x %d", pann->pool[i], i,
                          size[0], size[1]);
        double output = (double)size[0] * size[1] * MAX(pann->conv_channels[i], kernel * kernel);
        double weights = (double)kernel * kernel * channels * pann->conv_channels[i];
        if (MAX(MAX(strip, output), weights) > CLAP_MAX_FLOATS)
            return refuse(path, "audio_config.conv_channels", error,
                          "%d of layer %d takes more than the limit of %d numbers",
                          pann->conv_channels[i], i, CLAP_MAX_FLOATS);
        channels = pann->conv_channels[i];
    }
    return true;
}

static bool check_pann(const ClapConfig *config, const char *model_path, const char *features_path,
                       GError **error) {
    if (config->audio.enable_fusion)
        return refuse(model_path, "audio_config.enable_fusion", error,
                      "true is not supported with model_type pann");
    if (clap_config_window_samples(config) <= config->features.n_fft / 2)
        return refuse(features_path, "max_length_s", error,
                      "%g is too short for fft_window_size %d", config->features.max_length_s,
                      config->features.n_fft);
    return check_layers(config, model_path, error);
}

static bool check_htsat(const ClapConfig *config, const char *model_path, const char *features_path,
                        GError **error) {
    return check_image(config, model_path, error) && check_patches(config, model_path, error) &&
           check_stages(config, model_path, error) && check_pooling(config, model_path, error) &&
           check_perceptrons(config, model_path, error) &&
           check_memory(config, model_path, error) && check_window(config, features_path, error);
}

bool clap_config_check(const ClapConfig *config, const char *model_path, const char *features_path,
                       GError **error) {
    bool pann = config->audio.kind == CLAP_PANN;
    return check_text(config, model_path, error) && check_spectrum(config, features_path, error) &&
           (pann ? check_pann : check_htsat)(config, model_path, features_path, error);
}
