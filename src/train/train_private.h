/* What the files of a training run share. One thread calls all of it; work is shared out to the
 * team inside. */
#pragma once
#include "augment.h"
#include "clap_graph.h"
#include "manifest.h"
#include "mel_cache.h"
#include "text_bank.h"
#include "train.h"

#define TRAIN_DIR  ".train"
#define COMPANIONS 8 /* files of a model directory besides its weights */

/* What random numbers are drawn for: streams of their own within each step. */
enum {
    DRAW_CLIPS,
    DRAW_MEL,
    DRAW_FREEZE,
    DRAW_TEXTS = 4,
    DRAW_SENTENCES,
    DRAW_PARTNERS,
    DRAW_STREAMS = 8
};

/* Item i of what is drawn in a step, or before the first one (step 0); the same for any thread. */
static inline Random train_random(const TrainOptions *options, int64_t step, int what, int i) {
    return random_of(options->seed, (uint64_t)step * DRAW_STREAMS + (uint64_t)what, (uint64_t)i);
}

#define JOINS 2 /* partners of a clip that it is heard with at once */

/* A partner; the captions of the clip and of the partner, and the caption of both. */
typedef struct {
    int clip, own, theirs, both;
} TrainJoin;

/* A sound. Its texts are numbers in the bank. */

typedef struct {
    char *path; /* the manifest's */
    int class;  /* −1: none */
    int *texts, text_count;
    int source;
    int joins;
    TrainJoin join[JOINS];
} TrainClip;

/* What belongs to a name: the texts that may stand for it, and how they are drawn. */
typedef struct {
    char *name;
    int *texts, templates, count; /* templates first, then captions that name it */
    GArray *clips;                /* of int: those of all sources */
} TrainClass;

/* Draws from one manifest: classes by the power `balance` of their clips. */
typedef struct {
    Manifest *manifest; /* owned; clips borrow their paths from it */
    double share;
    int first, count;      /* of its clips */
    double *weights;       /* [classes], cumulative; the last is their sum */
    int **members, *sizes; /* [classes]: its clips */
} TrainSource;

typedef struct {
    int count, dim;
    char *lines; /* the file of the keys */
    char **keys;
    float *vectors;     /* [count][dim], unit */
    GHashTable *number; /* key → number + 1 */
} Teacher;

/* Optimiser and what it moves. */
typedef struct {
    float *m, *v, *ema;
    int64_t step, steps;
} OptimiserState;

typedef struct {
    const TrainOptions *options;
    ClapConfig config;
    Bpe *bpe;
    Params *params;
    ClapGraph *clap;
    Team *team;
    Graph *graph;
    bool audio_trained, text_trained, distils;
    double rate;
    TrainLoss loss;

    GArray *clips; /* of TrainClip */
    TrainSource *sources;
    int source_count;
    GArray *classes; /* of TrainClass */
    TextBank *texts;
    GArray *sentences; /* numbers of texts whose similarities are kept, or that are distilled */
    float *soft;       /* [classes][classes]: targets by the likeness of texts */
    bool *near;        /* [classes][classes] */
    float *kept;       /* [sentences][dim]: their vectors before training */

    MelCache *mels;
    Augment *augment;
    float *mel_batch, **mel_scratch; /* [batch][frames][bins]; one a thread */
    float *audio_features;           /* [clips][FEATURE_VARIANTS][hidden], audio frozen */
    Teacher *teacher;
    GBytes *companions[COMPANIONS]; /* NULL: its origin has none */

    struct TrainValidation *validation;
    OptimiserState state;
    char *key; /* what a checkpoint must agree with */
    double loss_sum;
    int loss_count;
} Train;

void train_warn(const Train *train, const char *line);
void train_prepare(const Train *train, const char *what, int done, int count);

#define FEATURE_VARIANTS 4 /* of a clip, where the audio tower is frozen */

/* train_data.c: reads manifests, builds clips, classes and texts. */
bool train_data_open(Train *train, GError **error);
void train_data_close(Train *train);

/* train_teacher.c */
Teacher *teacher_read(const char *path, bool of_sounds, GError **error);
void teacher_free(Teacher *teacher);
const float *teacher_vector(const Teacher *teacher, const char *key); /* NULL: none */

/* train_examples.c: one draw of a batch. */
typedef struct {
    int clip, other;       /* other −1: one sound alone */
    double share;          /* the first one's, of the target */
    const TrainJoin *join; /* of the first one, with the other; NULL */
} Example;
void train_draw(const Train *train, int64_t step, Example *examples);
void train_make_mels(Train *train, int64_t step, double strength, Example *examples);
bool train_freeze_audio(Train *train, GError **error);
Node *train_sounds(Train *train, int64_t step, double strength, Example *examples);

/* train_joins.c: for --loss pairs, two sounds with a caption of both. */
bool train_joins_open(Train *train, GError **error);
void train_joins_draw(const Train *train, Random *random, double strength, Example *example);

/* train_objective.c: the loss of a step. */

/* What is right for each sound of a batch of pairs: of texts[batch], the one that is heard with
 * sound j, target[i][j] is the share of sound i, and left_out[i][j] counts neither way. */
void train_pair_targets(const Train *train, const Example *examples, const int *texts,
                        float *target, bool *left_out);
void train_prepare_classes(Train *train);
Node *train_objective(Train *train, int64_t step);
double train_strength(const Train *train, int64_t step);

/* train_optimiser.c */
void optimiser_open(Train *train);
void optimiser_close(Train *train);

/* False with an error when the gradient is not finite. */
bool optimiser_step(Train *train, GError **error);

/* train_key.c: SHA-256 in hex of options, first weights, sounds and texts. Caller frees. */
char *train_key(const Train *train);

/* train_checkpoint.c */
bool checkpoint_save(const Train *train, GError **error);
bool checkpoint_load(Train *train, GError **error); /* ERR_NOT_FOUND: there is none */

/* train_out.c: the output directory. Saving writes the model of the running mean (EMA) and the
 * files of its origin (`from` or `config`), which are read at the beginning. */
const char *train_origin(const TrainOptions *o);
bool train_out_open(Train *train, GError **error); /* looks */
bool train_out_make(const Train *train, GError **error);
void train_out_close(Train *train);
bool train_save_model(const Train *train, GError **error);

/* train_validation.c */
bool validation_open(Train *train, Manifest *manifest, GError **error);
void validation_close(Train *train);
void validation_run(Train *train, TrainEpoch *epoch);

/* train_log.c: OUT/train.csv and OUT/train.svg. */
bool train_log_add(const Train *train, const TrainEpoch *epoch, GError **error);
bool train_log_begin(const Train *train, GError **error);
