/* Opening a file, and reading from it nothing that was not checked. */
#include "segment.h"
#include "codes.h"
#include "index_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 2, ORDER = 0x01020304 };
static const char magic[8] = {'e', 'a', 'r', 's', 'h', 'o', 't', 'i'};

void segment_head_begin(SegmentHead *head) {
    memset(head, 0, sizeof *head);
    memcpy(head->magic, magic, sizeof magic);
    head->order = ORDER;
    head->version = VERSION;
}

uint32_t segment_head_crc(const SegmentHead *head) {
    return vec_kernels()->crc(head, offsetof(SegmentHead, head_crc));
}

static uint64_t next_page(uint64_t offset) {
    return (offset + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
}

/* No sum overflows: rows < 2^31, blocks < 2^28, lists < 2^17, dim ≤ 2^12. */
SegmentLayout segment_layout(const SegmentHead *head) {
    uint64_t padded = (uint64_t)rotate_padded((int)head->dim);
    SegmentLayout at = {.rows = SEGMENT_PAGE};
    at.ids = next_page(at.rows + head->rows * head->dim * 2);
    at.slots = next_page(at.ids + head->rows * 8);
    at.blocks = next_page(at.slots + head->rows * 4);
    at.bytes = next_page(at.blocks + head->blocks * codes_block_bytes((int)padded));
    at.lists = next_page(at.bytes + head->blocks * VEC_BLOCK * padded);
    at.crcs = next_page(at.lists + head->lists * (padded * 4 + 8));
    at.end = at.crcs + at.crcs / SEGMENT_PAGE * 4;
    return at;
}

/* ---- opening ---- */

static const char *check_head(const SegmentHead *head, int dim, uint64_t stamp) {
    if (memcmp(head->magic, magic, sizeof magic) != 0) return "not an index";
    if (head->order != ORDER) return "made on a machine with another order of bytes";
    if (head->version != VERSION) return INDEX_OTHER_VERSION;
    if (head->head_crc != segment_head_crc(head)) return "damaged";
    if (head->stamp != stamp) return "of another state of the library";
    if (head->dim != (uint32_t)dim) return "of vectors with another number of dimensions";
    if (head->rows > SEGMENT_MAX_ROWS || head->lists > SEGMENT_MAX_LISTS || head->lists == 0)
        return "damaged";
    if (head->blocks > head->rows / VEC_BLOCK + head->lists) return "damaged";
    return NULL;
}

static const char *read_head(int fd, SegmentHead *head) {
    for (size_t had = 0; had < sizeof *head;) {
        ssize_t n = pread(fd, (char *)head + had, sizeof *head - had, (off_t)had);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return strerrordesc_np(errno);
        if (n == 0) return "cut short";
        had += (size_t)n;
    }
    return NULL;
}

/* Sizes of the lists → first_block, list_of, live. */
static bool count_blocks(Segment *s) {
    uint64_t block = 0, rows = 0;
    for (uint32_t l = 0; l < s->head.lists; l++) {
        uint64_t blocks = ((uint64_t)s->sizes[l] + VEC_BLOCK - 1) / VEC_BLOCK;
        s->first_block[l] = (uint32_t)block;
        if (blocks > s->head.blocks - block) return false;
        for (uint64_t b = 0; b < blocks; b++) {
            s->live[block + b] = 0xffff;
            s->list_of[block + b] = l;
        }
        if (s->sizes[l] % VEC_BLOCK)
            s->live[block + blocks - 1] = (uint16_t)((1u << s->sizes[l] % VEC_BLOCK) - 1);
        s->live_of[l] = s->sizes[l];
        block += blocks;
        rows += s->sizes[l];
    }
    s->first_block[s->head.lists] = (uint32_t)block;
    return block == s->head.blocks && rows == s->head.rows;
}

static const void *part(const Segment *s, uint64_t offset) {
    return s->map + (offset - s->at.ids);
}

/* Pointers into the map. */
static void find_parts(Segment *s) {
    size_t lists = s->head.lists;
    int padded = rotate_padded((int)s->head.dim);
    s->ids = part(s, s->at.ids);
    s->slots = part(s, s->at.slots);
    s->blocks = part(s, s->at.blocks);
    s->bytes = part(s, s->at.bytes);
    s->crcs = part(s, s->at.crcs);
    const float *centres = part(s, s->at.lists);
    s->sizes = (const uint32_t *)(centres + lists * (size_t)padded + lists);
    s->checked = memory_take((size_t)(s->at.crcs / SEGMENT_PAGE / 64 + 1), sizeof *s->checked);
    s->lists.centres = centres;
    s->lists.padded = padded;
}

/* False where the lists do not add up. */
static bool bind(Segment *s) {
    size_t lists = s->head.lists, blocks = (size_t)s->head.blocks;
    s->rotation = rotate_new((int)s->head.dim);
    s->lists = lists_new(s->lists.centres, (int)lists, s->lists.padded);
    s->lists.spread = s->lists.centres + lists * (size_t)s->lists.padded;
    s->lists.sizes = s->sizes;
    s->first_block = memory_take(lists + 1, sizeof *s->first_block);
    s->live_of = memory_take(lists, sizeof *s->live_of);
    s->list_of = memory_take(blocks, sizeof *s->list_of);
    s->live = memory_take(blocks, sizeof *s->live);
    s->live_rows = s->head.rows;
    return count_blocks(s);
}

void segment_prepare(Segment *s) {
    find_parts(s);
    memset((void *)s->checked, 0xff, (s->at.crcs / SEGMENT_PAGE / 64 + 1) * 8);
    bind(s);
}

void segment_unbind(Segment *s) {
    memory_give(s->checked);
    memory_give(s->first_block);
    memory_give(s->list_of);
    memory_give(s->live_of);
    memory_give(s->live);
    rotate_clear(&s->rotation);
    lists_clear(&s->lists);
}

static const char *map_file(Segment *s) {
    struct stat info;
    s->at = segment_layout(&s->head);
    if (fstat(s->fd, &info) != 0) return strerrordesc_np(errno);
    if ((uint64_t)info.st_size < s->at.end) return "cut short";
    if ((uint64_t)info.st_size > s->at.end) return "damaged";
    void *map =
        mmap(NULL, (size_t)(s->at.end - s->at.ids), PROT_READ, MAP_SHARED, s->fd, (off_t)s->at.ids);
    if (map == MAP_FAILED) return strerrordesc_np(errno);
    s->map = map;
    const void *crcs = part(s, s->at.crcs);
    if (vec_kernels()->crc(crcs, s->at.end - s->at.crcs) != s->head.crcs_crc) return "damaged";
    find_parts(s);
    if (!segment_good(s, s->at.lists, s->at.crcs - s->at.lists) || !bind(s)) return "damaged";
    if (s->head.rows == 0) return NULL;
    int64_t last = segment_id(s, s->head.rows - 1);
    s->first_id = segment_id(s, 0);
    s->consecutive = (uint64_t)last - (uint64_t)s->first_id == s->head.rows - 1;
    return s->damage;
}

const char *segment_open(Segment **segment, const char *path, int dim, uint64_t stamp) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return strerrordesc_np(errno);
    Segment *s = memory_take(1, sizeof *s);
    s->fd = fd;
    const char *fault = read_head(fd, &s->head);
    if (!fault) fault = check_head(&s->head, dim, stamp);
    if (!fault) fault = map_file(s);
    if (fault) segment_close(s);
    *segment = fault ? NULL : s;
    return fault;
}

void segment_close(Segment *s) {
    if (s->map) munmap((void *)s->map, (size_t)(s->at.end - s->at.ids));
    segment_unbind(s);
    close(s->fd);
    memory_give(s);
}

/* ---- checking ---- */

static bool page_is_checked(const Segment *s, uint64_t page) {
    return atomic_load_explicit(&s->checked[page / 64], memory_order_relaxed) >> page % 64 & 1;
}

static bool read_all(int fd, void *to, size_t bytes, uint64_t offset) {
    for (size_t had = 0; had < bytes;) {
        ssize_t n = pread(fd, (char *)to + had, bytes - had, (off_t)(offset + had));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        had += (size_t)n;
    }
    return true;
}

static bool check_page(Segment *s, uint64_t page) {
    uint8_t copy[SEGMENT_PAGE];
    const uint8_t *bytes = copy;
    if (page * SEGMENT_PAGE >= s->at.ids)
        bytes = part(s, page * SEGMENT_PAGE);
    else if (!read_all(s->fd, copy, SEGMENT_PAGE, page * SEGMENT_PAGE))
        return false;
    if (vec_kernels()->crc(bytes, SEGMENT_PAGE) != s->crcs[page]) return false;
    atomic_fetch_or_explicit(&s->checked[page / 64], UINT64_C(1) << page % 64,
                             memory_order_relaxed);
    return true;
}

bool segment_check(Segment *s, uint64_t offset, uint64_t bytes) {
    if (bytes == 0) return true;
    uint64_t last = (offset + bytes - 1) / SEGMENT_PAGE;
    bool good = true;
    for (uint64_t page = offset / SEGMENT_PAGE; page <= last; page++)
        if (!page_is_checked(s, page) && !check_page(s, page)) good = false;
    if (!good) atomic_store(&s->damage, "damaged");
    return good;
}

/* ---- rows ---- */

int64_t segment_id(Segment *s, uint64_t row) {
    if (s->consecutive) return s->first_id + (int64_t)row;
    return segment_good(s, s->at.ids + row * 8, 8) ? s->ids[row] : INT64_MIN;
}

uint64_t segment_find(Segment *s, int64_t id, uint64_t from) {
    uint64_t low = from, high = s->head.rows;
    if (low >= high || segment_id(s, low) >= id) return low;
    /* Ids ascend by one at least: this row's is not below. */
    uint64_t ahead = (uint64_t)id - (uint64_t)segment_id(s, low);
    if (ahead < high - low) high = low + ahead;
    if (high > low + 1 && segment_id(s, high - 1) < id) return high;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (segment_id(s, middle) < id)
            low = middle;
        else
            high = middle;
    }
    return high;
}

bool segment_rows(Segment *s, uint64_t row, uint64_t count, uint16_t *rows) {
    uint64_t offset = s->at.rows + row * s->head.dim * 2, bytes = count * s->head.dim * 2;
    if (!segment_good(s, offset, bytes)) return false;
    if (read_all(s->fd, rows, (size_t)bytes, offset)) return true;
    atomic_store(&s->damage, "cannot be read");
    return false;
}

bool segment_slot(Segment *s, uint64_t row, uint32_t *slot) {
    if (!segment_good(s, s->at.slots + row * 4, 4)) return false;
    *slot = s->slots[row];
    if (*slot / VEC_BLOCK < s->head.blocks) return true;
    atomic_store(&s->damage, "damaged");
    return false;
}

bool segment_is_live(Segment *s, uint64_t row) {
    uint32_t slot;
    return segment_slot(s, row, &slot) && s->live[slot / VEC_BLOCK] >> slot % VEC_BLOCK & 1;
}

void segment_remove(Segment *s, int64_t first, int64_t end) {
    uint64_t to = segment_find(s, end, 0);
    for (uint64_t row = segment_find(s, first, 0); row < to; row++) {
        uint32_t slot;
        if (!segment_slot(s, row, &slot)) continue;
        uint16_t *live = &s->live[slot / VEC_BLOCK], bit = (uint16_t)(1u << slot % VEC_BLOCK);
        s->live_rows -= (*live & bit) != 0;
        s->live_of[s->list_of[slot / VEC_BLOCK]] -= (*live & bit) != 0;
        *live &= (uint16_t)~bit;
    }
}

uint64_t segment_bytes(const Segment *s) {
    return s->at.end - s->at.ids + s->head.blocks * 6 + s->at.crcs / SEGMENT_PAGE / 8 +
           (uint64_t)s->lists.padded * s->head.lists;
}
