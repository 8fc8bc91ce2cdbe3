/* Private to index: zeroed memory in whole cache lines, for good: where there is none left the
 * program ends, as it does everywhere else. Sizes from outside are checked before they come here.
 */
#pragma once
#include <stddef.h>

void *memory_take(size_t count, size_t size);
void memory_give(void *memory);

/* Room for `count` instead of `had`, what is there kept, the rest zero. */
void *memory_grow(void *memory, size_t had, size_t count, size_t size);
