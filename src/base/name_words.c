/* See name_words.h. */
#include "name_words.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Endings of files that hold sound; they say nothing about it. */
static const char *const endings[] = {
    "wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "aif", "aiff", "aifc", "m4a", "aac", "wma",
    "caf", "w64",  "rf64", "bwf", "au",  "snd", "amr",  "ape", "wv",   "mpc",  "tta", "mka", "mkv",
    "mp4", "m4b",  "webm", "ac3", "dts", "mp2", "3gp",  "voc", "sd2",  "mov",  "spx", "raw",
};

static size_t length_without_ending(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot != name && i < G_N_ELEMENTS(endings); i++)
        if (!g_ascii_strcasecmp(dot + 1, endings[i])) return (size_t)(dot - name);
    return strlen(name);
}

typedef enum { OTHER, DIGIT, LOWER, UPPER } Kind;

/* Letters without case count as lower ones; marks belong to the letter before them. */
static Kind kind_of(gunichar c, Kind before) {
    if (g_unichar_ismark(c)) return before;
    if (g_unichar_isdigit(c)) return DIGIT;
    if (g_unichar_isupper(c) || g_unichar_istitle(c)) return UPPER;
    return g_unichar_isalpha(c) ? LOWER : OTHER;
}

/* "fooBar": before B; "HTTPServer": before S, the last capital of several; letters | digits. */
static bool begins_word(Kind before, Kind kind, Kind next) {
    if (before == OTHER) return true;
    if ((before == DIGIT) != (kind == DIGIT)) return true;
    return kind == UPPER && (before == LOWER || (before == UPPER && next == LOWER));
}

char *name_words(const char *name) {
    g_autofree char *valid = g_utf8_make_valid(name, (gssize)length_without_ending(name));
    g_autoptr(GString) words = g_string_new(NULL);
    Kind before = OTHER;
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        Kind kind = kind_of(c, before);
        Kind next = kind_of(g_utf8_get_char(g_utf8_next_char(at)), kind);
        if (kind != OTHER) {
            if (words->len && begins_word(before, kind, next)) g_string_append_c(words, ' ');
            g_string_append_unichar(words, g_unichar_tolower(c));
        }
        before = kind;
    }
    return g_string_free(g_steal_pointer(&words), FALSE);
}
