/* An embedded file → a clip of a library, as indexing and adding both make it.
 *
 * Private to the module. Thread: that of the change. */
#pragma once
#include "backend.h"
#include "embedder.h"

/* A clip of this content under its path; the caller may say more of it before it is added. */
Clip *embedded_clip(const uint8_t hash[CLIP_HASH], const char *path, const FileStamp *stamp);

/* Takes from `file` what it is and what its container's tags say (SOURCE_FILE; as far as there is
 * room beside what was said already), and adds it: one transaction, unless one is open. */
bool embedded_add(Backend *backend, Clip *clip, const EmbeddedFile *file, GError **error);
