/* See sentences.h. */
#include "sentences.h"

#include <glib.h>

static const char *const around[SENTENCES][2] = {
    {"", ""},       {"this is a sound of ", ""}, {"the sound of ", ""},    {"a recording of ", ""},
    {"", " sound"}, {"someone hears ", ""},      {"", " in the distance"}, {"loud ", ""}};

char *sentence_of(int which, const char *keywords) {
    return g_strconcat(around[which][0], keywords, around[which][1], NULL);
}
