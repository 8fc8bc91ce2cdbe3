/* earshot edit: what the user says of a clip. It counts more than what files and label files say.
 */
#include "app_library.h"
#include "clip_json.h"
#include "error.h"
#include "library_change.h"

#include <string.h>

typedef struct {
    char **unset;
} Options;

static const Option options[] = {
    {OPTION_TEXTS, "unset", 0, offsetof(Options, unset), "KEY",
     "take back what was said of KEY, so that the file and label files count again; may be given "
     "often"},
    {OPTION_END},
};

static void field_clear(void *data) {
    Field *field = data;
    g_free(field->name);
    g_free(field->value);
}

static bool is_tags(const char *name) {
    return g_ascii_strcasecmp(name, FIELD_TAGS) == 0 || g_ascii_strcasecmp(name, "tag") == 0;
}

/* "key=value"; "key=": that there is none. Tags are parted by ',' as well as by ';'. */
static bool take_change(GArray *fields, const char *change, GError **error) {
    const char *equals = strchr(change, '=');
    if (!equals || equals == change)
        return error_fail(error, ERR_USAGE, "\"%s\": a change is key=value, or key= for none",
                          change);
    Field field = {.name = g_strndup(change, (gsize)(equals - change)),
                   .value = g_strdup(equals + 1)};
    if (is_tags(field.name)) g_strdelimit(field.value, ",", ';');
    g_array_append_val(fields, field);
    return true;
}

static GArray *read_changes(char **changes, GError **error) {
    g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
    g_array_set_clear_func(fields, field_clear);
    for (; *changes; changes++)
        if (!take_change(fields, *changes, error)) return NULL;
    return g_steal_pointer(&fields);
}

static bool edit(App *app, const char *named, char **changes, char **unset, GError **error) {
    g_autoptr(GArray) fields = read_changes(changes, error);
    g_autoptr(Library) library = fields ? app_open_library(app, STORE_WRITE, error) : NULL;
    Backend *backend = library ? library_backend(library) : NULL;
    g_autoptr(Clip) clip = backend ? backend->ops->find(backend, named, false, error) : NULL;
    if (!clip) return false;
    uint64_t id = clip_number_of_id(clip->id);
    if (!library_edit(library, id, (const Field *)fields->data, (int)fields->len, unset, error))
        return false;
    g_autoptr(Clip) now = backend->ops->clip(backend, id, false, error);
    if (!now) return false;
    if (app->common.json) app_print_document(clip_json(now));
    return true;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_edit, &o, &args, error);
    if (well && (!args[1] || (!args[2] && !o.unset)))
        well = error_fail(error, ERR_USAGE, "name a clip, and what to change: key=value");
    well = well && edit(app, args[1], args + 2, o.unset, error);
    options_clear(options, &o);
    return well;
}

const Command command_edit = {
    .name = "edit",
    .usage = "edit id:HEX|PATH key=value... [--unset KEY]...",
    .summary = "say what a clip is: title, tags, any field",
    .more =
        "key= says that there is none; --unset KEY takes back what was said here before. Tags are "
        "a\n"
        "list: tags=rain,night. What is said here counts more than the file's own tags and label\n"
        "files, and outlives their changes. title, tags, description, artist, album and genre are\n"
        "found by words; all fields by --filter.",
    .options = options,
    .run = run,
};
