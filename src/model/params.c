/* Collecting the tensors that the towers bound. See params.h. */
#include "params.h"

#include "clap_internal.h"
#include "error.h"
#include "random.h"
#include "tensor_set.h"

#include <math.h>
#include <string.h>

#define SCALE_A     "logit_scale_a"
#define SCALE_T     "logit_scale_t"
#define FIRST_SCALE 2.6592600 /* ln(1 / 0.07), as the reference begins */

/* ---- the list ---- */

static ParamPart part_of(const char *name) {
    if (g_str_has_prefix(name, "audio_model.")) return PARAM_AUDIO;
    if (g_str_has_prefix(name, "text_model.")) return PARAM_TEXT;
    return strstr(name, "_projection.") ? PARAM_PROJECTION : PARAM_SCALE;
}

static void add_param(GArray *list, const char *name, int rank, const int64_t *shape) {
    Param param = {.name = g_strdup(name), .rank = rank, .count = 1, .part = part_of(name)};
    for (int d = 0; d < rank; d++) {
        param.shape[d] = shape[d];
        param.count *= (size_t)shape[d];
    }
    param.statistic =
        g_str_has_suffix(name, ".running_mean") || g_str_has_suffix(name, ".running_var");
    param.decays = rank >= 2 && g_str_has_suffix(name, ".weight");
    param.trained = !param.statistic;
    g_array_append_val(list, param);
}

static void add_bound(void *list, const Tensor *tensor) {
    add_param(list, tensor->name, tensor->rank, tensor->shape);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Param *)a)->name, ((const Param *)b)->name);
}

/* The sound-to-text scale alone is read by inference; training and the reference have both. */
static Params *collect(Clap *clap) {
    Params *params = g_new0(Params, 1);
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Param));
    weights_each(clap_weights(clap), add_bound, list);
    add_param(list, SCALE_T, 0, NULL);
    g_array_sort(list, by_name);
    params->count = (int)list->len;
    params->param = (Param *)(void *)g_array_free(list, FALSE);
    params->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < params->count; i++) {
        Param *param = &params->param[i];
        param->at = params->floats;
        params->floats += param->count;
        g_hash_table_insert(params->by_name, param->name, param);
    }
    params->value = g_new0(float, params->floats);
    params->gradient = g_new0(float, params->floats);
    return params;
}

void params_free(Params *params) {
    if (!params) return;
    for (int i = 0; i < params->count; i++) g_free(params->param[i].name);
    g_hash_table_destroy(params->by_name);
    g_free(params->param);
    g_free(params->value);
    g_free(params->gradient);
    g_free(params);
}

Param *params_find(const Params *params, const char *name) {
    return g_hash_table_lookup(params->by_name, name);
}

void params_train(Params *params, unsigned parts) {
    for (int i = 0; i < params->count; i++) {
        Param *param = &params->param[i];
        param->trained = !param->statistic && (param->part & parts) != 0;
    }
}

/* ---- from and to files ---- */

static bool load_values(Params *params, Clap *clap, GError **error) {
    Weights *weights = clap_weights(clap);
    const float *shared = NULL;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->param[i];
        bool other = strcmp(param->name, SCALE_T) == 0 &&
                     !safetensors_find(weights_tensors(weights), SCALE_T);
        const float *from =
            other ? shared : weights_floats(weights, param->name, param->rank, param->shape, error);
        if (!from) return false;
        memcpy(params->value + param->at, from, sizeof(float) * param->count);
        if (strcmp(param->name, SCALE_A) == 0) shared = from;
    }
    return true;
}

Params *params_load(const char *dir, GError **error) {
    g_autoptr(Clap) clap = clap_open(dir, error);
    if (!clap) return NULL;
    g_autoptr(Params) params = collect(clap);
    return load_values(params, clap, error) ? g_steal_pointer(&params) : NULL;
}

bool params_save(const Params *params, const float *values, const char *path, GError **error) {
    g_autofree Tensor *tensors = g_new0(Tensor, params->count);
    const char *const metadata[] = {"format", "pt", NULL};
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->param[i];
        tensors[i] = (Tensor){.name = param->name,
                              .type = ST_F32,
                              .rank = param->rank,
                              .data = (values ? values : params->value) + param->at,
                              .bytes = sizeof(float) * param->count};
        memcpy(tensors[i].shape, param->shape, sizeof param->shape);
    }
    return safetensors_write(path, tensors, params->count, metadata, error);
}

/* ---- beginning ---- */

static void draw_normal(Random *random, double deviation, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = (float)(deviation * random_normal(random));
}

/* What feeds a ReLU keeps its variance (He et al. 2015); the rest is as small as the reference's.
 */
static double deviation_of(const ClapConfig *config, const Param *param) {
    double inputs = (double)param->count / (double)param->shape[0];
    bool rectified = config->audio.kind == CLAP_PANN && param->part == PARAM_AUDIO;
    if (rectified) return sqrt(2 / inputs);
    return param->part == PARAM_PROJECTION ? 1 / sqrt(inputs) : 0.02;
}

static void begin(const ClapConfig *config, const Param *param, Random *random, float *value) {
    bool weight = g_str_has_suffix(param->name, ".weight");
    bool one = weight || g_str_has_suffix(param->name, ".running_var");
    if (param->part == PARAM_SCALE)
        *value = (float)FIRST_SCALE;
    else if (param->rank >= 2)
        draw_normal(random, deviation_of(config, param), param->count, value);
    else
        for (size_t i = 0; one && i < param->count; i++) value[i] = 1;
}

Params *params_new(const ClapConfig *config, uint64_t seed, GError **error) {
    g_autoptr(Clap) clap = clap_blank(config, error);
    if (!clap) return NULL;
    Params *params = collect(clap);
    Random random = random_of(seed, 0, 0);
    for (int i = 0; i < params->count; i++)
        begin(config, &params->param[i], &random, params->value + params->param[i].at);
    return params;
}
