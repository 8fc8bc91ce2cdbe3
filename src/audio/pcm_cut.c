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
#define EBML_SIZE     8           /* bytes of the longest size */
#define EBML_HEADER   0x1A45DFA3u
#define EBML_SEGMENT  0x18538067u

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

/* An EBML size: as many zero bits as bytes follow the first. −1: all ones, "not known". */
static gint64 ebml_size(const guint8 *at, int *bytes) {
    int more = at[0] ? __builtin_clz(at[0]) - 24 : 7;
    gint64 size = at[0] & (0x7F >> more), unknown = 0x7F >> more;
    for (int i = 1; i <= more; i++) {
        size = size << 8 | at[i];
        unknown = unknown << 8 | 0xFF;
    }
    *bytes = more + 1;
    return size == unknown ? -1 : size;
}

/* The size of the element at `at`, whose name is four bytes; where its content begins. */
static gint64 ebml_element(int fd, gint64 at, guint32 name, gint64 *content) {
    guint8 head[4 + EBML_SIZE];
    int bytes;
    if (pread(fd, head, sizeof head, at) != sizeof head || AV_RB32(head) != name) return -1;
    gint64 size = ebml_size(head + 4, &bytes);
    *content = at + 4 + bytes;
    return size;
}

/* Matroska is a header and one segment that holds everything. */
static bool segment_is_longer(int fd, gint64 size) {
    gint64 begin = 0, header = ebml_element(fd, 0, EBML_HEADER, &begin);
    if (header < 0 || header > size) return false;
    gint64 segment = ebml_element(fd, begin + header, EBML_SEGMENT, &begin);
    return segment > size - begin;
}

bool pcm_cut_short(int fd, gint64 size) {
    guint8 head[CHUNK_HEADER];
    if (pread(fd, head, sizeof head, 0) != sizeof head) return false;
    if (memcmp(head, "RIFF", 4) == 0) return chunk_is_longer(AV_RL32(head + 4), size);
    if (memcmp(head, "FORM", 4) == 0) return chunk_is_longer(AV_RB32(head + 4), size);
    if (AV_RB32(head) == EBML_HEADER) return segment_is_longer(fd, size);
    return memcmp(head, "OggS", 4) == 0 && ogg_lacks_end(fd, size);
}
