/* The tokens of a vocabulary: text by id and id by text.
 *
 * Opening a vocabulary looks up some 150,000 tokens, and a short query must not wait for that;
 * hence a table of its own: open addressing, strings side by side, hashes beside the ids. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct BpeTokens BpeTokens;

BpeTokens *bpe_tokens_new(void);
void bpe_tokens_free(BpeTokens *tokens);

/* Copies text[len] under `id`, which the caller has checked against BPE_MAX_VOCAB. False, and
 * nothing changes, when the id or the text is there already. */
bool bpe_tokens_add(BpeTokens *tokens, const char *text, size_t len, int32_t id);

/* -1: no such token. */
int32_t bpe_tokens_find(const BpeTokens *tokens, const char *text, size_t len);

/* NULL: no such id. Borrowed. */
const char *bpe_tokens_text(const BpeTokens *tokens, int64_t id);

/* One more than the greatest id. */
int bpe_tokens_count(const BpeTokens *tokens);

/* Adds the {"token": id} of a vocab.json that is written plainly, several times faster than a JSON
 * library takes it apart. False for whatever is unusual or wrong: the caller then starts anew
 * with the library, which also says what is wrong. */
bool bpe_tokens_add_plain(BpeTokens *tokens, const char *json, size_t len, int32_t id_limit);
