/* Any bytes as a sound file: opened, read to its end or to a limit, asked for tags and warnings. */
#include "pcm.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 2000000 /* samples read of one input */

static void read_samples(Pcm *pcm) {
    float samples[4096];
    gssize n = 1;
    for (gsize done = 0; n > 0 && done < MOST; done += n) {
        g_autoptr(GError) error = NULL;
        n = pcm_read(pcm, samples, G_N_ELEMENTS(samples), &error);
        g_assert_true((n < 0) == (error != NULL));
        for (gssize i = 0; i < n; i++) g_assert_true(isfinite(samples[i]));
    }
}

static void check_tags(const PcmInfo *info) {
    GHashTableIter tags;
    gpointer key, value;
    g_assert_cmpuint(g_hash_table_size(info->tags), <=, PCM_MAX_TAGS);
    g_hash_table_iter_init(&tags, info->tags);
    while (g_hash_table_iter_next(&tags, &key, &value)) {
        g_assert_true(g_utf8_validate(key, -1, NULL) && g_utf8_validate(value, -1, NULL));
        g_assert_cmpuint(strlen(value), <=, PCM_MAX_TAG);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    int fd = memfd_create("sound", MFD_CLOEXEC);
    g_assert_true(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autoptr(Pcm) pcm = pcm_open(path, 48000, &error);
    g_assert_true((pcm == NULL) == (error != NULL));
    if (pcm) {
        read_samples(pcm);
        check_tags(pcm_info(pcm));
        pcm_warning(pcm);
    }
    close(fd);
    return 0;
}
