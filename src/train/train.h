/* Training: from manifests of sounds and texts to a model directory like any other.
 *
 * What is learnt: LAION-CLAP's contrastive loss (arXiv 2211.06687) over the pairs of a batch, or a
 * softmax over the texts of all classes; and, for the text tower alone, the vectors of a teacher.
 * The recipe and its figures: docs/TRAINING.md.
 *
 * The output directory is made at the beginning and holds a whole model from the first epoch on
 * (that of an earlier training until then);
 * OUT/.train holds what a later --resume and the next run with the same sounds want (checkpoint,
 * spectrograms). The same seed gives the same bytes, whatever the number of threads; a resumed run
 * ends with the bytes of one that was not interrupted.
 *
 * Thread: the caller's; work is shared out among `threads`. */
#pragma once
#include "recipe.h"

#include <glib.h>
#include <stdbool.h>

typedef enum { TRAIN_ALL, TRAIN_PROJECTIONS, TRAIN_TEXT, TRAIN_AUDIO } TrainOnly;
typedef enum { LOSS_AUTO, LOSS_CLASSES, LOSS_PAIRS } TrainLoss;

typedef struct {
    int epoch; /* from 1 */
    double loss;
    double recall[3], map10; /* of the validation, text to sound; NAN: there is none */
    double cosine;           /* to the teacher, of texts held out; NAN: there is none */
    double clips_per_second, seconds, seconds_left;
} TrainEpoch;

typedef void TrainReport(void *user, const TrainEpoch *epoch);

/* Before the first epoch: so many of `count` things (`what`: a plural) are ready. */
typedef void TrainPrepare(void *user, const char *what, int done, int count);

typedef struct {
    char **data; /* manifests; with shares[i] of the draws each (NULL: by their clips) */
    double *shares;
    const char *valid;  /* NULL: a tenth of the clips is held out */
    const char *from;   /* a model directory; or */
    const char *config; /* a directory with config.json, preprocessor_config.json, vocabulary */
    const char *out;
    const char *teacher;  /* FILE.safetensors; its texts, or the sounds' paths, in FILE.txt */
    const char *captions; /* a text a line */
    bool file_words;      /* a row without a text takes the words of its file's name */
    Recipe recipe;
    TrainOnly only;
    TrainLoss loss;
    int epochs, batch;
    double rate; /* 0: 1e-3 where a transformer is not trained, else 5e-4 */
    guint64 seed;
    bool resume;
    double limit_seconds; /* 0: none */
    int threads;
    const gint *stop;    /* becomes non-zero when the user wants an end */
    TrainReport *report; /* of every epoch; this and the next two may be NULL */
    TrainPrepare *prepare;
    void (*warn)(void *user, const char *line);
    void *user;
} TrainOptions;

/* False with an error; ERR_CANCELLED after `stop`, when everything done is kept. */
bool train_run(const TrainOptions *options, GError **error);
