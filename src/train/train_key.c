/* Everything that the bytes of the end depend on: what a checkpoint and a resuming run must have in
 * common. See train_private.h. */
#include "sha256.h"
#include "train_private.h"

#include <string.h>

static void add_text(Sha256 *sha, const char *text) {
    sha256_add(sha, text, strlen(text) + 1);
}

static void add_numbers(Sha256 *sha, const int *numbers, int count) {
    sha256_add(sha, &count, sizeof count);
    sha256_add(sha, numbers, sizeof *numbers * (gsize)count);
}

static void add_options(Sha256 *sha, const Train *train) {
    const TrainOptions *o = train->options;
    g_autofree char *recipe = recipe_text(&o->recipe);
    g_autofree char *rest =
        g_strdup_printf("only=%d loss=%d epochs=%d batch=%d rate=%.17g seed=%" G_GUINT64_FORMAT,
                        o->only, train->loss, o->epochs, o->batch, train->rate, o->seed);
    add_text(sha, recipe);
    add_text(sha, rest);
}

/* Where training begins: `from`, or the config and the seed. */
static void add_model(Sha256 *sha, const Train *train) {
    for (int i = 0; i < train->params->count; i++) add_text(sha, train->params->param[i].name);
    sha256_add(sha, train->params->value, sizeof(float) * train->params->floats);
}

/* A text counts as its characters and as what the vocabulary makes of them. */
static void add_texts(Sha256 *sha, const Train *train) {
    for (int i = 0; i < text_bank_count(train->texts); i++) {
        int count;
        const int32_t *ids = text_bank_ids(train->texts, i, &count);
        add_text(sha, text_bank_text(train->texts, i));
        sha256_add(sha, ids, sizeof *ids * (gsize)count);
    }
    add_numbers(sha, (const int *)(const void *)train->sentences->data, (int)train->sentences->len);
}

static void add_sounds(Sha256 *sha, const Train *train) {
    for (guint i = 0; i < train->clips->len; i++) {
        const TrainClip *clip = &g_array_index(train->clips, TrainClip, i);
        add_numbers(sha, (const int[]){clip->class, clip->source}, 2);
        add_numbers(sha, clip->texts, clip->text_count);
    }
    for (guint i = 0; i < train->classes->len; i++) {
        const TrainClass *class = &g_array_index(train->classes, TrainClass, i);
        add_text(sha, class->name);
        add_numbers(sha, class->texts, class->count);
    }
    for (int i = 0; i < train->source_count; i++)
        sha256_add(sha, &train->sources[i].share, sizeof train->sources[i].share);
    if (train->mels) sha256_add(sha, mel_cache_key(train->mels), SHA256_BYTES);
}

static void add_teacher(Sha256 *sha, const Teacher *teacher) {
    for (int i = 0; i < teacher->count; i++) add_text(sha, teacher->keys[i]);
    sha256_add(sha, teacher->vectors, sizeof(float) * (gsize)teacher->count * (gsize)teacher->dim);
}

char *train_key(const Train *train) {
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    g_autoptr(Sha256) sha = sha256_new();
    add_options(sha, train);
    add_model(sha, train);
    add_texts(sha, train);
    add_sounds(sha, train);
    if (train->teacher) add_teacher(sha, train->teacher);
    sha256_end(sha, hash);
    sha256_hex(hash, hex);
    return g_strdup(hex);
}
