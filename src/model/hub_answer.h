/* What the hub answers about a model, read and checked: the commit, and the files of it that a CLAP
 * needs. Pure: no network, no files. Private to `model`; a fuzz target feeds it.
 *
 * Owner: the caller. */
#pragma once
#include "hub.h"

#include <jansson.h>

typedef struct {
    char *name;    /* a plain file name: no slash, no leading dot */
    uint64_t size; /* within the limit for its kind */
    char *sha256;  /* of the bytes, in hex; "" when `blob` vouches for it */
    char *blob;    /* git's SHA-1 of the bytes as a blob; "" when sha256 does */
} HubFile;

typedef struct {
    char *commit;     /* 40 hex digits */
    GPtrArray *files; /* of HubFile: what to fetch, weights last */
    uint64_t bytes;   /* of all of them */
} HubAnswer;

/* `json`: the answer to GET /api/models/REPO/revision/REV?blobs=true. `what` begins the messages.
 */
HubAnswer *hub_answer_parse(const char *json, size_t len, const char *what, GError **error);
void hub_answer_free(HubAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HubAnswer, hub_answer_free)

/* One plain component of a path: letters, digits, '.', '_', '-', not beginning with a dot or a
 * dash, at most 255 bytes. */
bool hub_plain_name(const char *name);

/* The folder of a repository: MODELS_DIR/OWNER--NAME. Caller frees. */
char *hub_dir(const char *models_dir, const char *repo);
