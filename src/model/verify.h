/* Holds a model against what the reference recorded (tools/make_refs.py): feeds it the recorded
 * inputs and compares what flows out of each stage.
 *
 * The recording is a .safetensors file: for input number i the tensor audio.mel#i, audio.mels#i or
 * text.ids#i, and the stages by the names of the taps, with the same #i. */
#pragma once
#include "clap.h"

#define VERIFY_TOLERANCE 1e-5 /* of a tensor's largest magnitude, f32 weights, every stage */
#define VERIFY_WORST     1e30 /* the difference to what is no number; results are always finite */
/* Least cosine of the final vectors, by type of the weights. */
#define VERIFY_COSINE_F32  0.999999
#define VERIFY_COSINE_BF16 0.9995
#define VERIFY_COSINE_INT8 0.995

typedef struct {
    char *stage;         /* "audio.stage0.block1#0" */
    bool ok;             /* within the tolerance; for bf16 and int8 final vectors alone can fail */
    bool computed;       /* false: recorded, but no stage of ours has the name */
    int rows, cols;      /* as recorded; as one row when we shape it otherwise */
    double scale;        /* largest magnitude recorded */
    double error;        /* largest difference / scale */
    double cosine;       /* over the whole tensor; −1 where it has none */
    int64_t first_bad;   /* element, −1: none */
    float got, recorded; /* there, else at the largest difference */
} VerifyResult;

/* One result a stage and input, in the order they are computed. False: the recording cannot be used
 * with this model at all. A divergence is no error: see ok. verify_free frees. */
bool verify_run(Clap *clap, const char *reference_path, VerifyResult **stages, int *count,
                GError **error);
void verify_free(VerifyResult *stages, int count);

/* The first that is not ok, or NULL. */
const VerifyResult *verify_first_bad(const VerifyResult *stages, int count);

/* One line: stage, error, scale, cosine, and where it diverges. The caller frees. */
char *verify_line(const VerifyResult *result);
