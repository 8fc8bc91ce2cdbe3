/* See measure.h. */
#include "measure.h"

#include "embedder.h"
#include "error.h"
#include "labels.h"
#include "logistic.h"
#include "random.h"

#include <string.h>

#define PENALTY 1e-4 /* of the probe, on vectors of unit length */

/* ---- sounds to vectors ---- */

typedef struct {
    EmbeddedSet *set;
    const MeasureReport *report;
} Embedding;

static bool take_file(void *user, const EmbeddedFile *file) {
    Embedding *e = user;
    EmbeddedSet *set = e->set;
    const MeasureReport *r = e->report;
    if (file->error) {
        if (r->fault) r->fault(r->user, file->error->message);
    } else {
        memcpy(set->vectors + (gsize)set->count * (gsize)set->dim, file->clip,
               sizeof(float) * (gsize)set->dim);
        set->example[set->count++] = (int)file->number;
    }
    if (r->done) r->done(r->user);
    return true;
}

EmbeddedSet *embedded_set_new(Engine *engine, const Examples *examples, const MeasureReport *report,
                              GError **error) {
    g_autoptr(EmbeddedSet) set = g_new0(EmbeddedSet, 1);
    gsize count = examples->paths->len;
    set->dim = clap_dim(engine_clap(engine));
    set->example = g_new(int, count);
    set->vectors = g_new(float, count *(gsize)set->dim);
    Embedding e = {set, report};
    EmbedOptions how = {.clip_only = true, .stop = report->stop};
    if (!embedder_run(engine, &how, (const char *const *)examples->paths->pdata, count, take_file,
                      &e, error))
        return NULL;
    if (set->count > 0) return g_steal_pointer(&set);
    error_fail(error, ERR_NOT_FOUND, "none of the %zu sounds could be used", count);
    return NULL;
}

void embedded_set_free(EmbeddedSet *set) {
    if (!set) return;
    g_free(set->example);
    g_free(set->vectors);
    g_free(set);
}

/* ---- classes ---- */

void class_metrics_free(ClassMetrics *m) {
    if (!m) return;
    g_free(m->confusion);
    g_free(m);
}

static ClassMetrics *class_metrics_new(int count, int classes, GError **error) {
    if (classes > CLASSES_MOST) {
        error_fail(error, ERR_LIMIT, "%d labels are more than %d", classes, CLASSES_MOST);
        return NULL;
    }
    ClassMetrics *m = g_new0(ClassMetrics, 1);
    *m = (ClassMetrics){.count = count, .classes = classes};
    m->confusion = g_new0(int, (gsize)classes *classes);
    return m;
}

static void add_guess(ClassMetrics *m, int class, int guess) {
    m->confusion[(gsize) class * m->classes + guess]++;
}

/* The diagonal's share, when all guesses are in. */
static void find_accuracy(ClassMetrics *m) {
    int right = 0;
    for (int c = 0; c < m->classes; c++) right += class_confusion(m, c, c);
    m->accuracy = (double)right / m->count;
}

/* [set->count]: each sound's place among the labels. NULL: one has none of them. Caller frees. */
static int *classes_of(const Examples *examples, const EmbeddedSet *set, char **labels,
                       GError **error) {
    g_autoptr(GHashTable) number = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; labels[i]; i++) g_hash_table_insert(number, labels[i], GINT_TO_POINTER(i + 1));
    g_autofree int *class = g_new(int, set->count);
    for (int i = 0; i < set->count; i++) {
        const char *label = examples->labels->pdata[set->example[i]];
        class[i] = GPOINTER_TO_INT(g_hash_table_lookup(number, label)) - 1;
        if (class[i] >= 0) continue;
        error_fail(error, ERR_USAGE, "%s: its label %s is not among the labels",
                   (char *)examples->paths->pdata[set->example[i]], label);
        return NULL;
    }
    return g_steal_pointer(&class);
}

static bool same_class(const void *context, int query, int document) {
    return ((const int *)context)[document] == query;
}

ClassMetrics *measure_zeroshot(Engine *engine, const Examples *examples, const EmbeddedSet *set,
                               char **labels, const char *const *templates, GError **error) {
    int classes = (int)g_strv_length(labels);
    g_autofree int *class = classes_of(examples, set, labels, error);
    g_autoptr(ClassMetrics) m = class ? class_metrics_new(set->count, classes, error) : NULL;
    g_autoptr(Labels) names =
        m ? labels_new(engine, (const char *const *)labels, templates, error) : NULL;
    if (!names) return NULL;
    g_autofree LabelScore *scores = g_new(LabelScore, classes);
    g_autofree float *cosines = g_new(float, (gsize)classes * set->count);
    for (int i = 0; i < set->count; i++) {
        labels_score(names, set->vectors + (gsize)i * (gsize)set->dim, scores);
        add_guess(m, class[i], scores[0].label);
        for (int c = 0; c < classes; c++)
            cosines[(gsize)scores[c].label * (gsize)set->count + (gsize)i] = scores[c].cosine;
    }
    find_accuracy(m);
    m->retrieval = retrieval_metrics(cosines, classes, set->count, same_class, class);
    return g_steal_pointer(&m);
}

/* ---- the probe ---- */

/* The fold of each sound by its name, in the order of appearance. Returns how many; −1: a sound has
 * none. */
static int name_folds(const Examples *examples, const EmbeddedSet *set, int *fold, GError **error) {
    g_autoptr(GHashTable) number = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < set->count; i++) {
        char *name = examples->folds->pdata[set->example[i]];
        if (!name) {
            error_fail(error, ERR_FORMAT, "%s: has no fold",
                       (char *)examples->paths->pdata[set->example[i]]);
            return -1;
        }
        int known = GPOINTER_TO_INT(g_hash_table_lookup(number, name));
        if (!known) {
            known = (int)g_hash_table_size(number) + 1;
            g_hash_table_insert(number, name, GINT_TO_POINTER(known));
        }
        fold[i] = known - 1;
    }
    return (int)g_hash_table_size(number);
}

/* Parts of each class in turn, after a shuffle that is always the same; a class begins with the
 * fold after the last one's, so that classes of one sound do not all lie in one. */
static void draw_folds(const int *class, int count, int classes, int folds, int *fold) {
    g_autofree int *next = g_new0(int, classes), *order = g_new(int, count);
    for (int i = 0; i < count; i++) next[class[i]]++;
    for (int c = 0, begin = 0; c < classes; c++) {
        int sounds = next[c];
        next[c] = begin;
        begin += sounds;
    }
    Random random = random_of(1, 0, 0);
    for (int i = 0; i < count; i++) order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int j = random_below(&random, i + 1), swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
    for (int i = 0; i < count; i++) fold[order[i]] = next[class[order[i]]]++ % folds;
}

/* Learns from all folds but one, and guesses that one. */
static void probe_fold(const EmbeddedSet *set, const int *class, const int *fold, int out,
                       ClassMetrics *m) {
    gsize dim = (gsize)set->dim;
    g_autofree float *x = g_new(float, (gsize)set->count *dim);
    g_autofree int *label = g_new(int, set->count);
    g_autofree double *probability = g_new(double, m->classes);
    int n = 0;
    for (int i = 0; i < set->count; i++) {
        if (fold[i] == out) continue;
        memcpy(x + (gsize)n * dim, set->vectors + (gsize)i * dim, sizeof *x * dim);
        label[n++] = class[i];
    }
    Logistic *l = logistic_fit(x, label, n, set->dim, m->classes, PENALTY);
    for (int i = 0; i < set->count; i++)
        if (fold[i] == out)
            add_guess(m, class[i], logistic_predict(l, set->vectors + (gsize)i * dim, probability));
    logistic_free(l);
}

ClassMetrics *measure_probe(const Examples *examples, const EmbeddedSet *set, char **labels,
                            int folds, GError **error) {
    int classes = (int)g_strv_length(labels);
    g_autofree int *class = classes_of(examples, set, labels, error);
    g_autofree int *fold = g_new0(int, set->count);
    if (!class) return NULL;
    if (folds > 0)
        draw_folds(class, set->count, classes, folds, fold);
    else
        folds = name_folds(examples, set, fold, error);
    if (folds < 0) return NULL;
    if (folds < 2 || folds > set->count) {
        error_fail(error, ERR_USAGE, "%d folds cannot be made of %d sounds", folds, set->count);
        return NULL;
    }
    ClassMetrics *m = class_metrics_new(set->count, classes, error);
    for (int f = 0; m && f < folds; f++) probe_fold(set, class, fold, f, m);
    if (m) find_accuracy(m);
    return m;
}

/* ---- retrieval ---- */

typedef struct {
    const int *sound_of; /* [captions]: place in the set */
} Pairs;

static bool caption_finds(const void *context, int query, int document) {
    return ((const Pairs *)context)->sound_of[query] == document;
}

static bool sound_finds(const void *context, int query, int document) {
    return ((const Pairs *)context)->sound_of[document] == query;
}

static void multiply(const float *a, int rows, const float *b, int cols, int dim, float *out) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            float sum = 0;
            for (int d = 0; d < dim; d++) sum += a[(gsize)r * dim + d] * b[(gsize)c * dim + d];
            out[(gsize)r * cols + c] = sum;
        }
}

#define MOST_SCORES ((gsize)1 << 30)

/* Captions of sounds that are in the set → sound_of and their number; `kept` are their texts. */
static int keep_captions(const Examples *e, const EmbeddedSet *set, int *sound_of,
                         const char **kept) {
    g_autofree int *place = g_new(int, e->paths->len);
    for (guint i = 0; i < e->paths->len; i++) place[i] = -1;
    for (int i = 0; i < set->count; i++) place[set->example[i]] = i;
    int count = 0;
    for (guint i = 0; i < e->captions->len; i++) {
        int at = place[g_array_index(e->caption_of, int, i)];
        if (at < 0) continue;
        sound_of[count] = at;
        kept[count++] = e->captions->pdata[i];
    }
    return count;
}

bool measure_retrieval(Engine *engine, const Examples *e, const EmbeddedSet *set,
                       RetrievalMetrics *text_to_audio, RetrievalMetrics *audio_to_text,
                       GError **error) {
    g_autofree int *sound_of = g_new(int, e->captions->len + 1);
    g_autofree const char **texts = g_new(const char *, e->captions->len + 1);
    int captions = keep_captions(e, set, sound_of, texts);
    if (captions == 0) return error_fail(error, ERR_FORMAT, "there are no captions");
    if ((gsize)captions * (gsize)set->count > MOST_SCORES)
        return error_fail(error, ERR_LIMIT, "%d captions and %d sounds are too many pairs",
                          captions, set->count);
    g_autofree float *vectors = g_new(float, (gsize)captions *(gsize)set->dim);
    g_autofree float *scores = g_new(float, (gsize)captions *(gsize)set->count);
    if (!engine_embed_texts(engine, texts, captions, vectors, NULL, error)) return false;
    Pairs pairs = {sound_of};
    multiply(vectors, captions, set->vectors, set->count, set->dim, scores);
    *text_to_audio = retrieval_metrics(scores, captions, set->count, caption_finds, &pairs);
    multiply(set->vectors, set->count, vectors, captions, set->dim, scores);
    *audio_to_text = retrieval_metrics(scores, set->count, captions, sound_finds, &pairs);
    return true;
}
