/* The sounds of a step: which, and what is done to them. What is drawn depends on the seed, the
 * step and the place in the batch alone. See train_private.h. */
#include "error.h"
#include "train_private.h"

#include <string.h>

/* ---- which ---- */

static int draw_class(const TrainSource *source, int classes, Random *random) {
    double at = random_unit(random) * source->weights[classes - 1];
    int low = 0, high = classes - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (at < source->weights[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int draw_clip(const Train *train, Random *random) {
    double at = random_unit(random);
    int s = 0;
    while (s < train->source_count - 1 && at >= train->sources[s].share)
        at -= train->sources[s++].share;
    const TrainSource *source = &train->sources[s];
    if (train->loss == LOSS_PAIRS) return source->first + random_below(random, source->count);
    int class = draw_class(source, (int)train->classes->len, random);
    return source->members[class][random_below(random, source->sizes[class])];
}

void train_draw(const Train *train, int64_t step, Example *examples) {
    double strength = train_strength(train, step);
    for (int i = 0; i < train->options->batch; i++) {
        Random random = train_random(train->options, step, DRAW_CLIPS, i);
        examples[i] = (Example){draw_clip(train, &random), -1, 1, NULL};
        if (train->loss == LOSS_PAIRS) train_joins_draw(train, &random, strength, &examples[i]);
        if (train->audio_trained && train->loss == LOSS_CLASSES &&
            augment_mixes(train->augment, &random, strength))
            examples[i].other = draw_clip(train, &random);
    }
}

/* ---- what is heard ---- */

typedef struct {
    Train *train;
    int64_t step;
    double strength;
    Example *examples;
    int frames, bins, variant;
} Making;

static void place(const Making *m, Random *random, int clip, float *out) {
    const Augment *augment = m->train->augment;
    int count, speed = augment_speed(augment, random, MEL_CACHE_SPEEDS);
    const int16_t *mel = mel_cache_mel(m->train->mels, clip, speed, &count);
    augment_place(augment, random, m->strength, mel, count, out);
}

static void make_example(void *context, int item, int thread) {
    const Making *m = context;
    Train *train = m->train;
    Example *example = &m->examples[item];
    float *mel = train->mel_batch + (size_t)item * m->frames * m->bins;
    float *second = train->mel_scratch[thread];
    Random random = train_random(train->options, m->step, DRAW_MEL, item);
    place(m, &random, example->clip, mel);
    if (example->other >= 0) {
        place(m, &random, example->other, second);
        example->share = augment_mix(train->augment, &random, mel, second);
    }
    augment_finish(train->augment, &random, m->strength, mel, second);
}

void train_make_mels(Train *train, int64_t step, double strength, Example *examples) {
    Making m = {train,
                step,
                strength,
                examples,
                clap_config_frames(&train->config),
                train->config.audio.num_mel_bins,
                0};
    team_run(train->team, train->options->batch, make_example, &m);
}

/* ---- a frozen tower: a few variants of each clip, once ---- */

#define FREEZE_STRENGTH 0.3

static void make_variant(void *context, int item, int thread) {
    const Making *m = context;
    Train *train = m->train;
    int clip = m->examples[item].clip;
    float *mel = train->mel_batch + (size_t)item * m->frames * m->bins;
    Random random = train_random(train->options, m->variant, DRAW_FREEZE, clip);
    int count;
    const int16_t *whole = mel_cache_mel(train->mels, clip, 0, &count);
    if (m->variant == 0) { /* from the beginning, as inference hears it, but for the seams */
        for (int f = 0; f < m->frames; f++)
            for (int b = 0; b < m->bins; b++)
                mel[(size_t)f * m->bins + b] =
                    (float)whole[(size_t)(f % count) * m->bins + b] * 0.01f;
        return;
    }
    place(m, &random, clip, mel);
    augment_finish(train->augment, &random, m->strength, mel, train->mel_scratch[thread]);
}

bool train_freeze_audio(Train *train, GError **error) {
    int clips = (int)train->clips->len, hidden = train->config.audio.hidden_size;
    int batch = train->options->batch;
    g_autofree Example *examples = g_new0(Example, batch);
    Making m = {train,
                0,
                FREEZE_STRENGTH,
                examples,
                clap_config_frames(&train->config),
                train->config.audio.num_mel_bins,
                0};
    train->audio_features = g_new(float, (gsize)clips *FEATURE_VARIANTS *(gsize)hidden);
    for (m.variant = 0; m.variant < FEATURE_VARIANTS; m.variant++)
        for (int first = 0; first < clips; first += batch) {
            int some = MIN(batch, clips - first);
            if (train->options->stop && g_atomic_int_get(train->options->stop))
                return error_fail(error, ERR_CANCELLED, "interrupted");
            for (int i = 0; i < some; i++) examples[i].clip = first + i;
            team_run(train->team, some, make_variant, &m);
            graph_begin(train->graph, false);
            Node *node = clap_graph_audio(train->clap, train->graph, train->mel_batch, some);
            for (int i = 0; i < some; i++)
                memcpy(train->audio_features +
                           ((gsize)(first + i) * FEATURE_VARIANTS + m.variant) * hidden,
                       node->x + (gsize)i * hidden, sizeof(float) * hidden);
            train_prepare(train, "features", m.variant * clips + first + some,
                          FEATURE_VARIANTS * clips);
        }
    return true;
}

Node *train_sounds(Train *train, int64_t step, double strength, Example *examples) {
    int batch = train->options->batch, hidden = train->config.audio.hidden_size;
    if (train->audio_trained) {
        train_make_mels(train, step, strength, examples);
        return clap_graph_audio(train->clap, train->graph, train->mel_batch, batch);
    }
    float *rows = graph_keep(train->graph, sizeof *rows * (gsize)batch * hidden);
    for (int i = 0; i < batch; i++) {
        Random random = train_random(train->options, step, DRAW_MEL, i);
        gsize at = (gsize)examples[i].clip * FEATURE_VARIANTS +
                   (gsize)random_below(&random, FEATURE_VARIANTS);
        memcpy(rows + (gsize)i * hidden, train->audio_features + at * hidden,
               sizeof *rows * hidden);
    }
    return graph_input(train->graph, batch, hidden, rows);
}
