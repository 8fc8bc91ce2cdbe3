/* Tags: lower case, valid UTF-8, limited in number and size. */
#include "pcm_tags.h"
#include "pcm.h"

#include <string.h>

/* The start of the character that holds byte `at`. */
static gsize boundary(const char *text, gsize at) {
    while (at > 0 && (text[at] & 0xC0) == 0x80) at--;
    return at;
}

/* At most `most` bytes of `text`, cut between characters; what is not UTF-8 becomes U+FFFD, which
 * can make it longer, so it is cut twice. */
static char *clean(const char *text, gsize most) {
    char *valid = g_utf8_make_valid(text, boundary(text, strnlen(text, most)));
    if (strlen(valid) > most) valid[boundary(valid, most)] = '\0';
    return valid;
}

void pcm_tags_add(GHashTable *tags, const AVDictionary *dictionary) {
    const AVDictionaryEntry *tag = NULL;
    while ((tag = av_dict_get(dictionary, "", tag, AV_DICT_IGNORE_SUFFIX))) {
        if (g_hash_table_size(tags) >= PCM_MAX_TAGS) return;
        g_autofree char *key = clean(tag->key, PCM_MAX_TAG_KEY);
        g_autofree char *lower = g_utf8_strdown(key, -1);
        if (!*lower || g_hash_table_contains(tags, lower)) continue;
        g_hash_table_insert(tags, g_steal_pointer(&lower), clean(tag->value, PCM_MAX_TAG));
    }
}
