/* The knobs of training, with values that were tried (docs/TRAINING.md), and a small JSON file that
 * sets some of them: {"mix": 0.4, "ema": 0.998}. Plain data. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
    /* What an example is made of, at full strength; probabilities unless said otherwise. */
    double strength; /* the augmentation's, reached … */
    double ramp;     /* … after this share of the steps */
    double speed;    /* a sound is heard slower or faster */
    double gaps;     /* a short sound is placed with silence around it, not repeated */
    double mix;      /* a second sound is added, ± mix_db */
    double mix_db;   /* dB */
    double join;     /* of --loss pairs: a second sound is added, and the captions are joined */
    double noise;    /* a noise floor is added */
    double gain_db;  /* deviation of the level, dB */
    double tilt_db;  /* deviation of a spectral tilt, dB at the ends */
    double bumps_db; /* deviation of seven points of an equaliser, dB */
    double masks;    /* each of two masks along time and two along mel bins */
    double shift;    /* turned round in time */
    /* Sampling and targets of --loss classes. */
    double balance;  /* a class is drawn by its sounds to the power of this */
    double captions; /* share of human captions among the texts of a class */
    double smooth;   /* of the target goes to classes by the likeness of their texts */
    double near;     /* classes whose texts are likelier than this are left out of the softmax */
    double geometry; /* weight of keeping the texts' own similarities */
    double teacher;  /* weight of a sound's teacher vector */
    /* Optimiser. */
    double warm_up;   /* share of the steps */
    double last_rate; /* share of the rate at the end */
    double decay;     /* weight decay */
    double beta1, beta2, clip, ema;
    double scale, scale_most; /* the temperature's inverse: first of a new model, and its limit */
} Recipe;

void recipe_standard(Recipe *recipe);

/* Errors name the file and the key: unknown, not a number, out of range. */
bool recipe_read(const char *path, Recipe *recipe, GError **error);

/* One line that names every value: what a checkpoint must agree with. Caller frees. */
char *recipe_text(const Recipe *recipe);
