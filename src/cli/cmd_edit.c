/* earshot edit: what the user says of a clip. It counts more than what files and label files say.
 */
#include "app_library.h"
#include "clip_json.h"
#include "error.h"
#include "meta.h"

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

static bool is_tags(const char *name) {
    return g_ascii_strcasecmp(name, FIELD_TAGS) == 0 || g_ascii_strcasecmp(name, "tag") == 0;
}

/* "a, b" or "a;b" → "a;b". */
static char *tag_list(const char *text) {
    return g_strdelimit(g_strdup(text), ",", ';');
}

static bool check_name(const char *name, GError **error) {
    return !meta_is_fact(name) ||
           error_fail(error, ERR_USAGE, "%s: follows from the file, and cannot be edited", name);
}

/* "key=value" → a field of `said`; "key=" → that there is none. */
static bool take_change(Clip *said, const char *change, GError **error) {
    const char *equals = strchr(change, '=');
    if (!equals || equals == change)
        return error_fail(error, ERR_USAGE, "\"%s\": a change is key=value, or key= for none",
                          change);
    g_autofree char *name = g_strndup(change, (gsize)(equals - change));
    if (!check_name(name, error)) return false;
    if (!is_tags(name)) return clip_set_field(said, name, equals + 1, SOURCE_USER, error);
    g_autofree char *tags = tag_list(equals + 1);
    return clip_set_field(said, FIELD_TAGS, tags, SOURCE_USER, error);
}

/* The changes as fields of a clip that is only a list of them. */
static Clip *read_changes(char **changes, char **unset, GError **error) {
    static const uint8_t no_hash[CLIP_HASH];
    g_autoptr(Clip) said = clip_new(no_hash);
    for (; *changes; changes++)
        if (!take_change(said, *changes, error)) return NULL;
    for (; unset && *unset; unset++)
        if (!check_name(*unset, error)) return NULL;
    return g_steal_pointer(&said);
}

static bool make_changes(Backend *backend, uint64_t id, const Clip *said, char **unset,
                         GError **error) {
    guint count = said->fields->len;
    g_autofree Field *fields = g_new(Field, MAX(count, 1));
    for (guint i = 0; i < count; i++) fields[i] = *(const Field *)said->fields->pdata[i];
    for (; unset && *unset; unset++) {
        const char *name = is_tags(*unset) ? FIELD_TAGS : *unset;
        if (!backend->ops->unset_field(backend, id, name, SOURCE_USER, error)) return false;
    }
    return !count || backend->ops->set_fields(backend, id, fields, (int)count, error);
}

/* All of them or none. */
static bool change_clip(Backend *backend, uint64_t id, const Clip *said, char **unset,
                        GError **error) {
    if (!backend->ops->begin(backend, error)) return false;
    bool well = make_changes(backend, id, said, unset, error);
    bool ended = backend->ops->end(backend, well, well ? error : NULL);
    return well && ended;
}

static bool edit(App *app, const char *named, char **changes, char **unset, GError **error) {
    g_autoptr(Clip) said = read_changes(changes, unset, error);
    g_autoptr(Library) library = said ? app_open_library(app, STORE_WRITE, error) : NULL;
    Backend *backend = library ? library_backend(library) : NULL;
    g_autoptr(Clip) clip = backend ? backend->ops->find(backend, named, false, error) : NULL;
    if (!clip) return false;
    uint64_t id = clip_number_of_id(clip->id);
    if (!change_clip(backend, id, said, unset, error)) return false;
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
