/* Counts what this thread allocates between count_begin and count_end, by standing in for the
 * allocator of the whole program, shared libraries included. Where a sanitizer already stands
 * there, its hooks are used. To be included by one file of a program. */
#pragma once
#include <stddef.h>
#include <stdlib.h>

static _Thread_local int counting, counted;

static inline void count_begin(void) {
    counted = 0;
    counting = 1;
}

static inline int count_end(void) {
    counting = 0;
    return counted;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

int __sanitizer_install_malloc_and_free_hooks(void (*made)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));

static void count_made(const volatile void *block, size_t size) {
    counted += counting;
}

static void count_freed(const volatile void *block) {
}

__attribute__((constructor)) static void count_install(void) {
    __sanitizer_install_malloc_and_free_hooks(count_made, count_freed);
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t align, size_t size);

#pragma GCC visibility push(default)

void *malloc(size_t size) {
    counted += counting;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    counted += counting;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    counted += counting;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t align, size_t size) {
    counted += counting;
    return __libc_memalign(align, size);
}

int posix_memalign(void **block, size_t align, size_t size) {
    counted += counting;
    *block = __libc_memalign(align, size);
    return *block ? 0 : 12; /* ENOMEM */
}

#pragma GCC visibility pop

#endif
