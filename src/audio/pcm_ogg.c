/* Pages of Ogg: "OggS", 23 bytes with a checksum among them, the number of segments, their lengths,
 * their bytes (RFC 3533). See pcm_ogg.h. */
#include "pcm_ogg.h"

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>
#include <string.h>
#include <unistd.h>

#define PAGE     65307 /* bytes of the largest page */
#define HEADER   27    /* bytes before the segment table */
#define CHECKSUM 22    /* where it stands */
#define LAST     4     /* flag */

static bool page_is_last(const guint8 *page, gsize len) {
    if (len < HEADER || len < (gsize)HEADER + page[26]) return false;
    gsize whole = HEADER + page[26];
    for (int i = 0; i < page[26]; i++) whole += page[HEADER + i];
    return whole <= len && (page[5] & LAST);
}

bool pcm_ogg_lacks_end(int fd, gint64 size) {
    g_autofree guint8 *tail = g_malloc(PAGE);
    ssize_t len = pread(fd, tail, PAGE, MAX(size - PAGE, 0));
    for (ssize_t at = len - 4; at >= 0; at--)
        if (memcmp(tail + at, "OggS", 4) == 0) return !page_is_last(tail + at, len - at);
    return true;
}

/* The length of the page that begins at `page`, of which `len` bytes, at least HEADER, are there;
 * 0: none begins. */
static gsize page_length(const guint8 *page, gsize len) {
    if (memcmp(page, "OggS", 4) != 0) return 0;
    gsize whole = HEADER + page[26];
    for (gsize i = HEADER; i < HEADER + (gsize)page[26] && i < len; i++) whole += page[i];
    return whole;
}

/* The checksum is taken with zeros in its own place. */
static bool page_is_sound(guint8 *page, gsize len) {
    guint32 wanted = AV_RB32(page + CHECKSUM);
    AV_WB32(page + CHECKSUM, 0);
    return av_crc(av_crc_get_table(AV_CRC_32_IEEE), 0, page, len) == wanted;
}

/* Where the next page begins, from `at` on; −1: there is none. */
static gint64 find_page(int fd, gint64 at, guint8 *room) {
    for (ssize_t len; (len = pread(fd, room, PAGE, at)) >= 4; at += len - 3) {
        const guint8 *found = memmem(room, (gsize)len, "OggS", 4);
        if (found) return at + (found - room);
    }
    return -1;
}

/* A page whose checksum is wrong is skipped as a whole, whatever its length is worth: so the work
 * grows with the file's size alone. */
int pcm_ogg_bad_pages(int fd) {
    g_autofree guint8 *page = g_malloc(PAGE);
    int bad = 0;
    for (gint64 at = 0; at >= 0;) {
        ssize_t len = pread(fd, page, HEADER + 255, at);
        if (len < HEADER) break;
        gsize whole = page_length(page, (gsize)len);
        if (!whole) {
            at = find_page(fd, at, page);
            bad += at >= 0;
            continue;
        }
        if (pread(fd, page, whole, at) != (ssize_t)whole) break;
        bad += !page_is_sound(page, whole);
        at += (gint64)whole;
    }
    return bad;
}
