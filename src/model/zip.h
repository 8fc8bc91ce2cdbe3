/* The directory of a zip file whose entries are stored, not compressed, so that they can be used
 * where they lie. Zip64 is understood. Every offset is checked against the file.
 *
 * Owner: the caller; entries borrow from the bytes given to zip_open, which must stay. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define ZIP_MAX_ENTRIES 200000

typedef struct Zip Zip;

typedef struct {
    const uint8_t *data;
    size_t bytes;
} ZipEntry;

/* NULL with ERR_FORMAT or ERR_UNSUPPORTED; `path` is for messages. */
Zip *zip_open(const char *path, const uint8_t *data, size_t bytes, GError **error);
void zip_close(Zip *zip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Zip, zip_close)

const ZipEntry *zip_find(const Zip *zip, const char *name); /* NULL: not there */

/* The shortest name that ends in `suffix`, or NULL: none does. */
const char *zip_find_suffix(const Zip *zip, const char *suffix);
