/* Byte-level BPE: what each malformed file is answered with, cutting, special tokens, threads, and
 * that tokens put together give the text back. The ids themselves: test_bpe_reference.c. */
#include "bpe.h"
#include "error.h"
#include "files.h"

#include <unistd.h>

/* A folder of its own with the files of one case. */
typedef struct {
    char *dir;
    GString *vocab; /* vocab.json without the closing brace */
    int next_id;
} Case;

static char *ref_dir(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", name, NULL);
}

static Bpe *open_ref(const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = ref_dir(name);
    Bpe *bpe = bpe_open(dir, &error);
    g_assert_no_error(error);
    return bpe;
}

static void add_token(Case *test, const char *token) {
    bool quote = token[0] == '"' || token[0] == '\\';
    g_string_append_printf(test->vocab, "%s\"%s%s\": %d", test->next_id ? ", " : "{",
                           quote ? "\\" : "", token, test->next_id);
    test->next_id++;
}

/* The five specials of RoBERTa and the 256 bytes, all but `missing`. */
static void case_begin(Case *test, const char *missing) {
    static const char *const specials[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    test->dir = files_dir();
    test->vocab = g_string_new(NULL);
    test->next_id = 0;
    for (int i = 0; i < 5; i++)
        if (g_strcmp0(missing, specials[i]) != 0) add_token(test, specials[i]);
    for (gunichar c = 0, others = 0; c < 256; c++) {
        bool prints = (c > ' ' && c < 127) || (c > 160 && c != 173);
        char token[7] = "";
        g_unichar_to_utf8(prints ? c : 256 + others++, token);
        if (g_strcmp0(missing, token) != 0) add_token(test, token);
    }
}

static void case_write(const Case *test, const char *name, const char *data, gssize len) {
    files_put(test->dir, name, data, len < 0 ? strlen(data) : (size_t)len);
}

static void case_write_pair(const Case *test, const char *vocab_end, const char *merges) {
    g_autofree char *vocab = g_strconcat(test->vocab->str, vocab_end, NULL);
    case_write(test, "vocab.json", vocab, -1);
    case_write(test, "merges.txt", merges, -1);
}

static void case_end(Case *test) {
    files_remove(test->dir);
    g_string_free(test->vocab, TRUE);
}

/* The folder cannot be opened; the line is "DIR/`expected`". */
static void check_refused(const Case *test, ErrorCode code, const char *expected) {
    g_autoptr(GError) error = NULL;
    Bpe *bpe = bpe_open(test->dir, &error);
    g_assert_null(bpe);
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    g_assert_true(g_str_has_prefix(error->message, test->dir));
    const char *rest = error->message + strlen(test->dir);
    if (!g_pattern_match_simple(expected, rest))
        g_error("expected \"%s\", got \"%s\"", expected, rest);
}

static char *ids_of(const Bpe *bpe, const char *text, gssize len, int max_tokens, bool *cut) {
    g_autoptr(GError) error = NULL;
    int count;
    g_autofree int32_t *ids = bpe_encode(bpe, text, len, max_tokens, &count, cut, &error);
    g_assert_no_error(error);
    GString *list = g_string_new(NULL);
    for (int i = 0; i < count; i++) g_string_append_printf(list, "%s%d", i ? " " : "", ids[i]);
    return g_string_free(list, FALSE);
}

static void check_ids(const Bpe *bpe, const char *text, const char *expected) {
    g_autofree char *ids = ids_of(bpe, text, -1, 0, NULL);
    g_assert_cmpstr(ids, ==, expected);
}

/* Files that are fine: `abc` is one token after the last two merges of the case. */
static void check_opens(const Case *test, const char *expected) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Bpe) bpe = bpe_open(test->dir, &error);
    g_assert_no_error(error);
    check_ids(bpe, "abc", expected);
}

static void merges_may_lack_a_version_and_end_lines_as_they_like(void) {
    static const char *const merges[] = {"#version: 0.2\na b\nab c\n", "a b\nab c\n",
                                         "#version: 0.2\r\na b\r\nab c\r\n", "a b\nab c",
                                         "a b\n#version: 3\nab c\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(merges); i++) {
        Case test;
        case_begin(&test, NULL);
        case_write_pair(&test, ", \"ab\": 261, \"abc\": 262}", merges[i]);
        check_opens(&test, "0 262 2");
        case_end(&test);
    }
}

static void a_merge_that_comes_twice_takes_its_later_rank(void) {
    Case test;
    case_begin(&test, NULL);
    case_write_pair(&test, ", \"ab\": 261, \"bc\": 262, \"abc\": 263}", "b c\na b\nb c\nab c\n");
    check_opens(&test, "0 263 2");
    case_write(&test, "merges.txt", "b c\na b\nab c\n", -1);
    check_opens(&test, "0 102 262 2");
    case_end(&test);
}

static void ids_may_have_holes(void) {
    Case test;
    case_begin(&test, NULL);
    case_write_pair(&test, ", \"ab\": 300}", "a b\n");
    g_autoptr(Bpe) bpe = bpe_open(test.dir, NULL);
    g_assert_cmpint(bpe_vocab_count(bpe), ==, 301);
    g_assert_cmpstr(bpe_token(bpe, 300), ==, "ab");
    g_assert_null(bpe_token(bpe, 299));
    g_assert_null(bpe_token(bpe, 301));
    g_assert_null(bpe_token(bpe, -1));
    case_end(&test);
}

/* Our vocabulary with every character beyond ASCII as \\uXXXX. */
static char *escaped(const char *json) {
    GString *out = g_string_new(NULL);
    for (const char *at = json; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c < 128)
            g_string_append_c(out, (char)c);
        else
            g_string_append_printf(out, "\\u%04x", c);
    }
    return g_string_free(out, FALSE);
}

/* Written plainly, with escapes, and in a way that only the JSON library takes. */
static void a_vocabulary_means_the_same_however_it_is_written(void) {
    g_autofree char *dir = ref_dir("vocab"), *path = g_build_filename(dir, "vocab.json", NULL);
    g_autofree char *merges_path = g_build_filename(dir, "merges.txt", NULL);
    char *forms[3], *merges;
    g_assert_true(g_file_get_contents(path, &forms[0], NULL, NULL));
    g_assert_true(g_file_get_contents(merges_path, &merges, NULL, NULL));
    forms[1] = escaped(forms[0]);
    g_autoptr(GString) slash = g_string_new(forms[0]);
    g_assert_cmpuint(g_string_replace(slash, "\"/\"", "\"\\/\"", 0), ==, 1);
    forms[2] = g_strdup(slash->str);
    g_autoptr(Bpe) ours = open_ref("vocab");
    for (int i = 0; i < 3; i++) {
        Case test;
        case_begin(&test, NULL);
        case_write(&test, "vocab.json", forms[i], -1);
        case_write(&test, "merges.txt", merges, -1);
        g_autoptr(Bpe) bpe = bpe_open(test.dir, NULL);
        g_assert_cmpint(bpe_vocab_count(bpe), ==, bpe_vocab_count(ours));
        for (int id = 0; id < bpe_vocab_count(ours); id++)
            g_assert_cmpstr(bpe_token(bpe, id), ==, bpe_token(ours, id));
        case_end(&test);
        g_free(forms[i]);
    }
    g_free(merges);
}

static void every_malformed_vocabulary_is_one_line(void) {
    static const struct {
        const char *end, *expected;
        ErrorCode code;
    } cases[] = {
        {"", "/vocab.json: not valid JSON: line 1: *", ERR_FORMAT},
        {", \"\xff\": 261}", "/vocab.json: not valid JSON: line 1: *", ERR_FORMAT},
        {", \"ab\": 261, \"ab\": 262}", "/vocab.json: not valid JSON: *duplicate*", ERR_FORMAT},
        {", \"ab\": 7}", "/vocab.json: token \"ab\": id 7 is that of \"?\" too", ERR_FORMAT},
        {", \"ab\": -1}", "/vocab.json: token \"ab\": id -1 is not in 0..1048575", ERR_FORMAT},
        {", \"ab\": 1048576}", "/vocab.json: token \"ab\": id 1048576 is not in *", ERR_FORMAT},
        {", \"ab\": 99999999999999999999}", "/vocab.json: not valid JSON: *", ERR_FORMAT},
        {", \"ab\": 261.0}", "/vocab.json: token \"ab\": its id is not an integer", ERR_FORMAT},
        {", \"ab\": 0261}", "/vocab.json: not valid JSON: *", ERR_FORMAT},
        {", \"ab\": 261,}", "/vocab.json: not valid JSON: *", ERR_FORMAT},
        {", \"ab\": 261} x", "/vocab.json: not valid JSON: *", ERR_FORMAT},
        {", \"\\ud800\": 261}", "/vocab.json: not valid JSON: *", ERR_FORMAT},
        {", \"ab\": \"261\"}", "/vocab.json: token \"ab\": its id is not an integer", ERR_FORMAT},
        {", \"ab\": null}", "/vocab.json: token \"ab\": its id is not an integer", ERR_FORMAT},
        {", \"a\\u001bb\": null}", "/vocab.json: token \"a\uFFFDb\": its id *", ERR_FORMAT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Case test;
        case_begin(&test, NULL);
        case_write_pair(&test, cases[i].end, "");
        check_refused(&test, cases[i].code, cases[i].expected);
        case_end(&test);
    }
}

static void a_vocabulary_that_is_no_object_is_refused(void) {
    static const char *const texts[][2] = {{"", "/vocab.json: not valid JSON: *"},
                                           {"[1]", "/vocab.json: not a JSON object"},
                                           {"{}", "/vocab.json: no token \u0100 for byte 0x00"}};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        Case test;
        case_begin(&test, NULL);
        case_write_pair(&test, "}", "");
        case_write(&test, "vocab.json", texts[i][0], -1);
        check_refused(&test, ERR_FORMAT, texts[i][1]);
        case_end(&test);
    }
}

static void a_missing_byte_or_special_token_is_named(void) {
    static const char *const missing[][2] = {
        {"a", "/vocab.json: no token a for byte 0x61"},
        {"\u0120", "/vocab.json: no token \u0120 for byte 0x20"},
        {"<s>", "/vocab.json: no special token <s>"},
        {"<mask>", "/vocab.json: no special token <mask>"}};
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        Case test;
        case_begin(&test, missing[i][0]);
        case_write_pair(&test, "}", "");
        check_refused(&test, ERR_FORMAT, missing[i][1]);
        case_end(&test);
    }
}

static void every_malformed_merge_is_one_line(void) {
    static const char *const cases[][2] = {
        {"ab\n", "line 1: not two tokens with one blank between them"},
        {"a b\na b c\n", "line 2: not two tokens with one blank between them"},
        {"#version: 0.2\n\na b\n", "line 2: not two tokens with one blank between them"},
        {" a b\n", "line 1: not two tokens with one blank between them"},
        {"a b \n", "line 1: not two tokens with one blank between them"},
        {"a  b\n", "line 1: not two tokens with one blank between them"},
        {"a\tb\n", "line 1: not two tokens with one blank between them"},
        {"a d\n", "line 1: \"ad\" is not in the vocabulary"},
        {"xyz b\n", "line 1: \"xyz\" is not in the vocabulary"},
        {"a xyz\n", "line 1: \"xyz\" is not in the vocabulary"},
        {"a b\r", "line 1: \"b\uFFFD\" is not in the vocabulary"},
        {"\xff\xfe b\n", "line 1: \"\uFFFD\uFFFD\" is not in the vocabulary"},
        {"a aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaa\n",
         "line 1: \"aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb\"... is not *"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Case test;
        case_begin(&test, NULL);
        case_write_pair(&test, ", \"ab\": 261}", cases[i][0]);
        g_autofree char *expected = g_strconcat("/merges.txt: ", cases[i][1], NULL);
        check_refused(&test, ERR_FORMAT, expected);
        case_end(&test);
    }
}

static void a_nul_in_the_merges_is_refused(void) {
    Case test;
    case_begin(&test, NULL);
    case_write_pair(&test, ", \"ab\": 261}", "");
    case_write(&test, "merges.txt", "a b\0x\n", 6);
    check_refused(&test, ERR_FORMAT, "/merges.txt: line 1: not two tokens *");
    case_end(&test);
}

static void missing_files_are_named(void) {
    Case test;
    case_begin(&test, NULL);
    check_refused(&test, ERR_NOT_FOUND,
                  ": holds neither vocab.json and merges.txt nor tokenizer.json");
    case_write(&test, "merges.txt", "a b\n", -1);
    check_refused(&test, ERR_NOT_FOUND, "/vocab.json: no such file");
    case_write_pair(&test, "}", "");
    g_autofree char *merges = g_build_filename(test.dir, "merges.txt", NULL);
    g_remove(merges);
    check_refused(&test, ERR_NOT_FOUND, "/merges.txt: no such file");
    g_assert_cmpint(g_mkdir(merges, 0700), ==, 0);
    check_refused(&test, ERR_FORMAT, "/merges.txt: is a directory");
    case_end(&test);
}

static void a_file_over_the_limit_is_not_read(void) {
    Case test;
    case_begin(&test, NULL);
    case_write_pair(&test, "}", "");
    g_autofree char *path = g_build_filename(test.dir, "merges.txt", NULL);
    g_assert_cmpint(truncate(path, BPE_MAX_FILE + 1), ==, 0);
    check_refused(&test, ERR_LIMIT,
                  "/merges.txt: 67108865 bytes are more than the limit of 67108864");
    case_end(&test);
}

/* tokenizer.json around the case's vocabulary (+ "ab": 261), its merges as strings. */
static void write_tokenizer(const Case *test, const char *added, const char *model,
                            const char *parts) {
    g_autofree char *text =
        g_strdup_printf("{\"added_tokens\": [%s], \"model\": {\"type\": \"BPE\", "
                        "\"vocab\": %s, \"ab\": 261}, %s}, %s}",
                        added, test->vocab->str, model, parts);
    case_write(test, "tokenizer.json", text, -1);
}

#define PRE  "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}"
#define BOTH "\"merges\": [\"#version: 0.2\", \"a b\"]"

static void tokenizer_json_takes_merges_as_strings_and_as_pairs(void) {
    static const char *const merges[] = {BOTH, "\"merges\": [[\"a\", \"b\"]]"};
    for (int i = 0; i < 2; i++) {
        Case test;
        case_begin(&test, NULL);
        write_tokenizer(&test, "{\"id\": 270, \"content\": \"<dog>\", \"lstrip\": true}", merges[i],
                        PRE);
        g_autoptr(Bpe) bpe = bpe_open(test.dir, NULL);
        check_ids(bpe, "ab  <dog>c<mask>", "0 261 270 104 4 2");
        g_assert_cmpint(bpe_vocab_count(bpe), ==, 271);
        g_assert_cmpstr(bpe_token(bpe, 270), ==, "<dog>");
        case_end(&test);
    }
}

static void everything_that_tokenizer_json_may_ask_for_is_checked(void) {
    static const struct {
        const char *added, *model, *parts, *expected;
        ErrorCode code;
    } cases[] = {
        {"", BOTH, "\"normalizer\": {\"type\": \"NFC\"}, " PRE,
         "normalizer \"NFC\" is not supported", ERR_UNSUPPORTED},
        {"", BOTH, "\"pre_tokenizer\": {\"type\": \"Metaspace\"}",
         "pre_tokenizer \"Metaspace\" is not supported", ERR_UNSUPPORTED},
        {"", BOTH, "\"pre_tokenizer\": null", "pre_tokenizer without a type is not supported",
         ERR_UNSUPPORTED},
        {"", BOTH, "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true}",
         "pre_tokenizer.add_prefix_space is not supported", ERR_UNSUPPORTED},
        {"", BOTH, "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"use_regex\": false}",
         "pre_tokenizer without use_regex is not supported", ERR_UNSUPPORTED},
        {"", BOTH, "\"post_processor\": {\"type\": \"BertProcessing\"}, " PRE,
         "post_processor \"BertProcessing\" is not supported", ERR_UNSUPPORTED},
        {"", BOTH,
         "\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"<s>\", 0], \"sep\": "
         "[\"<x>\", 2]}, " PRE,
         "post_processor.sep is not </s>", ERR_UNSUPPORTED},
        {"", BOTH ", \"dropout\": 0.1", PRE, "model.dropout is not supported", ERR_UNSUPPORTED},
        {"", BOTH ", \"end_of_word_suffix\": \"</w>\"", PRE,
         "model.end_of_word_suffix is not supported", ERR_UNSUPPORTED},
        {"", BOTH ", \"ignore_merges\": true", PRE, "model.ignore_merges is not supported",
         ERR_UNSUPPORTED},
        {"", "\"merges\": 1", PRE, "model.merges is not an array", ERR_FORMAT},
        {"", "\"x\": 1", PRE, "model.merges is not an array", ERR_FORMAT},
        {"", "\"merges\": [\"a b\", 7]", PRE, "merge 2: not two strings", ERR_FORMAT},
        {"", "\"merges\": [[\"a\"]]", PRE, "merge 1: not two strings", ERR_FORMAT},
        {"", "\"merges\": [[\"a\", 1]]", PRE, "merge 1: not two strings", ERR_FORMAT},
        {"", "\"merges\": [[\"a\", \"b\", \"c\"]]", PRE, "merge 1: not two strings", ERR_FORMAT},
        {"", "\"merges\": [\"a b c\"]", PRE, "merge 1: not two tokens *", ERR_FORMAT},
        {"", "\"merges\": [[\"a\", \"d\"]]", PRE, "merge 1: \"ad\" is not in the vocabulary",
         ERR_FORMAT},
        {"7", BOTH, PRE, "added_tokens: one without content", ERR_FORMAT},
        {"{\"id\": 0, \"content\": \"\"}", BOTH, PRE, "added_tokens: one without content",
         ERR_FORMAT},
        {"{\"id\": 5, \"content\": \"<s>\"}", BOTH, PRE,
         "added token \"<s>\": not its id in model.vocab", ERR_FORMAT},
        {"{\"id\": 5, \"content\": \"<x>\"}", BOTH, PRE,
         "token \"<x>\": id 5 is that of \"\u0100\" too", ERR_FORMAT},
        {"{\"content\": \"<x>\"}", BOTH, PRE, "token \"<x>\": its id is not an integer",
         ERR_FORMAT},
        {"{\"id\": 0, \"content\": \"<s>\"}, {\"id\": 0, \"content\": \"<s>\"}", BOTH, PRE,
         "added token \"<s>\" comes twice", ERR_FORMAT},
        {"{\"id\": 0, \"content\": \"<s>\", \"single_word\": true}", BOTH, PRE,
         "added token \"<s>\": single_word is not supported", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Case test;
        case_begin(&test, NULL);
        write_tokenizer(&test, cases[i].added, cases[i].model, cases[i].parts);
        g_autofree char *expected = g_strconcat("/tokenizer.json: ", cases[i].expected, NULL);
        check_refused(&test, cases[i].code, expected);
        case_end(&test);
    }
}

static void tokenizer_json_of_another_shape_is_refused(void) {
    static const struct {
        const char *text, *expected;
        ErrorCode code;
    } texts[] = {
        {"{}", "model without a type is not supported", ERR_UNSUPPORTED},
        {"{\"model\": {\"type\": \"Unigram\"}}", "model \"Unigram\" is not supported",
         ERR_UNSUPPORTED},
        {"{\"model\": {\"type\": \"BPE\"}, " PRE "}", "model.vocab is not an object", ERR_FORMAT},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": []}, " PRE "}", "model.vocab is not an object",
         ERR_FORMAT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        Case test;
        case_begin(&test, NULL);
        case_write(&test, "tokenizer.json", texts[i].text, -1);
        g_autofree char *expected = g_strconcat("/tokenizer.json: ", texts[i].expected, NULL);
        check_refused(&test, texts[i].code, expected);
        case_end(&test);
    }
}

static void cutting_keeps_both_ends(void) {
    g_autoptr(Bpe) bpe = open_ref("vocab");
    bool cut;
    g_autofree char *whole = ids_of(bpe, "1 2 3 4", -1, 0, &cut);
    g_assert_false(cut);
    g_autofree char *fits = ids_of(bpe, "1 2 3 4", -1, 6, &cut);
    g_assert_false(cut);
    g_assert_cmpstr(fits, ==, whole);
    g_autofree char *three = ids_of(bpe, "1 2 3 4", -1, 3, &cut);
    g_assert_true(cut);
    g_assert_cmpstr(three, ==, "0 20 2");
    g_autofree char *two = ids_of(bpe, "1 2 3 4", -1, 2, &cut);
    g_assert_true(cut);
    g_assert_cmpstr(two, ==, "0 2");
    g_autofree char *empty = ids_of(bpe, "", -1, 2, &cut);
    g_assert_false(cut);
    g_assert_cmpstr(empty, ==, "0 2");
}

static void text_that_is_not_utf8_or_too_long_is_refused(void) {
    static const struct {
        const char *text, *expected;
        gssize len;
    } cases[] = {{"ab\xff", "text: not UTF-8 at byte 2", -1},
                 {"a\0\xc3", "text: not UTF-8 at byte 2", 3},
                 {"\xed\xa0\x80", "text: not UTF-8 at byte 0", -1},
                 {"\xc0\x80", "text: not UTF-8 at byte 0", -1},
                 {"\xf4\x90\x80\x80", "text: not UTF-8 at byte 0", -1}};
    g_autoptr(Bpe) bpe = open_ref("vocab");
    int count;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(bpe_encode(bpe, cases[i].text, cases[i].len, 0, &count, NULL, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
        g_assert_cmpstr(error->message, ==, cases[i].expected);
    }
    g_autofree char *large = g_strnfill(BPE_MAX_TEXT + 1, 'a');
    g_autoptr(GError) error = NULL;
    g_assert_null(bpe_encode(bpe, large, -1, 0, &count, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_assert_cmpstr(error->message, ==, "text: 1048577 bytes, at most 1048576");
    g_autofree int32_t *ids = bpe_encode(bpe, large, BPE_MAX_TEXT, 77, &count, NULL, NULL);
    g_assert_nonnull(ids);
    g_assert_cmpint(count, ==, 77);
}

/* The bytes behind the ids, by way of the byte symbols; without <s> and </s>. */
static GString *decode(const Bpe *bpe, const int32_t *ids, int count) {
    GString *text = g_string_new(NULL);
    for (int i = 1; i < count - 1; i++)
        for (const char *at = bpe_token(bpe, ids[i]); *at; at = g_utf8_next_char(at)) {
            gunichar c = g_utf8_get_char(at);
            gunichar byte = c < 256             ? c
                            : c - 256 <= ' '    ? c - 256
                            : c - 256 < 33 + 34 ? c - 256 - 33 + 127
                                                : 173;
            g_string_append_c(text, byte);
        }
    return text;
}

/* Code points of all lengths, without the "<" that special tokens begin with. */
static GString *random_text(GRand *rng) {
    static const gunichar limits[] = {0x80, 0x80, 0x800, 0x10000, 0x110000};
    GString *text = g_string_new(NULL);
    for (int n = g_rand_int_range(rng, 0, 60); n > 0; n--) {
        gunichar c = g_rand_int_range(rng, 0, limits[g_rand_int_range(rng, 0, 5)]);
        if (c != '<' && (c < 0xD800 || c >= 0xE000)) {
            char utf8[6];
            g_string_append_len(text, utf8, g_unichar_to_utf8(c, utf8));
        }
    }
    return text;
}

static void tokens_put_together_give_the_text(void) {
    g_autoptr(Bpe) bpe = open_ref("vocab");
    g_autoptr(GRand) rng = g_rand_new_with_seed(g_test_rand_int());
    for (int i = 0; i < 3000; i++) {
        int count;
        g_autoptr(GString) text = random_text(rng);
        g_autofree int32_t *ids = bpe_encode(bpe, text->str, text->len, 0, &count, NULL, NULL);
        g_autoptr(GString) back = decode(bpe, ids, count);
        g_assert_cmpmem(back->str, back->len, text->str, text->len);
    }
}

static gpointer encode_many(gpointer data) {
    const Bpe *bpe = data;
    g_autoptr(GRand) rng = g_rand_new_with_seed(5);
    GString *all = g_string_new(NULL);
    for (int i = 0; i < 300; i++) {
        g_autoptr(GString) text = random_text(rng);
        g_autofree char *ids = ids_of(bpe, text->str, text->len, 77, NULL);
        g_string_append(all, ids);
    }
    return g_string_free(all, FALSE);
}

static void many_threads_encode_with_one_vocabulary(void) {
    g_autoptr(Bpe) bpe = open_ref("vocab");
    GThread *threads[8];
    g_autofree char *alone = encode_many(bpe);
    for (int i = 0; i < 8; i++) threads[i] = g_thread_new("encode", encode_many, bpe);
    for (int i = 0; i < 8; i++) {
        g_autofree char *ids = g_thread_join(threads[i]);
        g_assert_cmpstr(ids, ==, alone);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/bpe/" #name, name)
    ADD(merges_may_lack_a_version_and_end_lines_as_they_like);
    ADD(a_merge_that_comes_twice_takes_its_later_rank);
    ADD(ids_may_have_holes);
    ADD(a_vocabulary_means_the_same_however_it_is_written);
    ADD(every_malformed_vocabulary_is_one_line);
    ADD(a_vocabulary_that_is_no_object_is_refused);
    ADD(a_missing_byte_or_special_token_is_named);
    ADD(every_malformed_merge_is_one_line);
    ADD(a_nul_in_the_merges_is_refused);
    ADD(missing_files_are_named);
    ADD(a_file_over_the_limit_is_not_read);
    ADD(tokenizer_json_takes_merges_as_strings_and_as_pairs);
    ADD(everything_that_tokenizer_json_may_ask_for_is_checked);
    ADD(tokenizer_json_of_another_shape_is_refused);
    ADD(cutting_keeps_both_ends);
    ADD(text_that_is_not_utf8_or_too_long_is_refused);
    ADD(tokens_put_together_give_the_text);
    ADD(many_threads_encode_with_one_vocabulary);
    return g_test_run();
}
