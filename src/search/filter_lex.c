/* A filter's text → tokens. A bare word goes on until a blank or one of ()",'=!<>~ and so may be a
 * number, a date or a time as well. */
#include "filter_lex.h"

#include <string.h>

#define ENDS_WORD " \t\r\n\v\f(),\"'=!<>~"

static const struct {
    const char *text;
    FilterOp op;
} operators[] = {
    {"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE},  {"=", OP_EQ},
    {"<", OP_LT},  {">", OP_GT},  {"~", OP_LIKE},
};

static size_t read_operator(const char *text, size_t at, Token *token) {
    for (gsize i = 0; i < G_N_ELEMENTS(operators); i++) {
        if (!g_str_has_prefix(text + at, operators[i].text)) continue;
        token->kind = TOKEN_OP;
        token->op = operators[i].op;
        return at + strlen(operators[i].text);
    }
    token->kind = TOKEN_STRAY;
    return at + 1;
}

static size_t read_string(const char *text, size_t at, Token *token) {
    const char quote = text[at++];
    GString *string = g_string_new(NULL);
    for (; text[at] && text[at] != quote; at++) {
        if (text[at] == '\\' && text[at + 1]) at++;
        g_string_append_c(string, text[at]);
    }
    token->text = g_string_free(string, FALSE);
    token->kind = text[at] ? TOKEN_STRING : TOKEN_OPEN_QUOTE;
    return text[at] ? at + 1 : at;
}

size_t filter_next_token(const char *text, size_t at, Token *token) {
    while (g_ascii_isspace(text[at]) || text[at] == '\v') at++;
    *token = (Token){.start = at};
    switch (text[at]) {
    case 0:
        return at;
    case '(':
        token->kind = TOKEN_OPEN;
        return at + 1;
    case ')':
        token->kind = TOKEN_CLOSE;
        return at + 1;
    case ',':
        token->kind = TOKEN_COMMA;
        return at + 1;
    case '"':
    case '\'':
        return read_string(text, at, token);
    }
    size_t len = strcspn(text + at, ENDS_WORD);
    if (len == 0) return read_operator(text, at, token);
    token->kind = TOKEN_WORD;
    token->text = g_strndup(text + at, len);
    return at + len;
}
