/* The ids of more than 13,000 texts, all code points among them, as tools/make_bpe_refs.py recorded
 * them from the reference tokenizer: with our small vocabulary, and with RoBERTa's own where
 * EARSHOT_ROBERTA names a folder that holds it. */
#include "bpe.h"
#include "files.h"

#include <gio/gio.h>
#include <jansson.h>
#include <unistd.h>

static char *ref_path(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", name, NULL);
}

/* Lines of a gzipped file of the reference, one at a time. */
static GDataInputStream *open_lines(const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = ref_path(name);
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileInputStream) raw = g_file_read(file, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(GZlibDecompressor) gunzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    g_autoptr(GInputStream) plain =
        g_converter_input_stream_new(G_INPUT_STREAM(raw), G_CONVERTER(gunzip));
    return g_data_input_stream_new(plain);
}

static char *next_line(GDataInputStream *lines) {
    g_autoptr(GError) error = NULL;
    char *line = g_data_input_stream_read_line(lines, NULL, NULL, &error);
    g_assert_no_error(error);
    return line;
}

/* sweep() of tools/make_bpe_refs.py. */
static void append_sweep(GString *text, gunichar first, gunichar last) {
    for (gunichar c = first; c <= last; c++) {
        char utf8[6];
        int n = g_unichar_to_utf8(c, utf8);
        if (c >= 0xD800 && c < 0xE000) continue;
        for (const char *at = "a@1@!@ @'s@@\n"; *at; at++)
            g_string_append_len(text, *at == '@' ? utf8 : at, *at == '@' ? n : 1);
    }
}

static GString *text_of(const char *line) {
    json_error_t why;
    json_t *json = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    const json_t *repeat = json_object_get(json, "repeat"), *span = json_object_get(json, "sweep");
    GString *text = g_string_new(NULL);
    g_assert_nonnull(json);
    if (span)
        append_sweep(text, json_integer_value(json_array_get(span, 0)),
                     json_integer_value(json_array_get(span, 1)));
    const json_t *unit = repeat ? json_array_get(repeat, 0) : json;
    int times = repeat ? json_integer_value(json_array_get(repeat, 1)) : !span;
    for (int i = 0; i < times; i++)
        g_string_append_len(text, json_string_value(unit), json_string_length(unit));
    json_decref(json);
    return text;
}

/* "COUNT HASH", as make_bpe_refs.py's digest(). */
static char *digest(const int32_t *ids, int count) {
    gsize bytes = count * sizeof *ids;
    g_autofree int32_t *little = g_memdup2(ids, bytes);
    for (int i = 0; i < count; i++) little[i] = GINT32_TO_LE(ids[i]);
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)little, bytes);
    return g_strdup_printf("%d %.16s", count, sum);
}

static char *listed(const int32_t *ids, int count) {
    GString *list = g_string_new(NULL);
    for (int i = 0; i < count; i++) g_string_append_printf(list, " %d", ids[i]);
    return g_string_free(list, FALSE);
}

/* `recorded` is a digest, in most cases with the ids behind it. */
static void check_text(const Bpe *bpe, const GString *text, const char *line,
                       const char *recorded) {
    g_autoptr(GError) error = NULL;
    int count;
    g_autofree int32_t *ids = bpe_encode(bpe, text->str, text->len, 0, &count, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *ours = digest(ids, count);
    if (g_str_has_prefix(recorded, ours)) return;
    g_autofree char *list = listed(ids, MIN(count, 200));
    g_test_message("text %.200s\nreference %.400s\nearshot   %s%s", line, recorded, ours, list);
    g_test_fail();
}

static bool every_text(const GString *text) {
    return true;
}

static bool texts_with_a_bracket(const GString *text) {
    return memchr(text->str, '<', text->len) != NULL;
}

/* All texts that `wanted` wants against the lines of ref/bpe/`name`; there must be `least`. */
static void check_all(const Bpe *bpe, const char *name, bool (*wanted)(const GString *),
                      int least) {
    g_autofree char *ids_name = g_build_filename("bpe", name, NULL);
    g_autoptr(GDataInputStream) lines = open_lines("bpe/strings.jsonl.gz");
    g_autoptr(GDataInputStream) recorded = open_lines(ids_name);
    int count = 0;
    for (char *line; (line = next_line(lines)); g_free(line)) {
        g_autoptr(GString) text = text_of(line);
        if (!wanted(text)) continue;
        g_autofree char *ids = next_line(recorded);
        g_assert_nonnull(ids);
        check_text(bpe, text, line, ids);
        count++;
    }
    g_autofree char *more = next_line(recorded);
    g_assert_null(more);
    g_assert_cmpint(count, >=, least);
    g_test_message("%d texts", count);
}

static Bpe *open_bpe(const char *dir) {
    g_autoptr(GError) error = NULL;
    Bpe *bpe = bpe_open(dir, &error);
    g_assert_no_error(error);
    return bpe;
}

static void our_vocabulary_gives_the_recorded_ids(void) {
    g_autofree char *dir = ref_path("vocab");
    g_autoptr(Bpe) bpe = open_bpe(dir);
    check_all(bpe, "vocab.ids.gz", every_text, 13000);
}

static void special_tokens_that_take_blanks_give_the_recorded_ids(void) {
    g_autofree char *dir = ref_path("tokenizer");
    g_autoptr(Bpe) bpe = open_bpe(dir);
    check_all(bpe, "tokenizer.ids.gz", texts_with_a_bracket, 900);
}

/* Puts the first of `names` that `dir` holds into `scratch` under the name that bpe_open reads. */
static bool link_file(const char *dir, const char *const *names, const char *scratch) {
    for (int i = 0; i < 2; i++) {
        g_autofree char *from = g_build_filename(dir, names[i], NULL);
        g_autofree char *to = g_build_filename(scratch, names[0], NULL);
        if (g_file_test(from, G_FILE_TEST_EXISTS)) return symlink(from, to) == 0;
    }
    return false;
}

static void robertas_vocabulary_gives_the_recorded_ids(void) {
    static const char *const vocab[] = {"vocab.json", "vocab-roberta-base.json"};
    static const char *const merges[] = {"merges.txt", "merges-roberta-base.txt"};
    const char *dir = g_getenv("EARSHOT_ROBERTA");
    if (!dir || !*dir) {
        g_test_skip("EARSHOT_ROBERTA does not name a folder with RoBERTa's vocabulary");
        return;
    }
    g_autofree char *full = g_canonicalize_filename(dir, NULL);
    char *scratch = files_dir();
    g_assert_true(link_file(full, vocab, scratch) && link_file(full, merges, scratch));
    g_autoptr(Bpe) bpe = open_bpe(scratch);
    g_assert_cmpint(bpe_vocab_count(bpe), ==, 50265);
    check_all(bpe, "roberta.ids.gz", every_text, 13000);
    files_remove(scratch);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bpe_reference/our_vocabulary_gives_the_recorded_ids",
                    our_vocabulary_gives_the_recorded_ids);
    g_test_add_func("/bpe_reference/special_tokens_that_take_blanks_give_the_recorded_ids",
                    special_tokens_that_take_blanks_give_the_recorded_ids);
    g_test_add_func("/bpe_reference/robertas_vocabulary_gives_the_recorded_ids",
                    robertas_vocabulary_gives_the_recorded_ids);
    return g_test_run();
}
