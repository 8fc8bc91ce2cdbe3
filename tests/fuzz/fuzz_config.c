/* Any bytes as config.json, a NUL, and preprocessor_config.json: what is accepted keeps the limits
 * that the towers allocate by. */
#include "clap_config.h"

#include <stdint.h>
#include <string.h>

static void check_limits(const ClapConfig *config) {
    int grid[2];
    clap_config_grid(config, grid);
    g_assert(clap_config_tokens(config) >= 2 && clap_config_tokens(config) <= CLAP_MAX_TOKENS);
    g_assert(config->text.hidden_size % config->text.num_attention_heads == 0);
    g_assert(config->audio.stages >= 1 && config->audio.stages <= CLAP_MAX_STAGES);
    g_assert((int64_t)grid[0] * grid[1] * config->audio.patch_embeds_hidden_size <=
             CLAP_MAX_FLOATS);
    g_assert(grid[0] >> (config->audio.stages - 1) >= config->audio.window_size);
    g_assert(clap_config_frames(config) <= config->audio.spec_size * clap_config_ratio(config));
    g_assert(clap_config_window_samples(config) > config->features.n_fft / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *split = size ? memchr(data, 0, size) : NULL;
    size_t first = split ? (size_t)(split - data) : size;
    g_autoptr(GBytes) model = g_bytes_new(data, first);
    g_autoptr(GBytes) features = split ? g_bytes_new(split + 1, size - first - 1) : NULL;
    g_autoptr(GError) error = NULL;
    ClapConfig config;
    bool good = clap_config_parse("dir", model, features, &config, &error);
    g_assert(good == (error == NULL));
    g_assert(!error || !strchr(error->message, '\n'));
    if (good) check_limits(&config);
    return 0;
}
