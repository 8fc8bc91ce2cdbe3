/* Copies a model directory with its weights in another type: f32; bf16, half of the size; int8,
 * about a quarter.
 *
 * Matrices of linear layers and embeddings (NAME.weight of rank 2) and a PANN's convolutions
 * (NAME.conv.weight) change: bf16 is rounded to the nearest, int8 is symmetric with one scale an
 * output, NAME.weight_scale = max|w| / 127. Convolutions are computed in f32 all the same, and
 * become bf16 where the rest becomes int8: they are few, and int8 would cost them much. Biases,
 * norms, HTSAT's convolutions and bias tables become F32: they are small. Integer buffers are left
 * out: what they hold follows from the configuration. From int8 or bf16 back to f32 gives the
 * file's size back, not what rounding took. */
#pragma once
#include "nn_gemm.h"

#include <glib.h>

#define QUANT_TYPE_KEY "earshot_type" /* in __metadata__: "f32" "bf16" "int8" */

const char *quant_type_name(NnType type);
bool quant_type_parse(const char *name, NnType *type);

/* `out` appears whole or not at all; it must not exist, or be empty. Configuration, vocabulary and
 * card are copied beside the weights. */
bool quant_convert(const char *dir, const char *out, NnType type, GError **error);
