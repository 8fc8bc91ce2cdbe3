/* Clips and hits as JSON, in the shapes that docs/FORMATS.md tells of. What is not
 * known is null. */
#pragma once
#include "search.h"
#include <jansson.h>

/* {"id","path","paths":[…],"title","duration","tags":[…],"fields":{…},"windows":n,"added":"RFC
 * 3339"}; with paths that are not UTF-8, "path_base64" and "paths_base64", too.
 */
json_t *clip_json(const Clip *clip);

/* {"rank","id","path","title","score","match","cosine","bm25","start","end","duration","tags","fields"};
 * with near-duplicates folded into it, "duplicates":["id",…]
 */
json_t *hit_json(const SearchHit *hit);

/* Where the hit's score comes from:
 * {"vector":{"rank","part"},"bm25":{"rank","part","columns":{"title":…}}}; rank null: this part did
 * not bring it. Columns are left out where they were not asked for.
 */
json_t *hit_explanation_json(const SearchHit *hit);

/* A search and what it found: {"query","mode","model","library","clips","seconds","nearest",
 * "hits":[…]}; "nearest" is the best match that was dropped. `model` NULL: the library has none;
 * explain: each hit has its "explain". */
json_t *search_json(const SearchResult *result, const char *query, const char *mode,
                    const char *model, const char *library, bool explain);

/* "file", "meta", "user", and back; -1: none of them. */
const char *source_name(Source source);
int source_of_name(const char *name);
