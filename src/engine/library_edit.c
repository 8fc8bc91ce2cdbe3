/* Editing a clip. See library_change.h. */
#include "library_change.h"

#include "error.h"
#include "library_private.h"
#include "meta.h"

#include <string.h>

const char *edit_field_name(const char *name) {
    return g_ascii_strcasecmp(name, "tag") == 0 ? FIELD_TAGS : name;
}

static bool check_name(const char *name, GError **error) {
    if (meta_is_fact(name))
        return error_fail(error, ERR_USAGE, "%s: follows from the file, and cannot be edited",
                          name);
    return clip_check_name(name, error);
}

bool edit_check_fields(const Field *fields, int count, GError **error) {
    for (int i = 0; i < count; i++)
        if (!check_name(fields[i].name, error)) return false;
    return true;
}

static bool check_unset(char **unset, GError **error) {
    for (; unset && *unset; unset++)
        if (!check_name(*unset, error)) return false;
    return true;
}

static bool set_fields(Backend *backend, uint64_t id, const Field *fields, int count,
                       GError **error) {
    if (!count) return true;
    g_autofree Field *said = g_memdup2(fields, (gsize)count * sizeof *fields);
    for (int i = 0; i < count; i++)
        said[i].name = (char *)edit_field_name(said[i].name), said[i].source = SOURCE_USER;
    return backend->ops->set_fields(backend, id, said, count, error);
}

static bool unset_fields(Backend *backend, uint64_t id, char **unset, GError **error) {
    for (; unset && *unset; unset++)
        if (!backend->ops->unset_field(backend, id, edit_field_name(*unset), SOURCE_USER, error))
            return false;
    return true;
}

bool library_edit(Library *library, uint64_t id, const Field *fields, int count, char **unset,
                  GError **error) {
    Backend *backend = library_backend(library);
    if (!edit_check_fields(fields, count, error) || !check_unset(unset, error) ||
        !backend->ops->begin(backend, error))
        return false;
    bool well =
        unset_fields(backend, id, unset, error) && set_fields(backend, id, fields, count, error);
    bool ended = backend->ops->end(backend, well, well ? error : NULL);
    return well && ended && backend->ops->sync(backend, error);
}
