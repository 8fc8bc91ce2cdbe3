/* The hub's answer. Files are chosen from it by the names we know, never the other way round, so
 * that a name from the network cannot become a path. */
#include "hub_answer.h"

#include "error.h"

#include <string.h>

bool hub_plain_name(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > 255 || name[0] == '.' || name[0] == '-') return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static bool is_hex(const char *text, size_t len) {
    if (strlen(text) != len) return false;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isxdigit(text[i])) return false;
    return true;
}

static const char *string_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void file_free(void *data) {
    HubFile *file = data;
    g_free(file->name);
    g_free(file->sha256);
    g_free(file->blob);
    g_free(file);
}

void hub_answer_free(HubAnswer *answer) {
    if (!answer) return;
    g_free(answer->commit);
    g_ptr_array_unref(answer->files);
    g_free(answer);
}

/* Adds what the hub says of one file. The blob of a file in large storage is the hash of a pointer,
 * not of the bytes, so it counts only for files that lie in git itself. */
static bool add(HubAnswer *answer, const json_t *entry, uint64_t most, const char *what,
                GError **error) {
    const char *name = string_at(entry, "rfilename");
    const json_t *large = json_object_get(entry, "lfs"), *size = json_object_get(entry, "size");
    const char *sha256 = large ? string_at(large, "sha256") : "";
    const char *blob = large ? "" : string_at(entry, "blobId");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return error_fail(error, ERR_FORMAT, "%s: the hub gives no size for %s", what, name);
    if ((uint64_t)json_integer_value(size) > most)
        return error_fail(error, ERR_LIMIT,
                          "%s: %s has %" JSON_INTEGER_FORMAT " bytes, more than %" G_GUINT64_FORMAT,
                          what, name, json_integer_value(size), most);
    if (large ? !is_hex(sha256, 64) : !is_hex(blob, 40))
        return error_fail(error, ERR_FORMAT, "%s: the hub gives no hash for %s", what, name);
    if (answer->files->len >= HUB_MAX_FILES)
        return error_fail(error, ERR_LIMIT, "%s: more than %d files", what, HUB_MAX_FILES);
    HubFile *file = g_new0(HubFile, 1);
    file->name = g_strdup(name);
    file->size = (uint64_t)json_integer_value(size);
    file->sha256 = g_ascii_strdown(sha256, -1);
    file->blob = g_ascii_strdown(blob, -1);
    g_ptr_array_add(answer->files, file);
    answer->bytes += file->size;
    return true;
}

/* The entries by name; of those that are no plain names, none. NULL when a name comes twice. */
static GHashTable *by_name(const json_t *siblings, const char *what, GError **error) {
    g_autoptr(GHashTable) entries = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < json_array_size(siblings); i++) {
        json_t *entry = json_array_get(siblings, i);
        const char *name = string_at(entry, "rfilename");
        if (!hub_plain_name(name)) continue;
        if (g_hash_table_insert(entries, (char *)name, entry)) continue;
        error_fail(error, ERR_FORMAT, "%s: the hub lists %s twice", what, name);
        return NULL;
    }
    return g_steal_pointer(&entries);
}

static bool has(GHashTable *entries, const char *name) {
    return g_hash_table_contains(entries, name);
}

static bool add_small(HubAnswer *answer, GHashTable *entries, const char *what, GError **error) {
    static const char *const wanted[] = {
        "config.json", "preprocessor_config.json", "processor_config.json", "vocab.json",
        "merges.txt",  "tokenizer.json",           "tokenizer_config.json", "README.md",
        "LICENSE",     "special_tokens_map.json"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const json_t *entry = g_hash_table_lookup(entries, wanted[i]);
        if (entry && !add(answer, entry, HUB_MAX_SMALL, what, error)) return false;
    }
    return true;
}

/* Weights as a model may bring them, the preferred first. */
static const struct {
    const char *whole, *index, *shard; /* #: a digit */
} formats[] = {
    {"model.safetensors", "model.safetensors.index.json", "model-#####-of-#####.safetensors"},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-#####-of-#####.bin"},
};

static bool matches(const char *name, const char *pattern) {
    size_t i = 0;
    while (pattern[i] && (pattern[i] == '#' ? g_ascii_isdigit(name[i]) : name[i] == pattern[i]))
        i++;
    return !pattern[i] && !name[i];
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_shards(HubAnswer *answer, GHashTable *entries, const char *pattern,
                       const char *what, GError **error) {
    guint count;
    g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(entries, &count);
    qsort(names, count, sizeof *names, compare_names);
    for (guint i = 0; i < count; i++) {
        const json_t *entry = g_hash_table_lookup(entries, names[i]);
        if (matches(names[i], pattern) && !add(answer, entry, HUB_MAX_WEIGHTS, what, error))
            return false;
    }
    return true;
}

static bool add_weights(HubAnswer *answer, GHashTable *entries, const char *what, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        const json_t *whole = g_hash_table_lookup(entries, formats[i].whole);
        const json_t *index = g_hash_table_lookup(entries, formats[i].index);
        if (whole) return add(answer, whole, HUB_MAX_WEIGHTS, what, error);
        if (index)
            return add(answer, index, HUB_MAX_SMALL, what, error) &&
                   add_shards(answer, entries, formats[i].shard, what, error);
    }
    return error_fail(error, ERR_UNSUPPORTED, "%s: has neither %s nor %s", what, formats[0].whole,
                      formats[1].whole);
}

static bool choose(HubAnswer *answer, GHashTable *entries, const char *what, GError **error) {
    bool words = has(entries, "tokenizer.json") ||
                 (has(entries, "vocab.json") && has(entries, "merges.txt"));
    if (!has(entries, "config.json"))
        return error_fail(error, ERR_UNSUPPORTED, "%s: has no config.json", what);
    if (!words)
        return error_fail(error, ERR_UNSUPPORTED,
                          "%s: has neither vocab.json with merges.txt nor tokenizer.json", what);
    return add_small(answer, entries, what, error) && add_weights(answer, entries, what, error);
}

HubAnswer *hub_answer_parse(const char *json, size_t len, const char *what, GError **error) {
    json_error_t where;
    json_auto_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
    const char *commit = string_at(root, "sha");
    if (!root) {
        error_fail(error, ERR_FORMAT, "%s: the hub's answer is not JSON: %s", what, where.text);
        return NULL;
    }
    if (!is_hex(commit, 40) || !json_is_array(json_object_get(root, "siblings"))) {
        error_fail(error, ERR_FORMAT, "%s: the hub's answer does not describe a model", what);
        return NULL;
    }
    g_autoptr(HubAnswer) answer = g_new0(HubAnswer, 1);
    answer->commit = g_ascii_strdown(commit, -1);
    answer->files = g_ptr_array_new_with_free_func(file_free);
    g_autoptr(GHashTable) entries = by_name(json_object_get(root, "siblings"), what, error);
    if (!entries || !choose(answer, entries, what, error)) return NULL;
    return g_steal_pointer(&answer);
}
