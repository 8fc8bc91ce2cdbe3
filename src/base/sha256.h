/* SHA-256 (FIPS 180-4) of bytes and of whole files, by libcrypto, which uses the processor's own
 * instructions: five times as fast as GLib's checksum where there are any.
 *
 * Owner: the caller. Thread: one at a time per Sha256. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SHA256_BYTES 32

typedef struct Sha256 Sha256;

Sha256 *sha256_new(void);
void sha256_add(Sha256 *sha, const void *data, size_t bytes);
void sha256_end(Sha256 *sha, uint8_t out[SHA256_BYTES]); /* once; nothing can be added after */
void sha256_free(Sha256 *sha);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sha256, sha256_free)

/* A regular file's bytes; anything else is an error, never a wait. A flag that becomes non-zero
 * (may be NULL) ends it with ERR_CANCELLED. */
bool sha256_file(const char *path, const gint *stop, uint8_t out[SHA256_BYTES], GError **error);

void sha256_hex(const uint8_t hash[SHA256_BYTES], char hex[2 * SHA256_BYTES + 1]);
