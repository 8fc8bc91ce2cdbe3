/* Byte-level BPE of RoBERTa and GPT-2: text → token ids, equal to transformers' RobertaTokenizer.
 *
 * Sources: Radford et al. 2019 (byte map, split pattern), Sennrich et al. 2016 (BPE). Reads
 * `vocab.json` and `merges.txt`, or `tokenizer.json` where those are missing.
 *
 * Owner: the caller. Thread: after bpe_open read-only; any number of threads may encode at once. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BPE_MAX_VOCAB 1048576    /* entries */
#define BPE_MAX_FILE  (64 << 20) /* bytes of a vocabulary, merges or tokenizer file */
#define BPE_MAX_TEXT  (1 << 20)  /* bytes of one text */

typedef struct Bpe Bpe;

/* `dir` holds the files. Errors name file and entry: missing file, bad JSON, an id twice or out of
 * range, a merge whose parts or result are not in the vocabulary, a missing byte or special token.
 */
Bpe *bpe_open(const char *dir, GError **error);
void bpe_close(Bpe *bpe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bpe, bpe_close)

/* One more than the greatest id; ids may have holes. */
int bpe_vocab_count(const Bpe *bpe);

/* text[len] (len < 0: up to the NUL) → ids of `<s> … </s>`, the caller's to g_free; *count ids.
 * max_tokens ≥ 2 keeps both ends and cuts the middle short: *cut (may be NULL) tells. max_tokens 0:
 * no limit. Invalid UTF-8 and texts over BPE_MAX_TEXT are errors. Special tokens written in the
 * text (`<mask>`, `</s>` …) are recognised as the reference does. */
int32_t *bpe_encode(const Bpe *bpe, const char *text, gssize len, int max_tokens, int *count,
                    bool *cut, GError **error);

/* The token's bytes as the vocabulary writes them; NULL when there is no such id. Borrowed. */
const char *bpe_token(const Bpe *bpe, int32_t id);
