/* One file → one clip. See library_change.h. */
#include "library_change.h"

#include "embedded.h"
#include "error.h"
#include "library_private.h"
#include "sha256.h"
#include "walk.h"

#include <errno.h>
#include <string.h>

typedef struct {
    Backend *backend;
    const AddOptions *options;
    FileStamp stamp; /* before its bytes were read */
    Clip *clip;
    GError *error;
} Adding;

static bool has_changed(const Adding *adding) {
    FileStamp now;
    return !walk_stamp(adding->options->path, &now) ||
           memcmp(&now, &adding->stamp, sizeof now) != 0;
}

static bool take_file(void *user, const EmbeddedFile *file) {
    Adding *adding = user;
    if (file->error)
        adding->error = g_error_copy(file->error);
    else if (has_changed(adding))
        error_fail(&adding->error, ERR_CONFLICT, "%s: changed while it was read", file->path);
    else
        embedded_add(adding->backend, adding->clip, file, &adding->error);
    return true;
}

static bool embed_and_add(Library *library, Adding *adding, GError **error) {
    EmbedOptions how = {.hop = adding->backend->ops->model(adding->backend)->hop,
                        .most_seconds = adding->options->most_seconds,
                        .stop = adding->options->stop};
    if (!embedder_run(library->engine, &how, &adding->options->path, 1, take_file, adding, error)) {
        g_clear_error(&adding->error);
        return false;
    }
    if (adding->error) g_propagate_error(error, adding->error);
    return !adding->error && adding->backend->ops->sync(adding->backend, error);
}

/* What the user says comes first: the container's tags take what room is left. */
static bool say(Clip *clip, const AddOptions *options, GError **error) {
    for (int i = 0; i < options->count; i++)
        if (!clip_set_field(clip, edit_field_name(options->fields[i].name),
                            options->fields[i].value, SOURCE_USER, error))
            return false;
    return true;
}

static bool add_new(Library *library, Adding *adding, const uint8_t hash[CLIP_HASH],
                    GError **error) {
    g_autoptr(Clip) clip = embedded_clip(hash, adding->options->path, &adding->stamp);
    adding->clip = clip;
    return library_bind_model(library, 0, error) && say(clip, adding->options, error) &&
           embed_and_add(library, adding, error);
}

bool library_add_file(Library *library, const AddOptions *options, Clip **clip, bool *known,
                      GError **error) {
    uint8_t hash[CLIP_HASH];
    uint64_t id = 0;
    Adding adding = {.backend = library_backend(library), .options = options};
    const BackendOps *ops = adding.backend->ops;
    *clip = NULL;
    if (!edit_check_fields(options->fields, options->count, error)) return false;
    if (!walk_stamp(options->path, &adding.stamp))
        return error_fail_errno(error, options->path, errno);
    if (!sha256_file(options->path, options->stop, hash, error)) return false;
    *known = ops->has(adding.backend, hash, &id);
    if (!*known && !add_new(library, &adding, hash, error)) return false;
    if (!*known) ops->has(adding.backend, hash, &id);
    *clip = ops->clip(adding.backend, id, false, error);
    return *clip != NULL;
}
