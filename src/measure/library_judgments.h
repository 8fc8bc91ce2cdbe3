/* Judgments that a library keeps, as the page's Judge tab makes them, and how good its answers are
 * by them. They lie in the library as JSON Lines, and name clips by their ids; those of clips that
 * went stay.
 *
 * Thread: reading any; library_judge as all changes to a library. */
#pragma once
#include "judgments.h"
#include "library.h"
#include "relevance.h"

#include <jansson.h>

#define LIBRARY_MAX_JUDGMENTS (16 << 20) /* bytes of all of them; each change writes all */

/* None: an empty list. The caller frees. */
bool judgments_of_library(Library *library, Judgments **judgments, GError **error);

/* Clip `id` (hex digits, as find takes them) gets this rating for the query, or loses it (NAN, and
 * then the clip need not be there any more). Durable when it returns. ERR_NOT_FOUND: no such clip;
 * ERR_USAGE as judgments_with; ERR_LIMIT: the library has no room for more. */
bool library_judge(Library *library, const char *query, const char *id, double rating,
                   GError **error);

/* [{"query","id","rating"}] of one query, or of all (NULL). */
json_t *judgments_json(const Judgments *judgments, const char *query);

/* ---- how good the answers are ---- */

typedef struct {
    const char *id; /* that the judgments know it by */
    const Query *query;
    int place; /* among the queries, from 1 */
} JudgedQuery;

/* Asks the library; what it gave is appended to `hits` (of RunHit), each clip by whichever of its
 * names was judged: its id, its path, or the path's last part. */
bool relevance_ask(Library *library, const JudgedQuery *asked, const SearchOptions *how,
                   const Judgments *judgments, GArray *hits, GError **error);

#define RELEVANCE_MODES 3

typedef struct {
    int judged;                   /* documents of this query */
    double ndcg[RELEVANCE_MODES]; /* by SearchMode, as trec_eval has it; NAN: it cannot be asked so,
                                     or nothing is judged */
} LibraryRelevance;

/* nDCG@n of each mode for a query as query_parse_line reads it, by the judgments that the library
 * keeps. ERR_USAGE: not a query; n below 1 or above RELEVANCE_MOST. */
#define RELEVANCE_MOST 1000
bool relevance_of_library(Library *library, const char *query, int n, LibraryRelevance *relevance,
                          GError **error);

/* {"query","judged","modes":{"hybrid":{"ndcg@10":0.5},"vector":…,"bm25":…}} */
json_t *library_relevance_json(const char *query, int n, const LibraryRelevance *relevance);
