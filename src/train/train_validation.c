/* How well the running mean of the weights does on sounds it does not learn from: text to sound,
 * each class's sentence (or each caption) among all of them. See train_private.h. */
#include "error.h"
#include "mel.h"
#include "pcm.h"
#include "retrieval_metrics.h"
#include "train_private.h"
#include "window.h"

#include <math.h>
#include <string.h>

#define MOST_CLIPS 2000 /* that are looked at; a window of each is kept */
#define AT_ONCE    16

typedef struct {
    int clip, class; /* class −1: the text is the clip's own caption */
    int texts[2];    /* bare and in a sentence, or twice the caption */
} Query;

struct TrainValidation {
    int clips;
    float *mels; /* [clips][frames][bins] */
    int *class;  /* [clips]; −1 where the label is none of the training's */
    GArray *queries;
};

static int class_named(const Train *train, const char *label) {
    for (guint c = 0; label && c < train->classes->len; c++)
        if (strcmp(g_array_index(train->classes, TrainClass, c).name, label) == 0) return (int)c;
    return -1;
}

/* The first window, as inference hears it. */
static bool hear(const Train *train, Mel *mel, const char *path, float *samples, float *out,
                 GError **error) {
    gsize window = (gsize)clap_config_window_samples(&train->config), got = 0;
    g_autoptr(Pcm) pcm = pcm_open(path, train->config.features.sampling_rate, error);
    if (!pcm) return false;
    while (got < window) {
        gssize n = pcm_read(pcm, samples + got, (gssize)(window - got), error);
        if (n < 0) return false;
        if (n == 0) break;
        got += (gsize)n;
    }
    if (got == 0) return error_fail(error, ERR_FORMAT, "%s: has no samples", path);
    window_repeat_pad(samples, got, window);
    mel_run(mel, samples, window, out);
    return true;
}

static bool hear_all(Train *train, GPtrArray *clips, GError **error) {
    const ClapFeatures *f = &train->config.features;
    struct TrainValidation *v = train->validation;
    MelConfig config = {f->sampling_rate, f->n_fft,         f->hop_length, f->feature_size,
                        f->frequency_min, f->frequency_max, !f->fusion};
    gsize size = (gsize)clap_config_frames(&train->config) * (gsize)f->feature_size;
    g_autoptr(Mel) mel = mel_new(&config, error);
    g_autofree float *samples = g_new(float, clap_config_window_samples(&train->config));
    if (!mel) return false;
    v->mels = g_new(float, size *MAX(v->clips, 1));
    for (int i = 0; i < v->clips; i++) {
        const ManifestClip *clip = clips->pdata[i];
        if (!hear(train, mel, clip->path, samples, v->mels + (gsize)i * size, error)) return false;
    }
    return true;
}

static bool add_queries(Train *train, GPtrArray *clips, GError **error) {
    struct TrainValidation *v = train->validation;
    for (int i = 0; i < v->clips; i++) {
        const ManifestClip *clip = clips->pdata[i];
        v->class[i] = class_named(train, clip->label);
        const GPtrArray *own = clip->captions->len || clip->label ? clip->captions : clip->keywords;
        for (guint c = 0; train->loss == LOSS_PAIRS && c < own->len; c++) {
            int text = text_bank_add(train->texts, own->pdata[c], error);
            Query query = {i, -1, {text, text}};
            if (text < 0) return false;
            g_array_append_val(v->queries, query);
        }
    }
    for (guint c = 0; c < train->classes->len; c++) {
        const TrainClass *class = &g_array_index(train->classes, TrainClass, c);
        Query query = {-1, (int)c, {class->texts[0], class->texts[1]}};
        for (int i = 0; i < v->clips; i++) {
            const ManifestClip *clip = clips->pdata[i];
            if (v->class[i] != (int)c || (train->loss == LOSS_PAIRS && clip->captions->len > 0))
                continue;
            g_array_append_val(v->queries, query);
            break;
        }
    }
    return true;
}

bool validation_open(Train *train, Manifest *manifest, GError **error) {
    struct TrainValidation *v = train->validation = g_new0(struct TrainValidation, 1);
    v->clips = (int)MIN(manifest->clips->len, MOST_CLIPS);
    v->class = g_new(int, MAX(v->clips, 1));
    v->queries = g_array_new(FALSE, FALSE, sizeof(Query));
    if (!add_queries(train, manifest->clips, error)) return false;
    if (v->clips && !v->queries->len)
        train_warn(train, "no sound to measure with has a text that is learnt: there are no "
                          "figures of the validation");
    return hear_all(train, manifest->clips, error);
}

void validation_close(Train *train) {
    struct TrainValidation *v = train->validation;
    if (!v) return;
    g_free(v->mels);
    g_free(v->class);
    g_array_unref(v->queries);
    g_free(v);
}

static void embed_sounds(Train *train, float *out) {
    struct TrainValidation *v = train->validation;
    int dim = train->config.projection_dim;
    gsize size = (gsize)clap_config_frames(&train->config) * train->config.audio.num_mel_bins;
    for (int first = 0; first < v->clips; first += AT_ONCE) {
        int some = MIN(AT_ONCE, v->clips - first);
        graph_begin(train->graph, false);
        Node *features =
            clap_graph_audio(train->clap, train->graph, v->mels + (gsize)first * size, some);
        Node *vectors = clap_graph_project(train->clap, train->graph, CLAP_AUDIO, features);
        memcpy(out + (gsize)first * dim, vectors->x, sizeof(float) * (gsize)some * dim);
    }
}

/* The mean of both texts' cosines with every sound. */
static void score(Train *train, const float *sounds, float *scores) {
    struct TrainValidation *v = train->validation;
    int dim = train->config.projection_dim;
    for (guint q = 0; q < v->queries->len; q++) {
        graph_begin(train->graph, false);
        Node *features = text_bank_node(train->texts, train->clap, train->graph,
                                        g_array_index(v->queries, Query, q).texts, 2);
        Node *texts = clap_graph_project(train->clap, train->graph, CLAP_TEXT, features);
        for (int i = 0; i < v->clips; i++) {
            double sum = 0;
            for (int d = 0; d < dim; d++)
                sum += ((double)texts->x[d] + texts->x[dim + d]) * sounds[(gsize)i * dim + d];
            scores[(gsize)q * v->clips + i] = (float)(sum / 2);
        }
    }
}

static bool is_relevant(const void *context, int query, int document) {
    const struct TrainValidation *v = context;
    const Query *q = &g_array_index(v->queries, Query, query);
    return q->class >= 0 ? v->class[document] == q->class : q->clip == document;
}

/* Mean cosine to the teacher over the texts that distillation holds out: the first of them. */
static double distilled_cosine(Train *train) {
    int held = MIN(train->teacher->count / 50, MOST_CLIPS), dim = train->teacher->dim;
    int variants = (int)train->sentences->len / train->teacher->count;
    double sum = 0;
    for (int first = 0; first < held; first += AT_ONCE) {
        int some = MIN(AT_ONCE, held - first), texts[AT_ONCE];
        for (int i = 0; i < some; i++)
            texts[i] = g_array_index(train->sentences, int, (first + i) * variants);
        graph_begin(train->graph, false);
        Node *features = text_bank_node(train->texts, train->clap, train->graph, texts, some);
        Node *x = clap_graph_project(train->clap, train->graph, CLAP_TEXT, features);
        for (int i = 0; i < some * dim; i++)
            sum += (double)x->x[i] * train->teacher->vectors[(gsize)first * dim + i];
    }
    return held ? sum / held : NAN;
}

void validation_run(Train *train, TrainEpoch *epoch) {
    struct TrainValidation *v = train->validation;
    epoch->map10 = epoch->cosine = NAN;
    for (int i = 0; i < 3; i++) epoch->recall[i] = NAN;
    float *learning = train->params->value;
    train->params->value = train->state.ema;
    if (train->distils) epoch->cosine = distilled_cosine(train);
    if (v && v->clips && v->queries->len) {
        g_autofree float *sounds = g_new(float, (gsize)v->clips * train->config.projection_dim);
        g_autofree float *scores = g_new(float, (gsize)v->clips * v->queries->len);
        embed_sounds(train, sounds);
        score(train, sounds, scores);
        RetrievalMetrics m =
            retrieval_metrics(scores, (int)v->queries->len, v->clips, is_relevant, v);
        memcpy(epoch->recall, m.recall, sizeof epoch->recall);
        epoch->map10 = m.map10;
    }
    train->params->value = learning;
}
