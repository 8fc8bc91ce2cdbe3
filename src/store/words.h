/* The words of a library: how texts are split, and the lengths of columns beside FTS5's own table.
 *
 * FTS5 stores and finds; it is not asked for lengths or counts, which cost it a row each. Lengths
 * lie in word_length, 256 clips a row; what a query needs of them is read in a millisecond.
 *
 * Private to the module. Thread: that of the Store. */
#pragma once
#include "store_private.h"
#include "store_words.h"

#define WORD_BLOCK 256 /* clips of a row of word_length */

struct Words {
    fts5_api *api;
    fts5_tokenizer tokenizer;
    Fts5Tokenizer *instance; /* the one that table words names */
    void *collector;         /* where words_postings puts rows */
};

/* Opened once. NULL with an error. */
Words *words_open(Store *store, GError **error);

typedef struct {
    int64_t clip;
    int32_t column, count; /* how often the term is in the column */
} Posting;

/* Appends where `word`, one word as it was written, occurs after stemming; by clip, then column. */
bool words_postings(Store *store, const char *word, GArray *postings, GError **error);

/* Words of a text as they were written, with their stems. `each` returns false to stop. */
typedef bool (*EachWord)(void *user, const char *stem, int stem_len, const char *written,
                         int written_len);
bool words_split(Store *store, const char *text, EachWord each, void *user, GError **error);

typedef struct {
    int64_t clips, words;
} WordTotal;
bool words_totals(Store *store, WordTotal totals[STORE_WORD_COLUMNS], GError **error);

/* Codes of the lengths of clips block·256 …, [256][STORE_WORD_COLUMNS]; zeros where there is no
 * row.
 */
#define WORD_BLOCK_BYTES (WORD_BLOCK * STORE_WORD_COLUMNS)
bool words_lengths(Store *store, int64_t block, uint8_t codes[WORD_BLOCK_BYTES], GError **error);
