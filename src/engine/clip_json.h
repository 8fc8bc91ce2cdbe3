/* Clips and hits as JSON, in the shapes that docs/API.md and the command line promise. */
#pragma once
#include "search.h"
#include <jansson.h>

/* {"id","path","paths":[…],"title","duration","tags":[…],"fields":{…},"windows":n,"added":"RFC
 * 3339"}
 */
json_t *clip_json(const Clip *clip);

/* {"rank","id","path","title","score","match","cosine","bm25","start","end","duration","tags","fields"}
 */
json_t *hit_json(const SearchHit *hit);
