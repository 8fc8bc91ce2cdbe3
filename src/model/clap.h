/* CLAP: two towers, one for sound and one for text, into one space of `dim` numbers. The face of
 * `model`.
 *
 * Papers: LAION-CLAP arXiv 2211.06687, HTS-AT 2202.00874, Swin 2103.14030, AFF 2009.14082, RoBERTa
 * 1907.11692. Reference: ClapModel of Hugging Face transformers. The towers see mels and token ids,
 * never audio or text.
 *
 * A Clap (configuration, mapped weights, packed weights) is shared and read-only; a ClapRun
 * (activations) belongs to one worker thread and allocates once, when it is made. One window is one
 * computation of fixed shape, so its vector is the same bytes alone or in a batch, on one thread or
 * ten. */
#pragma once
#include "clap_config.h"
#include "tap.h"

#include <stdint.h>

typedef struct Clap Clap;
typedef struct ClapRun ClapRun;
typedef enum { CLAP_AUDIO, CLAP_TEXT } ClapTower;

/* `dir` is in Hugging Face layout: config.json, preprocessor_config.json, and model.safetensors (or
 * its sharded index, or pytorch_model.bin). Every tensor's name, shape and type is checked; nothing
 * is packed yet. */
Clap *clap_open(const char *dir, GError **error);
void clap_close(Clap *clap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clap, clap_close)

const ClapConfig *clap_config(const Clap *clap);
int clap_dim(const Clap *clap);
float clap_logit_scale(const Clap *clap); /* exp(logit_scale_a): multiplies cosines */
int64_t clap_parameters(const Clap *clap);
const char *clap_type_name(const Clap *clap);      /* "f32" "bf16" "int8" */
const char *clap_weights_sha256(const Clap *clap); /* hex; computed at the first call; borrowed */

/* Size, times and inode of the weights' files, one line: while it is the same, so is the hash. The
 * caller frees. */
char *clap_weights_stamp(const Clap *clap);

/* For processes that embed many texts: lays the text tower's weights out for repeated reading,
 * which costs a copy of them. Before the first run of that tower; later it does nothing. Results
 * stay the same bytes. */
void clap_settle(Clap *clap);

/* Packs the tower's weights at the first run of that kind (safe from several threads). NULL only on
 * error. */
ClapRun *clap_run_new(Clap *clap, ClapTower tower, GError **error);
void clap_run_free(ClapRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClapRun, clap_run_free)
void clap_run_tap(ClapRun *run, const Tap *tap); /* borrowed; NULL: none */

/* mel[frames][bins] in dB → out[dim], a unit vector. frames = clap_config_frames. */
void clap_embed_mel(ClapRun *run, const float *mel, float *out);

/* Fused checkpoints: mels[4][frames][bins] of a clip that is longer than a window → out[dim]. */
void clap_embed_mels(ClapRun *run, const float *mels, float *out);

/* ids[count], <s> and </s> included, 2 ≤ count ≤ clap_config_tokens → out[dim], a unit vector.
 * An id that is not in the vocabulary is a fault of the caller. */
void clap_embed_tokens(ClapRun *run, const int32_t *ids, int count, float *out);

/* Looks for towers that answer the same to everything (larger_clap_music as published). `ids` are
 * token ids of a few different texts, made by the caller. Returns NULL when well, else one line for
 * a warning; the caller frees. */
char *clap_check_text(ClapRun *text, const int32_t *const *ids, const int *counts, int texts);
char *clap_check_audio(ClapRun *audio);
