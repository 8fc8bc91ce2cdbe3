/* Tokens that are found in the text as they are written (`<mask>`, `</s>` …), before any word is
 * cut: the longest at the leftmost place wins, as in the reference. Pure functions. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BPE_MAX_SPECIALS 256

typedef struct {
    const char *content; /* borrowed from the vocabulary */
    size_t len;
    int32_t id;
    bool lstrip, rstrip; /* takes the white space at its left, at its right */
} BpeSpecial;

typedef struct {
    size_t start, end; /* the token as written */
    int32_t id;
    bool lstrip, rstrip;
} BpeMatch;

/* Adds to an array of BpeSpecial that is kept longest first. */
void bpe_special_add(GArray *specials, BpeSpecial special);

/* The first special token in text[len] that begins at `from` or later. */
bool bpe_special_next(const GArray *specials, const char *text, size_t len, size_t from,
                      BpeMatch *match);

/* Where the white space that ends at `at` begins; where the white space that begins at `at` ends.
 */
size_t bpe_special_space_before(const char *text, size_t at);
size_t bpe_special_space_after(const char *text, size_t len, size_t at);
