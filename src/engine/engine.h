/* The door: a model directory opened for work. Sounds and sentences go in, unit vectors come out.
 *
 * An Engine joins what the layers below keep apart: the tokenizer, the mel front end and the two
 * towers. It is shared by all threads; each worker makes a ClapRun and a Mel of its own.
 *
 * Owner: the caller. Thread: any number may use an Engine at once. */
#pragma once
#include "bpe.h"
#include "clap.h"
#include "mel.h"

typedef struct Engine Engine;

/* `dir`: a model directory in Hugging Face layout. threads: workers for long work, 0 for one per
 * core. */
Engine *engine_open(const char *dir, int threads, GError **error);
void engine_close(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_close)

/* Waits until the vocabulary is read; false: it cannot be used. Work with sounds asks as well, so
 * that a model is whole or refused whatever it is used for. */
bool engine_vocabulary_ready(Engine *engine, GError **error);

/* False when a number of vector[dim] is none (the weights are broken). */
bool engine_vector_is_finite(const Engine *engine, const float *vector);

Clap *engine_clap(const Engine *engine);
const char *engine_dir(const Engine *engine);
int engine_threads(const Engine *engine);
int engine_rate(const Engine *engine); /* Hz that the model hears at: 48000 */
gsize engine_window_samples(const Engine *engine);
double engine_window_seconds(const Engine *engine);
bool engine_is_fused(const Engine *engine); /* whole clips have a vector of their own kind */

/* The front end the model was trained with; one per worker. */
Mel *engine_mel_new(const Engine *engine, GError **error);

/* texts[count] → out[count][dim], unit vectors; `cut` (may be NULL) is set where a text was longer
 * than the model reads. Work is spread over the engine's threads; a vector does not depend on the
 * others. The first text that cannot be encoded ends it with an error. */
bool engine_embed_texts(Engine *engine, const char *const *texts, int count, float *out, bool *cut,
                        GError **error);

/* NULL, or one line: the text tower was seen to answer the same to different texts. Looked at once,
 * with the first texts that are embedded (one short probe text more). Borrowed, valid until
 * engine_close. */
const char *engine_warning(Engine *engine);

/* Looks for towers that answer the same to everything; one line a fault, NULL-terminated; the
 * caller frees with g_strfreev. */
char **engine_check(Engine *engine, GError **error);
