/* Opening a library and reading what users say of it. */
#include "app_library.h"

#include "error.h"
#include "table.h"

#include <string.h>

#define FILTER_SHOWN 60 /* bytes of a long filter on each side of the place */

const char *app_library_name(const App *app) {
    return app->common.library ? app->common.library : app->library;
}

static LibraryOptions options_of(const App *app, const char *model) {
    return (LibraryOptions){.models_dir = app->models_dir,
                            .model = model,
                            .threads = app->common.threads,
                            .wait = WRITER_WAIT};
}

static bool is_address(const char *where) {
    return g_str_has_prefix(where, "http://") || g_str_has_prefix(where, "https://");
}

static Library *open_library(App *app, const char *where, const char *model, StoreMode mode,
                             GError **error) {
    LibraryOptions options = options_of(app, model);
    if (!is_address(where)) return library_open(where, mode, &options, error);
    error_fail(error, ERR_UNSUPPORTED, "%s: libraries are folders as yet", where);
    return NULL;
}

bool app_library_is_new(const App *app) {
    const char *where = app_library_name(app);
    return !is_address(where) && !library_is_there(where);
}

Library *app_make_library(App *app, GError **error) {
    LibraryOptions options = options_of(app, app->common.model);
    return library_make(app_library_name(app), &options, error);
}

Library *app_open_library(App *app, StoreMode mode, GError **error) {
    return open_library(app, app_library_name(app), app->common.model, mode, error);
}

Library *app_open_other(App *app, const char *where, StoreMode mode, GError **error) {
    return open_library(app, where, NULL, mode, error);
}

/* A place on a character's first byte, so that what is cut there stays UTF-8. */
static size_t character_at(const char *text, size_t at) {
    while (at && ((guchar)text[at] & 0xC0) == 0x80) at--;
    return at;
}

/* Two lines: the text around the place, and a caret below it. */
static char *point_at(const char *text, size_t place) {
    size_t len = strlen(text);
    place = MIN(place, len);
    size_t first = character_at(text, place > FILTER_SHOWN ? place - FILTER_SHOWN : 0);
    size_t last = character_at(text, MIN(len, place + FILTER_SHOWN));
    g_autofree char *before = g_strndup(text + first, place - first);
    g_autofree char *after = g_strndup(text + place, last > place ? last - place : 0);
    g_autofree char *left = error_printable(before);
    g_autofree char *right = error_printable(after);
    return g_strdup_printf("    %s%s\n    %*s\n", left, right, text_width(left) + 1, "^");
}

bool app_parse_filter(App *app, Library *library, const char *text, Filter **filter,
                      GError **error) {
    Backend *backend = library_backend(library);
    size_t place = 0;
    GError *fault = NULL;
    *filter = NULL;
    if (!text) return true;
    g_auto(GStrv) fields = backend->ops->field_names(backend, error);
    if (!fields) return false;
    *filter = filter_parse(text, (const char *const *)fields, &place, &fault);
    if (*filter) return true;
    g_free(app->pointer);
    app->pointer = point_at(text, place);
    g_propagate_error(error, fault);
    return false;
}

const char *app_path_from(const char *folder, const char *path) {
    size_t len = strlen(folder);
    if (strcmp(folder, "/") == 0) return path;
    return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

char *app_tag_list(const Clip *clip, const char *joint) {
    GString *list = g_string_new(NULL);
    for (guint i = 0; i < clip->tags->len; i++)
        g_string_append_printf(list, "%s%s", i ? joint : "", (char *)clip->tags->pdata[i]);
    return g_string_free(list, FALSE);
}
