/* Plain arrays that double. */
#include "fresh.h"
#include "index_memory.h"
#include "scan.h"

#include <string.h>

void fresh_clear(Fresh *fresh) {
    memory_give(fresh->ids);
    memory_give(fresh->rows);
    memory_give(fresh->gone);
}

const uint16_t *fresh_row(const Fresh *fresh, size_t row) {
    return fresh->rows + row * (size_t)fresh->dim;
}

void fresh_add(Fresh *fresh, int64_t id, const uint16_t *row) {
    size_t dim = (size_t)fresh->dim, n = fresh->count;
    if (n == fresh->room) {
        size_t room = n ? 2 * n : 64;
        fresh->ids = memory_grow(fresh->ids, n, room, sizeof *fresh->ids);
        fresh->rows = memory_grow(fresh->rows, n * dim, room * dim, sizeof *fresh->rows);
        fresh->gone = memory_grow(fresh->gone, n, room, sizeof *fresh->gone);
        fresh->room = room;
    }
    fresh->ids[n] = id;
    fresh->gone[n] = false;
    memcpy(fresh->rows + n * dim, row, dim * sizeof *row);
    fresh->count++;
    fresh->live++;
}

size_t fresh_find(const Fresh *fresh, int64_t id) {
    size_t low = 0, high = fresh->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fresh->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void fresh_remove(Fresh *fresh, int64_t first, int64_t end) {
    for (size_t i = fresh_find(fresh, first); i < fresh->count && fresh->ids[i] < end; i++) {
        fresh->live -= !fresh->gone[i];
        fresh->gone[i] = true;
    }
}

void fresh_search(const Fresh *fresh, const float *query, const IndexSet *allow, TopHits *hits) {
    for (size_t i = 0; i < fresh->count; i++) {
        if (fresh->gone[i] || (allow && !scan_allows(allow, fresh->ids[i]))) continue;
        float cosine = vec_kernels()->dot_half(fresh_row(fresh, i), query, (size_t)fresh->dim);
        top_hits_push(hits, cosine, fresh->ids[i]);
    }
}
