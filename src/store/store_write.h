/* Changes to the library: each call is one transaction, unless between store_begin and store_end. A
 * Store opened with STORE_READ refuses them (ERR_DENIED).
 *
 * Thread: that of the Store. */
#pragma once
#include "store.h"

/* Many calls as one transaction: far faster, and all or nothing. store_end with `keep` false, or
 * after an error inside, takes all back. They do not nest. */
bool store_begin(Store *store, GError **error);
bool store_end(Store *store, bool keep, GError **error);

/* A new clip with its paths, fields, tags and windows; vectors[windows][dim] in half precision and
 * `clip_vector`[dim]. Sets clip->number and first_window. Paths that belonged to other clips now
 * belong to this one; a clip left without any path by that goes, and what the user said of it comes
 * along. Failures remembered for the paths are forgotten. A hash that is there: ERR_CONFLICT. */
bool store_add_clip(Store *store, Clip *clip, const ClipWindow *windows, const uint16_t *vectors,
                    const uint16_t *clip_vector, GError **error);

/* New windows for a clip that is there (another model or hop). */
bool store_set_windows(Store *store, int64_t clip, const ClipWindow *windows, int count,
                       const uint16_t *vectors, const uint16_t *clip_vector, GError **error);

/* The path holds this clip's content, as of the stamp; moved from another clip as above. */
bool store_set_path(Store *store, int64_t clip, const char *path, const FileStamp *stamp,
                    GError **error);

/* Forgets a path, and its clip when that was the last. False without error: not there. */
bool store_remove_path(Store *store, const char *path, GError **error);
bool store_remove_clip(Store *store, int64_t clip, GError **error);

/* Replaces what `source` says of the fields named (Field.value NULL: that there is none; for "tags"
 * a list parted by ';'). */
bool store_set_fields(Store *store, int64_t clip, const Field *fields, int count, GError **error);

/* Takes back what `source` says of a field. */
bool store_unset_field(Store *store, int64_t clip, const char *name, Source source, GError **error);

/* The path could not be used; remembered with its stamp until it changes. */
bool store_set_failure(Store *store, const char *path, const FileStamp *stamp, const char *why,
                       GError **error);
bool store_clear_failure(Store *store, const char *path, GError **error);
