/* What is asked for: a sum of terms. Words, sounds and clips of the library are added and taken
 * away, with weights:
 *
 *     dog barking - speech          "2:rain" + ./thunder.wav - music          id:0f3c
 *
 * The vector of a sum is the sum of the terms' unit vectors, each with its signed weight,
 * normalised. BM25 reads the words that are added.
 *
 * Owner: the caller. Thread: any, read-only after query_parse. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define QUERY_MAX_TERMS  64
#define QUERY_MAX_BYTES  65536
#define QUERY_MAX_WEIGHT 1000.0

typedef enum { TERM_WORDS, TERM_FILE, TERM_ID } TermKind;

typedef struct {
    TermKind kind;
    char *text;    /* the words; the file's path; the hex digits */
    double weight; /* below zero: taken away; never zero */
} Term;

typedef struct {
    GPtrArray *terms; /* of Term * */
    char *text;       /* as it was asked, for people */
} Query;

/* Arguments as a shell hands them over: an argument that is an existing regular file and holds a
 * '/' or ends like audio is a file; "id:HEX" a clip; a lone "+" or "-" an operator; all others are
 * words, joined by blanks. "N:" before a term weighs it. ERR_USAGE: nothing asked, an operator
 * without a term, a weight of 0 or none, only subtracted terms, too many. */
Query *query_parse(const char *const *args, GError **error);

/* One line, as a page or a client sends it: split at blanks, quotes keep together; never a file. */
Query *query_parse_line(const char *line, GError **error);
void query_free(Query *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Query, query_free)

/* The words that are added, joined by blanks, for BM25; NULL when there are none. Caller frees. */
char *query_words(const Query *query);

/* True when any term is words: its vector lies where texts do. */
bool query_has_words(const Query *query);
