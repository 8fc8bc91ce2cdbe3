/* Training steps on request, with the milliseconds that each took: forward, backward and AdamW.
 *
 *   bench_train KIND MODEL_DIR BATCH THREADS
 *
 * KIND classes: the audio side alone learns, against 512 fixed vectors of classes; pairs: all
 * weights learn, sounds against texts of 16 tokens, both ways. Mels and tokens are drawn once; no
 * file is read. The protocol is bench_model's: "ready"; then each line on stdin is a step, answered
 * with the loss and the milliseconds. bench/peers/train.py takes turns with the same step in
 * PyTorch. */
#include "clap_graph.h"
#include "nn_adamw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CLASSES 512
#define TOKENS  16
#define PART    65536 /* floats of an item of AdamW */

typedef struct {
    ClapGraph *clap;
    Params *params;
    Team *team;
    Graph *graph;
    bool pairs;
    int batch, step;
    float *mels, *classes, *target, *m, *v;
    int32_t *ids;
    int *counts;
} Bench;

static double now_ms(void) {
    return (double)g_get_monotonic_time() / 1000;
}

static float *draw(GRand *rand, gsize count, double mean, double spread) {
    float *x = g_new(float, count);
    for (gsize i = 0; i < count; i++)
        x[i] = (float)(mean + g_rand_double_range(rand, -1, 1) * spread);
    return x;
}

static void draw_inputs(Bench *b) {
    const ClapConfig *config = clap_graph_config(b->clap);
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    gsize mel = (gsize)clap_config_frames(config) * (gsize)config->features.feature_size;
    b->mels = draw(rand, (gsize)b->batch * mel, -40, 30);
    b->classes = draw(rand, (gsize)CLASSES * config->projection_dim, 0, 0.1);
    gsize columns = b->pairs ? (gsize)b->batch : CLASSES;
    b->target = g_new0(float, (gsize)b->batch *columns);
    b->ids = g_new(int32_t, (gsize)b->batch * TOKENS);
    b->counts = g_new(int, b->batch);
    for (int i = 0; i < b->batch; i++) {
        b->target[(gsize)i * columns + (gsize)i % columns] = 1;
        b->counts[i] = TOKENS;
        for (int t = 0; t < TOKENS; t++) b->ids[i * TOKENS + t] = g_rand_int_range(rand, 5, 200);
    }
}

static bool open_bench(Bench *b, const char *dir, int threads, GError **error) {
    ClapConfig config;
    if (!clap_config_read(dir, &config, error)) return false;
    b->params = params_load(dir, error);
    if (!b->params) return false;
    params_train(b->params, b->pairs ? PARAM_AUDIO | PARAM_TEXT | PARAM_PROJECTION | PARAM_SCALE
                                     : PARAM_AUDIO | PARAM_PROJECTION | PARAM_SCALE);
    b->clap = clap_graph_new(&config);
    b->team = team_new(threads);
    b->graph = graph_new(b->params, b->team);
    b->m = g_new0(float, b->params->floats);
    b->v = g_new0(float, b->params->floats);
    draw_inputs(b);
    return true;
}

/* The loss of a step, its gradients in params. */
static float learn(Bench *b) {
    Graph *g = b->graph;
    graph_begin(g, true);
    Node *sounds =
        clap_graph_project(b->clap, g, CLAP_AUDIO, clap_graph_audio(b->clap, g, b->mels, b->batch));
    Node *others =
        b->pairs ? clap_graph_project(b->clap, g, CLAP_TEXT,
                                      clap_graph_text(b->clap, g, b->ids, b->counts, b->batch))
                 : graph_input(g, CLASSES, sounds->cols, b->classes);
    Node *logits = graph_similarity(g, sounds, others, "logit_scale_a", 1);
    Node *losses[] = {graph_cross_entropy(g, logits, b->target, NULL), NULL};
    if (b->pairs) losses[1] = graph_cross_entropy(g, graph_transpose(g, logits), b->target, NULL);
    Node *loss = graph_sum(g, b->pairs ? 2 : 1, losses, (const float[]){1, 1});
    memset(b->params->gradient, 0, b->params->floats * sizeof(float));
    graph_backward(g, loss);
    return *loss->x;
}

typedef struct {
    Bench *bench;
    NnAdamw how;
    const Param *param;
} Update;

static void update_part(void *context, int item, int thread) {
    const Update *u = context;
    const Bench *b = u->bench;
    size_t at = u->param->at + (size_t)item * PART;
    size_t n = MIN((size_t)PART, u->param->at + u->param->count - at);
    nn_adamw_step(&u->how, u->param->decays ? 0.05f : 0, n, b->params->gradient + at, b->m + at,
                  b->v + at, b->params->value + at);
}

static void update(Bench *b) {
    b->step++;
    Update u = {b, {.rate = 1e-4f, .beta1 = 0.9f, .beta2 = 0.98f, .eps = 1e-8f, .clip = 1}, NULL};
    u.how.power1 = powf(0.9f, (float)b->step);
    u.how.power2 = powf(0.98f, (float)b->step);
    for (int i = 0; i < b->params->count; i++) {
        u.param = &b->params->param[i];
        if (u.param->trained)
            team_run(b->team, (int)((u.param->count + PART - 1) / PART), update_part, &u);
    }
}

static void serve(Bench *b) {
    char line[64];
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        double start = now_ms();
        float loss = learn(b);
        update(b);
        printf("%.6f %.3f\n", (double)loss, now_ms() - start);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    if (argc != 5) {
        fprintf(stderr, "usage: bench_train classes|pairs MODEL_DIR BATCH THREADS\n");
        return 2;
    }
    Bench b = {.pairs = strcmp(argv[1], "pairs") == 0, .batch = MAX(1, atoi(argv[3]))};
    if (!open_bench(&b, argv[2], MAX(1, atoi(argv[4])), &error)) {
        printf("error: %s\n", error->message);
        return 1;
    }
    serve(&b);
    return 0;
}
