/* earshot show: all that the library knows of one clip. */
#include "app_library.h"
#include "clip_json.h"
#include "error.h"
#include "si.h"

static const Option options[] = {{OPTION_END}};

static void print_pair(const char *name, const char *value) {
    g_autofree char *shown_name = error_printable(name);
    g_autofree char *shown = error_printable(value);
    printf("%-12s %s\n", shown_name, shown);
}

/* Every source that speaks; what does not count stands in brackets. Tags have a line of their own.
 */
static void print_fields(const Clip *clip) {
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        const Field *next = i + 1 < clip->fields->len ? clip->fields->pdata[i + 1] : NULL;
        if (g_ascii_strcasecmp(field->name, FIELD_TAGS) == 0) continue;
        bool hidden = next && g_ascii_strcasecmp(next->name, field->name) == 0;
        const char *value = field->value ? field->value : "none";
        g_autofree char *text = g_strdup_printf(hidden ? "(%s, says the %s)" : "%s (%s)", value,
                                                source_name(field->source));
        print_pair(field->name, text);
    }
}

static void print_clip(const Clip *clip) {
    g_autofree char *clock = si_clock(clip->duration);
    g_autofree char *duration = g_strdup_printf("%s (%.3f s)", clock, clip->duration);
    g_autofree char *sound = g_strdup_printf("%d Hz, %d channel%s, %d window%s", clip->rate,
                                             clip->channels, clip->channels == 1 ? "" : "s",
                                             clip->windows, clip->windows == 1 ? "" : "s");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(clip->added / G_USEC_PER_SEC);
    g_autofree char *added = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
    g_autofree char *tags = app_tag_list(clip, ", ");
    print_pair("id", clip->id);
    for (guint i = 0; i < clip->paths->len; i++)
        print_pair("path", ((ClipPath *)clip->paths->pdata[i])->path);
    if (!clip_field(clip, FIELD_TITLE)) print_pair("title", clip_title(clip));
    print_pair("duration", duration);
    print_pair("sound", sound);
    if (added) print_pair("added", added);
    if (*tags) print_pair("tags", tags);
    print_fields(clip);
}

static bool show(App *app, const char *named, GError **error) {
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    Backend *backend = library ? library_backend(library) : NULL;
    g_autoptr(Clip) clip = backend ? backend->ops->find(backend, named, false, error) : NULL;
    if (!clip) return false;
    if (app->common.json)
        app_print_document(clip_json(clip));
    else
        print_clip(clip);
    return true;
}

static bool run(App *app, char **argv, GError **error) {
    g_auto(GStrv) args = g_strdupv(argv);
    if (!app_options(app, &command_show, NULL, &args, error)) return false;
    if (!args[1] || args[2]) return error_fail(error, ERR_USAGE, "name one clip: id:HEX or a path");
    return show(app, args[1], error);
}

const Command command_show = {
    .name = "show",
    .usage = "show id:HEX|PATH",
    .summary = "all that the library knows of one clip",
    .more = "What a file says of itself gives way to a label file, and both to `earshot edit`.",
    .options = options,
    .run = run,
};
