/* earshot edit: what the user says of a clip. It counts more than what files and label files say.
 */
#include "app_library.h"
#include "clip_json.h"
#include "error.h"

#include <string.h>

static const Option options[] = {{OPTION_END}};

/* Fields of every clip, which are not the user's to change. */
static const char *const fixed[] = {"id",   "path",     "paths",   "name",  "folder", "duration",
                                    "rate", "channels", "windows", "added", NULL};

static bool is_fixed(const char *name) {
    for (int i = 0; fixed[i]; i++)
        if (g_ascii_strcasecmp(fixed[i], name) == 0) return true;
    return false;
}

static bool is_tags(const char *name) {
    return g_ascii_strcasecmp(name, FIELD_TAGS) == 0 || g_ascii_strcasecmp(name, "tag") == 0;
}

/* "a, b" or "a;b" → "a;b". */
static char *tag_list(const char *text) {
    return g_strdelimit(g_strdup(text), ",", ';');
}

/* "key=value" → a field of `clip`; "key=" → that there is none. */
static bool take_change(Clip *clip, const char *change, GError **error) {
    const char *equals = strchr(change, '=');
    if (!equals || equals == change)
        return error_fail(error, ERR_USAGE, "\"%s\": a change is key=value, or key= for none",
                          change);
    g_autofree char *name = g_strndup(change, (gsize)(equals - change));
    if (is_fixed(name))
        return error_fail(error, ERR_USAGE, "%s: follows from the file, and cannot be edited",
                          name);
    if (!is_tags(name)) return clip_set_field(clip, name, equals + 1, SOURCE_USER, error);
    g_autofree char *tags = tag_list(equals + 1);
    return clip_set_field(clip, FIELD_TAGS, tags, SOURCE_USER, error);
}

/* The changes as fields of a clip that is only a list of them. */
static Clip *read_changes(char **changes, GError **error) {
    static const uint8_t no_hash[CLIP_HASH];
    g_autoptr(Clip) clip = clip_new(no_hash);
    for (; *changes; changes++)
        if (!take_change(clip, *changes, error)) return NULL;
    return g_steal_pointer(&clip);
}

static bool change_clip(Backend *backend, uint64_t id, const Clip *changes, GError **error) {
    g_autofree Field *fields = g_new(Field, changes->fields->len);
    for (guint i = 0; i < changes->fields->len; i++)
        fields[i] = *(const Field *)changes->fields->pdata[i];
    return backend->ops->set_fields(backend, id, fields, (int)changes->fields->len, error);
}

static bool edit(App *app, const char *named, char **changes, GError **error) {
    g_autoptr(Clip) said = read_changes(changes, error);
    g_autoptr(Library) library = said ? app_open_library(app, STORE_WRITE, error) : NULL;
    Backend *backend = library ? library_backend(library) : NULL;
    g_autoptr(Clip) clip = backend ? backend->ops->find(backend, named, false, error) : NULL;
    if (!clip) return false;
    uint64_t id = clip_number_of_id(clip->id);
    if (!change_clip(backend, id, said, error)) return false;
    g_autoptr(Clip) now = backend->ops->clip(backend, id, false, error);
    if (!now) return false;
    if (app->common.json) app_print_document(clip_json(now));
    return true;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_edit, NULL, &args, error)) return false;
    if (!args[1] || !args[2])
        return error_fail(error, ERR_USAGE, "name a clip, and what to change: key=value");
    return edit(app, args[1], args + 2, error);
}

const Command command_edit = {
    .name = "edit",
    .usage = "edit id:HEX|PATH key=value...",
    .summary = "say what a clip is: title, tags, any field",
    .more =
        "key= says that there is none. Tags are a list: tags=rain,night. What is said here counts\n"
        "more than the file's own tags and label files, and outlives their changes. title, tags,\n"
        "description, artist, album and genre are found by words; all fields by --filter.",
    .options = options,
    .run = run,
};
