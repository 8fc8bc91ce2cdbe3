/* What the files of a search share. Thread: that of the search. */
#pragma once
#include "search.h"

/* A hit to be, in the order of hits. */
typedef struct {
    Fused fused;
    WindowHit best; /* cosine −2 while unknown, or when there is none */
    double bm25;    /* NAN: not brought */
    double match;   /* NAN: not looked at yet */
    float *vector;  /* [dim] of the best window, or of the clip; NULL: not looked at, or none */
    GPtrArray *folded;
} Found;

typedef struct {
    Backend *backend;
    const Background *background;
    const SearchQuery *query;
    const SearchOptions *options;
    bool by_vector, by_words; /* the parts that bring candidates */
    int dim;
    bool has_scale;
    MatchScale scale;
    GArray *found; /* of Found */
} Search;

/* -- search_parts.c: candidates of both parts as one order → search->found -- */
bool search_collect(Search *search, GError **error);

/* -- search_match.c -- */

/* Its best window, where it is not known; its vector. */
bool search_complete(Search *search, Found *found, GError **error);

/* Of `found`, one of search->found: by its cosine; by words where no vector was asked for. */
bool search_match(Search *search, Found *found, GError **error);
