/* What is made small in a step. See train_private.h; the recipe is told in docs/TRAINING.md. */
#include "nn_norm.h"
#include "train_private.h"

#include <math.h>
#include <string.h>

#define GEOMETRY_TEXTS 192   /* texts of a step whose similarities are kept */
#define GEOMETRY_HEAT  10.0f /* 1 / 0.1: similarities become a distribution */
#define DISTIL_HEAT    (1 / 0.07f)
#define DISTIL_BATCH   128
#define SOFT_HEAT      (1 / 0.07)

double train_strength(const Train *train, int64_t step) {
    const Recipe *recipe = &train->options->recipe;
    double ramp = recipe->ramp * (double)train->state.steps;
    return recipe->strength * fmin(1, (double)step / (ramp + 1));
}

/* ---- likeness of classes, before training ---- */

/* Mean unit vector of a class's texts: templates and captions by their shares. */
static void class_vector(Train *train, const TrainClass *class, float *out) {
    Graph *g = train->graph;
    int dim = train->config.projection_dim, captions = class->count - class->templates;
    double share = captions ? train->options->recipe.captions : 0;
    graph_begin(g, false);
    Node *features = text_bank_node(train->texts, train->clap, g, class->texts, class->count);
    Node *vectors = clap_graph_project(train->clap, g, CLAP_TEXT, features);
    memset(out, 0, sizeof *out * dim);
    for (int i = 0; i < class->count; i++) {
        double weight = i < class->templates ? (1 - share) / class->templates : share / captions;
        for (int d = 0; d < dim; d++) out[d] += (float)weight * vectors->x[(size_t)i * dim + d];
    }
    nn_l2_normalise(out, dim);
}

static double dot(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* What texts are like says nothing where the text tower is yet to learn anything: then a class is
 * like itself alone. */
static void harden(Train *train) {
    gsize classes = train->classes->len;
    memset(train->soft, 0, sizeof *train->soft * classes * classes);
    memset(train->near, 0, sizeof *train->near * classes * classes);
    for (gsize c = 0; c < classes; c++) train->soft[c * classes + c] = 1;
}

static void soften(Train *train, const float *vectors, int row) {
    int classes = (int)train->classes->len, dim = train->config.projection_dim;
    float *soft = train->soft + (size_t)row * classes;
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        double like = dot(vectors + (size_t)row * dim, vectors + (size_t)c * dim, dim);
        soft[c] = (float)exp(SOFT_HEAT * (like - 1));
        train->near[(size_t)row * classes + c] = like > train->options->recipe.near;
        sum += soft[c];
    }
    for (int c = 0; c < classes; c++) soft[c] /= (float)sum;
}

/* The vectors of the kept sentences as the model has them now. */
static void keep_sentences(Train *train) {
    int count = (int)train->sentences->len, dim = train->config.projection_dim;
    const int *texts = (const int *)(const void *)train->sentences->data;
    train->kept = g_new(float, (gsize)MAX(count, 1) * dim);
    for (int first = 0; first < count; first += DISTIL_BATCH) {
        int some = MIN(DISTIL_BATCH, count - first);
        graph_begin(train->graph, false);
        Node *features =
            text_bank_node(train->texts, train->clap, train->graph, texts + first, some);
        Node *vectors = clap_graph_project(train->clap, train->graph, CLAP_TEXT, features);
        memcpy(train->kept + (gsize)first * dim, vectors->x, sizeof(float) * (gsize)some * dim);
    }
}

/* Labels that leave each other's denominator are not told apart: that is said. */
static void warn_of_likeness(const Train *train) {
    guint classes = train->classes->len, pairs = 0, first = 0, second = 0;
    for (guint a = 0; a < classes; a++)
        for (guint b = a + 1; b < classes; b++)
            if (train->near[(gsize)a * classes + b] && pairs++ == 0) first = a, second = b;
    if (pairs == 0) return;
    g_autofree char *line = g_strdup_printf(
        "%u of %u pairs of labels mean nearly the same to the model and are not told apart, as "
        "\"%s\" and \"%s\"; the knob near: 1 has them told apart",
        pairs, classes * (classes - 1) / 2, g_array_index(train->classes, TrainClass, first).name,
        g_array_index(train->classes, TrainClass, second).name);
    train_warn(train, line);
}

void train_prepare_classes(Train *train) {
    gsize classes = train->classes->len, dim = train->config.projection_dim;
    bool knows = train->options->from || !train->text_trained;
    if (train->sentences->len && knows) keep_sentences(train);
    if (train->loss != LOSS_CLASSES) return;
    g_autofree float *vectors = g_new(float, classes *dim);
    train->soft = g_new(float, classes *classes);
    train->near = g_new(bool, classes *classes);
    if (!knows) {
        harden(train);
        return;
    }
    for (gsize c = 0; c < classes; c++)
        class_vector(train, &g_array_index(train->classes, TrainClass, c), vectors + c * dim);
    for (gsize c = 0; c < classes; c++) soften(train, vectors, (int)c);
    warn_of_likeness(train);
}

/* ---- softmax over the texts of all classes ---- */

/* A sound's share `weight` of class `class`: most to it, some to classes whose texts are like its.
 */
static void add_target(const Train *train, int class, double weight, float *target,
                       bool *left_out) {
    int classes = (int)train->classes->len;
    double smooth = train->options->recipe.smooth;
    for (int c = 0; c < classes; c++) {
        size_t at = (size_t) class * classes + c;
        target[c] += (float)(weight * (smooth * train->soft[at] + (c == class ? 1 - smooth : 0)));
        left_out[c] |= train->near[at];
    }
}

static void make_target(const Train *train, const Example *example, float *target, bool *left_out) {
    int classes = (int)train->classes->len;
    int first = g_array_index(train->clips, TrainClip, example->clip).class, other = -1;
    add_target(train, first, example->share, target, left_out);
    if (example->other >= 0) {
        other = g_array_index(train->clips, TrainClip, example->other).class;
        add_target(train, other, 1 - example->share, target, left_out);
    }
    left_out[first] = false;
    if (other >= 0) left_out[other] = false;
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += left_out[c] ? 0 : target[c];
    for (int c = 0; c < classes; c++) target[c] = left_out[c] ? 0 : (float)(target[c] / sum);
}

/* One text of each class: a caption by the recipe's share where it has some, else a template. */
static void draw_texts(const Train *train, int64_t step, int *texts) {
    for (guint c = 0; c < train->classes->len; c++) {
        const TrainClass *class = &g_array_index(train->classes, TrainClass, c);
        Random random = train_random(train->options, step, DRAW_TEXTS, (int)c);
        int captions = class->count - class->templates;
        bool human = captions && random_unit(&random) < train->options->recipe.captions;
        texts[c] = class->texts[human ? class->templates + random_below(&random, captions)
                                      : random_below(&random, class->templates)];
    }
}

static Node *classes_loss(Train *train, int64_t step, Node *sounds, const Example *examples) {
    Graph *g = train->graph;
    size_t classes = train->classes->len, batch = train->options->batch;
    int *texts = graph_keep(g, sizeof *texts * classes);
    float *target = graph_keep(g, sizeof *target * batch * classes);
    bool *left_out = graph_keep(g, sizeof *left_out * batch * classes);
    memset(target, 0, sizeof *target * batch * classes);
    memset(left_out, 0, sizeof *left_out * batch * classes);
    for (size_t i = 0; i < batch; i++)
        make_target(train, &examples[i], target + i * classes, left_out + i * classes);
    draw_texts(train, step, texts);
    Node *features = text_bank_node(train->texts, train->clap, g, texts, (int)classes);
    Node *names = clap_graph_project(train->clap, g, CLAP_TEXT, features);
    Node *logits = graph_similarity(g, sounds, names, "logit_scale_a", 1);
    return graph_cross_entropy(g, logits, target, left_out);
}

/* ---- the pairs of the batch ---- */

static bool same_sound(const Train *train, int a, int b) {
    const TrainClip *x = &g_array_index(train->clips, TrainClip, a);
    const TrainClip *y = &g_array_index(train->clips, TrainClip, b);
    return a == b || (x->class >= 0 && x->class == y->class);
}

/* A sound of an example and its own text; an example of two sounds at once has two. */
typedef struct {
    int clip, text;
} Part;

static int parts_of(const Example *example, int text, Part parts[2]) {
    const TrainJoin *join = example->join;
    parts[0] = (Part){example->clip, join ? join->own : text};
    if (join) parts[1] = (Part){join->clip, join->theirs};
    return join ? 2 : 1;
}

static bool share_a_part(const Train *train, const Part *a, int a_count, const Part *b,
                         int b_count) {
    for (int i = 0; i < a_count; i++)
        for (int j = 0; j < b_count; j++)
            if (a[i].text == b[j].text || same_sound(train, a[i].clip, b[j].clip)) return true;
    return false;
}

/* What the text of one is to the sound of the other, either way. */
typedef enum { WRONG, RIGHT, HALF_RIGHT } Belonging;

/* Right: the same clip, the same label, or equal captions. Of two sounds at once the caption of one
 * is half right, and counts neither way. */
static Belonging belong(const Train *train, const Example *a, const Example *b, int text_a,
                        int text_b) {
    Part of_a[2], of_b[2];
    int a_count = parts_of(a, text_a, of_a), b_count = parts_of(b, text_b, of_b);
    if (text_a == text_b) return RIGHT;
    if (!share_a_part(train, of_a, a_count, of_b, b_count)) return WRONG;
    return a_count == 1 && b_count == 1 ? RIGHT : HALF_RIGHT;
}

void train_pair_targets(const Train *train, const Example *examples, const int *texts,
                        float *target, bool *left_out) {
    int batch = train->options->batch;
    for (int i = 0; i < batch; i++) {
        int positives = 0;
        for (int j = 0; j < batch; j++) {
            Belonging how = belong(train, &examples[i], &examples[j], texts[i], texts[j]);
            target[(gsize)i * batch + j] = how == RIGHT;
            left_out[(gsize)i * batch + j] = how == HALF_RIGHT;
            positives += how == RIGHT;
        }
        for (int j = 0; j < batch; j++) target[(gsize)i * batch + j] /= (float)positives;
    }
}

static Node *pairs_loss(Train *train, int64_t step, Node *sounds, const Example *examples) {
    Graph *g = train->graph;
    int batch = train->options->batch;
    int *texts = graph_keep(g, sizeof *texts * batch);
    float *target = graph_keep(g, sizeof *target * (gsize)batch * batch);
    bool *left_out = graph_keep(g, sizeof *left_out * (gsize)batch * batch);
    for (int i = 0; i < batch; i++) {
        const TrainClip *clip = &g_array_index(train->clips, TrainClip, examples[i].clip);
        Random random = train_random(train->options, step, DRAW_TEXTS, i);
        int own = clip->texts[random_below(&random, clip->text_count)];
        texts[i] = examples[i].join ? examples[i].join->both : own;
    }
    train_pair_targets(train, examples, texts, target, left_out);
    Node *features = text_bank_node(train->texts, train->clap, g, texts, batch);
    Node *captions = clap_graph_project(train->clap, g, CLAP_TEXT, features);
    Node *losses[] = {
        graph_cross_entropy(g, graph_similarity(g, sounds, captions, "logit_scale_a", 1), target,
                            left_out),
        graph_cross_entropy(g, graph_similarity(g, captions, sounds, "logit_scale_t", 1), target,
                            left_out)};
    return graph_sum(g, 2, losses, (const float[]){0.5f, 0.5f});
}

/* ---- what the texts knew before ---- */

/* wanted[n][n] = softmax(heat · v vᵀ), of unit rows v[n][dim]; plain[n][n] = v vᵀ. */
static void similarities(Graph *g, const float *v, int n, int dim, float heat, float *wanted,
                         float *plain) {
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++) {
            double s = dot(v + (gsize)i * dim, v + (gsize)j * dim, dim);
            plain[(gsize)i * n + j] = (float)s;
            sum += exp(heat * (s - 1));
        }
        for (int j = 0; j < n; j++)
            wanted[(gsize)i * n + j] = (float)(exp(heat * (plain[(gsize)i * n + j] - 1.0)) / sum);
    }
}

/* KL + 4 · MSE between the similarity matrices of some sentences, before and now. */
static Node *geometry_loss(Train *train, int64_t step) {
    Graph *g = train->graph;
    int n = MIN(GEOMETRY_TEXTS, (int)train->sentences->len), dim = train->config.projection_dim;
    int *texts = graph_keep(g, sizeof *texts * n);
    float *before = graph_keep(g, sizeof *before * (gsize)n * dim);
    float *wanted = graph_keep(g, sizeof *wanted * (gsize)n * n);
    float *plain = graph_keep(g, sizeof *plain * (gsize)n * n);
    for (int i = 0; i < n; i++) {
        Random random = train_random(train->options, step, DRAW_SENTENCES, i);
        int at = random_below(&random, (int)train->sentences->len);
        texts[i] = g_array_index(train->sentences, int, at);
        memcpy(before + (gsize)i * dim, train->kept + (gsize)at * dim, sizeof *before * dim);
    }
    similarities(g, before, n, dim, GEOMETRY_HEAT, wanted, plain);
    Node *features = text_bank_node(train->texts, train->clap, g, texts, n);
    Node *now = clap_graph_project(train->clap, g, CLAP_TEXT, features);
    Node *heated = graph_similarity(g, now, now, NULL, GEOMETRY_HEAT);
    Node *cool = graph_similarity(g, now, now, NULL, 1);
    Node *losses[] = {graph_cross_entropy(g, heated, wanted, NULL),
                      graph_mean_square(g, cool, plain)};
    return graph_sum(g, 2, losses, (const float[]){1, 4});
}

/* ---- a teacher ---- */

/* 4 · (1 − cos) + KL of the similarity matrices: the text tower learns the teacher's space. */
static Node *distil_loss(Train *train, int64_t step) {
    Graph *g = train->graph;
    int n = train->options->batch, dim = train->teacher->dim;
    int variants = (int)train->sentences->len / train->teacher->count;
    int *texts = graph_keep(g, sizeof *texts * n);
    float *vectors = graph_keep(g, sizeof *vectors * (gsize)n * dim);
    float *wanted = graph_keep(g, sizeof *wanted * (gsize)n * n);
    float *plain = graph_keep(g, sizeof *plain * (gsize)n * n);
    int held = train->teacher->count / 50; /* the first of them are held out */
    for (int i = 0; i < n; i++) {
        Random random = train_random(train->options, step, DRAW_SENTENCES, i);
        int at = held + random_below(&random, train->teacher->count - held);
        int variant = random_below(&random, variants);
        texts[i] = g_array_index(train->sentences, int, at *variants + variant);
        memcpy(vectors + (gsize)i * dim, train->teacher->vectors + (gsize)at * dim,
               sizeof *vectors * dim);
    }
    similarities(g, vectors, n, dim, DISTIL_HEAT, wanted, plain);
    Node *features = text_bank_node(train->texts, train->clap, g, texts, n);
    Node *x = clap_graph_project(train->clap, g, CLAP_TEXT, features);
    Node *losses[] = {
        graph_cosine_loss(g, x, vectors),
        graph_cross_entropy(g, graph_similarity(g, x, x, NULL, DISTIL_HEAT), wanted, NULL)};
    return graph_sum(g, 2, losses, (const float[]){4, 1});
}

/* Sounds without a vector of the teacher's count nothing; mixtures have none. */
static Node *teacher_loss(Train *train, Node *sounds, const Example *examples) {
    Graph *g = train->graph;
    int batch = train->options->batch, dim = train->config.projection_dim;
    float *target = graph_keep(g, sizeof *target * (gsize)batch * dim);
    memset(target, 0, sizeof *target * (gsize)batch * dim);
    for (int i = 0; i < batch; i++) {
        const char *path = g_array_index(train->clips, TrainClip, examples[i].clip).path;
        const float *vector = examples[i].other < 0 ? teacher_vector(train->teacher, path) : NULL;
        if (vector) memcpy(target + (gsize)i * dim, vector, sizeof *target * dim);
    }
    return graph_cosine_loss(g, sounds, target);
}

/* ---- all together ---- */

Node *train_objective(Train *train, int64_t step) {
    const Recipe *recipe = &train->options->recipe;
    Graph *g = train->graph;
    graph_begin(g, true);
    if (train->distils) return distil_loss(train, step);
    Example *examples = graph_keep(g, sizeof *examples * train->options->batch);
    train_draw(train, step, examples);
    Node *features = train_sounds(train, step, train_strength(train, step), examples);
    Node *sounds = clap_graph_project(train->clap, g, CLAP_AUDIO, features);
    Node *losses[3] = {train->loss == LOSS_CLASSES ? classes_loss(train, step, sounds, examples)
                                                   : pairs_loss(train, step, sounds, examples)};
    float weights[3] = {1};
    int count = 1;
    if (train->kept && recipe->geometry > 0) {
        losses[count] = geometry_loss(train, step);
        weights[count++] = (float)recipe->geometry;
    }
    if (train->teacher) {
        losses[count] = teacher_loss(train, sounds, examples);
        weights[count++] = (float)recipe->teacher;
    }
    return graph_sum(g, count, losses, weights);
}
