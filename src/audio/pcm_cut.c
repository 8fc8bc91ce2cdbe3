/* The file's own bookkeeping against its size. See pcm_cut.h. */
#include "pcm_cut.h"

#include <libavutil/intreadwrite.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_HEADER  8
#define UNKNOWN_CHUNK 0x7FFFFF00u /* writers that cannot seek back put this much or more */
#define OGG_PAGE      65307       /* bytes of the largest page */
#define OGG_HEADER    27          /* bytes before the segment table */
#define OGG_LAST      4           /* flag */

static bool chunk_is_longer(guint32 claimed, gint64 size) {
    return claimed < UNKNOWN_CHUNK && (gint64)claimed + CHUNK_HEADER > size;
}

static bool page_is_last(const guint8 *page, gsize len) {
    if (len < OGG_HEADER || len < (gsize)OGG_HEADER + page[26]) return false;
    gsize whole = OGG_HEADER + page[26];
    for (int i = 0; i < page[26]; i++) whole += page[OGG_HEADER + i];
    return whole <= len && (page[5] & OGG_LAST);
}

static bool ogg_lacks_end(int fd, gint64 size) {
    g_autofree guint8 *tail = g_malloc(OGG_PAGE);
    ssize_t len = pread(fd, tail, OGG_PAGE, MAX(size - OGG_PAGE, 0));
    for (ssize_t at = len - 4; at >= 0; at--)
        if (memcmp(tail + at, "OggS", 4) == 0) return !page_is_last(tail + at, len - at);
    return true;
}

bool pcm_cut_short(int fd, gint64 size) {
    guint8 head[CHUNK_HEADER];
    if (pread(fd, head, sizeof head, 0) != sizeof head) return false;
    if (memcmp(head, "RIFF", 4) == 0) return chunk_is_longer(AV_RL32(head + 4), size);
    if (memcmp(head, "FORM", 4) == 0) return chunk_is_longer(AV_RB32(head + 4), size);
    return memcmp(head, "OggS", 4) == 0 && ogg_lacks_end(fd, size);
}
