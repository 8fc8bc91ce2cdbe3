/* Any bytes as a .safetensors file: read or refused; what is handed out can be read to its last
 * byte. */
#include "safetensors.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (write(fd, data, size) != (ssize_t)size) g_error("memfd: cannot write");
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) st = safetensors_open(path, &error);
    g_assert((st == NULL) == (error != NULL));
    volatile uint8_t sum = 0;
    for (int i = 0; st && i < safetensors_count(st); i++) {
        const Tensor *tensor = safetensors_at(st, i);
        g_assert(safetensors_find(st, tensor->name) == tensor);
        for (size_t at = 0; at < tensor->bytes; at++) sum += ((const uint8_t *)tensor->data)[at];
    }
    (void)sum;
    close(fd);
    return 0;
}
