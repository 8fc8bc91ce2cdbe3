/* A filter's text cut into tokens. Owner: the caller frees Token.text. Thread: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#include "filter.h"

typedef enum {
    TOKEN_END,
    TOKEN_WORD,   /* bare: a field, a value or and, or, not, in */
    TOKEN_STRING, /* it was quoted */
    TOKEN_OP,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_OPEN_QUOTE, /* a string that nothing closes */
    TOKEN_STRAY,      /* a character that means nothing here */
} TokenKind;

typedef struct {
    TokenKind kind;
    FilterOp op;
    size_t start; /* byte of the text */
    char *text;   /* of a word or string, without quotes */
} Token;

/* The token at or after byte `at`; returns the byte behind it. */
size_t filter_next_token(const char *text, size_t at, Token *token);
