/* earshot record: from a microphone into a file, and on into the library. */
#include "app_library.h"
#include "error.h"
#include "json_path.h"
#include "si.h"
#include "table.h"
#include "take.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define LONGEST      (7 * 86400.0) /* seconds */
#define MOST_NAMES   100           /* of recordings that begin in one second */
#define LIKE_SILENCE (-60.0)       /* dBFS; a quiet room with a bad microphone is louder */

typedef struct {
    char *device, *then, **tags, *labels;
    double seconds;
    gboolean list_devices;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "device", 0, offsetof(Options, device), "NAME|N",
     "what to record with: its number, its name or a part of it (default: the system's)"},
    {OPTION_FLAG, "list-devices", 0, offsetof(Options, list_devices), NULL,
     "say what there is to record with"},
    {OPTION_NUMBER, "seconds", 0, offsetof(Options, seconds), "S",
     "stop after so long (default: Enter or Ctrl-C stops)", 0.01, LONGEST},
    {OPTION_CHOICE, "then", 0, offsetof(Options, then), "WHAT",
     "go on with the recording: index it, search with it, or classify it",
     .choices = "index|search|classify"},
    {OPTION_TEXTS, "tag", 0, offsetof(Options, tags), "T",
     "a tag for it, with --then index; may be given often"},
    {OPTION_TEXT, "labels", 0, offsetof(Options, labels), "LIST",
     "with --then classify: labels between commas (default: the library's tags)"},
    {OPTION_END},
};

/* -- devices -- */

static const TableColumn device_columns[] = {
    {CUT_NEVER, .right = true}, /* number */
    {CUT_NEVER},                /* "default" */
    {CUT_END, .color = "1"},    /* name */
    {CUT_NEVER},                /* rate */
    {CUT_NEVER},                /* channels */
    {CUT_NEVER},                /* api */
};

static void print_devices_json(const GPtrArray *devices) {
    json_t *list = json_array();
    for (guint i = 0; i < devices->len; i++) {
        const MicDevice *d = devices->pdata[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:s, s:i, s:i, s:b}", "number", d->number,
                                        "name", d->name, "api", d->api, "channels", d->channels,
                                        "rate", d->rate, "default", d->is_default));
    }
    app_print_document(json_pack("{s:o}", "devices", list));
}

static void print_devices_table(const App *app, const GPtrArray *devices) {
    g_autoptr(Table) table =
        table_new(device_columns, G_N_ELEMENTS(device_columns), table_width_of(stdout), app->color);
    for (guint i = 0; i < devices->len; i++) {
        const MicDevice *d = devices->pdata[i];
        g_autofree char *number = g_strdup_printf("%d", d->number);
        g_autofree char *rate = g_strdup_printf("%d Hz", d->rate);
        g_autofree char *channels =
            g_strdup_printf("%d channel%s", d->channels, d->channels == 1 ? "" : "s");
        table_add(table, (const char *const[]){number, d->is_default ? "default" : NULL, d->name,
                                               rate, channels, d->api});
    }
    table_print(table, stdout);
}

static bool list_devices(App *app, GError **error) {
    g_autoptr(GPtrArray) devices = mic_devices(error);
    if (!devices) return false;
    if (app->common.json)
        print_devices_json(devices);
    else
        print_devices_table(app, devices);
    if (devices->len == 0) app_say(app, MIC_NONE);
    return true;
}

/* -- what comes then -- */

static bool is_then(const Options *o, const char *what) {
    return o->then && strcmp(o->then, what) == 0;
}

static const Command *command_of(const Options *o) {
    static const Command *const known[] = {&command_index, &command_search, &command_classify};
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (is_then(o, known[i]->name)) return known[i];
    return NULL;
}

static bool learns_from_tags(const Options *o) {
    return is_then(o, "classify") && !o->labels;
}

static bool end_at_tag(void *user, const Clip *clip, GError **error) {
    bool *tagged = user;
    *tagged = clip->tags->len > 0;
    return !*tagged || error_fail(error, ERR_CANCELLED, "a tag is found");
}

static bool check_tags(App *app, GError **error) {
    bool tagged = false;
    GError *fault = NULL;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    if (!library) return false;
    Backend *backend = library_backend(library);
    backend->ops->each_clip(backend, NULL, false, end_at_tag, &tagged, &fault);
    if (tagged) g_clear_error(&fault);
    if (!fault && !tagged)
        error_fail(&fault, ERR_USAGE, "%s: no clip in it has a tag; say --labels \"dog,cat,rain\"",
                   library_name(library));
    if (fault) g_propagate_error(error, fault);
    return !fault;
}

/* What would end the command to come is better known before somebody has played or spoken. */
static bool check_then(App *app, const Options *o, GError **error) {
    if (o->tags && !is_then(o, "index"))
        return error_fail(error, ERR_USAGE, "--tag goes with --then index");
    if (o->labels && !is_then(o, "classify"))
        return error_fail(error, ERR_USAGE, "--labels go with --then classify");
    if (!o->then) return true;
    if (learns_from_tags(o)) return check_tags(app, error);
    if (!is_then(o, "search") && app_library_is_new(app)) {
        g_autofree char *model = app_model_dir(app, app->common.model, error);
        return model != NULL;
    }
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    return library != NULL;
}

/* The command line of the command to come, with the file last. */
static char **arguments_of(const Options *o, const char *path) {
    g_autoptr(GStrvBuilder) args = g_strv_builder_new();
    g_strv_builder_add(args, o->then);
    for (char **tag = o->tags; tag && *tag; tag++)
        g_strv_builder_add_many(args, "--tag", *tag, NULL);
    if (is_then(o, "classify"))
        g_strv_builder_add_many(args, o->labels ? "--labels" : "--examples",
                                o->labels ? o->labels : "library:tags", NULL);
    g_strv_builder_add_many(args, "--", path, NULL);
    return g_strv_builder_end(args);
}

static bool run_then(App *app, const Options *o, const char *path, GError **error) {
    const Command *command = command_of(o);
    if (!command) return true;
    g_autofree char *whole = g_canonicalize_filename(path, NULL);
    g_auto(GStrv) args = arguments_of(o, whole);
    app->command = command->name;
    return app_flush(stdout, "stdout", error) && command->run(app, args, error);
}

/* -- the file -- */

static bool check_name(const char *path, GError **error) {
    g_autofree char *lower = g_ascii_strdown(path, -1);
    if (g_str_has_suffix(lower, ".wav")) return true;
    return error_fail(error, ERR_USAGE, "%s: a recording is a WAV file: its name ends in .wav",
                      path);
}

/* "recording-2026-11-27-140533.wav", in the present folder; → *path. Others may have begun in the
 * same second. */
static WavOut *open_by_time(int rate, char **path, GError **error) {
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *name = g_date_time_format(now, "recording-%Y-%m-%d-%H%M%S");
    for (int i = 1;; i++) {
        GError *fault = NULL;
        *path = i == 1 ? g_strconcat(name, ".wav", NULL) : g_strdup_printf("%s-%d.wav", name, i);
        WavOut *out = wav_out_open(*path, rate, MIC_CHANNELS, &fault);
        if (out) return out;
        g_clear_pointer(path, g_free);
        bool taken = g_error_matches(fault, EARSHOT_ERROR, ERR_CONFLICT);
        if (!taken || i == MOST_NAMES) {
            g_propagate_error(error, fault);
            return NULL;
        }
        g_error_free(fault);
    }
}

static WavOut *open_file(const char *named, int rate, char **path, GError **error) {
    if (!named) return open_by_time(rate, path, error);
    *path = g_strdup(named);
    return wav_out_open(named, rate, MIC_CHANNELS, error);
}

/* -- the recording -- */

typedef struct {
    App *app;
    const Options *options;
    Mic *mic;
    Meter *meter;
    WavOut *out;
    char *path;
} Recording;

static void say_start(const Recording *r) {
    g_autofree char *length = r->options->seconds > 0
                                  ? g_strdup_printf("%.10g s, or until", r->options->seconds)
                                  : g_strdup("until");
    app_say(r->app, "%s: recording from %s at %d Hz, %s Enter or Ctrl-C", r->path, mic_name(r->mic),
            mic_rate(r->mic), length);
}

static double seconds_of(const Recording *r) {
    return (double)wav_out_frames(r->out) / mic_rate(r->mic);
}

/* "take.wav: 12.3 s recorded, at most -6.1 dBFS", and what is not as it should be. */
static void say_end(const Recording *r) {
    double peak = meter_dbfs(meter_highest(r->meter));
    unsigned lost = mic_overruns(r->mic);
    g_autofree char *level =
        isinf(peak) ? g_strdup("all of it silence") : g_strdup_printf("at most %.1f dBFS", peak);
    double seconds = seconds_of(r);
    g_autofree char *length = seconds < 60 ? g_strdup_printf("%.1f s", seconds) : si_clock(seconds);
    app_say(r->app, "%s: %s recorded, %s", r->path, length, level);
    if (peak < LIKE_SILENCE)
        app_warn(r->app,
                 "%s: nothing is heard on it; is the device muted, or another one meant? "
                 "see earshot record --list-devices",
                 r->path);
    if (meter_is_clipped(r->meter))
        app_warn(r->app, "%s: too loud in places, and clipped there; turn the device down",
                 r->path);
    if (lost)
        app_warn(r->app, "%s: samples were lost %u time%s: this machine did not keep up", r->path,
                 lost, lost == 1 ? "" : "s");
}

static void print_json(const Recording *r) {
    double peak = meter_dbfs(meter_highest(r->meter));
    json_t *document = json_object();
    json_set_path(document, r->path);
    json_object_update_new(document,
                           json_pack("{s:f, s:i, s:i, s:o, s:I}", "seconds", seconds_of(r), "rate",
                                     mic_rate(r->mic), "channels", MIC_CHANNELS, "peak_dbfs",
                                     isinf(peak) ? json_null() : json_real(peak), "overruns",
                                     (json_int_t)mic_overruns(r->mic)));
    app_print_document(document);
}

/* What there is after the take, be it whole or broken off. A file without a sound is removed. */
static bool settle(const Recording *r, bool well, GError **error) {
    if (wav_out_frames(r->out) == 0) {
        g_unlink(r->path);
        return well && error_fail(error, ERR_IO, "%s: nothing was recorded", mic_name(r->mic));
    }
    r->app->done++;
    say_end(r);
    if (r->app->common.json) print_json(r);
    return well;
}

/* Where the meter is drawn: stderr itself leads nowhere meanwhile. NULL: nowhere. */
static FILE *open_screen(const App *app) {
    bool wanted = progress_style_for(stderr, app->common.quiet) == PROGRESS_BAR;
    int fd = wanted ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool record_file(Recording *r, const char *named, GError **error) {
    uint64_t frames = (uint64_t)llround(r->options->seconds * mic_rate(r->mic));
    g_autoptr(WavOut) out = open_file(named, mic_rate(r->mic), &r->path, error);
    if (!out) return false;
    FILE *screen = open_screen(r->app);
    g_autoptr(Meter) meter = meter_new(screen);
    r->out = out, r->meter = meter;
    say_start(r);
    bool well = take_record(r->app, r->mic, out, meter, frames, error);
    if (screen) fclose(screen);
    return settle(r, well, error);
}

static bool record(App *app, const Options *o, const char *named, GError **error) {
    if ((named && !check_name(named, error)) || !check_then(app, o, error)) return false;
    Recording r = {.app = app, .options = o, .mic = mic_open(o->device, error)};
    bool well = r.mic && record_file(&r, named, error);
    mic_close(r.mic);
    well = well && run_then(app, o, r.path, error);
    g_free(r.path);
    return well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_record, &o, &args, error);
    if (well && args[1] && (args[2] || o.list_devices))
        well = error_fail(error, ERR_USAGE,
                          o.list_devices ? "--list-devices records nothing: name no file"
                                         : "a recording goes into one file");
    well = well && (o.list_devices ? list_devices(app, error) : record(app, &o, args[1], error));
    options_clear(options, &o);
    return well;
}

const Command command_record = {
    .name = "record",
    .usage = "record [OUT.wav] [--device NAME|N] [--seconds S] [--then index|search|classify] "
             "[--tag T]... [--labels LIST]\n"
             "record --list-devices",
    .summary = "record a sound, and index it, search with it or name it",
    .more =
        "Enter or Ctrl-C stops. Without a name the file is recording-DATE-TIME.wav in the present\n"
        "folder; a file that is already there is never overwritten. What is written is a whole\n"
        "file at any moment: 16 bits, one channel, at 48000 Hz or, where the device cannot, at\n"
        "its own rate.\n"
        "\n"
        "--then index makes the recording findable, --then search looks for sounds like it, and\n"
        "--then classify names it with --labels or by what the library's tags teach. With --json\n"
        "the recording's document comes first, then that of the other command.",
    .options = options,
    .run = run,
};
