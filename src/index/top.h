/* Private to index: the best of many. A key is a score (vec_key) above a slot or row, so that all
 * keys differ, and what is kept does not depend on the order in which they came. */
#pragma once
#include "index.h"
#include "vec_kernels.h"

/* Keeps the `keep` largest keys of what is pushed. Owns its array. */
typedef struct {
    uint64_t *keys;
    size_t count, keep, room;
    float threshold; /* scores below it cannot get in */
} Top;

/* Ready for a new search; what one push brings at most. */
void top_begin(Top *top, size_t keep, size_t most_at_once);
void top_clear(Top *top);

/* Room for one push was left by top_begin and by top_settle after each push. */
void top_settle(Top *top);

/* Down to `keep` keys, in no order. */
void top_cut(Top *top);

/* The k largest of n keys come first, in no order. */
void top_select(uint64_t *keys, size_t n, size_t k);

/* The largest first. */
void top_sort(uint64_t *keys, size_t n);

static inline uint64_t top_key(float score, uint32_t slot) {
    return (uint64_t)vec_key(score) << 32 | slot;
}

static inline float top_score(uint64_t key) {
    return vec_unkey((uint32_t)(key >> 32));
}

static inline void top_push(Top *top, float score, uint32_t slot) {
    if (!(score >= top->threshold)) return;
    top->keys[top->count++] = top_key(score, slot);
    if (top->count == top->room) top_settle(top);
}

/* The k best hits, equal ones by id. Owns its array. */
typedef struct {
    IndexHit *hits;
    int count, k, room;
    float threshold;
} TopHits;

void top_hits_begin(TopHits *top, int k);
void top_hits_clear(TopHits *top);
void top_hits_push(TopHits *top, float cosine, int64_t id);

/* Sorts and cuts; returns how many. */
int top_hits_end(TopHits *top);
