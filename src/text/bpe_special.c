/* Finding special tokens: a plain scan, since a vocabulary has a handful of them. */
#include "bpe_special.h"

#include "char_class.h"

#include <string.h>

void bpe_special_add(GArray *specials, BpeSpecial special) {
    guint at = 0;
    while (at < specials->len && g_array_index(specials, BpeSpecial, at).len >= special.len) at++;
    g_array_insert_val(specials, at, special);
}

static const BpeSpecial *special_at(const GArray *specials, const char *text, size_t len) {
    for (guint i = 0; i < specials->len; i++) {
        const BpeSpecial *special = &g_array_index(specials, BpeSpecial, i);
        if (special->content[0] == text[0] && special->len <= len &&
            memcmp(special->content, text, special->len) == 0)
            return special;
    }
    return NULL;
}

bool bpe_special_next(const GArray *specials, const char *text, size_t len, size_t from,
                      BpeMatch *match) {
    for (size_t at = from; at < len; at++) {
        const BpeSpecial *found = special_at(specials, text + at, len - at);
        if (!found) continue;
        *match = (BpeMatch){at, at + found->len, found->id, found->lstrip, found->rstrip};
        return true;
    }
    return false;
}

size_t bpe_special_space_before(const char *text, size_t at) {
    while (at > 0) {
        const char *last = g_utf8_prev_char(text + at);
        if (char_class(g_utf8_get_char(last)) != CHAR_SPACE) break;
        at = last - text;
    }
    return at;
}

size_t bpe_special_space_after(const char *text, size_t len, size_t at) {
    while (at < len && char_class(g_utf8_get_char(text + at)) == CHAR_SPACE)
        at = g_utf8_next_char(text + at) - text;
    return at;
}
