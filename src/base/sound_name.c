/* Endings of the sounds and videos that FFmpeg reads. */
#include "sound_name.h"

#include <glib.h>
#include <string.h>

static const char *const endings[] = {
    "3g2", "3gp",  "aac",  "ac3",  "aif",  "aifc", "aiff", "amr", "ape", "asf",  "ast", "au",
    "avi", "bwf",  "caf",  "dff",  "dsf",  "dts",  "eac3", "f4a", "f4v", "flac", "flv", "gsm",
    "iff", "m2ts", "m4a",  "m4b",  "m4r",  "m4v",  "mka",  "mkv", "mlp", "mov",  "mp1", "mp2",
    "mp3", "mp4",  "mpc",  "mpeg", "mpg",  "mts",  "mxf",  "nut", "oga", "ogg",  "ogv", "ogx",
    "oma", "opus", "ra",   "rf64", "rm",   "shn",  "snd",  "spx", "tak", "tta",  "vob", "voc",
    "w64", "wav",  "wave", "weba", "webm", "wma",  "wmv",  "wv",
};

bool is_sound_name(const char *name) {
    const char *dot = strrchr(name, '.');
    for (gsize i = 0; dot && i < G_N_ELEMENTS(endings); i++)
        if (g_ascii_strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}
