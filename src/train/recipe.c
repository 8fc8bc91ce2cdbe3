/* One table says of every knob its name, its standard value and its range. See recipe.h. */
#include "recipe.h"

#include "error.h"
#include "json_file.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    const char *name;
    size_t at;
    double standard, least, most;
} Knob;

#define KNOB(name, standard, least, most)                                                          \
    { #name, offsetof(Recipe, name), standard, least, most }

static const Knob knobs[] = {
    KNOB(strength, 0.7, 0, 1),     KNOB(ramp, 0.6, 0, 1),          KNOB(speed, 0.87, 0, 1),
    KNOB(gaps, 0.6, 0, 1),         KNOB(mix, 0.9, 0, 1),           KNOB(mix_db, 12, 0, 60),
    KNOB(noise, 1, 0, 1),          KNOB(gain_db, 8, 0, 40),        KNOB(tilt_db, 4.8, 0, 40),
    KNOB(bumps_db, 3.2, 0, 40),    KNOB(masks, 0.6, 0, 1),         KNOB(shift, 0.5, 0, 1),
    KNOB(balance, 0.6, 0, 1),      KNOB(captions, 0.5, 0, 0.9),    KNOB(smooth, 0.1, 0, 1),
    KNOB(near, 0.8, 0, 1),         KNOB(geometry, 0.3, 0, 100),    KNOB(teacher, 4, 0, 100),
    KNOB(warm_up, 0.05, 0, 1),     KNOB(last_rate, 0.02, 0, 1),    KNOB(decay, 0.05, 0, 1),
    KNOB(beta1, 0.9, 0, 0.9999),   KNOB(beta2, 0.98, 0, 0.999999), KNOB(clip, 1, 0, 1e6),
    KNOB(join, 0.3, 0, 1),         KNOB(ema, 0.998, 0, 0.999999),  KNOB(scale, 20, 0.1, 1000),
    KNOB(scale_most, 60, 1, 1000),
};

static double *value_of(Recipe *recipe, const Knob *knob) {
    return (double *)(void *)((char *)recipe + knob->at);
}

void recipe_standard(Recipe *recipe) {
    for (size_t i = 0; i < G_N_ELEMENTS(knobs); i++)
        *value_of(recipe, &knobs[i]) = knobs[i].standard;
}

static const Knob *find(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(knobs); i++)
        if (strcmp(knobs[i].name, name) == 0) return &knobs[i];
    return NULL;
}

bool recipe_read(const char *path, Recipe *recipe, GError **error) {
    json_auto_t *root = json_file_read(path, error);
    const char *key;
    json_t *value;
    if (!root) return false;
    json_object_foreach(root, key, value) {
        const Knob *knob = find(key);
        double number = json_number_value(value);
        if (!knob) return error_fail(error, ERR_USAGE, "%s: %s: there is no such knob", path, key);
        if (!json_is_number(value))
            return error_fail(error, ERR_FORMAT, "%s: %s: is not a number", path, key);
        if (!(number >= knob->least && number <= knob->most))
            return error_fail(error, ERR_USAGE, "%s: %s: %g is out of range %g…%g", path, key,
                              number, knob->least, knob->most);
        *value_of(recipe, knob) = number;
    }
    return recipe->scale <= recipe->scale_most ||
           error_fail(error, ERR_USAGE, "%s: scale: %g is above scale_most, %g", path,
                      recipe->scale, recipe->scale_most);
}

char *recipe_text(const Recipe *recipe) {
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(knobs); i++)
        g_string_append_printf(text, "%s=%.17g ", knobs[i].name,
                               *value_of((Recipe *)recipe, &knobs[i]));
    return g_string_free(text, FALSE);
}
