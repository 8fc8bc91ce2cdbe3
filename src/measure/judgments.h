/* What people said of answers: {query, document, rating}; and what a search gave: {query, document,
 * score}. In the formats of trec_eval, Quepid and OpenSearch's Search Relevance Workbench, and in
 * our own JSON Lines.
 *
 * Owner: the caller. Thread: read-only after reading. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#define JUDGMENTS_MAX_BYTES (512 << 20)

typedef enum { JUDGED_AUTO, JUDGED_TREC, JUDGED_QUEPID, JUDGED_SRW, JUDGED_JSONL } JudgedFormat;

typedef struct {
    char *query, *document;
    double rating;
} Judgment;

typedef struct {
    GArray *rows;        /* of Judgment, in the order of the file; the last word on a pair counts */
    GHashTable *ratings; /* "query\ndocument" → the number of its last row + 1 */
    GPtrArray *queries;  /* of char *, borrowed: each query once, as they first appear */
    double most;         /* the largest rating, at least 1 */
} Judgments;

Judgments *judgments_new(void); /* none */

/* JUDGED_AUTO: by what the file begins with. Quepid: any of its CSV forms with query and docid
 * columns, LTR lines, or its JSON. Errors name file and line. */
Judgments *judgments_read(const char *path, JudgedFormat format, GError **error);

/* The same of `text`, which ends with a NUL at [len] and came from `path`. */
Judgments *judgments_parse(const char *path, const char *text, gsize len, JudgedFormat format,
                           GError **error);
void judgments_free(Judgments *judgments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Judgments, judgments_free)

/* False: nobody judged it. */
bool judgments_rating(const Judgments *judgments, const char *query, const char *document,
                      double *rating);

/* A copy in which `document` has this rating for `query`, where it stood before or at the end; NAN:
 * none. ERR_USAGE: an empty one, one that is not UTF-8 or has line breaks, a rating out of range.
 */
Judgments *judgments_with(const Judgments *judgments, const char *query, const char *document,
                          double rating, GError **error);

/* TREC's fields hold no blanks, and its ratings are whole: queries with blanks are numbered, a
 * document with some, or a fraction, is an error. */
bool judgments_write(const Judgments *judgments, FILE *out, JudgedFormat format, GError **error);

/* The same as bytes, the caller's. */
GBytes *judgments_bytes(const Judgments *judgments, JudgedFormat format, GError **error);

typedef struct {
    char *query, *document; /* document NULL: the query was asked and found nothing */
    double score;
    int place; /* of the query among the queries, from 1 */
} RunHit;

/* An empty run; g_array_unref frees its hits too. */
GArray *run_new(void);

/* A run in TREC's form: "qid Q0 docno rank sim run_id". Sorted as trec_eval sorts: by query as they
 * first appear, then by falling score, equal ones by falling docno; the rank column counts for
 * nothing. A document twice under one query is an error, as trec_eval has it. */
GArray *run_read(const char *path, GError **error); /* of RunHit, as run_new */
GArray *run_parse(const char *path, const char *text, GError **error);
