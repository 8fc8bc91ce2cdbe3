/* Reading config.json and preprocessor_config.json: one table says of every key where it goes, what
 * it is when absent, and its range. What values may stand together is clap_config_check's. */
#include "clap_config.h"

#include "clap_config_check.h"
#include "error.h"
#include "file.h"
#include "json_file.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define CONFIG    "config.json"
#define FEATURES  "preprocessor_config.json"
#define PROCESSOR "processor_config.json"

typedef enum { INT, PAIR, REAL, BOOL } FieldKind;

typedef struct {
    const char *key;
    FieldKind kind;
    size_t at; /* in ClapConfig */
    double standard, least, most;
} Field;

#define AT(member) offsetof(ClapConfig, member)

static const Field model_fields[] = {
    {"projection_dim", INT, AT(projection_dim), 512, 1, CLAP_MAX_HIDDEN},
};

static const Field text_fields[] = {
    {"vocab_size", INT, AT(text.vocab_size), 50265, 1, CLAP_MAX_VOCAB},
    {"hidden_size", INT, AT(text.hidden_size), 768, 1, CLAP_MAX_HIDDEN},
    {"num_hidden_layers", INT, AT(text.num_hidden_layers), 12, 1, CLAP_MAX_LAYERS},
    {"num_attention_heads", INT, AT(text.num_attention_heads), 12, 1, CLAP_MAX_HIDDEN},
    {"intermediate_size", INT, AT(text.intermediate_size), 3072, 1, CLAP_MAX_INNER},
    {"max_position_embeddings", INT, AT(text.max_position_embeddings), 514, 1, CLAP_MAX_POSITIONS},
    {"type_vocab_size", INT, AT(text.type_vocab_size), 1, 1, CLAP_MAX_VOCAB},
    {"pad_token_id", INT, AT(text.pad_token_id), 1, 0, CLAP_MAX_VOCAB},
    {"layer_norm_eps", REAL, AT(text.layer_norm_eps), 1e-12, 0, 1},
};

static const Field audio_fields[] = {
    {"window_size", INT, AT(audio.window_size), 8, 1, 64},
    {"num_mel_bins", INT, AT(audio.num_mel_bins), 64, 1, CLAP_MAX_SPEC},
    {"spec_size", INT, AT(audio.spec_size), 256, 1, CLAP_MAX_SPEC},
    {"patch_size", PAIR, AT(audio.patch_size), 4, 1, CLAP_MAX_SPEC},
    {"patch_stride", PAIR, AT(audio.patch_stride), 4, 1, CLAP_MAX_SPEC},
    {"patch_embeds_hidden_size", INT, AT(audio.patch_embeds_hidden_size), 96, 1, CLAP_MAX_HIDDEN},
    {"patch_embed_input_channels", INT, AT(audio.patch_embed_input_channels), 1, 1, 1},
    {"hidden_size", INT, AT(audio.hidden_size), 768, 1, CLAP_MAX_HIDDEN},
    {"aff_block_r", INT, AT(audio.aff_block_r), 4, 1, CLAP_MAX_HIDDEN},
    {"enable_fusion", BOOL, AT(audio.enable_fusion), 0, 0, 1},
    {"enable_patch_layer_norm", BOOL, AT(audio.enable_patch_layer_norm), 1, 0, 1},
    {"qkv_bias", BOOL, AT(audio.qkv_bias), 1, 0, 1},
    {"flatten_patch_embeds", BOOL, AT(audio.flatten_patch_embeds), 1, 0, 1},
    {"mlp_ratio", REAL, AT(audio.mlp_ratio), 4, 0, 64},
    {"layer_norm_eps", REAL, AT(audio.layer_norm_eps), 1e-5, 0, 1},
};

/* Absent keys of a file that is there take the class's defaults: note frequency_min 0, where the
 * published checkpoints say 50. */
static const Field feature_fields[] = {
    {"sampling_rate", INT, AT(features.sampling_rate), 48000, 1000, 384000},
    {"fft_window_size", INT, AT(features.n_fft), 1024, 64, 65536},
    {"hop_length", INT, AT(features.hop_length), 480, 1, 65536},
    {"feature_size", INT, AT(features.feature_size), 64, 1, CLAP_MAX_SPEC},
    {"max_length_s", REAL, AT(features.max_length_s), 10, 1e-3, CLAP_MAX_WINDOW_S},
    {"frequency_min", REAL, AT(features.frequency_min), 0, 0, 192000},
    {"frequency_max", REAL, AT(features.frequency_max), 14000, 1, 192000},
};

static const int standard_depths[] = {2, 2, 6, 2}, standard_heads[] = {4, 8, 16, 32};

/* A JSON object within a file, as messages name it: "audio_config." or "". */
typedef struct {
    const char *path, *prefix;
    json_t *object;
} Section;

G_GNUC_PRINTF(5, 6)
static bool fault(const Section *section, const char *key, ErrorCode code, GError **error,
                  const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *says = g_strdup_vprintf(format, args);
    va_end(args);
    return error_fail(error, code, "%s: %s%s: %s", section->path, section->prefix, key, says);
}

static bool in_range(const Section *section, const Field *field, double value, GError **error) {
    if (value >= field->least && value <= field->most) return true;
    return fault(section, field->key, ERR_UNSUPPORTED, error, "%.15g is out of range %.15g…%.15g",
                 value, field->least, field->most);
}

static bool read_whole(const Section *section, const Field *field, json_t *json, int *out,
                       GError **error) {
    if (!json_is_integer(json))
        return fault(section, field->key, ERR_FORMAT, error, "is not a whole number");
    if (!in_range(section, field, (double)json_integer_value(json), error)) return false;
    *out = (int)json_integer_value(json);
    return true;
}

/* One number for both sides, or [rows, columns]. */
static bool read_pair(const Section *section, const Field *field, json_t *json, int out[2],
                      GError **error) {
    bool list = json_is_array(json);
    if (list && json_array_size(json) != 2)
        return fault(section, field->key, ERR_FORMAT, error, "is not a number or a pair of them");
    return read_whole(section, field, list ? json_array_get(json, 0) : json, &out[0], error) &&
           read_whole(section, field, list ? json_array_get(json, 1) : json, &out[1], error);
}

static bool read_real(const Section *section, const Field *field, json_t *json, double *out,
                      GError **error) {
    if (!json_is_number(json))
        return fault(section, field->key, ERR_FORMAT, error, "is not a number");
    *out = json_number_value(json);
    return in_range(section, field, *out, error);
}

static void set_standard(const Field *field, void *out) {
    switch (field->kind) {
    case INT:
        *(int *)out = field->standard;
        break;
    case PAIR:
        ((int *)out)[0] = ((int *)out)[1] = field->standard;
        break;
    case REAL:
        *(double *)out = field->standard;
        break;
    case BOOL:
        *(bool *)out = field->standard;
        break;
    }
}

static bool read_field(const Section *section, const Field *field, ClapConfig *config,
                       GError **error) {
    void *out = (char *)config + field->at;
    json_t *json = json_object_get(section->object, field->key);
    set_standard(field, out);
    if (!json) return true;
    switch (field->kind) {
    case INT:
        return read_whole(section, field, json, out, error);
    case PAIR:
        return read_pair(section, field, json, out, error);
    case REAL:
        return read_real(section, field, json, out, error);
    case BOOL:
        break;
    }
    *(bool *)out = json_is_true(json);
    return json_is_boolean(json) ||
           fault(section, field->key, ERR_FORMAT, error, "is not true or false");
}

static bool read_fields(const Section *section, const Field *fields, size_t count,
                        ClapConfig *config, GError **error) {
    for (size_t i = 0; i < count; i++)
        if (!read_field(section, &fields[i], config, error)) return false;
    return true;
}

/* A list with one number a stage. */
static bool read_list(const Section *section, const Field *field, const int *standard,
                      int out[CLAP_MAX_STAGES], int *len, GError **error) {
    json_t *json = json_object_get(section->object, field->key);
    *len = G_N_ELEMENTS(standard_depths);
    if (!json) {
        memcpy(out, standard, sizeof standard_depths);
        return true;
    }
    if (!json_is_array(json)) return fault(section, field->key, ERR_FORMAT, error, "is not a list");
    size_t count = json_array_size(json);
    if (count < 1 || count > CLAP_MAX_STAGES)
        return fault(section, field->key, ERR_UNSUPPORTED, error,
                     "%zu stages are out of range 1…%d", count, CLAP_MAX_STAGES);
    *len = count;
    for (size_t i = 0; i < count; i++)
        if (!read_whole(section, field, json_array_get(json, i), &out[i], error)) return false;
    return true;
}

static bool read_stages(const Section *section, ClapAudioConfig *audio, GError **error) {
    static const Field depths = {"depths", INT, 0, 0, 1, CLAP_MAX_LAYERS};
    static const Field heads = {"num_attention_heads", INT, 0, 0, 1, CLAP_MAX_HIDDEN};
    int len;
    if (!read_list(section, &depths, standard_depths, audio->depths, &audio->stages, error) ||
        !read_list(section, &heads, standard_heads, audio->num_attention_heads, &len, error))
        return false;
    return len == audio->stages || fault(section, heads.key, ERR_FORMAT, error,
                                         "has %d stages, depths has %d", len, audio->stages);
}

/* The place of the key's word in `words` (NULL at the end); the first when the key is absent;
 * −1 and an error when it is none of them. */
static int read_word(const Section *section, const char *key, const char *const *words,
                     GError **error) {
    json_t *json = json_object_get(section->object, key);
    const char *word = json_string_value(json);
    if (!json) return 0;
    for (int i = 0; word && words[i]; i++)
        if (strcmp(word, words[i]) == 0) return i;
    g_autofree char *known = g_strjoinv(", ", (char **)words);
    if (word)
        fault(section, key, ERR_UNSUPPORTED, error, "\"%.40s\" is not supported, only %s", word,
              known);
    else
        fault(section, key, ERR_FORMAT, error, "is not one of %s", known);
    return -1;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool read_text(const Section *section, ClapConfig *config, GError **error) {
    return read_word(section, "model_type", WORDS("clap_text_model"), error) >= 0 &&
           read_word(section, "hidden_act", WORDS("gelu"), error) >= 0 &&
           read_word(section, "position_embedding_type", WORDS("absolute"), error) >= 0 &&
           read_fields(section, text_fields, G_N_ELEMENTS(text_fields), config, error);
}

/* One entry of a PANN's list a layer: a number, or a pair of them (`pairs`). */
static bool read_layers(const Section *section, const Field *field, bool pairs, int layers,
                        int *out, GError **error) {
    json_t *json = json_object_get(section->object, field->key);
    if (!json && pairs) return true;
    if (!json_is_array(json)) return fault(section, field->key, ERR_FORMAT, error, "is not a list");
    if (json_array_size(json) != (size_t)layers)
        return fault(section, field->key, ERR_FORMAT, error, "has %zu entries, conv_channels %d",
                     json_array_size(json), layers);
    for (int i = 0; i < layers; i++) {
        json_t *entry = json_array_get(json, i);
        if (pairs ? !read_pair(section, field, entry, out + 2 * i, error)
                  : !read_whole(section, field, entry, out + i, error))
            return false;
    }
    return true;
}

static bool read_pann(const Section *section, ClapConfig *config, GError **error) {
    static const Field sizes[] = {{"conv_channels", INT, 0, 0, 1, CLAP_MAX_HIDDEN},
                                  {"conv_kernel", INT, 0, 0, 1, CLAP_MAX_KERNEL},
                                  {"conv_stride", PAIR, 0, 0, 1, CLAP_MAX_STEP},
                                  {"pool", INT, 0, 0, 1, CLAP_MAX_STEP}};
    ClapPannConfig *pann = &config->audio.pann;
    size_t layers = json_array_size(json_object_get(section->object, sizes[0].key));
    if (layers < 1 || layers > CLAP_MAX_CONVS)
        return fault(section, sizes[0].key, ERR_UNSUPPORTED, error,
                     "is not a list of 1 to %d layers", CLAP_MAX_CONVS);
    pann->layers = layers;
    for (size_t i = 0; i < layers; i++) pann->conv_stride[i][0] = pann->conv_stride[i][1] = 1;
    int *const into[] = {pann->conv_channels, pann->conv_kernel, pann->conv_stride[0], pann->pool};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        if (!read_layers(section, &sizes[i], sizes[i].kind == PAIR, pann->layers, into[i], error))
            return false;
    return true;
}

static bool read_htsat(const Section *section, ClapConfig *config, GError **error) {
    if (read_word(section, "hidden_act", WORDS("gelu"), error) < 0 ||
        !read_stages(section, &config->audio, error))
        return false;
    /* The published fused checkpoints say null and mean aff_2d. */
    return !config->audio.enable_fusion ||
           json_is_null(json_object_get(section->object, "fusion_type")) ||
           read_word(section, "fusion_type", WORDS("aff_2d"), error) >= 0;
}

static bool read_audio(const Section *section, ClapConfig *config, GError **error) {
    int kind = read_word(section, "model_type", WORDS("clap_audio_model", "pann"), error);
    if (kind < 0 || !read_fields(section, audio_fields, G_N_ELEMENTS(audio_fields), config, error))
        return false;
    config->audio.kind = kind == 1 ? CLAP_PANN : CLAP_HTSAT;
    return kind == 1 ? read_pann(section, config, error) : read_htsat(section, config, error);
}

static bool read_model_type(const Section *section, GError **error) {
    if (!json_object_get(section->object, "model_type"))
        return fault(section, "model_type", ERR_FORMAT, error, "is missing; it must be clap");
    return read_word(section, "model_type", WORDS("clap"), error) >= 0;
}

/* A tower's section, empty when absent or null. Caller unrefs. */
static json_t *subsection(const Section *section, const char *key, GError **error) {
    json_t *json = json_object_get(section->object, key);
    if (!json || json_is_null(json)) return json_object();
    if (json_is_object(json)) return json_incref(json);
    fault(section, key, ERR_FORMAT, error, "is not an object");
    return NULL;
}

static bool read_tower(const Section *model, const char *key, const char *prefix,
                       bool (*read)(const Section *, ClapConfig *, GError **), ClapConfig *config,
                       GError **error) {
    Section tower = {model->path, prefix, subsection(model, key, error)};
    bool good = tower.object && read(&tower, config, error);
    json_decref(tower.object);
    return good;
}

static bool read_model(const Section *section, ClapConfig *config, GError **error) {
    if (!read_model_type(section, error) ||
        !read_fields(section, model_fields, G_N_ELEMENTS(model_fields), config, error))
        return false;
    int act = read_word(section, "projection_hidden_act", WORDS("relu", "gelu", "linear"), error);
    if (act < 0) return false;
    config->projection_act = (ClapAct[]){CLAP_ACT_RELU, CLAP_ACT_GELU, CLAP_ACT_LINEAR}[act];
    return read_tower(section, "text_config", "text_config.", read_text, config, error) &&
           read_tower(section, "audio_config", "audio_config.", read_audio, config, error);
}

static bool read_features(const Section *section, ClapConfig *config, GError **error) {
    int truncation = read_word(section, "truncation", WORDS("fusion", "rand_trunc"), error);
    config->features.fusion = truncation == 0;
    return truncation >= 0 && read_word(section, "padding", WORDS("repeatpad"), error) >= 0 &&
           read_fields(section, feature_fields, G_N_ELEMENTS(feature_fields), config, error);
}

/* The features are the whole of preprocessor_config.json, but a part of processor_config.json. */
static bool read_processor(const Section *section, ClapConfig *config, GError **error) {
    json_t *part = json_object_get(section->object, "feature_extractor");
    Section inner = {section->path, "feature_extractor.", part};
    return read_features(json_is_object(part) ? &inner : section, config, error);
}

/* What the published checkpoints of this kind say, where the file is missing. */
static void publish_features(ClapConfig *config) {
    for (size_t i = 0; i < G_N_ELEMENTS(feature_fields); i++)
        set_standard(&feature_fields[i], (char *)config + feature_fields[i].at);
    config->features.frequency_min = 50;
    config->features.feature_size = config->audio.num_mel_bins;
    config->features.fusion = config->audio.enable_fusion;
}

typedef bool (*ReadSection)(const Section *, ClapConfig *, GError **);

static bool parse(const char *path, GBytes *text, ReadSection read, ClapConfig *config,
                  GError **error) {
    gsize bytes;
    const char *data = g_bytes_get_data(text, &bytes);
    Section section = {path, "", json_file_parse(path, data, bytes, error)};
    bool good = section.object && read(&section, config, error);
    json_decref(section.object);
    return good;
}

/* `features_path` names the file that `features` came from, or would have. */
static bool parse_both(const char *model_path, GBytes *model, const char *features_path,
                       GBytes *features, ClapConfig *config, GError **error) {
    memset(config, 0, sizeof *config);
    if (!parse(model_path, model, read_model, config, error)) return false;
    if (!features)
        publish_features(config);
    else if (!parse(features_path, features, read_processor, config, error))
        return false;
    return clap_config_check(config, model_path, features_path, error);
}

bool clap_config_parse(const char *dir, GBytes *model, GBytes *features, ClapConfig *config,
                       GError **error) {
    g_autofree char *model_path = g_build_filename(dir, CONFIG, NULL);
    g_autofree char *features_path = g_build_filename(dir, FEATURES, NULL);
    return parse_both(model_path, model, features_path, features, config, error);
}

/* Where the features are: FEATURES, else PROCESSOR, which transformers 5 writes. Caller frees. */
static char *find_features(const char *dir, bool *there) {
    char *features = g_build_filename(dir, FEATURES, NULL);
    char *processor = g_build_filename(dir, PROCESSOR, NULL);
    bool older = g_file_test(features, G_FILE_TEST_EXISTS);
    bool newer = !older && g_file_test(processor, G_FILE_TEST_EXISTS);
    *there = older || newer;
    g_free(newer ? features : processor);
    return newer ? processor : features;
}

bool clap_config_read(const char *dir, ClapConfig *config, GError **error) {
    bool has_features;
    g_autofree char *model_path = g_build_filename(dir, CONFIG, NULL);
    g_autofree char *features_path = find_features(dir, &has_features);
    g_autoptr(GBytes) model = file_bytes(model_path, JSON_FILE_MAX, error);
    if (!model) return false;
    g_autoptr(GBytes) features =
        has_features ? file_bytes(features_path, JSON_FILE_MAX, error) : NULL;
    if (has_features && !features) return false;
    return parse_both(model_path, model, features_path, features, config, error);
}
