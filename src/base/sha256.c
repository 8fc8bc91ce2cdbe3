/* SHA-256 by libcrypto's EVP. Its only fault is want of memory, which ends the program here as it
 * does elsewhere. */
#include "sha256.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (256 * 1024) /* bytes read at a time */

struct Sha256 {
    EVP_MD_CTX *context;
};

Sha256 *sha256_new(void) {
    Sha256 *sha = g_new0(Sha256, 1);
    sha->context = EVP_MD_CTX_new();
    if (!sha->context || !EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL))
        g_error("libcrypto gives no SHA-256");
    return sha;
}

void sha256_add(Sha256 *sha, const void *data, size_t bytes) {
    if (!EVP_DigestUpdate(sha->context, data, bytes)) g_error("libcrypto gives no SHA-256");
}

void sha256_end(Sha256 *sha, uint8_t out[SHA256_BYTES]) {
    unsigned bytes = SHA256_BYTES;
    if (!EVP_DigestFinal_ex(sha->context, out, &bytes)) g_error("libcrypto gives no SHA-256");
}

void sha256_free(Sha256 *sha) {
    if (!sha) return;
    EVP_MD_CTX_free(sha->context);
    g_free(sha);
}

static bool hash_bytes(int fd, const char *path, const gint *stop, uint8_t out[SHA256_BYTES],
                       GError **error) {
    g_autoptr(Sha256) sha = sha256_new();
    g_autofree uint8_t *block = g_malloc(BLOCK);
    for (;;) {
        ssize_t got = read(fd, block, BLOCK);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error_fail_errno(error, path, errno);
        if (got == 0) break;
        sha256_add(sha, block, (size_t)got);
        if (stop && g_atomic_int_get(stop)) return error_fail(error, ERR_CANCELLED, "interrupted");
    }
    sha256_end(sha, out);
    return true;
}

bool sha256_file(const char *path, const gint *stop, uint8_t out[SHA256_BYTES], GError **error) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return error_fail_errno(error, path, errno);
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    bool hashed = regular ? hash_bytes(fd, path, stop, out, error)
                          : error_fail(error, ERR_UNSUPPORTED, "%s: is not a regular file", path);
    close(fd);
    return hashed;
}

void sha256_hex(const uint8_t hash[SHA256_BYTES], char hex[2 * SHA256_BYTES + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_BYTES; i++) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    hex[2 * SHA256_BYTES] = 0;
}
