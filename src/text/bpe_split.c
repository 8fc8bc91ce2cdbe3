/* The split pattern, branch by branch. */
#include "bpe_split.h"

#include "char_class.h"

#include <string.h>

static size_t contraction_len(const char *text, size_t len) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        size_t n = strlen(endings[i]);
        if (n <= len && memcmp(text, endings[i], n) == 0) return n;
    }
    return 0;
}

/* Bytes from text on that are of one class; *last is where the last of these characters begins. */
static size_t run_len(const char *text, size_t len, CharClass class, size_t *last) {
    size_t at = 0;
    *last = 0;
    while (at < len && char_class(g_utf8_get_char(text + at)) == class) {
        *last = at;
        at = g_utf8_next_char(text + at) - text;
    }
    return at;
}

/* White space before a word leaves its last character to that word (a blank) or to itself. */
static size_t space_len(const char *text, size_t len) {
    size_t last, n = run_len(text, len, CHAR_SPACE, &last);
    return n < len && last > 0 ? last : n;
}

size_t bpe_split_first(const char *text, size_t len) {
    size_t last, n = contraction_len(text, len);
    if (n) return n;
    size_t blank = len > 1 && text[0] == ' ';
    CharClass class = char_class(g_utf8_get_char(text + blank));
    if (class == CHAR_SPACE) return space_len(text, len);
    return blank + run_len(text + blank, len - blank, class, &last);
}
