/* Comparing with a recording, stage by stage. See verify.h. */
#include "verify.h"

#include "error.h"
#include "nn_norm.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

typedef struct {
    const Safetensors *recording;
    const char *type; /* of the weights */
    GArray *results;  /* of VerifyResult */
    GHashTable *used; /* names of tensors that were fed or compared; a set */
    int input;        /* number of the input that is running */
} Verify;

/* ---- comparing ---- */

static double least_cosine(const char *type) {
    if (strcmp(type, "bf16") == 0) return VERIFY_COSINE_BF16;
    return strcmp(type, "int8") == 0 ? VERIFY_COSINE_INT8 : VERIFY_COSINE_F32;
}

static double magnitude(const float *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

static bool is_zero(const float *x, int64_t n) {
    int64_t i = 0;
    while (i < n && x[i] == 0) i++;
    return i == n;
}

/* 1 where both are zero, −1 where there is none. */
static double cosine(const float *a, const float *b, int64_t n) {
    double cos = is_zero(a, n) && is_zero(b, n) ? 1 : nn_cosine(a, b, (size_t)n);
    return isfinite(cos) ? cos : -1;
}

/* Fills in error, first_bad, got and recorded. What is no number differs by VERIFY_WORST. */
static void find_difference(const float *x, const float *recorded, int64_t n,
                            VerifyResult *result) {
    double most = -1, allowed = VERIFY_TOLERANCE * result->scale;
    int64_t worst = 0;
    result->first_bad = -1;
    for (int64_t i = 0; i < n; i++) {
        double difference = fabs((double)x[i] - recorded[i]);
        if (!isfinite(difference)) difference = VERIFY_WORST;
        if (difference > allowed && result->first_bad < 0) result->first_bad = i;
        if (difference > most) {
            most = difference;
            worst = i;
        }
    }
    int64_t shown = result->first_bad < 0 ? worst : result->first_bad;
    result->error = result->scale > 0 ? most / result->scale : most;
    result->got = x[shown];
    result->recorded = recorded[shown];
}

static bool is_final(const char *stage) {
    return g_str_has_suffix(stage, ".embedding");
}

static VerifyResult compare(const Verify *verify, const char *stage, const Tensor *tensor,
                            const float *x, int64_t n) {
    const float *recorded = tensor->data;
    VerifyResult result = {.computed = true,
                           .scale = magnitude(recorded, n),
                           .cosine = cosine(x, recorded, n),
                           .stage = g_strdup(tensor->name)};
    find_difference(x, recorded, n, &result);
    bool exact = strcmp(verify->type, "f32") == 0;
    result.ok = !exact || result.first_bad < 0;
    if (is_final(stage) && !(result.cosine >= least_cosine(verify->type))) result.ok = false;
    return result;
}

/* The tap: one stage of the input that is running. Stages that were not recorded are passed by. */
static void see(void *user, const char *stage, const float *x, int rows, int cols) {
    Verify *verify = user;
    char name[96];
    g_snprintf(name, sizeof name, "%s#%d", stage, verify->input);
    const Tensor *tensor = safetensors_find(verify->recording, name);
    int64_t n = (int64_t)rows * cols;
    if (!tensor || tensor->type != ST_F32 || tensor->bytes != n * sizeof(float)) return;
    g_hash_table_add(verify->used, (char *)tensor->name);
    VerifyResult result = compare(verify, stage, tensor, x, n);
    result.rows = rows;
    result.cols = cols;
    g_array_append_val(verify->results, result);
}

/* Recorded tensors that no stage answered to, be it for name or for size. */
static void add_unanswered(Verify *verify) {
    for (int i = 0; i < safetensors_count(verify->recording); i++) {
        const Tensor *tensor = safetensors_at(verify->recording, i);
        if (g_hash_table_contains(verify->used, tensor->name)) continue;
        VerifyResult result = {.stage = g_strdup(tensor->name), .first_bad = 0};
        g_array_append_val(verify->results, result);
    }
}

/* ---- inputs ---- */

static bool refuse(const Verify *verify, const Tensor *tensor, const char *wanted, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s: %s: %s", safetensors_path(verify->recording, tensor),
                      tensor->name, wanted);
}

static bool check_mels(const Verify *verify, const Tensor *tensor, const ClapConfig *config,
                       int mels, GError **error) {
    size_t size = (size_t)mels * clap_config_frames(config) * config->audio.num_mel_bins;
    if (tensor->type == ST_F32 && tensor->bytes == size * sizeof(float)) return true;
    return refuse(verify, tensor, "not F32, or not the mels of one window of this model", error);
}

static bool feed_mel(Verify *verify, ClapRun *run, const Tensor *tensor, const ClapConfig *config,
                     float *out, GError **error) {
    if (!check_mels(verify, tensor, config, 1, error)) return false;
    clap_embed_mel(run, tensor->data, out);
    return true;
}

static bool feed_mels(Verify *verify, ClapRun *run, const Tensor *tensor, const ClapConfig *config,
                      float *out, GError **error) {
    if (!config->audio.enable_fusion)
        return refuse(verify, tensor, "this model does not fuse mels", error);
    if (!check_mels(verify, tensor, config, 4, error)) return false;
    clap_embed_mels(run, tensor->data, out);
    return true;
}

static bool feed_ids(Verify *verify, ClapRun *run, const Tensor *tensor, const ClapConfig *config,
                     float *out, GError **error) {
    int32_t ids[CLAP_MAX_TOKENS];
    size_t count = tensor->bytes / sizeof(int64_t);
    if (tensor->type != ST_I64 || count < 2 || count > (size_t)clap_config_tokens(config))
        return refuse(verify, tensor,
                      "not token ids of type I64, at most as many as the model reads", error);
    for (size_t i = 0; i < count; i++) {
        int64_t id = ((const int64_t *)tensor->data)[i];
        if (id < 0 || id >= config->text.vocab_size)
            return refuse(verify, tensor, "a token id that is not in the vocabulary", error);
        ids[i] = (int32_t)id;
    }
    clap_embed_tokens(run, ids, (int)count, out);
    return true;
}

static const struct {
    const char *name;
    ClapTower tower;
    bool (*feed)(Verify *verify, ClapRun *run, const Tensor *tensor, const ClapConfig *config,
                 float *out, GError **error);
} kinds[] = {
    {"audio.mel", CLAP_AUDIO, feed_mel},
    {"audio.mels", CLAP_AUDIO, feed_mels},
    {"text.ids", CLAP_TEXT, feed_ids},
};

/* The tensor that is input number `input`, and its kind; NULL: there are no more. */
static const Tensor *find_input(const Safetensors *recording, int input, int *kind) {
    for (*kind = 0; *kind < (int)G_N_ELEMENTS(kinds); (*kind)++) {
        char name[32];
        g_snprintf(name, sizeof name, "%s#%d", kinds[*kind].name, input);
        const Tensor *tensor = safetensors_find(recording, name);
        if (tensor) return tensor;
    }
    return NULL;
}

static bool feed_all(Verify *verify, Clap *clap, ClapRun *const runs[], GError **error) {
    g_autofree float *out = g_new(float, clap_dim(clap));
    const Tensor *tensor;
    for (int kind; (tensor = find_input(verify->recording, verify->input, &kind));
         verify->input++) {
        g_hash_table_add(verify->used, (char *)tensor->name);
        if (!kinds[kind].feed(verify, runs[kinds[kind].tower], tensor, clap_config(clap), out,
                              error))
            return false;
    }
    add_unanswered(verify);
    return true;
}

/* ---- the whole ---- */

static void clear_result(VerifyResult *result) {
    g_free(result->stage);
}

static bool run_recording(Verify *verify, Clap *clap, GError **error) {
    Tap t = {.see = see, .user = verify};
    g_autoptr(ClapRun) audio = clap_run_new(clap, CLAP_AUDIO, error);
    g_autoptr(ClapRun) text = audio ? clap_run_new(clap, CLAP_TEXT, error) : NULL;
    if (!text) return false;
    clap_run_tap(audio, &t);
    clap_run_tap(text, &t);
    return feed_all(verify, clap, (ClapRun *[]){[CLAP_AUDIO] = audio, [CLAP_TEXT] = text}, error);
}

bool verify_run(Clap *clap, const char *reference_path, VerifyResult **stages, int *count,
                GError **error) {
    g_autoptr(Safetensors) recording = safetensors_open(reference_path, error);
    if (!recording) return false;
    g_autoptr(GArray) results = g_array_new(FALSE, TRUE, sizeof(VerifyResult));
    g_array_set_clear_func(results, (GDestroyNotify)clear_result);
    g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
    Verify verify = {
        .recording = recording, .type = clap_type_name(clap), .results = results, .used = used};
    if (!run_recording(&verify, clap, error)) return false;
    if (verify.input == 0)
        return error_fail(error, ERR_FORMAT,
                          "%s: holds no input named audio.mel#0, audio.mels#0 or text.ids#0",
                          reference_path);
    gsize length;
    *stages = g_array_steal(results, &length);
    *count = (int)length;
    return true;
}

void verify_free(VerifyResult *stages, int count) {
    for (int i = 0; i < count; i++) clear_result(&stages[i]);
    g_free(stages);
}

const VerifyResult *verify_first_bad(const VerifyResult *stages, int count) {
    for (int i = 0; i < count; i++)
        if (!stages[i].ok) return &stages[i];
    return NULL;
}

char *verify_line(const VerifyResult *result) {
    if (!result->computed)
        return g_strdup_printf("%s: recorded, but no stage of this model gives such a tensor",
                               result->stage);
    g_autofree char *where =
        result->ok ? g_strdup("")
                   : g_strdup_printf("; element %" G_GINT64_FORMAT " is %.9g, recorded %.9g",
                                     result->first_bad, result->got, result->recorded);
    return g_strdup_printf("%s [%d][%d]: largest difference %.2g of scale %.4g, cosine %.9f%s",
                           result->stage, result->rows, result->cols, result->error, result->scale,
                           result->cosine, where);
}
