/* The table of tokens, and the plain reader of vocab.json. */
#include "bpe_tokens.h"

#include <string.h>

typedef struct {
    uint32_t hash;
    int32_t taken; /* id + 1; 0: empty */
} Slot;

struct BpeTokens {
    GStringChunk *strings;
    GPtrArray *by_id;
    Slot *slots; /* a power of two, at most half of them taken */
    uint32_t slot_count, taken_count;
};

BpeTokens *bpe_tokens_new(void) {
    BpeTokens *tokens = g_new0(BpeTokens, 1);
    tokens->strings = g_string_chunk_new(1 << 16);
    tokens->by_id = g_ptr_array_new();
    tokens->slot_count = 1024;
    tokens->slots = g_new0(Slot, tokens->slot_count);
    return tokens;
}

void bpe_tokens_free(BpeTokens *tokens) {
    g_string_chunk_free(tokens->strings);
    g_ptr_array_unref(tokens->by_id);
    g_free(tokens->slots);
    g_free(tokens);
}

/* FNV-1a (Fowler, Noll, Vo), folded. */
static uint32_t hash_of(const char *text, size_t len) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < len; i++) hash = (hash ^ (guchar)text[i]) * 0x100000001B3u;
    return (uint32_t)(hash ^ hash >> 32);
}

/* Where the text is, or the empty slot where it would go. */
static Slot *slot_of(const BpeTokens *tokens, const char *text, size_t len, uint32_t hash) {
    for (uint32_t at = hash;; at++) {
        Slot *slot = &tokens->slots[at & (tokens->slot_count - 1)];
        if (!slot->taken) return slot;
        if (slot->hash != hash) continue;
        const char *other = tokens->by_id->pdata[slot->taken - 1];
        if (strncmp(other, text, len) == 0 && !other[len]) return slot;
    }
}

static void double_slots(BpeTokens *tokens) {
    Slot *old = tokens->slots;
    uint32_t old_count = tokens->slot_count, mask = 2 * old_count - 1;
    tokens->slot_count = 2 * old_count;
    tokens->slots = g_new0(Slot, tokens->slot_count);
    for (uint32_t i = 0; i < old_count; i++) {
        uint32_t at = old[i].hash & mask;
        if (!old[i].taken) continue;
        while (tokens->slots[at].taken) at = (at + 1) & mask;
        tokens->slots[at] = old[i];
    }
    g_free(old);
}

bool bpe_tokens_add(BpeTokens *tokens, const char *text, size_t len, int32_t id) {
    uint32_t hash = hash_of(text, len);
    if (bpe_tokens_text(tokens, id)) return false;
    if (2 * tokens->taken_count >= tokens->slot_count) double_slots(tokens);
    Slot *slot = slot_of(tokens, text, len, hash);
    if (slot->taken) return false;
    *slot = (Slot){hash, id + 1};
    tokens->taken_count++;
    if ((guint)id >= tokens->by_id->len) g_ptr_array_set_size(tokens->by_id, id + 1);
    tokens->by_id->pdata[id] = g_string_chunk_insert_len(tokens->strings, text, len);
    return true;
}

int32_t bpe_tokens_find(const BpeTokens *tokens, const char *text, size_t len) {
    return slot_of(tokens, text, len, hash_of(text, len))->taken - 1;
}

const char *bpe_tokens_text(const BpeTokens *tokens, int64_t id) {
    return id >= 0 && id < tokens->by_id->len ? tokens->by_id->pdata[id] : NULL;
}

int bpe_tokens_count(const BpeTokens *tokens) {
    return (int)tokens->by_id->len;
}

/* Below: the plain reader. `at` never passes `end`. */

typedef struct {
    const char *at, *end;
    GString *text; /* the token being read */
} Plain;

static bool plain_take(Plain *plain, char wanted) {
    while (plain->at < plain->end && strchr(" \t\r\n", *plain->at) && *plain->at) plain->at++;
    if (plain->at == plain->end || *plain->at != wanted) return false;
    plain->at++;
    return true;
}

/* \" \\ and \uXXXX outside of the surrogates; nothing else is expected in a token. */
static bool plain_escape(Plain *plain) {
    if (plain->end - plain->at < 6) return false;
    char kind = plain->at[1];
    gunichar c = 0;
    plain->at += 2;
    if (kind == '"' || kind == '\\') {
        g_string_append_c(plain->text, kind);
        return true;
    }
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(*plain->at++);
        if (digit < 0) return false;
        c = c << 4 | (gunichar)digit;
    }
    if (kind != 'u' || c == 0 || (c >= 0xD800 && c < 0xE000)) return false;
    g_string_append_unichar(plain->text, c);
    return true;
}

static bool plain_string(Plain *plain) {
    if (!plain_take(plain, '"')) return false;
    g_string_truncate(plain->text, 0);
    while (plain->at < plain->end && *plain->at != '"') {
        const char *start = plain->at;
        while (plain->at < plain->end && *plain->at != '"' && *plain->at != '\\') {
            if ((guchar)*plain->at < 0x20) return false;
            plain->at++;
        }
        g_string_append_len(plain->text, start, plain->at - start);
        if (plain->at < plain->end && *plain->at == '\\' && !plain_escape(plain)) return false;
    }
    return plain_take(plain, '"');
}

/* Digits without a needless zero; -1 for what is not below the limit, or not an integer. */
static int32_t plain_id(Plain *plain, int32_t limit) {
    while (plain->at < plain->end && *plain->at == ' ') plain->at++;
    const char *start = plain->at;
    int64_t id = 0;
    for (; plain->at < plain->end && g_ascii_isdigit(*plain->at) && id < limit; plain->at++)
        id = 10 * id + (*plain->at - '0');
    ptrdiff_t digits = plain->at - start;
    return digits == 0 || id >= limit || (*start == '0' && digits > 1) ? -1 : (int32_t)id;
}

static bool plain_entries(Plain *plain, BpeTokens *tokens, int32_t limit) {
    do {
        if (!plain_string(plain) || !plain_take(plain, ':')) return false;
        int32_t id = plain_id(plain, limit);
        if (id < 0 || !bpe_tokens_add(tokens, plain->text->str, plain->text->len, id)) return false;
    } while (plain_take(plain, ','));
    return plain_take(plain, '}');
}

bool bpe_tokens_add_plain(BpeTokens *tokens, const char *json, size_t len, int32_t id_limit) {
    if (!g_utf8_validate_len(json, len, NULL)) return false;
    g_autoptr(GString) text = g_string_new(NULL);
    Plain plain = {json, json + len, text};
    if (!plain_take(&plain, '{') || !plain_entries(&plain, tokens, id_limit)) return false;
    while (plain.at < plain.end && g_ascii_isspace(*plain.at)) plain.at++;
    return plain.at == plain.end;
}
