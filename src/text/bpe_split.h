/* Cuts text into the words that byte-level BPE works on, as GPT-2's pattern does:
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * Written by hand because a regex engine brings its own version of Unicode, its own \s and limits
 * on stack and length; this is linear in the text. Pure functions, any thread. */
#pragma once
#include <stddef.h>

/* Bytes of the first word of text[len]: valid UTF-8, which may hold NULs, len > 0. */
size_t bpe_split_first(const char *text, size_t len);
