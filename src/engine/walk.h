/* Folders → the sound files below them, in the order of their names' bytes, always the same.
 *
 * A file counts when its ending is one of sound or video, and when globs let it; one that is named
 * itself always counts. Hidden files and folders (".name") are passed over unless named. Links are
 * followed: linked files as they come, linked folders after all real ones, and no folder is read
 * twice, so that loops end and a real path wins over one through a link.
 *
 * Thread: one at a time per Walk; callbacks on the caller's. */
#pragma once
#include "clip.h"

typedef struct {
    /* Globs on the name or the path below the root, NULL-terminated; may be NULL. "GLOB/" is a
     * folder and all that lies in it. */
    const char *const *include, *const *exclude;
    int shard, shards; /* files of this shard (from 1) alone; 0 of 0: all */
} WalkOptions;

typedef struct {
    /* An absolute path; `relative` is the part below its root. False stops the walk. */
    bool (*file)(void *user, const char *path, const char *relative, const FileStamp *stamp);
    /* A folder that is read, before what it holds; may be NULL. */
    void (*folder)(void *user, const char *path);
    /* A path that cannot be looked into or is not a regular file; the walk goes on. */
    void (*fault)(void *user, const char *path, const GError *error);
    void *user;
} WalkListener;

typedef struct Walk Walk;
Walk *walk_new(const WalkOptions *options, const WalkListener *listener);
void walk_free(Walk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Walk, walk_free)

/* `root`: a folder or a file, absolute. False when the listener stopped it. *empty (may be NULL):
 * the root is a folder without any entry. */
bool walk_root(Walk *walk, const char *root, bool *empty);

/* The root, or a folder below it that came later; as if walk_root had found it. */
bool walk_below(Walk *walk, const char *root, const char *folder);

/* Would a walk of `root` have found this file? It need not be there. */
bool walk_wants(const Walk *walk, const char *root, const char *path);

/* What stat says; false with errno. */
bool walk_stamp(const char *path, FileStamp *stamp);

/* Nothing is there, says stat; a path that it may not look at is not gone. */
bool walk_is_gone(const char *path);

/* The part of `path` below a folder; NULL when it is elsewhere. Borrowed. */
const char *walk_relative(const char *folder, const char *path);
