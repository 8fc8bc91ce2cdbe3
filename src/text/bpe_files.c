/* vocab.json, merges.txt and tokenizer.json: from bytes to a Bpe, or one line on what is wrong.
 *
 * Nothing is allocated on the word of a file: ids are below BPE_MAX_VOCAB. */
#include "bpe_merge.h"
#include "bpe_private.h"
#include "bpe_special.h"
#include "error.h"

#include <jansson.h>
#include <string.h>

G_STATIC_ASSERT(BPE_MAX_VOCAB <= 1 << BPE_ID_BITS && BPE_MAX_TEXT <= 1 << BPE_ID_BITS);

#define SHOWN_BYTES 60 /* of a token in a message */

static const char *const required[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};

/* "PATH: what is wrong". Returns false, for `return fault(…)`. */
static bool fault(const BpeFile *file, GError **error, ErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
static bool fault(const BpeFile *file, GError **error, ErrorCode code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    g_autofree char *what = g_strdup_vprintf(format, list);
    va_end(list);
    return error_fail(error, code, "%s: %s", file->path, what);
}

/* A token as a message shows it; the caller's to free. */
static char *shown(const char *token) {
    g_autofree char *head = g_strndup(token, SHOWN_BYTES);
    return g_strdup_printf("\"%s\"%s", head, strlen(token) > SHOWN_BYTES ? "..." : "");
}

static json_t *parse(const BpeFile *file, GError **error) {
    json_error_t why;
    json_t *root = json_loadb(file->data, file->len, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(root)) return root;
    if (root)
        fault(file, error, ERR_FORMAT, "not a JSON object");
    else
        fault(file, error, ERR_FORMAT, "not valid JSON: line %d: %s", why.line, why.text);
    json_decref(root);
    return NULL;
}

static Bpe *bpe_new(void) {
    Bpe *bpe = g_new0(Bpe, 1);
    bpe->tokens = bpe_tokens_new();
    bpe->merges = bpe_merges_new();
    for (int i = 0; i < 2; i++) bpe->specials[i] = g_array_new(FALSE, FALSE, sizeof(BpeSpecial));
    return bpe;
}

static int32_t id_of(const Bpe *bpe, const char *token) {
    return bpe_tokens_find(bpe->tokens, token, strlen(token));
}

/* Gives `token`, which is new, the id that the file says, if nobody has it. */
static bool claim_id(Bpe *bpe, const BpeFile *file, const char *token, const json_t *value,
                     GError **error) {
    json_int_t id = json_integer_value(value);
    bool in_range = json_is_integer(value) && id >= 0 && id < BPE_MAX_VOCAB;
    if (in_range && bpe_tokens_add(bpe->tokens, token, strlen(token), (int32_t)id)) return true;
    g_autofree char *name = shown(token);
    if (!json_is_integer(value))
        return fault(file, error, ERR_FORMAT, "token %s: its id is not an integer", name);
    if (!in_range)
        return fault(file, error, ERR_FORMAT,
                     "token %s: id %" JSON_INTEGER_FORMAT " is not in 0..%d", name, id,
                     BPE_MAX_VOCAB - 1);
    g_autofree char *other = shown(bpe_tokens_text(bpe->tokens, id));
    return fault(file, error, ERR_FORMAT, "token %s: id %d is that of %s too", name, (int)id,
                 other);
}

/* The character that stands for a byte in vocabularies: itself where it prints, else one from
 * U+0100 on, in order (Radford et al. 2019). */
static bool prints(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static bool bind_bytes(Bpe *bpe, const BpeFile *file, GError **error) {
    gunichar next = 0x100;
    for (int byte = 0; byte < 256; byte++) {
        char symbol[7] = "";
        g_unichar_to_utf8(prints(byte) ? (gunichar)byte : next++, symbol);
        bpe->bytes[byte] = id_of(bpe, symbol);
        if (bpe->bytes[byte] < 0)
            return fault(file, error, ERR_FORMAT, "no token %s for byte 0x%02X", symbol, byte);
    }
    return true;
}

static bool bind_ids(Bpe *bpe, const BpeFile *file, json_t *ids, GError **error) {
    if (json_object_size(ids) > BPE_MAX_VOCAB)
        return fault(file, error, ERR_LIMIT, "%zu tokens, at most %d", json_object_size(ids),
                     BPE_MAX_VOCAB);
    for (void *at = json_object_iter(ids); at; at = json_object_iter_next(ids, at))
        if (!claim_id(bpe, file, json_object_iter_key(at), json_object_iter_value(at), error))
            return false;
    return bind_bytes(bpe, file, error);
}

/* By way of the plain reader where the file allows it. */
static bool bind_vocab(Bpe *bpe, const BpeFile *file, GError **error) {
    if (bpe_tokens_add_plain(bpe->tokens, file->data, file->len, BPE_MAX_VOCAB))
        return bind_bytes(bpe, file, error);
    bpe_tokens_free(bpe->tokens);
    bpe->tokens = bpe_tokens_new();
    json_t *root = parse(file, error);
    bool good = root && bind_ids(bpe, file, root, error);
    json_decref(root);
    return good;
}

static const BpeSpecial *special_of(const Bpe *bpe, const char *content) {
    for (int group = 0; group < 2; group++)
        for (guint i = 0; i < bpe->specials[group]->len; i++) {
            BpeSpecial *special = &g_array_index(bpe->specials[group], BpeSpecial, i);
            if (g_str_equal(special->content, content)) return special;
        }
    return NULL;
}

/* The five that RoBERTa needs, where the file did not describe them itself. */
static bool bind_required(Bpe *bpe, const BpeFile *file, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(required); i++) {
        if (special_of(bpe, required[i])) continue;
        int32_t id = id_of(bpe, required[i]);
        if (id < 0) return fault(file, error, ERR_FORMAT, "no special token %s", required[i]);
        bpe_special_add(bpe->specials[0],
                        (BpeSpecial){.content = required[i], .len = strlen(required[i]), .id = id});
    }
    bpe->begin = special_of(bpe, "<s>")->id;
    bpe->end = special_of(bpe, "</s>")->id;
    return true;
}

/* Where merges are read from, and how far. */
typedef struct {
    Bpe *bpe;
    const BpeFile *file;
    const char *entry;              /* "line" or "merge" */
    size_t number;                  /* of the entry, from 1 */
    uint32_t count;                 /* merges so far: the next one's rank */
    GString *left, *right, *merged; /* the entry's tokens, kept for their memory */
} MergeReader;

static void reader_begin(MergeReader *reader, Bpe *bpe, const BpeFile *file, const char *entry) {
    *reader = (MergeReader){
        bpe, file, entry, 1, 0, g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
}

static void reader_end(MergeReader *reader) {
    g_string_free(reader->left, TRUE);
    g_string_free(reader->right, TRUE);
    g_string_free(reader->merged, TRUE);
}

static bool merge_part(const MergeReader *reader, const char *token, int32_t *id, GError **error) {
    *id = id_of(reader->bpe, token);
    if (*id >= 0) return true;
    g_autofree char *name = shown(token);
    return fault(reader->file, error, ERR_FORMAT, "%s %zu: %s is not in the vocabulary",
                 reader->entry, reader->number, name);
}

static bool add_merge(MergeReader *reader, const char *left, const char *right, GError **error) {
    int32_t a, b, merged;
    if (reader->count >= BPE_MAX_VOCAB)
        return fault(reader->file, error, ERR_LIMIT, "more than %d merges", BPE_MAX_VOCAB);
    if (!merge_part(reader, left, &a, error) || !merge_part(reader, right, &b, error)) return false;
    g_string_assign(reader->merged, left);
    g_string_append(reader->merged, right);
    if (!merge_part(reader, reader->merged->str, &merged, error)) return false;
    bpe_merges_add(reader->bpe->merges, a, b, reader->count++, merged);
    return true;
}

/* "left right", two parts with one blank between them; what begins with #version is skipped. */
static bool add_merge_line(MergeReader *reader, const char *line, size_t len, GError **error) {
    if (len >= 8 && memcmp(line, "#version", 8) == 0) return true;
    const char *blank = memchr(line, ' ', len), *end = line + len;
    bool two_parts = blank && blank > line && blank + 1 < end &&
                     !memchr(blank + 1, ' ', end - blank - 1) && !memchr(line, 0, len);
    if (!two_parts)
        return fault(reader->file, error, ERR_FORMAT,
                     "%s %zu: not two tokens with one blank between them", reader->entry,
                     reader->number);
    g_string_truncate(reader->left, 0);
    g_string_truncate(reader->right, 0);
    g_string_append_len(reader->left, line, blank - line);
    g_string_append_len(reader->right, blank + 1, end - blank - 1);
    return add_merge(reader, reader->left->str, reader->right->str, error);
}

static bool read_merge_lines(MergeReader *reader, GError **error) {
    const char *end = reader->file->data + reader->file->len;
    for (const char *line = reader->file->data; line < end; reader->number++) {
        const char *stop = memchr(line, '\n', end - line);
        size_t len = (stop ? stop : end) - line;
        bool crlf = stop && len > 0 && line[len - 1] == '\r';
        if (!add_merge_line(reader, line, len - crlf, error)) return false;
        if (!stop) break;
        line = stop + 1;
    }
    return true;
}

static bool bind_merge_lines(Bpe *bpe, const BpeFile *file, GError **error) {
    MergeReader reader;
    reader_begin(&reader, bpe, file, "line");
    bool good = read_merge_lines(&reader, error);
    reader_end(&reader);
    return good;
}

Bpe *bpe_from_vocab(const BpeFile *vocab, const BpeFile *merges, GError **error) {
    g_autoptr(Bpe) bpe = bpe_new();
    bool good = bind_vocab(bpe, vocab, error) && bind_required(bpe, vocab, error) &&
                bind_merge_lines(bpe, merges, error);
    return good ? g_steal_pointer(&bpe) : NULL;
}

/* Below: tokenizer.json. */

static bool add_merge_value(MergeReader *reader, const json_t *value, GError **error) {
    const char *line = json_string_value(value);
    if (line) return add_merge_line(reader, line, strlen(line), error);
    const char *left = json_string_value(json_array_get(value, 0));
    const char *right = json_string_value(json_array_get(value, 1));
    if (json_array_size(value) != 2 || !left || !right)
        return fault(reader->file, error, ERR_FORMAT, "%s %zu: not two strings", reader->entry,
                     reader->number);
    return add_merge(reader, left, right, error);
}

static bool read_merge_values(MergeReader *reader, const json_t *merges, GError **error) {
    for (; reader->number <= json_array_size(merges); reader->number++)
        if (!add_merge_value(reader, json_array_get(merges, reader->number - 1), error))
            return false;
    return true;
}

static bool bind_merge_values(Bpe *bpe, const BpeFile *file, const json_t *merges, GError **error) {
    MergeReader reader;
    if (!json_is_array(merges))
        return fault(file, error, ERR_FORMAT, "model.merges is not an array");
    reader_begin(&reader, bpe, file, "merge");
    bool good = read_merge_values(&reader, merges, error);
    reader_end(&reader);
    return good;
}

/* Absent, null, false, zero or "": the feature is not asked for. */
static bool is_off(const json_t *value) {
    const char *text = json_string_value(value);
    return !value || json_is_null(value) || json_is_false(value) || (text && !*text) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

/* The part `name` of the file must be absent, or of the one type that is implemented. */
static bool check_type(const BpeFile *file, const json_t *part, const char *name, const char *type,
                       GError **error) {
    const char *given = json_string_value(json_object_get(part, "type"));
    if (g_strcmp0(given, type) == 0) return true;
    g_autofree char *what = given ? shown(given) : g_strdup("without a type");
    return fault(file, error, ERR_UNSUPPORTED, "%s %s is not supported", name, what);
}

static bool check_model(const BpeFile *file, const json_t *model, GError **error) {
    static const char *const unknown[] = {"dropout", "continuing_subword_prefix",
                                          "end_of_word_suffix", "byte_fallback", "ignore_merges"};
    if (!check_type(file, model, "model", "BPE", error)) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++)
        if (!is_off(json_object_get(model, unknown[i])))
            return fault(file, error, ERR_UNSUPPORTED, "model.%s is not supported", unknown[i]);
    if (!json_is_object(json_object_get(model, "vocab")))
        return fault(file, error, ERR_FORMAT, "model.vocab is not an object");
    return true;
}

static bool check_pre_tokenizer(const BpeFile *file, const json_t *part, GError **error) {
    if (!check_type(file, part, "pre_tokenizer", "ByteLevel", error)) return false;
    if (!is_off(json_object_get(part, "add_prefix_space")))
        return fault(file, error, ERR_UNSUPPORTED,
                     "pre_tokenizer.add_prefix_space is not supported");
    const json_t *regex = json_object_get(part, "use_regex");
    if (regex && !json_is_true(regex))
        return fault(file, error, ERR_UNSUPPORTED,
                     "pre_tokenizer without use_regex is not supported");
    return true;
}

static bool check_post_processor(const BpeFile *file, const json_t *part, GError **error) {
    static const char *const ends[][2] = {{"cls", "<s>"}, {"sep", "</s>"}};
    if (is_off(part)) return true;
    if (!check_type(file, part, "post_processor", "RobertaProcessing", error)) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        const json_t *pair = json_object_get(part, ends[i][0]);
        if (g_strcmp0(json_string_value(json_array_get(pair, 0)), ends[i][1]) != 0)
            return fault(file, error, ERR_UNSUPPORTED, "post_processor.%s is not %s", ends[i][0],
                         ends[i][1]);
    }
    return true;
}

static bool check_parts(const BpeFile *file, const json_t *root, GError **error) {
    const json_t *normalizer = json_object_get(root, "normalizer");
    if (!is_off(normalizer) && !check_type(file, normalizer, "normalizer", NULL, error))
        return false;
    return check_model(file, json_object_get(root, "model"), error) &&
           check_pre_tokenizer(file, json_object_get(root, "pre_tokenizer"), error) &&
           check_post_processor(file, json_object_get(root, "post_processor"), error);
}

/* An added token is one of the vocabulary, under the same id, or one more. */
static bool bind_added_id(Bpe *bpe, const BpeFile *file, const char *content, const json_t *id,
                          GError **error) {
    int32_t known = id_of(bpe, content);
    if (known < 0) return claim_id(bpe, file, content, id, error);
    if (json_is_integer(id) && json_integer_value(id) == known) return true;
    g_autofree char *name = shown(content);
    return fault(file, error, ERR_FORMAT, "added token %s: not its id in model.vocab", name);
}

static bool bind_added_token(Bpe *bpe, const BpeFile *file, const json_t *token, GError **error) {
    const char *content = json_string_value(json_object_get(token, "content"));
    const json_t *id = json_object_get(token, "id");
    if (!content || !*content)
        return fault(file, error, ERR_FORMAT, "added_tokens: one without content");
    g_autofree char *name = shown(content);
    if (special_of(bpe, content))
        return fault(file, error, ERR_FORMAT, "added token %s comes twice", name);
    if (!is_off(json_object_get(token, "single_word")))
        return fault(file, error, ERR_UNSUPPORTED, "added token %s: single_word is not supported",
                     name);
    if (!bind_added_id(bpe, file, content, id, error)) return false;
    bool normalized = json_is_true(json_object_get(token, "normalized"));
    int32_t number = (int32_t)json_integer_value(id);
    bpe_special_add(bpe->specials[normalized],
                    (BpeSpecial){bpe_token(bpe, number), strlen(content), number,
                                 json_is_true(json_object_get(token, "lstrip")),
                                 json_is_true(json_object_get(token, "rstrip"))});
    return true;
}

static bool bind_added_tokens(Bpe *bpe, const BpeFile *file, const json_t *tokens, GError **error) {
    if (!is_off(tokens) && !json_is_array(tokens))
        return fault(file, error, ERR_FORMAT, "added_tokens is not an array");
    if (json_array_size(tokens) > BPE_MAX_SPECIALS)
        return fault(file, error, ERR_LIMIT, "%zu added tokens, at most %d",
                     json_array_size(tokens), BPE_MAX_SPECIALS);
    for (size_t i = 0; i < json_array_size(tokens); i++)
        if (!bind_added_token(bpe, file, json_array_get(tokens, i), error)) return false;
    return true;
}

static bool bind_tokenizer(Bpe *bpe, const BpeFile *file, const json_t *root, GError **error) {
    const json_t *model = json_object_get(root, "model");
    return check_parts(file, root, error) &&
           bind_ids(bpe, file, json_object_get(model, "vocab"), error) &&
           bind_added_tokens(bpe, file, json_object_get(root, "added_tokens"), error) &&
           bind_required(bpe, file, error) &&
           bind_merge_values(bpe, file, json_object_get(model, "merges"), error);
}

Bpe *bpe_from_tokenizer(const BpeFile *file, GError **error) {
    json_t *root = parse(file, error);
    if (!root) return NULL;
    g_autoptr(Bpe) bpe = bpe_new();
    bool good = bind_tokenizer(bpe, file, root, error);
    json_decref(root);
    return good ? g_steal_pointer(&bpe) : NULL;
}
