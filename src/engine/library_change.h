/* Single changes to a library that is open for writing: each is one transaction, durable and found
 * by searches when the call returns. Many files are ingest.h's.
 *
 * Thread: one at a time per library. */
#pragma once
#include "library.h"

/* What the user says of a clip: `fields` (whatever their source says; value NULL: that there is
 * none; "tags" a list parted by ';', under the name "tag" too) replace what the user said of them
 * before, and what was said of the names in `unset` (NULL-terminated, may be NULL) is taken back,
 * so that the file and label files count again. All of it or nothing. ERR_USAGE: a name that is
 * none, or a fact of the file (duration …); ERR_NOT_FOUND: no such clip; ERR_LIMIT. */
bool library_edit(Library *library, uint64_t id, const Field *fields, int count, char **unset,
                  GError **error);
