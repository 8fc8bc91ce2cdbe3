/* Reads and writes .safetensors: a JSON header, then the tensors' bytes. Mapped, not read: opening
 * costs the header.
 *
 * Everything is checked before a tensor is handed out: header length against the file, JSON,
 * dtypes, shapes and offsets (in bounds, no overlap, no hole, byte count = shape × dtype). Format:
 * huggingface.co/docs/safetensors. A foreign file's tensor may lie at any address: look before
 * reading it as floats.
 *
 * Owner: the caller; tensors are borrowed until safetensors_close. Thread: read-only after open. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define ST_MAX_HEADER  (100 << 20) /* bytes, the format's own limit */
#define ST_MAX_TENSORS 100000
#define ST_MAX_RANK    8
#define ST_MAX_SHARDS  1024

typedef enum {
    ST_F32,
    ST_F16,
    ST_BF16,
    ST_F64,
    ST_I8,
    ST_U8,
    ST_BOOL,
    ST_I16,
    ST_I32,
    ST_I64,
    ST_TYPES
} StType;

typedef struct {
    const char *name;
    StType type;
    int rank;
    int64_t shape[ST_MAX_RANK];
    const void *data;
    size_t bytes;
} Tensor;

typedef struct Safetensors Safetensors;

/* `path`: a .safetensors file, or a .safetensors.index.json whose shards lie beside it (plain file
 * names only; a shard name with a slash is refused). */
Safetensors *safetensors_open(const char *path, GError **error);
void safetensors_close(Safetensors *st);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Safetensors, safetensors_close)

int safetensors_count(const Safetensors *st);
const Tensor *safetensors_at(const Safetensors *st, int i);              /* in order of name */
const Tensor *safetensors_find(const Safetensors *st, const char *name); /* NULL: not there */
const char *safetensors_metadata(const Safetensors *st,
                                 const char *key); /* of __metadata__; NULL: none */
const char *safetensors_path(const Safetensors *st,
                             const Tensor *tensor); /* the file it lies in, for messages */

size_t st_type_size(StType type);
const char *st_type_name(StType type); /* "F32" … */

/* Writes beside `path`, syncs, renames. metadata: NULL or key, value, key, value …, NULL. The data
 * begins at a multiple of 64 bytes, and so does every tensor whose size is one: these come first,
 * in the order given; the others follow by falling alignment, since the format allows no holes. */
bool safetensors_write(const char *path, const Tensor *tensors, int count,
                       const char *const *metadata, GError **error);
