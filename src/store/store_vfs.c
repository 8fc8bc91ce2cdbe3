/* Pages with checksums, so that a bit that flipped on the disk is an error and never another
 * answer. The idea is that of SQLite's cksumvfs extension: a VFS between SQLite and the system's
 * own, which writes a sum of each page into the bytes reserved at its end, and looks at it whenever
 * the page is read. The sum takes in the page's number, so a page in another's place is noticed.
 *
 * Only the database itself goes through here. The log has sums of SQLite's own, made of pages
 * before they are written, so pages are not changed on their way into it; those that come out of it
 * get theirs here when they are written back. Not noticed: a page that is a whole older one of the
 * same number, and a log that ends early, as after a power cut.
 *
 * Nothing is mapped: methods of version 2 have no xFetch, every page comes through page_read.
 * Shared by all threads, never changed after store_vfs_register. */
#include "store_vfs.h"

#include "store_private.h"

#include <string.h>

#define LEAST_PAGE         512 /* of SQLite's; less is a look at the header */
#define HEADER             100
#define HEADER_APPLICATION 68 /* its place in the header, big end first */

typedef struct {
    sqlite3_file base;
    bool verify;
    sqlite3_file real[]; /* the system's, of its own size */
} PageFile;

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((PageFile *)file)->real;
}

/* -- sums -- */

/* One step loses nothing: for each sum before, each word leads to another sum. So damage within
 * eight bytes is always noticed, more of it all but always. */
static uint64_t stir(uint64_t sum, uint64_t word) {
    sum ^= word;
    return (sum << 29 | sum >> 35) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
}

/* Four sums side by side, for the multiplications of one wait for each other. */
static uint64_t sum_page(const uint8_t *page, uint64_t number) {
    enum { LANES = 4, WORDS = (STORE_PAGE - STORE_PAGE_TAIL) / 8 };
    uint64_t words[WORDS], lane[LANES], sum = number;
    memcpy(words, page, sizeof words);
    for (int i = 0; i < LANES; i++) lane[i] = stir(number + 1, (uint64_t)i);
    int i = 0;
    for (; i + LANES <= WORDS; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] = stir(lane[j], GUINT64_FROM_LE(words[i + j]));
    for (; i < WORDS; i++) lane[0] = stir(lane[0], GUINT64_FROM_LE(words[i]));
    for (int j = 0; j < LANES; j++) sum = stir(sum, lane[j]);
    return GUINT64_TO_LE(sum ^ sum >> 32);
}

static uint8_t *tail_of(uint8_t *page) {
    return page + STORE_PAGE - STORE_PAGE_TAIL;
}

static bool is_whole(uint8_t *page, sqlite3_int64 at) {
    const uint64_t sum = sum_page(page, (uint64_t)at / STORE_PAGE);
    return !memcmp(tail_of(page), &sum, sizeof sum);
}

static bool is_blank(const uint8_t *page) {
    return !page[0] && !memcmp(page, page + 1, STORE_PAGE - 1);
}

/* -- reading and writing -- */

/* Beyond the end of the file SQLite expects zeros and to be told so; a page that ends in its middle
 * is a spoiled one. */
static int read_page(sqlite3_file *real, uint8_t page[STORE_PAGE], sqlite3_int64 at) {
    const int result = real->pMethods->xRead(real, page, STORE_PAGE, at);
    if (result == SQLITE_IOERR_SHORT_READ && is_blank(page)) return result;
    if (result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ) return result;
    return is_whole(page, at) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

/* SQLite reads a page at a time, but believes the header's word on how large one is, and may leave
 * out what is reserved: whatever it asks for, whole pages of ours are read and looked at. */
static int page_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at) {
    sqlite3_file *real = real_of(file);
    if (size < LEAST_PAGE || !((PageFile *)file)->verify)
        return real->pMethods->xRead(real, out, size, at);
    int result = SQLITE_OK;
    for (int done = 0; done < size && result == SQLITE_OK;) {
        uint8_t page[STORE_PAGE];
        const int inside = (int)((at + done) % STORE_PAGE);
        const int here = MIN(STORE_PAGE - inside, size - done);
        result = read_page(real, page, at + done - inside);
        if (result == SQLITE_IOERR_SHORT_READ)
            memset((uint8_t *)out + done, 0, (size_t)(size - done));
        if (result == SQLITE_OK) memcpy((uint8_t *)out + done, page + inside, (size_t)here);
        done += here;
    }
    return result;
}

static int page_write(sqlite3_file *file, const void *in, int size, sqlite3_int64 at) {
    sqlite3_file *real = real_of(file);
    if (!((PageFile *)file)->verify) return real->pMethods->xWrite(real, in, size, at);
    if (size != STORE_PAGE || at % STORE_PAGE) return SQLITE_IOERR_WRITE;
    uint8_t page[STORE_PAGE];
    memcpy(page, in, sizeof page);
    const uint64_t sum = sum_page(page, (uint64_t)at / STORE_PAGE);
    memcpy(tail_of(page), &sum, sizeof sum);
    return real->pMethods->xWrite(real, page, STORE_PAGE, at);
}

/* -- handed on as they are -- */

static int page_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int page_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int page_sync(sqlite3_file *file, int flags) {
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int page_file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int page_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int page_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int page_check_reserved_lock(sqlite3_file *file, int *held) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}

static int page_file_control(sqlite3_file *file, int what, void *value) {
    return real_of(file)->pMethods->xFileControl(real_of(file), what, value);
}

static int page_sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int page_device_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int page_shm_map(sqlite3_file *file, int part, int size, int extend, void volatile **at) {
    return real_of(file)->pMethods->xShmMap(real_of(file), part, size, extend, at);
}

static int page_shm_lock(sqlite3_file *file, int first, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), first, count, flags);
}

static void page_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int page_shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods page_methods = {
    .iVersion = 2,
    .xClose = page_close,
    .xRead = page_read,
    .xWrite = page_write,
    .xTruncate = page_truncate,
    .xSync = page_sync,
    .xFileSize = page_file_size,
    .xLock = page_lock,
    .xUnlock = page_unlock,
    .xCheckReservedLock = page_check_reserved_lock,
    .xFileControl = page_file_control,
    .xSectorSize = page_sector_size,
    .xDeviceCharacteristics = page_device_characteristics,
    .xShmMap = page_shm_map,
    .xShmLock = page_shm_lock,
    .xShmBarrier = page_shm_barrier,
    .xShmUnmap = page_shm_unmap,
};

/* -- opening -- */

/* Another's database would look like a damaged one of ours, for its pages have no sums. An empty
 * file is what a kill at the very beginning leaves. */
static int check_header(PageFile *file) {
    static const char magic[16] = "SQLite format 3";
    uint8_t head[HEADER];
    uint32_t application;
    const int result = file->real->pMethods->xRead(file->real, head, HEADER, 0);
    memcpy(&application, head + HEADER_APPLICATION, sizeof application);
    const bool ours =
        !memcmp(head, magic, sizeof magic) && GUINT32_FROM_BE(application) == STORE_APPLICATION_ID;
    if (result == SQLITE_OK) return ours ? SQLITE_OK : SQLITE_NOTADB;
    if (result != SQLITE_IOERR_SHORT_READ) return result;
    sqlite3_int64 size;
    const int asked = file->real->pMethods->xFileSize(file->real, &size);
    return asked != SQLITE_OK ? asked : size ? SQLITE_NOTADB : SQLITE_OK;
}

typedef struct {
    sqlite3_vfs base;
    sqlite3_vfs *plain; /* the system's */
} PageVfs;

static int page_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *flags_out) {
    PageFile *opened = (PageFile *)file;
    sqlite3_vfs *plain = ((PageVfs *)vfs)->plain;
    if (!(flags & SQLITE_OPEN_MAIN_DB)) return plain->xOpen(plain, name, file, flags, flags_out);
    *opened = (PageFile){.verify = sqlite3_uri_boolean(name, "verify", 1)};
    const int result = plain->xOpen(plain, name, opened->real, flags, flags_out);
    if (opened->real->pMethods) opened->base.pMethods = &page_methods; /* to be closed */
    return result == SQLITE_OK && opened->verify ? check_header(opened) : result;
}

/* The system's VFS with another way to open files. */
static void *register_once(void *unused) {
    static PageVfs ours;
    ours.plain = sqlite3_vfs_find(NULL);
    ours.base = *ours.plain;
    ours.base.zName = STORE_VFS;
    ours.base.szOsFile += (int)sizeof(PageFile);
    ours.base.xOpen = page_open;
    return GINT_TO_POINTER(sqlite3_vfs_register(&ours.base, 0));
}

int store_vfs_register(void) {
    static GOnce once = G_ONCE_INIT;
    return GPOINTER_TO_INT(g_once(&once, register_once, NULL));
}

/* Before there is a first page; of one that is there the header has the last word. */
int store_vfs_reserve(sqlite3 *db) {
    int bytes = STORE_PAGE_TAIL;
    return sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}
