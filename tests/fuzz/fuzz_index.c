/* Any bytes as an index file: refused with a sentence, or searched. Where the first byte is 's' the
 * checksums of the rest are set right first, so that what lies behind them is met too. */
#include "segment.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DIM = 20, STAMP = 42 };

static void seal(uint8_t *data, size_t size) {
    SegmentHead head;
    if (size < sizeof head) return;
    memcpy(&head, data, sizeof head);
    if (head.rows > 1000 || head.lists > 100 || head.blocks > 1000 || head.dim != DIM) return;
    SegmentLayout at = segment_layout(&head);
    if (at.end != size) return;
    for (uint64_t page = 1; page < at.crcs / SEGMENT_PAGE; page++) {
        uint32_t crc = vec_kernels()->crc(data + page * SEGMENT_PAGE, SEGMENT_PAGE);
        memcpy(data + at.crcs + page * 4, &crc, sizeof crc);
    }
    head.crcs_crc = vec_kernels()->crc(data + at.crcs, (size_t)(at.end - at.crcs));
    head.head_crc = segment_head_crc(&head);
    memcpy(data, &head, sizeof head);
}

static void search(Index *index, int k, const IndexSet *allow, bool exact) {
    static const float query[DIM] = {0.6f, -0.8f};
    IndexScratch *scratch = index_scratch_new();
    g_autofree IndexHit *hits = g_new(IndexHit, k);
    IndexQuery how = {k, k % 2 ? INDEX_TEXT : INDEX_SOUND, exact, allow};
    g_assert_cmpint(index_search(index, scratch, query, &how, hits), <=, k);
    index_scratch_free(scratch);
}

static void use(Index *index) {
    static const uint64_t bits[16] = {~UINT64_C(0), 0x123456789abcdef0};
    static const IndexSet set = {90, 1024, 96, bits};
    float query[DIM] = {1}, out[64];
    search(index, 3, NULL, false);
    search(index, 40, NULL, false);
    search(index, 3, &set, false);
    search(index, 40, NULL, true);
    index_cosines(index, query, 95, 64, out);
    index_sample(index, query, 64, out);
    index_row(index, 101, out);
    index_remove(index, 100, 50);
    search(index, 10, &set, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 1 << 20) return 0;
    g_autofree uint8_t *copy = g_memdup2(data + 1, size - 1);
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("earshot-fuzz-XXXXXX", &path, NULL);
    if (*data == 's') seal(copy, size - 1);
    g_assert_cmpint(write(fd, copy, size - 1), ==, (gssize)size - 1);
    close(fd);
    Index *index = index_new(DIM);
    const char *fault = index_map(index, path, STAMP);
    if (fault)
        g_assert_null(strchr(fault, '\n'));
    else
        use(index);
    index_free(index);
    unlink(path);
    return 0;
}
