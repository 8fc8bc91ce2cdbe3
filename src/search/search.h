/* A search, from a query's vector and words to hits: candidates of both parts, fused, folded, with
 * their match.
 *
 * Thread: any; all it keeps is the caller's. */
#pragma once
#include "backend.h"
#include "match.h"

#define SEARCH_CANDIDATES 200   /* clips that each part brings at least */
#define SEARCH_HITS       10    /* when nobody says how many */
#define SEARCH_WEIGHT     0.8   /* of the vector part, when nobody says */
#define SEARCH_MAX_HITS   10000 /* from + n */
#define SEARCH_SAME_SOUND 0.985 /* cosine from which two clips count as near-duplicates */

typedef enum { MODE_HYBRID, MODE_VECTOR, MODE_BM25 } SearchMode;
typedef enum { FUSION_MINMAX, FUSION_RRF, FUSION_SERVER } Fusion;

typedef struct {
    SearchMode mode;
    Fusion fusion;
    int n, from;
    double weight;    /* of the vector part, in [0, 1] */
    double min_match; /* hits below are dropped; 0: none */
    const Filter *filter;
    bool windows; /* every window is a hit of its own */
    bool explain;
    bool exact;
    bool fold_duplicates;
    uint64_t leave_out; /* this clip is no hit; 0: none */
} SearchOptions;

#define SEARCH_DEFAULTS                                                                            \
    { .n = SEARCH_HITS, .weight = SEARCH_WEIGHT }

/* What is asked, as far as it is known: at least one of both. */
typedef struct {
    const float *vector; /* [dim], a unit vector, or NULL */
    IndexKind kind;
    const char *words; /* or NULL */
} SearchQuery;

typedef struct {
    int rank; /* from 1, over all pages */
    Clip *clip;
    ClipWindow span; /* of the best window; the whole clip where there is no vector part */
    double score, match;
    double cosine, bm25; /* NAN: this part did not bring it and could not tell */
    Fused parts;         /* for explanations */
    double *columns;     /* [STORE_WORD_COLUMNS], with explain; or NULL */
    GPtrArray *folded;   /* of char *: ids of near-duplicates folded into it; or NULL */
} SearchHit;

typedef struct {
    GPtrArray *hits; /* of SearchHit * */
    int64_t clips;   /* that the library has */
    double seconds;
    double nearest; /* the best match that was dropped by min_match or filter; NAN: none */
} SearchResult;
void search_result_free(SearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SearchResult, search_result_free)

SearchResult *search_run(Backend *backend, const Background *background, const SearchQuery *query,
                         const SearchOptions *options, GError **error);
