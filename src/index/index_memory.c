/* Aligned memory from the C library. */
#include "index_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memory_take(size_t count, size_t size) {
    if (count > (SIZE_MAX - 128) / size) abort();
    size_t bytes = (count * size + 127) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (!memory) abort();
    return memset(memory, 0, bytes);
}

void memory_give(void *memory) {
    free(memory);
}

void *memory_grow(void *memory, size_t had, size_t count, size_t size) {
    void *larger = memory_take(count, size);
    if (had) memcpy(larger, memory, (had < count ? had : count) * size);
    free(memory);
    return larger;
}
