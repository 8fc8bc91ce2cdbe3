/* Writing a file: rows go out as they come; then the file gets its full size at once, is mapped,
 * and the rest is filled in place: lists, codes, what calibration found, checksums, head. It has a
 * temporary name until all of it is on the disk. */
#include "calibrate.h"
#include "codes.h"
#include "index_memory.h"
#include "parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAT_BELOW = 5000, BUFFER = 1 << 20, CRC_PAGES = 256 };

typedef struct {
    const IndexWrite *how;
    int fd, threads;
    char temporary[PATH_MAX];
    int64_t *ids;
    size_t room;
    uint64_t count;
    const uint16_t *rows; /* the file's, mapped; NULL without any */
    uint32_t *list;       /* of each row */
    float *centres;
    Segment segment;
} Writer;

/* ---- rows as they come ---- */

static const char *put(int fd, const void *from, size_t bytes) {
    for (size_t had = 0; had < bytes;) {
        ssize_t n = write(fd, (const char *)from + had, bytes - had);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return strerrordesc_np(errno);
        had += (size_t)n;
    }
    return NULL;
}

static const char *keep_id(Writer *w, int64_t id) {
    if (w->count == SEGMENT_MAX_ROWS) return "more rows than a file holds";
    if (w->count && id <= w->ids[w->count - 1]) return "ids do not ascend";
    if (w->count == w->room) {
        size_t room = w->room ? 2 * w->room : 4096;
        w->ids = memory_grow(w->ids, w->room, room, sizeof *w->ids);
        w->room = room;
    }
    w->ids[w->count++] = id;
    return NULL;
}

/* Fills the buffer with up to `most` rows; *n: how many came. */
static const char *take_rows(Writer *w, IndexRows rows, void *user, uint16_t *buffer, size_t most,
                             size_t *n, bool *end) {
    for (*n = 0; *n < most && !*end; ++*n) {
        int64_t id;
        if (!rows(user, &id, buffer + *n * (size_t)w->how->dim, end)) return "given up";
        if (*end) break;
        const char *fault = keep_id(w, id);
        if (fault) return fault;
    }
    return NULL;
}

static const char *write_rows(Writer *w, IndexRows rows, void *user) {
    size_t row_bytes = (size_t)w->how->dim * 2, most = BUFFER / row_bytes, n;
    uint16_t *buffer = memory_take(most, row_bytes);
    bool end = false;
    const char *fault = lseek(w->fd, SEGMENT_PAGE, SEEK_SET) < 0 ? strerrordesc_np(errno) : NULL;
    while (!fault && !end) {
        fault = take_rows(w, rows, user, buffer, most, &n, &end);
        if (!fault) fault = put(w->fd, buffer, n * row_bytes);
    }
    memory_give(buffer);
    return fault;
}

static const char *map_rows(Writer *w) {
    if (w->count == 0) return NULL;
    size_t bytes = (size_t)w->count * (size_t)w->how->dim * 2;
    void *rows = mmap(NULL, bytes, PROT_READ, MAP_SHARED, w->fd, SEGMENT_PAGE);
    if (rows == MAP_FAILED) return strerrordesc_np(errno);
    w->rows = rows;
    return NULL;
}

/* ---- lists ---- */

static int choose_lists(const Writer *w) {
    int lists = 1;
    if (w->how->lists > 0)
        return w->how->lists < SEGMENT_MAX_LISTS ? w->how->lists : SEGMENT_MAX_LISTS;
    if (w->count < FLAT_BELOW) return 1;
    while ((double)lists * lists < 1.5 * (double)w->count)
        lists *= 2; /* 1.2 … 2.4 times the root */
    return lists;
}

static void partition(Writer *w, int lists) {
    int padded = rotate_padded(w->how->dim);
    Rotation rotation = rotate_new(w->how->dim);
    w->centres = memory_take((size_t)lists * (size_t)padded, sizeof *w->centres);
    w->list = memory_take((size_t)w->count, sizeof *w->list);
    if (w->count) lists_train(&rotation, w->rows, w->count, lists, w->threads, w->centres);
    if (lists > 1) {
        Lists trained = lists_new(w->centres, lists, padded);
        lists_assign(&trained, &rotation, w->rows, w->count, w->threads, w->list);
        lists_clear(&trained);
    }
    rotate_clear(&rotation);
}

static void partition_clear(Writer *w) {
    memory_give(w->centres);
    memory_give(w->list);
    w->centres = NULL;
    w->list = NULL;
}

/* ---- the file at its full size ---- */

static uint32_t *count_lists(const Writer *w, int lists) {
    uint32_t *sizes = memory_take((size_t)lists, sizeof *sizes);
    for (uint64_t row = 0; row < w->count; row++) sizes[w->list[row]]++;
    return sizes;
}

static void set_head(Writer *w, int lists, const uint32_t *sizes) {
    SegmentHead *head = &w->segment.head;
    segment_head_begin(head);
    head->dim = (uint32_t)w->how->dim;
    head->lists = (uint32_t)lists;
    head->rows = w->count;
    head->stamp = w->how->stamp;
    for (int l = 0; l < lists; l++) head->blocks += (sizes[l] + VEC_BLOCK - 1) / VEC_BLOCK;
    w->segment.at = segment_layout(head);
}

/* Room on the disk first: a mapped page that has none ends the program. */
static const char *map_rest(Writer *w) {
    const SegmentLayout *at = &w->segment.at;
    if (ftruncate(w->fd, (off_t)at->ids) != 0) return strerrordesc_np(errno);
    int fault = posix_fallocate(w->fd, 0, (off_t)at->end);
    if (fault) return strerrordesc_np(fault);
    void *map = mmap(NULL, (size_t)(at->end - at->ids), PROT_READ | PROT_WRITE, MAP_SHARED, w->fd,
                     (off_t)at->ids);
    if (map == MAP_FAILED) return strerrordesc_np(errno);
    w->segment.map = map;
    return NULL;
}

static void *part(const Writer *w, uint64_t offset) {
    return (uint8_t *)w->segment.map + (offset - w->segment.at.ids);
}

/* What the segment needs before it can be bound: sizes, centres, and ids. */
static void fill_tables(Writer *w, const uint32_t *sizes) {
    const SegmentHead *head = &w->segment.head;
    size_t lists = head->lists, padded = (size_t)rotate_padded(w->how->dim);
    float *centres = part(w, w->segment.at.lists);
    memcpy(centres, w->centres, lists * padded * sizeof *centres);
    memcpy(centres + lists * padded + lists, sizes, lists * sizeof *sizes);
    if (w->count) memcpy(part(w, w->segment.at.ids), w->ids, (size_t)w->count * sizeof *w->ids);
}

/* Rows take the slots of their list in the order of their ids. */
static void fill_slots(Writer *w) {
    const Segment *s = &w->segment;
    uint32_t *slots = part(w, s->at.slots);
    uint32_t *next = memory_take(s->head.lists, sizeof *next);
    for (uint32_t l = 0; l < s->head.lists; l++) next[l] = s->first_block[l] * VEC_BLOCK;
    for (uint64_t row = 0; row < w->count; row++) slots[row] = next[w->list[row]]++;
    memory_give(next);
}

typedef struct {
    Writer *writer;
    uint32_t *row_of; /* [slots] */
} Encode;

/* The codes of one list, and its spread. */
static void encode_list(void *user, size_t l, int thread) {
    (void)thread;
    Encode *e = user;
    Writer *w = e->writer;
    const Segment *s = &w->segment;
    size_t padded = (size_t)s->lists.padded, block_bytes = codes_block_bytes((int)padded);
    const float *centre = s->lists.centres + l * padded;
    float *x = memory_take(2 * padded, sizeof *x), *spread = (float *)s->lists.spread;
    uint8_t *blocks = part(w, s->at.blocks), *bytes = part(w, s->at.bytes);
    uint32_t first = s->first_block[l];
    double sum = 0;
    for (uint32_t i = 0; i < s->sizes[l]; i++) {
        uint8_t *block = blocks + (first + i / VEC_BLOCK) * block_bytes;
        uint32_t slot = first * VEC_BLOCK + i, row = e->row_of[slot];
        if (i % VEC_BLOCK == 0) codes_block_begin(block, (int)padded);
        rotate_half(&s->rotation, w->rows + (size_t)row * s->head.dim, x);
        sum += codes_put(block, (int)(i % VEC_BLOCK), bytes + slot * padded, row, x, centre,
                         x + padded, (int)padded);
    }
    spread[l] = s->sizes[l] ? (float)sqrt(sum / s->sizes[l]) : 0;
    memory_give(x);
}

static void fill_codes(Writer *w) {
    const Segment *s = &w->segment;
    Encode encode = {w, memory_take((size_t)s->head.blocks * VEC_BLOCK, sizeof(uint32_t))};
    for (uint64_t row = 0; row < w->count; row++) encode.row_of[s->slots[row]] = (uint32_t)row;
    /* Slots that stay empty are zeros, as the file was made. */
    parallel_run(w->threads, s->head.lists, encode_list, &encode);
    memory_give(encode.row_of);
}

/* ---- the end ---- */

static void crc_pages(void *user, size_t piece, int thread) {
    (void)thread;
    Writer *w = user;
    const SegmentLayout *at = &w->segment.at;
    uint32_t *crcs = part(w, at->crcs);
    uint64_t end = at->crcs / SEGMENT_PAGE, page = piece * CRC_PAGES;
    if (end > page + CRC_PAGES) end = page + CRC_PAGES;
    for (page += page == 0; page < end; page++) {
        uint64_t offset = page * SEGMENT_PAGE;
        const uint8_t *rows = (const uint8_t *)w->rows;
        const void *bytes = offset >= at->ids ? part(w, offset) : rows + (offset - SEGMENT_PAGE);
        crcs[page] = vec_kernels()->crc(bytes, SEGMENT_PAGE);
    }
}

static const char *finish(Writer *w) {
    SegmentHead *head = &w->segment.head;
    const SegmentLayout *at = &w->segment.at;
    uint64_t pages = at->crcs / SEGMENT_PAGE;
    uint8_t page[SEGMENT_PAGE] = {0};
    parallel_run(w->threads, (size_t)((pages + CRC_PAGES - 1) / CRC_PAGES), crc_pages, w);
    head->crcs_crc = vec_kernels()->crc(part(w, at->crcs), (size_t)(at->end - at->crcs));
    head->head_crc = segment_head_crc(head);
    memcpy(page, head, sizeof *head);
    if (lseek(w->fd, 0, SEEK_SET) < 0) return strerrordesc_np(errno);
    return put(w->fd, page, sizeof page);
}

static void segment_done(Writer *w) {
    Segment *s = &w->segment;
    if (s->map) munmap((void *)s->map, (size_t)(s->at.end - s->at.ids));
    segment_unbind(s);
    *s = (Segment){.fd = w->fd};
}

/* Everything behind the rows, with so many lists. *helps: whether calibration is content. */
static const char *build(Writer *w, int lists, bool *helps) {
    partition(w, lists);
    uint32_t *sizes = count_lists(w, lists);
    set_head(w, lists, sizes);
    const char *fault = map_rest(w);
    if (!fault) {
        fill_tables(w, sizes);
        segment_prepare(&w->segment);
        fill_slots(w);
        fill_codes(w);
        *helps = calibrate(&(Calibration){&w->segment, w->rows, w->how->texts,
                                          w->how->texts ? w->how->text_count : 0, w->threads});
        if (*helps) fault = finish(w);
    }
    memory_give(sizes);
    partition_clear(w);
    segment_done(w);
    return fault;
}

static const char *fill(Writer *w, IndexRows rows, void *user) {
    bool helps = true;
    const char *fault = write_rows(w, rows, user);
    if (!fault) fault = map_rows(w);
    if (!fault) fault = build(w, choose_lists(w), &helps);
    if (!fault && !helps) fault = build(w, 1, &helps);
    if (!fault && fsync(w->fd) != 0) fault = strerrordesc_np(errno);
    return fault;
}

/* So that the new name is on the disk too. */
static const char *sync_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 2;
    memcpy(folder, slash ? path : "./", len);
    folder[len] = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return strerrordesc_np(errno);
    const char *fault = fsync(fd) != 0 ? strerrordesc_np(errno) : NULL;
    close(fd);
    return fault;
}

/* The temporary file, open; it is gone when this fails. */
static const char *write_temporary(Writer *w, IndexRows rows, void *user) {
    w->fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) return strerrordesc_np(errno);
    w->segment.fd = w->fd;
    const char *fault = fill(w, rows, user);
    if (w->rows) munmap((void *)w->rows, (size_t)w->count * (size_t)w->how->dim * 2);
    if (close(w->fd) != 0 && !fault) fault = strerrordesc_np(errno);
    if (fault) unlink(w->temporary);
    return fault;
}

static const char *rename_temporary(const Writer *w, const char *path) {
    if (rename(w->temporary, path) == 0) return sync_folder(path);
    const char *fault = strerrordesc_np(errno);
    unlink(w->temporary);
    return fault;
}

const char *index_write(const char *path, const IndexWrite *how, IndexRows rows, void *user) {
    if (how->dim < 1 || how->dim > INDEX_MAX_DIM) return "dimensions out of range";
    Writer *w = memory_take(1, sizeof *w);
    w->how = how;
    w->threads = how->threads < 1 ? 1 : how->threads;
    if (w->threads > PARALLEL_MOST) w->threads = PARALLEL_MOST;
    int len = snprintf(w->temporary, sizeof w->temporary, "%s.%ld.tmp", path, (long)getpid());
    const char *fault = len < 0 || (size_t)len >= sizeof w->temporary ? "name too long" : NULL;
    if (!fault) fault = write_temporary(w, rows, user);
    if (!fault) fault = rename_temporary(w, path);
    memory_give(w->ids);
    memory_give(w);
    return fault;
}
