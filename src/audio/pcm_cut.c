/* The file's own bookkeeping against its size. See pcm_cut.h. */
#include "pcm_cut.h"

#include "pcm_ogg.h"

#include <libavutil/intreadwrite.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_HEADER  8
#define UNKNOWN_CHUNK 0x7FFFFF00u /* writers that cannot seek back put this much or more */
#define CAF_HEADER    8
#define CAF_CHUNK     12   /* bytes of name and size */
#define CAF_CHUNKS    1000 /* before the sound; further ones are not looked at */
#define GUID          16   /* bytes */
#define GUID_HEADER   (GUID + 8)
#define EBML_SIZE     8 /* bytes of the longest size */
#define EBML_HEADER   0x1A45DFA3u
#define EBML_SEGMENT  0x18538067u

static bool chunk_is_longer(guint32 claimed, gint64 size) {
    return claimed < UNKNOWN_CHUNK && (gint64)claimed + CHUNK_HEADER > size;
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

/* CAF is a row of chunks; that of the sound may say −1, "to the end". Those behind it are left
 * aside: tags that other programs append are no chunks. */
static bool caf_sound_is_longer(int fd, gint64 size) {
    guint8 head[CAF_CHUNK];
    gint64 at = CAF_HEADER;
    for (int i = 0; i < CAF_CHUNKS && pread(fd, head, CAF_CHUNK, at) == CAF_CHUNK; i++) {
        gint64 left = size - at - CAF_CHUNK, claimed = (gint64)AV_RB64(head + 4);
        if (memcmp(head, "data", 4) == 0) return claimed > left;
        if (claimed < 0 || claimed > left) return false;
        at += CAF_CHUNK + claimed;
    }
    return false;
}

/* The size of the object at `at`, its header included; 0: it has none, or none that is known. */
static gint64 guid_size(int fd, gint64 at, const guint8 *guid) {
    guint8 head[GUID_HEADER];
    bool is = pread(fd, head, sizeof head, at) == sizeof head && memcmp(head, guid, GUID) == 0;
    gint64 claimed = is ? (gint64)AV_RL64(head + GUID) : 0;
    return MAX(claimed, 0);
}

static const guint8 asf_header[GUID] = "\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62"
                                       "\xCE\x6C";
static const guint8 asf_data[GUID] = "\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE"
                                     "\x6C";
static const guint8 w64_riff[GUID] = "riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";

/* ASF is a header, the packets and perhaps an index. The size of the file, too, is in the header,
 * but programs that change tags leave it as it was. */
static bool asf_data_is_longer(int fd, gint64 size) {
    gint64 header = guid_size(fd, 0, asf_header);
    return header > 0 && header < size && guid_size(fd, header, asf_data) > size - header;
}

bool pcm_cut_short(int fd, gint64 size) {
    guint8 head[CHUNK_HEADER];
    if (pread(fd, head, sizeof head, 0) != sizeof head) return false;
    if (memcmp(head, "RIFF", 4) == 0) return chunk_is_longer(AV_RL32(head + 4), size);
    if (memcmp(head, "FORM", 4) == 0) return chunk_is_longer(AV_RB32(head + 4), size);
    if (AV_RB32(head) == EBML_HEADER) return segment_is_longer(fd, size);
    if (memcmp(head, "caff", 4) == 0) return caf_sound_is_longer(fd, size);
    if (memcmp(head, w64_riff, CHUNK_HEADER) == 0) return guid_size(fd, 0, w64_riff) > size;
    if (memcmp(head, asf_header, CHUNK_HEADER) == 0) return asf_data_is_longer(fd, size);
    return memcmp(head, "OggS", 4) == 0 && pcm_ogg_lacks_end(fd, size);
}
