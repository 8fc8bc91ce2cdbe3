/* Zero-shot labels: probabilities, templates, and what is refused. */
#include "labels.h"

#include "error.h"

#include <math.h>
#include <string.h>

static Engine *tiny_engine(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *dir =
        g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", "unfused", NULL);
    Engine *engine = engine_open(dir, 2, &error);
    g_assert_no_error(error);
    return engine;
}

static void the_label_whose_text_is_given_wins(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = tiny_engine();
    const char *const names[] = {"dog", "cat", "rain on a roof", NULL}, *const bare[] = {"{}",
                                                                                         NULL};
    const char *const text[] = {"rain on a roof"};
    float vector[512];
    LabelScore scores[3];
    g_autoptr(Labels) labels = labels_new(engine, names, bare, &error);
    g_assert_no_error(error);
    g_assert_true(engine_embed_texts(engine, text, 1, vector, NULL, &error));
    labels_score(labels, vector, scores);
    g_assert_cmpstr(labels_name(labels, scores[0].label), ==, "rain on a roof");
    g_assert_cmpfloat_with_epsilon(scores[0].cosine, 1, 1e-5);
}

static void probabilities_are_the_softmax_of_scaled_cosines(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = tiny_engine();
    const char *const names[] = {"dog", "cat", "bird", "rain", NULL}, *const text[] = {"a whistle"};
    float vector[512];
    LabelScore scores[4];
    g_autoptr(Labels) labels = labels_new(engine, names, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(engine_embed_texts(engine, text, 1, vector, NULL, &error));
    labels_score(labels, vector, scores);
    double scale = clap_logit_scale(engine_clap(engine)), sum = 0;
    for (int i = 0; i < 4; i++) sum += exp(scale * (double)scores[i].cosine);
    for (int i = 0; i < 4; i++)
        g_assert_cmpfloat_with_epsilon(scores[i].probability,
                                       exp(scale * (double)scores[i].cosine) / sum, 1e-5);
    for (int i = 1; i < 4; i++) g_assert_cmpfloat(scores[i - 1].cosine, >=, scores[i].cosine);
}

static void several_templates_are_averaged(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = tiny_engine();
    const char *const names[] = {"dog", NULL}, *const templates[] = {"{}", "the sound of {}, {}",
                                                                     NULL};
    const char *const texts[] = {"dog", "the sound of dog, dog"};
    int dim = clap_dim(engine_clap(engine));
    g_autofree float *vectors = g_new(float, 2 * (gsize)dim);
    g_autoptr(Labels) labels = labels_new(engine, names, templates, &error);
    g_assert_no_error(error);
    g_assert_true(engine_embed_texts(engine, texts, 2, vectors, NULL, &error));
    LabelScore a, b;
    labels_score(labels, vectors, &a);
    labels_score(labels, vectors + dim, &b);
    double dot = 0;
    for (int i = 0; i < dim; i++) dot += (double)vectors[i] * (double)vectors[dim + i];
    double wanted = (1 + dot) / sqrt(2 + 2 * dot); /* of each with the mean of both */
    g_assert_cmpfloat_with_epsilon(a.cosine, wanted, 1e-5);
    g_assert_cmpfloat_with_epsilon(b.cosine, wanted, 1e-5);
}

static void expect_refusal(Engine *engine, const char *const *names, const char *const *templates,
                           const char *says) {
    g_autoptr(GError) error = NULL;
    g_assert_null(labels_new(engine, names, templates, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    g_assert_nonnull(strstr(error->message, says));
}

static void bad_labels_and_templates_are_refused(void) {
    g_autoptr(Engine) engine = tiny_engine();
    const char *const none[] = {NULL}, *const empty[] = {"dog", " ", NULL},
                      *const same[] = {"dog", "dog", NULL};
    const char *const good[] = {"dog", NULL}, *const flat[] = {"a sound", NULL};
    expect_refusal(engine, none, NULL, "no label");
    expect_refusal(engine, empty, NULL, "empty");
    expect_refusal(engine, same, NULL, "twice");
    expect_refusal(engine, good, flat, "no {}");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/labels/the_label_whose_text_is_given_wins",
                    the_label_whose_text_is_given_wins);
    g_test_add_func("/labels/probabilities_are_the_softmax_of_scaled_cosines",
                    probabilities_are_the_softmax_of_scaled_cosines);
    g_test_add_func("/labels/several_templates_are_averaged", several_templates_are_averaged);
    g_test_add_func("/labels/bad_labels_and_templates_are_refused",
                    bad_labels_and_templates_are_refused);
    return g_test_run();
}
