/* The tensors of a model's weight file by name, as the towers want them: floats to compute with,
 * matrices in the type they are stored in. Shapes and types are checked on the way. Which tensors a
 * tower has is written in its table (bind.h).
 *
 * Owner: a Weights holds the mapping; everything bound borrows from it. Thread: read-only after
 * binding. */
#pragma once
#include "nn_gemm.h"
#include "safetensors.h"

typedef struct Weights Weights;

/* Opens model.safetensors or its .index.json, or pytorch_model.bin or its .index.json in `dir`,
 * whichever is there first. */
Weights *weights_open(const char *dir, GError **error);

/* No file: every tensor that is asked for comes to be, zero, in the order of asking. For models
 * that are yet to be trained. */
Weights *weights_blank(void);
void weights_close(Weights *weights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Weights, weights_close)

/* Vectors and other tensors used as f32: F32 is borrowed as it lies; F16, BF16, F64, our own int8,
 * and F32 at an odd address are widened into memory that `weights` owns. The shape must match
 * exactly. Errors name file, tensor, and the shape or type found and wanted. */
const float *weights_floats(Weights *weights, const char *name, int rank, const int64_t *shape,
                            GError **error);

/* A linear layer: NAME.weight [n][k] and, when `with_bias`, NAME.bias [n]. F32, BF16 and our own
 * int8 (NAME.weight I8 with NAME.weight_scale F32 [n]) are borrowed; others are widened to F32. An
 * embedding table is such a matrix too: weights_row reads a row of it. */
bool weights_matrix(Weights *weights, const char *name, int n, int k, bool with_bias, NnMatrix *out,
                    GError **error);

/* Row `row` of a matrix as f32 → out[k]. */
void weights_row(const NnMatrix *matrix, int row, float *out);

/* Has the kernel map the matrix's pages now, so that the first product does not stop at each of
 * them. A hint: where the kernel cannot (before Linux 5.14), nothing happens. */
void weights_touch(const NnMatrix *matrix);

/* For processes that stay: copies the matrices into huge pages, where one core reads them a fifth
 * faster than where the file is mapped, and makes them point there. Once, before the first product.
 * Without memory they stay. */
void weights_settle(Weights *weights, NnMatrix *const *matrices, int count);

int64_t weights_parameters(const Weights *weights); /* elements of all float tensors bound so far */
NnType weights_type(const Weights *weights);        /* the narrowest of the matrices bound so far */
const Safetensors *weights_tensors(const Weights *weights); /* all that the file holds; borrowed */

/* Calls `visit` for each float tensor bound so far, in the order of the file (or of binding, when
 * there is none); data may be of any type. */
typedef void WeightsVisit(void *user, const Tensor *tensor);
void weights_each(Weights *weights, WeightsVisit *visit, void *user);
