/* See augment.h. Powers and decibels are converted by polynomials (1e-4 dB), since an example has
 * 64,000 values. */
#include "augment.h"

#include <math.h>
#include <string.h>

#define FLOOR         -100.0f /* dB: silence */
#define LOUDEST       200.0f
#define KNOTS         7             /* of an equaliser's curve */
#define DB_LOG2       3.0102999566f /* dB in a factor of two */
#define LONGEST_MASK  100           /* frames */
#define AUGMENT_NOISE (1 << 20)     /* values of white noise's power that are drawn once */
#define WIDEST_MASK   8             /* bins */

struct Augment {
    Recipe recipe;
    int frames, bins;
    float *noise; /* [AUGMENT_NOISE], exponential with mean 1 */
};

Augment *augment_new(const Recipe *recipe, int frames, int bins) {
    Augment *a = g_new0(Augment, 1);
    *a = (Augment){*recipe, frames, bins, g_new(float, AUGMENT_NOISE)};
    Random random = random_of(1, 0, 0);
    for (int i = 0; i < AUGMENT_NOISE; i++) a->noise[i] = (float)random_exponential(&random);
    return a;
}

void augment_free(Augment *a) {
    if (!a) return;
    g_free(a->noise);
    g_free(a);
}

/* ---- decibels ---- */

/* 10^(x / 10) */
static void to_power(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float t = CLAMP(x[i], FLOOR, LOUDEST) * (1 / DB_LOG2) + 256.0f;
        int32_t whole = (int32_t)t;
        float f = t - (float)whole;
        float p =
            1 + f * (0.69314718f +
                     f * (0.24022651f + f * (0.05550411f + f * (0.00961813f + f * 0.00133336f))));
        union {
            int32_t i;
            float f;
        } two = {.i = (whole - 256 + 127) << 23};
        x[i] = p * two.f;
    }
}

/* 10 · log10(max(1e-10, x)) */
static void to_db(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        union {
            float f;
            int32_t i;
        } bits = {.f = x[i] > 1e-10f ? x[i] : 1e-10f};
        float exponent = (float)((bits.i >> 23) - 127);
        bits.i = (bits.i & 0x7fffff) | 0x3f800000;
        float t = (bits.f - 1) / (bits.f + 1), u = t * t;
        float log2 =
            t * (2.88539008f +
                 u * (0.96179669f + u * (0.57707802f + u * (0.41219858f + u * 0.32059890f))));
        x[i] = (exponent + log2) * DB_LOG2;
    }
}

/* ---- placing ---- */

static void copy_frames(const Augment *a, const int16_t *mel, int frames, float by, float *out) {
    for (int i = 0; i < frames * a->bins; i++) out[i] = (float)mel[i] * 0.01f + by;
}

/* Copies with silence between them; the first as the sound is, the others a little louder or
 * softer. */
static void place_with_gaps(const Augment *a, Random *random, const int16_t *mel, int count,
                            float *out) {
    double gap = exp(random_range(random, log(3), log(400)));
    int at = (int)random_range(random, 0, MIN(a->frames - count, gap) + 1);
    for (int i = 0; i < a->frames * a->bins; i++) out[i] = FLOOR;
    for (bool first = true; at < a->frames && (first || random_unit(random) < 0.9); first = false) {
        int some = MIN(count, a->frames - at);
        float by = first ? 0 : (float)(2 * random_normal(random));
        copy_frames(a, mel, some, by, out + (size_t)at * a->bins);
        at += count + (int)(gap * random_exponential(random));
    }
}

/* A tilt and a curve through KNOTS points, deviations as given, over the bins. */
static void draw_curve(const Augment *a, Random *random, double tilt, double bumps, float *curve) {
    double knot[KNOTS], slope = tilt * random_normal(random);
    for (int i = 0; i < KNOTS; i++) knot[i] = bumps * random_normal(random);
    for (int b = 0; b < a->bins; b++) {
        double along = a->bins > 1 ? (double)b / (a->bins - 1) : 0, at = along * (KNOTS - 1);
        int i = MIN((int)at, KNOTS - 2);
        curve[b] = (float)(slope * (2 * along - 1) + knot[i] + (at - i) * (knot[i + 1] - knot[i]));
    }
}

#define MAX_BINS 1024

static void equalise(const Augment *a, Random *random, double strength, float *mel) {
    float curve[MAX_BINS];
    draw_curve(a, random, strength * a->recipe.tilt_db, strength * a->recipe.bumps_db, curve);
    for (int f = 0; f < a->frames; f++, mel += a->bins)
        for (int b = 0; b < a->bins; b++) mel[b] += curve[b];
}

int augment_speed(const Augment *a, Random *random, int speeds) {
    bool other = random_unit(random) < a->recipe.speed;
    return other ? random_below(random, speeds) : 0;
}

void augment_place(const Augment *a, Random *random, double strength, const int16_t *mel, int count,
                   float *out) {
    if (count >= a->frames) {
        int at = random_below(random, count - a->frames + 1);
        copy_frames(a, mel + (size_t)at * a->bins, a->frames, 0, out);
    } else if (random_unit(random) < a->recipe.gaps * strength) {
        place_with_gaps(a, random, mel, count, out);
    } else {
        for (int at = 0; at < a->frames; at += count)
            copy_frames(a, mel, MIN(count, a->frames - at), 0, out + (size_t)at * a->bins);
    }
    equalise(a, random, strength, out);
}

/* ---- mixing ---- */

bool augment_mixes(const Augment *a, Random *random, double strength) {
    return random_unit(random) < a->recipe.mix * strength;
}

static double mean_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

double augment_mix(const Augment *a, Random *random, float *mel, float *second) {
    size_t n = (size_t)a->frames * a->bins;
    double db = random_range(random, -a->recipe.mix_db, a->recipe.mix_db);
    to_power(mel, n);
    to_power(second, n);
    float by = (float)(mean_of(mel, n) / fmax(mean_of(second, n), 1e-12) * pow(10, -db / 10));
    for (size_t i = 0; i < n; i++) mel[i] += by * second[i];
    to_db(mel, n);
    return 1 / (1 + pow(10, -db / 12));
}

/* ---- the rest ---- */

static void add_noise(const Augment *a, Random *random, float *mel) {
    float level[MAX_BINS];
    size_t n = (size_t)a->frames * a->bins;
    double floor_db = random_range(random, FLOOR, -45);
    int at = random_below(random, AUGMENT_NOISE);
    draw_curve(a, random, 10, 3, level);
    for (int b = 0; b < a->bins; b++) level[b] += (float)floor_db;
    to_power(level, (size_t)a->bins);
    for (size_t i = 0; i < n; i++)
        mel[i] += level[i % a->bins] * a->noise[(at + i) % AUGMENT_NOISE];
}

static void mask_frames(const Augment *a, Random *random, float with, float *mel) {
    int at = random_below(random, a->frames);
    int some = 5 + random_below(random, LONGEST_MASK - 5), end = MIN(at + some, a->frames);
    for (int i = at * a->bins; i < end * a->bins; i++) mel[i] = with;
}

static void mask_bins(const Augment *a, Random *random, float with, float *mel) {
    int at = random_below(random, a->bins);
    int some = 1 + random_below(random, WIDEST_MASK - 1), end = MIN(at + some, a->bins);
    for (int f = 0; f < a->frames; f++)
        for (int b = at; b < end; b++) mel[(size_t)f * a->bins + b] = with;
}

static void turn_round(const Augment *a, Random *random, float *mel, float *whole) {
    size_t by = (size_t)random_below(random, a->frames) * a->bins;
    size_t n = (size_t)a->frames * a->bins;
    memcpy(whole, mel, n * sizeof *mel);
    memcpy(mel, whole + by, (n - by) * sizeof *mel);
    memcpy(mel + n - by, whole, by * sizeof *mel);
}

void augment_finish(const Augment *a, Random *random, double strength, float *mel, float *scratch) {
    const Recipe *recipe = &a->recipe;
    size_t n = (size_t)a->frames * a->bins;
    float gain = (float)(strength * recipe->gain_db * random_normal(random));
    if (random_unit(random) < recipe->noise * strength) {
        to_power(mel, n);
        add_noise(a, random, mel);
        to_db(mel, n);
    }
    for (size_t i = 0; i < n; i++) mel[i] = MAX(mel[i] + gain, FLOOR);
    float mean = (float)mean_of(mel, n);
    for (int i = 0; i < 2; i++) {
        if (random_unit(random) < recipe->masks * strength) mask_frames(a, random, mean, mel);
        if (random_unit(random) < recipe->masks * strength) mask_bins(a, random, mean, mel);
    }
    if (random_unit(random) < recipe->shift * MIN(1, 2 * strength))
        turn_round(a, random, mel, scratch);
}
