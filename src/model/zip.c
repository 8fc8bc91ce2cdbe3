/* Reading a zip's central directory. Field offsets are those of PKWARE's APPNOTE 6.3, in the
 * comments of the constants. */
#include "zip.h"

#include "error.h"

#include <stdbool.h>
#include <string.h>

#define END_SIZE       22 /* 4.3.16 end of central directory */
#define END_SEARCH     (END_SIZE + 65535)
#define END64_SIZE     56 /* 4.3.14 */
#define LOCATOR64_SIZE 20 /* 4.3.15 */
#define CENTRAL_SIZE   46 /* 4.3.12 */
#define LOCAL_SIZE     30 /* 4.3.7 */
#define EXTRA_ZIP64    0x0001
#define IN_ZIP64       0xFFFFFFFFu /* the value is in the zip64 field instead */

static const char end_mark[] = "PK\5\6", end64_mark[] = "PK\6\6", locator64_mark[] = "PK\6\7",
                  central_mark[] = "PK\1\2", local_mark[] = "PK\3\4";

struct Zip {
    const char *path;
    const uint8_t *data;
    size_t bytes;
    GHashTable *entries; /* name → ZipEntry */
};

/* One record of the central directory. */
typedef struct {
    const uint8_t *name, *extra;
    uint16_t flags, method, name_len, extra_len, comment_len;
    uint64_t packed, bytes, at;
} Record;

static uint16_t u16(const uint8_t *at) {
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at) {
    return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const uint8_t *at) {
    return u32(at) | (uint64_t)u32(at + 4) << 32;
}

static bool within(const Zip *zip, uint64_t at, uint64_t bytes) {
    return at <= zip->bytes && bytes <= zip->bytes - at;
}

static bool marked(const Zip *zip, uint64_t at, uint64_t bytes, const char *mark) {
    return within(zip, at, bytes) && memcmp(zip->data + at, mark, 4) == 0;
}

static bool broken(const Zip *zip, const char *what, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s: broken zip file: %s", zip->path, what);
}

/* The end record lies before a comment of unknown length: searched from the end. */
static bool find_end(const Zip *zip, size_t *end, GError **error) {
    size_t least = zip->bytes > END_SEARCH ? zip->bytes - END_SEARCH : 0;
    for (size_t at = zip->bytes; at-- > least;)
        if (marked(zip, at, END_SIZE, end_mark)) {
            *end = at;
            return true;
        }
    return broken(zip, "it has no end record", error);
}

/* Where the central directory begins, and how many records it says it has. */
static bool find_directory(const Zip *zip, uint64_t *at, uint64_t *count, GError **error) {
    size_t end = 0;
    if (!find_end(zip, &end, error)) return false;
    *count = u16(zip->data + end + 10);
    *at = u32(zip->data + end + 16);
    if (end < LOCATOR64_SIZE || !marked(zip, end - LOCATOR64_SIZE, LOCATOR64_SIZE, locator64_mark))
        return true;
    uint64_t end64 = u64(zip->data + end - LOCATOR64_SIZE + 8);
    if (!marked(zip, end64, END64_SIZE, end64_mark))
        return broken(zip, "its zip64 end record is not where it says", error);
    *count = u64(zip->data + end64 + 32);
    *at = u64(zip->data + end64 + 48);
    return true;
}

static bool take_zip64(uint64_t *value, const uint8_t **at, const uint8_t *end) {
    if (*value != IN_ZIP64) return true;
    if (end - *at < 8) return false;
    *value = u64(*at);
    *at += 8;
    return true;
}

/* The zip64 field holds those of size, packed size and offset that did not fit, in this order. */
static bool widen_record(const Zip *zip, Record *record, GError **error) {
    const uint8_t *at = record->extra, *end = at + record->extra_len;
    while (end - at >= 4) {
        uint16_t kind = u16(at), bytes = u16(at + 2);
        at += 4;
        if (bytes > end - at) return broken(zip, "an extra field is too long", error);
        const uint8_t *stop = at + bytes;
        if (kind == EXTRA_ZIP64)
            return (take_zip64(&record->bytes, &at, stop) &&
                    take_zip64(&record->packed, &at, stop) && take_zip64(&record->at, &at, stop)) ||
                   broken(zip, "a zip64 field is too short", error);
        at = stop;
    }
    return true;
}

static bool read_record(const Zip *zip, uint64_t at, Record *record, GError **error) {
    if (!marked(zip, at, CENTRAL_SIZE, central_mark))
        return broken(zip, "its directory is not where it says", error);
    const uint8_t *data = zip->data + at;
    *record = (Record){.name = data + CENTRAL_SIZE,
                       .flags = u16(data + 8),
                       .method = u16(data + 10),
                       .packed = u32(data + 20),
                       .bytes = u32(data + 24),
                       .name_len = u16(data + 28),
                       .extra_len = u16(data + 30),
                       .comment_len = u16(data + 32),
                       .at = u32(data + 42)};
    record->extra = record->name + record->name_len;
    if (!within(zip, at + CENTRAL_SIZE,
                (uint64_t)record->name_len + record->extra_len + record->comment_len))
        return broken(zip, "its directory is cut off", error);
    return widen_record(zip, record, error);
}

static bool add_entry(Zip *zip, const Record *record, GError **error) {
    g_autofree char *name = g_strndup((const char *)record->name, record->name_len);
    if (record->method != 0 || record->flags & 1 || record->packed != record->bytes) {
        return error_fail(error, ERR_UNSUPPORTED,
                          "%s: %s: is compressed or encrypted; convert the file to safetensors",
                          zip->path, name);
    }
    if (!marked(zip, record->at, LOCAL_SIZE, local_mark))
        return broken(zip, "an entry is not where the directory says", error);
    const uint8_t *local = zip->data + record->at;
    uint64_t data = record->at + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
    if (!within(zip, data, record->bytes)) return broken(zip, "an entry is cut off", error);
    ZipEntry *entry = g_new(ZipEntry, 1);
    *entry = (ZipEntry){zip->data + data, record->bytes};
    g_hash_table_replace(zip->entries, g_steal_pointer(&name), entry);
    return true;
}

static bool read_directory(Zip *zip, GError **error) {
    uint64_t at, count;
    if (!find_directory(zip, &at, &count, error)) return false;
    if (count > ZIP_MAX_ENTRIES) return broken(zip, "it has too many entries", error);
    for (uint64_t i = 0; i < count; i++) {
        Record record = {0};
        if (!read_record(zip, at, &record, error) || !add_entry(zip, &record, error)) return false;
        at += CENTRAL_SIZE + record.name_len + record.extra_len + record.comment_len;
    }
    return true;
}

Zip *zip_open(const char *path, const uint8_t *data, size_t bytes, GError **error) {
    g_autoptr(Zip) zip = g_new0(Zip, 1);
    *zip = (Zip){.path = path, .data = data, .bytes = bytes};
    zip->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return read_directory(zip, error) ? g_steal_pointer(&zip) : NULL;
}

void zip_close(Zip *zip) {
    if (!zip) return;
    g_hash_table_destroy(zip->entries);
    g_free(zip);
}

const ZipEntry *zip_find(const Zip *zip, const char *name) {
    return g_hash_table_lookup(zip->entries, name);
}

const char *zip_find_suffix(const Zip *zip, const char *suffix) {
    const char *best = NULL;
    GHashTableIter at;
    void *name;
    g_hash_table_iter_init(&at, zip->entries);
    while (g_hash_table_iter_next(&at, &name, NULL))
        if (g_str_has_suffix(name, suffix) && (!best || strlen(name) < strlen(best))) best = name;
    return best;
}
