/* Opening a vocabulary's files and encoding text with it. */
#include "bpe.h"

#include "bpe_merge.h"
#include "bpe_private.h"
#include "bpe_special.h"
#include "bpe_split.h"
#include "error.h"
#include "file.h"

#include <string.h>

/* `file` borrows from what is returned. */
static GBytes *read_file(const char *path, BpeFile *file, GError **error) {
    GBytes *bytes = file_bytes(path, BPE_MAX_FILE, error);
    if (!bytes) return NULL;
    const char *data = g_bytes_get_data(bytes, &file->len);
    file->path = path;
    file->data = data ? data : "";
    return bytes;
}

static Bpe *open_vocab(const char *vocab_path, const char *merges_path, GError **error) {
    BpeFile vocab, merges;
    g_autoptr(GBytes) vocab_bytes = read_file(vocab_path, &vocab, error);
    g_autoptr(GBytes) merges_bytes = vocab_bytes ? read_file(merges_path, &merges, error) : NULL;
    return merges_bytes ? bpe_from_vocab(&vocab, &merges, error) : NULL;
}

static Bpe *open_tokenizer(const char *path, GError **error) {
    BpeFile file;
    g_autoptr(GBytes) bytes = read_file(path, &file, error);
    return bytes ? bpe_from_tokenizer(&file, error) : NULL;
}

static bool exists(const char *path) {
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

Bpe *bpe_open(const char *dir, GError **error) {
    g_autofree char *vocab = g_build_filename(dir, "vocab.json", NULL);
    g_autofree char *merges = g_build_filename(dir, "merges.txt", NULL);
    g_autofree char *tokenizer = g_build_filename(dir, "tokenizer.json", NULL);
    bool pair = exists(vocab) && exists(merges);
    if (!pair && exists(tokenizer)) return open_tokenizer(tokenizer, error);
    if (pair || exists(vocab) || exists(merges)) return open_vocab(vocab, merges, error);
    error_fail(error, ERR_NOT_FOUND,
               "%s: holds neither vocab.json and merges.txt nor tokenizer.json", dir);
    return NULL;
}

void bpe_close(Bpe *bpe) {
    if (!bpe) return;
    for (int i = 0; i < 2; i++) g_array_unref(bpe->specials[i]);
    g_hash_table_unref(bpe->merges);
    bpe_tokens_free(bpe->tokens);
    g_free(bpe);
}

int bpe_vocab_count(const Bpe *bpe) {
    return bpe_tokens_count(bpe->tokens);
}

const char *bpe_token(const Bpe *bpe, int32_t id) {
    return bpe_tokens_text(bpe->tokens, id);
}

/* One call of bpe_encode. */
typedef struct {
    const Bpe *bpe;
    GArray *ids; /* of int32_t */
    BpeScratch scratch;
} Encoder;

static void encode_word(Encoder *encoder, const char *word, size_t len) {
    GArray *ids = encoder->ids;
    guint begin = ids->len;
    g_array_set_size(ids, begin + len);
    int32_t *symbols = &g_array_index(ids, int32_t, begin);
    for (size_t i = 0; i < len; i++) symbols[i] = encoder->bpe->bytes[(guchar)word[i]];
    g_array_set_size(ids,
                     begin + bpe_merge_word(encoder->bpe->merges, symbols, len, &encoder->scratch));
}

static void encode_words(Encoder *encoder, const char *text, size_t len) {
    for (size_t at = 0, n; at < len; at += n) {
        n = bpe_split_first(text + at, len - at);
        encode_word(encoder, text + at, n);
    }
}

/* Special tokens of group 0 first, in the text between them those of group 1, between those words.
 */
static void encode_group(Encoder *encoder, int group, const char *text, size_t len) {
    if (group == 2) {
        encode_words(encoder, text, len);
        return;
    }
    BpeMatch match;
    size_t done = 0, from = 0;
    for (; bpe_special_next(encoder->bpe->specials[group], text, len, from, &match);
         from = match.end) {
        size_t start = match.lstrip ? bpe_special_space_before(text, match.start) : match.start;
        if (start > done) encode_group(encoder, group + 1, text + done, start - done);
        g_array_append_val(encoder->ids, match.id);
        done = match.rstrip ? bpe_special_space_after(text, len, match.end) : match.end;
    }
    if (len > done) encode_group(encoder, group + 1, text + done, len - done);
}

/* GLib takes a NUL for the end of the text; here it is a character like others. */
static bool check_text(const char *text, size_t len, GError **error) {
    const char *at = text, *end = text + len;
    if (len > BPE_MAX_TEXT)
        return error_fail(error, ERR_LIMIT, "text: %zu bytes, at most %d", len, BPE_MAX_TEXT);
    while (!g_utf8_validate_len(at, end - at, &at)) {
        if (*at)
            return error_fail(error, ERR_FORMAT, "text: not UTF-8 at byte %zu",
                              (size_t)(at - text));
        at++;
    }
    return true;
}

int32_t *bpe_encode(const Bpe *bpe, const char *text, gssize len, int max_tokens, int *count,
                    bool *cut, GError **error) {
    g_assert(max_tokens == 0 || max_tokens >= 2);
    size_t size = len < 0 ? strlen(text) : (size_t)len;
    if (!check_text(text, size, error)) return NULL;
    Encoder encoder = {bpe, g_array_new(FALSE, FALSE, sizeof(int32_t)), {0}};
    bpe_scratch_begin(&encoder.scratch);
    g_array_append_val(encoder.ids, bpe->begin);
    encode_group(&encoder, 0, text, size);
    bpe_scratch_end(&encoder.scratch);
    bool over = max_tokens > 0 && encoder.ids->len > (guint)max_tokens - 1;
    if (over) g_array_set_size(encoder.ids, max_tokens - 1);
    g_array_append_val(encoder.ids, bpe->end);
    *count = encoder.ids->len;
    if (cut) *cut = over;
    return (int32_t *)g_array_free(encoder.ids, FALSE);
}
