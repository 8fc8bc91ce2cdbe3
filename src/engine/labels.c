/* Zero-shot classification with labels of the user's own. */
#include "labels.h"

#include "error.h"
#include "nn_norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_AT_ONCE 4096

struct Labels {
    int count, dim;
    float scale;
    char **names;
    float *vectors; /* [count][dim], unit vectors */
};

static bool check_labels(const char *const *labels, GError **error) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    guint count = g_strv_length((char **)labels);
    if (count == 0) return error_fail(error, ERR_USAGE, "no label is given");
    if (count > LABELS_MAX) return error_fail(error, ERR_USAGE, "more than %d labels", LABELS_MAX);
    for (guint i = 0; i < count; i++) {
        if (!labels[i][strspn(labels[i], " \t")])
            return error_fail(error, ERR_USAGE, "a label is empty");
        if (!g_utf8_validate(labels[i], -1, NULL))
            return error_fail(error, ERR_USAGE, "the label \"%s\" is not UTF-8", labels[i]);
        if (!g_hash_table_add(seen, (gpointer)labels[i]))
            return error_fail(error, ERR_USAGE, "the label \"%s\" is given twice", labels[i]);
    }
    return true;
}

static bool check_templates(const char *const *templates, GError **error) {
    if (g_strv_length((char **)templates) > TEMPLATES_MAX)
        return error_fail(error, ERR_USAGE, "more than %d templates", TEMPLATES_MAX);
    for (; *templates; templates++) {
        if (!strstr(*templates, "{}"))
            return error_fail(error, ERR_USAGE, "the template \"%s\" has no {} for the label",
                              *templates);
        if (!g_utf8_validate(*templates, -1, NULL))
            return error_fail(error, ERR_USAGE, "the template \"%s\" is not UTF-8", *templates);
    }
    return true;
}

static char *fill(const char *template, const char *label) {
    g_auto(GStrv) parts = g_strsplit(template, "{}", -1);
    return g_strjoinv(label, parts);
}

/* vectors[templates][dim] → out[dim], their normalised mean. */
static void mean_of(const float *vectors, int templates, int dim, float *out) {
    memset(out, 0, (gsize)dim * sizeof(float));
    for (int t = 0; t < templates; t++)
        for (int i = 0; i < dim; i++) out[i] += vectors[(gsize)t * (gsize)dim + (gsize)i];
    nn_l2_normalise(out, dim);
}

/* labels[count], all templates of each → out[count][dim]. */
static bool embed_labels(Engine *engine, char **labels, int count, const char *const *templates,
                         float *out, GError **error) {
    int per_label = (int)g_strv_length((char **)templates), dim = clap_dim(engine_clap(engine));
    gsize stride = (gsize)per_label * (gsize)dim;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autofree float *vectors = g_new(float, (gsize)count *stride);
    for (int i = 0; i < count; i++)
        for (int t = 0; t < per_label; t++) g_ptr_array_add(texts, fill(templates[t], labels[i]));
    if (!engine_embed_texts(engine, (const char *const *)texts->pdata, (int)texts->len, vectors,
                            NULL, error))
        return false;
    for (int i = 0; i < count; i++)
        mean_of(vectors + (gsize)i * stride, per_label, dim, out + (gsize)i * (gsize)dim);
    return true;
}

Labels *labels_new(Engine *engine, const char *const *labels, const char *const *templates,
                   GError **error) {
    static const char *const usual[] = {LABEL_TEMPLATE, NULL};
    if (!templates || !*templates) templates = usual;
    if (!check_labels(labels, error) || !check_templates(templates, error)) return NULL;
    g_autoptr(Labels) made = g_new0(Labels, 1);
    made->names = g_strdupv((char **)labels);
    made->count = (int)g_strv_length(made->names);
    made->dim = clap_dim(engine_clap(engine));
    made->scale = clap_logit_scale(engine_clap(engine));
    made->vectors = g_new(float, (gsize)made->count *(gsize)made->dim);
    int at_once = MAX(1, TEXTS_AT_ONCE / (int)g_strv_length((char **)templates));
    for (int i = 0; i < made->count; i += at_once)
        if (!embed_labels(engine, made->names + i, MIN(at_once, made->count - i), templates,
                          made->vectors + (gsize)i * (gsize)made->dim, error))
            return NULL;
    return g_steal_pointer(&made);
}

void labels_free(Labels *labels) {
    if (!labels) return;
    g_strfreev(labels->names);
    g_free(labels->vectors);
    g_free(labels);
}

int labels_count(const Labels *labels) {
    return labels->count;
}

int labels_dim(const Labels *labels) {
    return labels->dim;
}

const char *labels_name(const Labels *labels, int label) {
    return labels->names[label];
}

static int better_first(const void *a, const void *b) {
    const LabelScore *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return x->label - y->label;
}

void labels_score(const Labels *labels, const float *vector, LabelScore *scores) {
    for (int i = 0; i < labels->count; i++) {
        const float *label = labels->vectors + (gsize)i * (gsize)labels->dim;
        double dot = 0;
        for (int j = 0; j < labels->dim; j++) dot += (double)label[j] * (double)vector[j];
        scores[i] = (LabelScore){.label = i, .cosine = (float)dot};
    }
    qsort(scores, (size_t)labels->count, sizeof *scores, better_first);
    double sum = 0, best = scores[0].cosine;
    for (int i = 0; i < labels->count; i++) sum += exp(labels->scale * (scores[i].cosine - best));
    for (int i = 0; i < labels->count; i++)
        scores[i].probability = (float)(exp(labels->scale * (scores[i].cosine - best)) / sum);
}
