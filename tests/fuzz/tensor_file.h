/* Any bytes as a file of tensors: read or refused; what is handed out can be read to its last byte.
 */
#pragma once
#include "safetensors.h"

#include <sys/mman.h>
#include <unistd.h>

static inline void tensor_file_try(const uint8_t *data, size_t size,
                                   Safetensors *(*open)(const char *path, GError **error)) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (write(fd, data, size) != (ssize_t)size) g_error("memfd: cannot write");
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) st = open(path, &error);
    g_assert((st == NULL) == (error != NULL));
    volatile uint8_t sum = 0;
    for (int i = 0; st && i < safetensors_count(st); i++) {
        const Tensor *tensor = safetensors_at(st, i);
        g_assert(safetensors_find(st, tensor->name) == tensor);
        for (size_t at = 0; at < tensor->bytes; at++) sum += ((const uint8_t *)tensor->data)[at];
    }
    (void)sum;
    close(fd);
}
