/* What a Bpe is made of, for the files of this module alone: bpe_files.c fills it, bpe.c uses it.
 * All strings belong to `tokens`. Nobody writes to any of it after opening. */
#pragma once
#include "bpe.h"

#include "bpe_tokens.h"

struct Bpe {
    BpeTokens *tokens;
    int32_t bytes[256];  /* ids of the single bytes */
    int32_t begin, end;  /* ids of <s> and </s> */
    GHashTable *merges;  /* see bpe_merge.h */
    GArray *specials[2]; /* of BpeSpecial: looked for in the text, then in what is left of it */
};

/* A file in memory. Without NULs at its end; `path` serves the messages. */
typedef struct {
    const char *path, *data;
    size_t len;
} BpeFile;

/* Both make a Bpe from what was read, or say what is wrong with it. */
Bpe *bpe_from_vocab(const BpeFile *vocab, const BpeFile *merges, GError **error);
Bpe *bpe_from_tokenizer(const BpeFile *file, GError **error);
