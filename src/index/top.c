/* Selection by partition (Hoare), and sorting by the C library. */
#include "top.h"
#include "index_memory.h"

#include <math.h>
#include <stdlib.h>

void top_begin(Top *top, size_t keep, size_t most_at_once) {
    size_t room = 2 * keep + 32 + most_at_once;
    if (room > top->room) {
        memory_give(top->keys);
        top->keys = memory_take(room, sizeof *top->keys);
        top->room = room;
    }
    top->count = 0;
    top->keep = keep;
    top->threshold = -INFINITY;
}

void top_clear(Top *top) {
    memory_give(top->keys);
    top->keys = NULL;
    top->room = 0;
}

void top_select(uint64_t *keys, size_t n, size_t k) {
    if (k == 0 || k >= n) return;
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, wanted = (ptrdiff_t)k - 1;
    while (low < high) {
        uint64_t pivot = keys[low + (high - low) / 2];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (keys[i] > pivot) i++;
            while (keys[j] < pivot) j--;
            if (i > j) break;
            uint64_t swap = keys[i];
            keys[i++] = keys[j];
            keys[j--] = swap;
        }
        if (wanted <= j)
            high = j;
        else if (wanted >= i)
            low = i;
        else
            break;
    }
}

static int larger_first(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

void top_sort(uint64_t *keys, size_t n) {
    qsort(keys, n, sizeof *keys, larger_first);
}

void top_cut(Top *top) {
    if (top->count <= top->keep) return;
    top_select(top->keys, top->count, top->keep);
    top->count = top->keep;
    if (top->keep) top->threshold = top_score(top->keys[top->keep - 1]);
}

void top_settle(Top *top) {
    if (top->count >= 2 * top->keep + 32 || top->count == top->room) top_cut(top);
}

void top_hits_begin(TopHits *top, int k) {
    int room = 2 * k + 256;
    if (room > top->room) {
        memory_give(top->hits);
        top->hits = memory_take((size_t)room, sizeof *top->hits);
        top->room = room;
    }
    top->count = 0;
    top->k = k;
    top->threshold = -INFINITY;
}

void top_hits_clear(TopHits *top) {
    memory_give(top->hits);
    top->hits = NULL;
    top->room = 0;
}

static int better_first(const void *a, const void *b) {
    const IndexHit *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

int top_hits_end(TopHits *top) {
    qsort(top->hits, (size_t)top->count, sizeof *top->hits, better_first);
    if (top->count > top->k) top->count = top->k;
    if (top->count == top->k) top->threshold = top->hits[top->k - 1].cosine;
    return top->count;
}

void top_hits_push(TopHits *top, float cosine, int64_t id) {
    if (!(cosine >= top->threshold)) return;
    top->hits[top->count++] = (IndexHit){id, cosine};
    if (top->count == top->room) top_hits_end(top);
}
