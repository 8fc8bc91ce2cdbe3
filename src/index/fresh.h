/* Private to index: rows that no file holds yet, in memory, gone through one by one. */
#pragma once
#include "index.h"
#include "top.h"

typedef struct {
    int64_t *ids;
    uint16_t *rows;
    bool *gone;
    int dim;
    size_t count, room, live;
} Fresh;

void fresh_clear(Fresh *fresh);
void fresh_add(Fresh *fresh, int64_t id, const uint16_t *row);
void fresh_remove(Fresh *fresh, int64_t first, int64_t end); /* ids [first, end) */
size_t fresh_find(const Fresh *fresh, int64_t id); /* the first row whose id is not below */
const uint16_t *fresh_row(const Fresh *fresh, size_t row);
void fresh_search(const Fresh *fresh, const float *query, const IndexSet *allow, TopHits *hits);
