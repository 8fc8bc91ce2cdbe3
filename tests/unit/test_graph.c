/* Training passes of the towers against the reference: the gradient of every tensor, and ten steps
 * of AdamW (tools/make_grad_refs.py recorded them). Besides: the same bytes for every team, nothing
 * allocated from the second step on, and inference of what was saved. */
#include "clap_graph.h"
#include "files.h"
#include "nn_adamw.h"
#include "nn_norm.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

typedef struct {
    char *dir;
    Safetensors *record;
    Params *params;
    ClapGraph *clap;
    Team *team;
    Graph *graph;
    int pairs, *counts;
    int32_t *ids;
    const float *mels;
    bool longer;
} Case;

static const struct {
    const char *name, *dir;
} models[] = {{"padded", "models/padded"},
              {"fused", "models/fused"},
              {"stride", "pann/stride"},
              {"odd", "pann/odd"}};

static const Tensor *tensor_of(const Case *c, const char *prefix, const char *name) {
    g_autofree char *whole = g_strconcat(prefix, name, NULL);
    return safetensors_find(c->record, whole);
}

static int64_t integer(const Tensor *tensor, int i) {
    int64_t value;
    memcpy(&value, (const char *)tensor->data + (size_t)i * sizeof value, sizeof value);
    return value;
}

static void open_case(Case *c, int model, int threads) {
    g_autoptr(GError) error = NULL;
    const char *source = g_getenv("EARSHOT_SOURCE");
    g_autofree char *file = g_strconcat(models[model].name, ".safetensors", NULL);
    g_autofree char *record = g_build_filename(source, "tests/ref/train", file, NULL);
    *c = (Case){.dir = g_build_filename(source, "tests/ref", models[model].dir, NULL)};
    c->record = safetensors_open(record, &error);
    g_assert_no_error(error);
    c->params = params_load(c->dir, &error);
    g_assert_no_error(error);
    ClapConfig config;
    g_assert_true(clap_config_read(c->dir, &config, &error));
    c->clap = clap_graph_new(&config);
    c->team = team_new(threads);
    c->graph = graph_new(c->params, c->team);
    const Tensor *mels = tensor_of(c, "mels", ""), *ids = tensor_of(c, "ids", "");
    c->mels = mels->data;
    c->longer = mels->rank == 4;
    c->pairs = (int)mels->shape[0];
    c->ids = g_new(int32_t, ids->shape[0]);
    c->counts = g_new(int, c->pairs);
    for (int i = 0; i < (int)ids->shape[0]; i++) c->ids[i] = (int32_t)integer(ids, i);
    for (int i = 0; i < c->pairs; i++) c->counts[i] = (int)integer(tensor_of(c, "counts", ""), i);
    c->params->value[params_find(c->params, "logit_scale_a")->at] = 1;
    c->params->value[params_find(c->params, "logit_scale_t")->at] = 1.5f;
}

static void close_case(Case *c) {
    graph_free(c->graph);
    team_free(c->team);
    clap_graph_free(c->clap);
    params_free(c->params);
    safetensors_close(c->record);
    g_free(c->dir);
    g_free(c->ids);
    g_free(c->counts);
}

/* The mean of both directions' cross-entropies; pair i belongs together. */
static Node *loss_of(Case *c) {
    Graph *g = c->graph;
    graph_begin(g, true);
    float *target = graph_keep(g, sizeof *target * (size_t)(c->pairs * c->pairs));
    for (int i = 0; i < c->pairs * c->pairs; i++) target[i] = i / c->pairs == i % c->pairs;
    Node *sounds = c->longer ? clap_graph_longer(c->clap, g, c->mels, c->pairs)
                             : clap_graph_audio(c->clap, g, c->mels, c->pairs);
    Node *texts = clap_graph_text(c->clap, g, c->ids, c->counts, c->pairs);
    Node *a = clap_graph_project(c->clap, g, CLAP_AUDIO, sounds);
    Node *t = clap_graph_project(c->clap, g, CLAP_TEXT, texts);
    Node *losses[] = {
        graph_cross_entropy(g, graph_similarity(g, a, t, "logit_scale_a", 1), target, NULL),
        graph_cross_entropy(g, graph_similarity(g, t, a, "logit_scale_t", 1), target, NULL)};
    return graph_sum(g, 2, losses, (const float[]){0.5f, 0.5f});
}

static double step(Case *c) {
    memset(c->params->gradient, 0, sizeof(float) * c->params->floats);
    Node *loss = loss_of(c);
    graph_backward(c->graph, loss);
    return *loss->x;
}

/* Largest difference against the tensor's scale; all tensors of a size that is nothing count
 * against the whole gradient's. */
static double difference(const float *got, const float *wanted, size_t n, double least) {
    double most = 0, scale = least;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, fabs(wanted[i]));
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)got[i] - wanted[i]));
    return most / scale;
}

static void every_gradient_is_the_references(const void *model) {
    Case c;
    open_case(&c, GPOINTER_TO_INT(model), 2);
    double loss = step(&c), worst = 0,
           first = ((const float *)tensor_of(&c, "losses", "")->data)[0];
    g_assert_cmpfloat(fabs(loss / first - 1), <, 1e-5);
    int seen = 0;
    for (int i = 0; i < c.params->count; i++) {
        const Param *param = &c.params->param[i];
        const Tensor *wanted = tensor_of(&c, "grad.", param->name);
        if (param->statistic) continue;
        g_assert_nonnull(wanted);
        double d = difference(c.params->gradient + param->at, wanted->data, param->count, 1e-3);
        if (d > 3e-4) /* 1.2e-4 in front of a BatchNorm, where sums cancel; elsewhere 2.2e-5 */
            g_test_fail_printf("%s: differs by %.2g of its scale", param->name, d);
        worst = fmax(worst, d);
        seen++;
    }
    g_test_message("%s: %d tensors, largest difference %.2g", models[GPOINTER_TO_INT(model)].name,
                   seen, worst);
    close_case(&c);
}

static void ten_steps_of_adamw_end_where_the_references_do(const void *model) {
    Case c;
    open_case(&c, GPOINTER_TO_INT(model), 1);
    const float *losses = tensor_of(&c, "losses", "")->data;
    g_autofree float *m = g_new0(float, c.params->floats), *v = g_new0(float, c.params->floats);
    for (int s = 0; s < 10; s++) {
        double loss = step(&c);
        g_assert_cmpfloat(fabs(loss - losses[s]), <, 1e-5 * losses[0]);
        NnAdamw how = {1e-3f, 0.9f, 0.98f, 1e-8f, (float)pow(0.9, s + 1), (float)pow(0.98, s + 1),
                       1};
        for (int i = 0; i < c.params->count; i++) {
            const Param *p = &c.params->param[i];
            if (p->trained)
                nn_adamw_step(&how, p->decays ? 0.01f : 0, p->count, c.params->gradient + p->at,
                              m + p->at, v + p->at, c.params->value + p->at);
        }
    }
    for (int i = 0; i < c.params->count; i++) {
        const Param *p = &c.params->param[i];
        const Tensor *after = tensor_of(&c, "after.", p->name);
        if (!after) continue;
        double d = difference(c.params->value + p->at, after->data, p->count, 1e-2);
        if (d > 5e-2) g_test_fail_printf("%s: differs by %.2g of its scale", p->name, d);
    }
    close_case(&c);
}

static void a_team_of_any_size_gives_the_same_bytes(const void *model) {
    g_autofree float *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        Case c;
        open_case(&c, GPOINTER_TO_INT(model), threads);
        step(&c);
        size_t bytes = sizeof(float) * c.params->floats;
        if (!first) first = g_memdup2(c.params->gradient, bytes);
        g_assert_cmpmem(first, bytes, c.params->gradient, bytes);
        close_case(&c);
    }
}

static void a_second_step_takes_no_more_memory(const void *model) {
    Case c;
    open_case(&c, GPOINTER_TO_INT(model), 2);
    step(&c);
    size_t bytes = graph_bytes(c.graph);
    for (int i = 0; i < 3; i++) step(&c);
    g_assert_cmpuint(graph_bytes(c.graph), ==, bytes);
    close_case(&c);
}

/* What was saved is embedded by inference as the tape does without training. */
static void what_is_saved_embeds_as_the_tape_does(const void *model) {
    Case c;
    g_autoptr(GError) error = NULL;
    open_case(&c, GPOINTER_TO_INT(model), 1);
    char *dir = files_dir();
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "preprocessor_config.json" : "config.json";
        g_autofree char *from = g_build_filename(c.dir, name, NULL), *text = NULL;
        g_assert_true(g_file_get_contents(from, &text, NULL, &error));
        files_put_text(dir, name, text);
    }
    for (size_t i = 0; i < c.params->floats; i++) c.params->value[i] *= 1.01f;
    g_autofree char *path = g_build_filename(dir, "model.safetensors", NULL);
    g_assert_true(params_save(c.params, NULL, path, &error));
    g_autoptr(Clap) clap = clap_open(dir, &error);
    g_assert_no_error(error);
    int dim = clap_dim(clap);
    g_autofree float *vector = g_new(float, dim);
    g_autoptr(ClapRun) audio = clap_run_new(clap, CLAP_AUDIO, &error);
    g_autoptr(ClapRun) text = clap_run_new(clap, CLAP_TEXT, &error);
    graph_begin(c.graph, false);
    Node *sound = c.longer ? clap_graph_longer(c.clap, c.graph, c.mels, 1)
                           : clap_graph_audio(c.clap, c.graph, c.mels, 1);
    Node *a = clap_graph_project(c.clap, c.graph, CLAP_AUDIO, sound);
    (c.longer ? clap_embed_mels : clap_embed_mel)(audio, c.mels, vector);
    g_assert_cmpfloat(nn_cosine(a->x, vector, (size_t)dim), >, 0.9999999);
    Node *t = clap_graph_project(c.clap, c.graph, CLAP_TEXT,
                                 clap_graph_text(c.clap, c.graph, c.ids, c.counts, 1));
    clap_embed_tokens(text, c.ids, c.counts[0], vector);
    g_assert_cmpfloat(nn_cosine(t->x, vector, (size_t)dim), >, 0.9999999);
    files_remove(dir);
    close_case(&c);
}

static void what_is_frozen_gets_no_gradient(const void *model) {
    Case c;
    open_case(&c, GPOINTER_TO_INT(model), 1);
    params_train(c.params, PARAM_PROJECTION);
    step(&c);
    for (int i = 0; i < c.params->count; i++) {
        const Param *p = &c.params->param[i];
        bool moved = false;
        for (size_t j = 0; j < p->count; j++) moved |= c.params->gradient[p->at + j] != 0;
        g_assert_true(moved == (p->part == PARAM_PROJECTION));
    }
    close_case(&c);
}

/* The same seed gives the same model, another seed another; it opens, and its vectors are no zeros.
 */
static void a_new_model_begins_from_its_seed(const void *model) {
    Case c;
    g_autoptr(GError) error = NULL;
    open_case(&c, GPOINTER_TO_INT(model), 1);
    const ClapConfig *config = clap_graph_config(c.clap);
    g_autoptr(Params) one = params_new(config, 7, &error), two = params_new(config, 7, &error);
    g_autoptr(Params) other = params_new(config, 8, &error);
    g_assert_no_error(error);
    size_t bytes = sizeof(float) * one->floats;
    g_assert_cmpuint(one->floats, ==, c.params->floats);
    g_assert_cmpmem(one->value, bytes, two->value, bytes);
    g_assert_true(memcmp(one->value, other->value, bytes) != 0);
    memcpy(c.params->value, one->value, bytes);
    double loss = step(&c);
    g_assert_cmpfloat(loss, >, 0);
    g_assert_cmpfloat(loss, <, 20);
    close_case(&c);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        GTestDataFunc test;
    } tests[] = {
#define TEST(name) {#name, name}
        TEST(every_gradient_is_the_references),
        TEST(ten_steps_of_adamw_end_where_the_references_do),
        TEST(a_team_of_any_size_gives_the_same_bytes),
        TEST(a_second_step_takes_no_more_memory),
        TEST(what_is_saved_embeds_as_the_tape_does),
        TEST(what_is_frozen_gets_no_gradient),
        TEST(a_new_model_begins_from_its_seed),
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t m = 0; m < G_N_ELEMENTS(models); m++)
        for (size_t t = 0; t < G_N_ELEMENTS(tests); t++) {
            g_autofree char *path = g_strdup_printf("/graph/%s/%s", models[m].name, tests[t].name);
            g_test_add_data_func(path, GINT_TO_POINTER((int)m), tests[t].test);
        }
    return g_test_run();
}
