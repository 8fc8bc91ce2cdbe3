/* Configurations: defaults, published shapes, and the refusal of everything else by field. */
#include "clap_config.h"
#include "files.h"

static bool read_texts(const char *model, const char *features, ClapConfig *config,
                       GError **error) {
    char *dir = files_dir();
    files_put_text(dir, "config.json", model);
    if (features) files_put_text(dir, "preprocessor_config.json", features);
    bool good = clap_config_read(dir, config, error);
    files_remove(dir);
    return good;
}

static ClapConfig expect_good(const char *model, const char *features) {
    ClapConfig config;
    GError *error = NULL;
    read_texts(model, features, &config, &error);
    g_assert_no_error(error);
    return config;
}

static void expect_refusal(const char *model, const char *features, const char *pattern) {
    ClapConfig config;
    GError *error = NULL;
    g_assert_false(read_texts(model, features, &config, &error));
    files_expect_error(&error, pattern);
}

#define MODEL(fields) "{\"model_type\":\"clap\"" fields "}"
#define AUDIO(fields) MODEL(",\"audio_config\":{" fields "}")
#define TEXT(fields)  MODEL(",\"text_config\":{" fields "}")

static void absent_keys_take_the_reference_defaults(void) {
    ClapConfig config = expect_good(MODEL(), NULL);
    g_assert_cmpint(config.text.vocab_size, ==, 50265);
    g_assert_cmpint(config.text.hidden_size, ==, 768);
    g_assert_cmpint(config.text.intermediate_size, ==, 3072);
    g_assert_cmpint(config.text.max_position_embeddings, ==, 514);
    g_assert_cmpint(config.text.pad_token_id, ==, 1);
    g_assert_cmpfloat(config.text.layer_norm_eps, ==, 1e-12);
    g_assert_cmpint(config.audio.stages, ==, 4);
    g_assert_cmpint(config.audio.depths[2], ==, 6);
    g_assert_cmpint(config.audio.num_attention_heads[3], ==, 32);
    g_assert_cmpint(config.audio.patch_stride[1], ==, 4);
    g_assert_cmpfloat(config.audio.layer_norm_eps, ==, 1e-5);
    g_assert_true(config.audio.qkv_bias && config.audio.enable_patch_layer_norm);
    g_assert_false(config.audio.enable_fusion);
    g_assert_cmpint(config.projection_dim, ==, 512);
    g_assert_cmpint(config.projection_act, ==, CLAP_ACT_RELU);
    g_assert_cmpint(clap_config_window_samples(&config), ==, 480000);
    g_assert_cmpint(clap_config_frames(&config), ==, 1001);
    g_assert_cmpint(clap_config_tokens(&config), ==, 77);
    g_assert_cmpint(clap_config_ratio(&config), ==, 4);
}

static void features_default_as_published_or_as_the_class(void) {
    ClapConfig none = expect_good(MODEL(), NULL), empty = expect_good(MODEL(), "{}");
    g_assert_cmpfloat(none.features.frequency_min, ==, 50);
    g_assert_false(none.features.fusion);
    g_assert_cmpfloat(empty.features.frequency_min, ==, 0);
    g_assert_true(empty.features.fusion);
    g_assert_true(expect_good(AUDIO("\"enable_fusion\":true"), NULL).features.fusion);
    g_assert_false(expect_good(MODEL(), "{\"truncation\":\"rand_trunc\"}").features.fusion);
}

static void newer_layouts_keep_features_in_processor_config(void) {
    char *dir = files_dir();
    ClapConfig config;
    GError *error = NULL;
    files_put_text(dir, "config.json", MODEL());
    files_put_text(dir, "processor_config.json",
                   "{\"feature_extractor\":{\"truncation\":\"rand_trunc\",\"frequency_min\":20}}");
    g_assert_true(clap_config_read(dir, &config, &error));
    g_assert_cmpfloat(config.features.frequency_min, ==, 20);
    files_put_text(dir, "processor_config.json", "{\"feature_extractor\":{\"hop_length\":0}}");
    g_assert_false(clap_config_read(dir, &config, &error));
    files_expect_error(&error, "*/processor_config.json: feature_extractor.hop_length: 0 is out*");
    files_put_text(dir, "preprocessor_config.json", "{\"frequency_min\":30}");
    g_assert_true(clap_config_read(dir, &config, &error));
    g_assert_cmpfloat(config.features.frequency_min, ==, 30);
    files_remove(dir);
}

static void the_larger_checkpoints_are_read(void) {
    ClapConfig config = expect_good(
        MODEL(",\"projection_hidden_act\":\"gelu\",\"audio_config\":{\"depths\":[2,2,12,2],"
              "\"patch_embeds_hidden_size\":128,\"hidden_size\":1024,\"fusion_type\":null,"
              "\"patch_stride\":[4,4]}"),
        NULL);
    g_assert_cmpint(config.audio.depths[2], ==, 12);
    g_assert_cmpint(config.audio.hidden_size, ==, 1024);
    g_assert_cmpint(config.projection_act, ==, CLAP_ACT_GELU);
}

/* Two stages on a 64 × 64 image: windows of 2 s at 8 kHz. */
#define SMALL                                                                                      \
    "\"spec_size\":64,\"num_mel_bins\":16,\"window_size\":4,\"depths\":[1,3],"                     \
    "\"num_attention_heads\":[2,4],\"patch_embeds_hidden_size\":20,\"hidden_size\":40"
#define SMALL_FEATURES                                                                             \
    "{\"sampling_rate\":8000,\"hop_length\":80,\"feature_size\":16,\"frequency_max\":4000,"        \
    "\"max_length_s\":2}"

static void small_shapes_are_read(void) {
    ClapConfig config = expect_good(
        MODEL(",\"audio_config\":{" SMALL ",\"patch_size\":[4,6],\"patch_stride\":[4,2]},"
              "\"text_config\":{\"max_position_embeddings\":40,\"pad_token_id\":5}"),
        SMALL_FEATURES);
    int grid[2];
    clap_config_grid(&config, grid);
    g_assert_cmpint(grid[0], ==, 16);
    g_assert_cmpint(grid[1], ==, 32);
    g_assert_cmpint(config.audio.stages, ==, 2);
    g_assert_cmpint(clap_config_frames(&config), ==, 201);
    g_assert_cmpint(clap_config_tokens(&config), ==, 34);
}

static void missing_and_broken_files_are_refused(void) {
    char *dir = files_dir();
    ClapConfig config;
    GError *error = NULL;
    g_assert_false(clap_config_read(dir, &config, &error));
    files_expect_error(&error, "*/config.json: no such file");
    files_remove(dir);
    expect_refusal("", NULL, "*/config.json: not valid JSON: line 1:*");
    expect_refusal("[]", NULL, "*/config.json: not a JSON object");
    expect_refusal("{}", NULL, "*/config.json: model_type: is missing*");
    expect_refusal("{\"model_type\":\"bert\"}", NULL, "*model_type: \"bert\" is not supported*");
    expect_refusal("{\"model_type\":\"b\\nt\"}", NULL, "*model_type: \"b?t\" is not supported*");
    expect_refusal(MODEL(), "", "*/preprocessor_config.json: not valid JSON*");
    expect_refusal(MODEL(",\"audio_config\":[]"), NULL, "*config.json: audio_config: is not an*");
    expect_refusal(MODEL(",\"model_type\":\"clap\""), NULL, "*not valid JSON*duplicate*");
}

static void wrong_kinds_of_values_are_refused(void) {
    expect_refusal(TEXT("\"hidden_size\":768.0"), NULL,
                   "*config.json: text_config.hidden_size: is not a whole number");
    expect_refusal(TEXT("\"hidden_size\":\"768\""), NULL, "*hidden_size: is not a whole number");
    expect_refusal(TEXT("\"hidden_size\":true"), NULL, "*hidden_size: is not a whole number");
    expect_refusal(TEXT("\"hidden_size\":null"), NULL, "*hidden_size: is not a whole number");
    expect_refusal(TEXT("\"layer_norm_eps\":\"x\""), NULL, "*layer_norm_eps: is not a number");
    expect_refusal(TEXT("\"layer_norm_eps\":NaN"), NULL, "*not valid JSON*");
    expect_refusal(TEXT("\"layer_norm_eps\":1e999"), NULL, "*: layer_norm_eps: line 1: *overflow*");
    expect_refusal(TEXT("\"vocab_size\":99999999999999999999"), NULL,
                   "*config.json: vocab_size: line 1: too big integer*");
    expect_refusal(AUDIO("\"depths\":[2,99999999999999999999]"), NULL, "*config.json: depths: *");
    expect_refusal(AUDIO("\"qkv_bias\":1"), NULL, "*audio_config.qkv_bias: is not true or false");
    expect_refusal(AUDIO("\"depths\":4"), NULL, "*audio_config.depths: is not a list");
    expect_refusal(AUDIO("\"depths\":[2,\"2\"]"), NULL, "*depths: is not a whole number");
    expect_refusal(AUDIO("\"patch_size\":[4]"), NULL, "*patch_size: is not a number or a pair*");
    expect_refusal(MODEL(",\"projection_hidden_act\":3"), NULL,
                   "*config.json: projection_hidden_act: is not one of relu, gelu, linear");
}

static void values_out_of_range_are_refused(void) {
    expect_refusal(AUDIO("\"window_size\":0"), NULL,
                   "*/config.json: audio_config.window_size: 0 is out of range 1…64");
    expect_refusal(TEXT("\"num_attention_heads\":0"), NULL,
                   "*text_config.num_attention_heads: 0 *");
    expect_refusal(AUDIO("\"num_attention_heads\":[0,8,16,32]"), NULL,
                   "*audio_config.num_attention_heads: 0 is out of range*");
    expect_refusal(TEXT("\"hidden_size\":-768"), NULL, "*hidden_size: -768 is out of range 1…8192");
    expect_refusal(TEXT("\"vocab_size\":9223372036854775807"), NULL,
                   "*vocab_size: 9.2*e+18 is out*");
    expect_refusal(TEXT("\"num_hidden_layers\":65"), NULL, "*num_hidden_layers: 65 is out*");
    expect_refusal(AUDIO("\"depths\":[]"), NULL, "*depths: 0 stages are out of range 1…8");
    expect_refusal(AUDIO("\"depths\":[1,1,1,1,1,1,1,1,1]"), NULL, "*depths: 9 stages are out*");
    expect_refusal(AUDIO("\"mlp_ratio\":1e300"), NULL, "*mlp_ratio: 1e+300 is out of range*");
    expect_refusal(AUDIO("\"patch_embed_input_channels\":4"), NULL, "*input_channels: 4 is out*");
    expect_refusal(MODEL(), "{\"hop_length\":0}", "*/preprocessor_config.json: hop_length: 0 is*");
}

static void unsupported_words_are_refused(void) {
    expect_refusal(TEXT("\"hidden_act\":\"silu\""), NULL,
                   "*text_config.hidden_act: \"silu\" is not supported, only gelu");
    expect_refusal(AUDIO("\"hidden_act\":\"gelu_new\""), NULL, "*audio_config.hidden_act: *");
    expect_refusal(TEXT("\"position_embedding_type\":\"relative_key\""), NULL, "*relative_key*");
    expect_refusal(TEXT("\"model_type\":\"bert\""), NULL, "*text_config.model_type: \"bert\"*");
    expect_refusal(MODEL(",\"projection_hidden_act\":\"silu\""), NULL, "*projection_hidden_act: *");
    expect_refusal(AUDIO("\"enable_fusion\":true,\"fusion_type\":\"channel_map\""), NULL,
                   "*audio_config.fusion_type: \"channel_map\" is not supported, only aff_2d");
    expect_good(AUDIO("\"enable_fusion\":false,\"fusion_type\":\"channel_map\""), NULL);
    expect_refusal(AUDIO("\"flatten_patch_embeds\":false"), NULL, "*flatten_patch_embeds: false*");
    expect_refusal(MODEL(), "{\"padding\":\"pad\"}",
                   "*preprocessor_config.json: padding: \"pad\"*");
    expect_refusal(MODEL(), "{\"truncation\":null}", "*truncation: is not one of fusion*");
    expect_refusal(MODEL(), "{\"truncation\":\"left\"}", "*truncation: \"left\" is not supported*");
}

static void text_sizes_that_do_not_fit_are_refused(void) {
    expect_refusal(TEXT("\"hidden_size\":770"), NULL,
                   "*text_config.num_attention_heads: 12 heads do not divide hidden_size 770");
    expect_refusal(TEXT("\"pad_token_id\":3,\"vocab_size\":3"), NULL, "*pad_token_id: 3 is not*");
    expect_refusal(TEXT("\"max_position_embeddings\":3"), NULL, "*max_position_embeddings: 3 *");
}

static void audio_sizes_that_do_not_fit_are_refused(void) {
    expect_refusal(AUDIO("\"hidden_size\":767"), NULL,
                   "*audio_config.hidden_size: 767 is not 768*");
    expect_refusal(AUDIO("\"num_attention_heads\":[5,8,16,32]"), NULL, "*5 heads do not divide*");
    expect_refusal(AUDIO("\"num_attention_heads\":[4,8]"), NULL, "*heads: has 2 stages, depths*");
    expect_refusal(AUDIO("\"num_mel_bins\":257"), NULL, "*num_mel_bins: 257 is more than*");
    expect_refusal(AUDIO("\"num_mel_bins\":80"), NULL, "*spec_size: 256 is not a multiple of 3*");
    expect_refusal(AUDIO("\"window_size\":9"), NULL, "*window_size: 9 is more than 8, the side*");
    expect_refusal(AUDIO("\"spec_size\":248,\"num_mel_bins\":62"), NULL, "*odd side 31*");
    expect_refusal(AUDIO("\"patch_size\":3"), NULL, "*patch_size: 3 is less than patch_stride 4");
    expect_refusal(AUDIO("\"patch_size\":5"), NULL, "*patch_size: 5 with patch_stride 4 does not*");
    expect_refusal(AUDIO("\"mlp_ratio\":0.001"), NULL, "*mlp_ratio: 0.001 makes*");
    expect_refusal(AUDIO("\"num_mel_bins\":16,\"window_size\":4"), NULL,
                   "*num_mel_bins: 16 makes 16 strips, which do not group the 8 rows*");
    expect_refusal(AUDIO("\"aff_block_r\":97,\"enable_fusion\":true"), NULL, "*aff_block_r: 97 *");
}

static void sizes_that_would_take_too_much_memory_are_refused(void) {
    expect_refusal(AUDIO("\"spec_size\":1024,\"num_mel_bins\":256,\"patch_size\":1,"
                         "\"patch_stride\":1"),
                   NULL, "*audio_config.spec_size: 1024 with this*limit of 67108864*");
    expect_refusal(
        AUDIO("\"spec_size\":1024,\"num_mel_bins\":256,\"window_size\":64,\"depths\":[1],"
              "\"num_attention_heads\":[32],\"hidden_size\":96"),
        NULL, "*audio_config.window_size: 64 takes more than the limit*");
}

#define PANN(fields) AUDIO("\"model_type\":\"pann\"," fields)

static void a_pann_has_one_entry_a_layer(void) {
    ClapConfig config = expect_good(PANN("\"conv_channels\":[8,16],\"conv_kernel\":[5,3],"
                                         "\"conv_stride\":[[4,2],1],\"pool\":[1,2]"),
                                    NULL);
    int size[2], pooled[2];
    g_assert_cmpint(config.audio.kind, ==, CLAP_PANN);
    clap_config_pann_size(&config, 1, size, pooled);
    g_assert_cmpint(size[0], ==, 251);
    g_assert_cmpint(size[1], ==, 32);
    g_assert_cmpint(pooled[0], ==, 125);
    g_assert_cmpint(pooled[1], ==, 16);
}

static void panns_that_cannot_be_computed_are_refused(void) {
    expect_refusal(PANN("\"pool\":[1]"), NULL, "*audio_config.conv_channels: is not a list *");
    expect_refusal(PANN("\"conv_channels\":[8,8],\"conv_kernel\":[3],\"pool\":[1,1]"), NULL,
                   "*audio_config.conv_kernel: has 1 entries, conv_channels 2");
    expect_refusal(PANN("\"conv_channels\":[8],\"conv_kernel\":[4],\"pool\":[1]"), NULL,
                   "*audio_config.conv_kernel: 4 of layer 0 is even");
    expect_refusal(PANN("\"conv_channels\":[8],\"conv_kernel\":[3],\"pool\":[0]"), NULL,
                   "*audio_config.pool: 0 is out of range 1*");
    expect_refusal(PANN("\"conv_channels\":[8,8],\"conv_kernel\":[3,3],\"pool\":[16,16]"), NULL,
                   "*audio_config.pool: 16 of layer 1 leaves nothing of an image of 62 x 4");
    expect_refusal(PANN("\"conv_channels\":[8192],\"conv_kernel\":[3],\"pool\":[1]"), NULL,
                   "*audio_config.conv_channels: 8192 of layer 0 takes more than the limit *");
    expect_refusal(PANN("\"enable_fusion\":true,\"conv_channels\":[8],\"conv_kernel\":[3],"
                        "\"pool\":[1]"),
                   NULL, "*audio_config.enable_fusion: true is not supported with *");
}

static void features_that_do_not_fit_are_refused(void) {
    expect_refusal(MODEL(), "{\"fft_window_size\":1000}", "*fft_window_size: 1000 is not a power*");
    expect_refusal(MODEL(), "{\"frequency_min\":14000}", "*frequency_min: 14000 is not below*");
    expect_refusal(MODEL(), "{\"sampling_rate\":16000}",
                   "*frequency_max: 14000 is more than half*");
    expect_refusal(MODEL(), "{\"feature_size\":80}", "*feature_size: 80 is not*num_mel_bins 64");
    expect_refusal(MODEL(), "{\"max_length_s\":11}",
                   "*max_length_s: a window has 1101 frames*1024*");
    expect_refusal(MODEL(), "{\"max_length_s\":0.01}", "*max_length_s: 0.01 is too short*");
    expect_refusal(AUDIO("\"num_mel_bins\":60"), "{\"feature_size\":60}",
                   "*feature_size: 60 bins need stretching to 64*");
}

#define TEST(name) g_test_add_func("/clap_config/" #name, name)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    TEST(absent_keys_take_the_reference_defaults);
    TEST(features_default_as_published_or_as_the_class);
    TEST(newer_layouts_keep_features_in_processor_config);
    TEST(the_larger_checkpoints_are_read);
    TEST(small_shapes_are_read);
    TEST(missing_and_broken_files_are_refused);
    TEST(wrong_kinds_of_values_are_refused);
    TEST(values_out_of_range_are_refused);
    TEST(unsupported_words_are_refused);
    TEST(a_pann_has_one_entry_a_layer);
    TEST(panns_that_cannot_be_computed_are_refused);
    TEST(text_sizes_that_do_not_fit_are_refused);
    TEST(audio_sizes_that_do_not_fit_are_refused);
    TEST(sizes_that_would_take_too_much_memory_are_refused);
    TEST(features_that_do_not_fit_are_refused);
    return g_test_run();
}
