/* earshot model: list, pull, info, convert, verify. */
#include "app.h"
#include "error.h"
#include "hub.h"
#include "json_path.h"
#include "quant.h"
#include "si.h"
#include "verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *output, *type, *reference, *revision;
} Options;

static const Option options[] = {
    {OPTION_TEXT, "output", 'o', offsetof(Options, output), "OUT", "convert: the new directory"},
    {OPTION_CHOICE, "type", 0, offsetof(Options, type), "TYPE", "convert: f32, bf16 or int8",
     .choices = "f32|bf16|int8"},
    {OPTION_TEXT, "reference", 0, offsetof(Options, reference), "FILE",
     "verify: recorded tensors (.safetensors)"},
    {OPTION_TEXT, "revision", 0, offsetof(Options, revision), "REV",
     "pull: a branch, tag or commit (default: main)"},
    {OPTION_END},
};

/* list */

/* What comes with the program; its model card is models/builtin/MODEL_CARD.md. */
static const HubModel builtin = {HUB_BUILTIN,
                                 9971129,
                                 384,
                                 "apache-2.0",
                                 "sounds of all kinds; small and quick, comes with earshot",
                                 ""};

static const HubModel *known_by(const char *name) {
    if (strcmp(name, HUB_BUILTIN) == 0) return &builtin;
    int count;
    const HubModel *known = hub_known(&count);
    g_autofree char *repo = hub_repo(name);
    for (int i = 0; repo && i < count; i++)
        if (strcmp(known[i].repo, repo) == 0) return &known[i];
    return NULL;
}

static json_t *list_row(App *app, const char *name) {
    const HubModel *known = known_by(name);
    g_autofree char *dir = hub_find(app->models_dir, name, NULL);
    json_t *row = json_pack("{s:s, s:b}", "name", name, "installed", dir != NULL);
    if (dir)
        json_set_path(row, dir);
    else
        json_object_set_new(row, "path", json_null());
    if (!known) return row;
    json_object_set_new(row, "parameters", json_integer(known->parameters));
    json_object_set_new(row, "dim", json_integer(known->dim));
    json_object_set_new(row, "licence", json_string(known->licence));
    json_object_set_new(row, "purpose", json_string(known->purpose));
    json_object_set_new(row, "note", json_string(known->note));
    return row;
}

static void print_list_row(json_t *row) {
    json_int_t parameters = json_integer_value(json_object_get(row, "parameters"));
    g_autofree char *size = parameters ? si_count((guint64)parameters) : g_strdup("");
    const char *purpose = json_string_value(json_object_get(row, "purpose"));
    const char *note = json_string_value(json_object_get(row, "note"));
    printf("%-9s  %-36s %8s  %s%s%s\n",
           json_is_true(json_object_get(row, "installed")) ? "installed" : "-",
           json_string_value(json_object_get(row, "name")), size, purpose ? purpose : "",
           note && *note ? "; " : "", note ? note : "");
}

/* The one that comes with the program, known models, then those in the models' folder that are not
 * among them. */
static bool list(App *app, const Options *o, char **args, GError **error) {
    int count;
    const HubModel *known = hub_known(&count);
    g_auto(GStrv) installed = hub_installed(app->models_dir);
    json_t *rows = json_array();
    json_array_append_new(rows, list_row(app, HUB_BUILTIN));
    for (int i = 0; i < count; i++) json_array_append_new(rows, list_row(app, known[i].repo));
    for (char **name = installed; *name; name++)
        if (!known_by(*name)) json_array_append_new(rows, list_row(app, *name));
    if (app->common.json) {
        app_print_document(rows);
        return true;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) print_list_row(json_array_get(rows, i));
    json_decref(rows);
    return true;
}

/* pull */

typedef struct {
    App *app;
    Progress *progress;
    uint64_t shown;
} Pull;

static bool pull_progress(void *user, const char *file, uint64_t done, uint64_t total) {
    Pull *pull = user;
    if (!pull->progress) pull->progress = app_progress(pull->app, "pulling", "bytes", total);
    if (done > pull->shown) progress_add(pull->progress, done - pull->shown);
    pull->shown = MAX(done, pull->shown);
    return !g_atomic_int_get(pull->app->stop);
}

static void say_faults(App *app, const char *dir) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_open(dir, app->common.threads, &error);
    g_auto(GStrv) faults = engine ? engine_check(engine, &error) : NULL;
    if (error) app_warn(app, "%s", error->message);
    for (char **fault = faults; fault && *fault; fault++) app_warn(app, "%s: %s", dir, *fault);
}

static bool pull(App *app, const Options *o, char **args, GError **error) {
    HubOptions how = {.models_dir = app->models_dir,
                      .endpoint = app->hub,
                      .token = app->hub_token,
                      .revision = o->revision};
    Pull state = {.app = app};
    HubPull pulled = hub_pull(&how, args[0], pull_progress, &state, error);
    progress_free(state.progress);
    if (pulled == HUB_FAILED) return false;
    g_autofree char *dir = hub_find(app->models_dir, args[0], error);
    if (!dir) return false;
    if (pulled == HUB_PULLED) say_faults(app, dir);
    if (app->common.json) {
        app_print_document(list_row(app, args[0]));
        return true;
    }
    g_autofree char *shown = error_printable(dir);
    printf("%s %s\n", pulled == HUB_PULLED ? "pulled to" : "already in", shown);
    return true;
}

/* info */

static json_t *check_row(const char *name, bool ok, const char *detail) {
    return json_pack("{s:s, s:b, s:s}", "name", name, "ok", ok, "detail", detail);
}

static json_t *checks_of(Engine *engine, GError **error) {
    g_auto(GStrv) faults = engine_check(engine, error);
    if (!faults) return NULL;
    json_t *checks = json_array();
    json_array_append_new(
        checks,
        check_row("files", true, "every tensor is there, of the shape that config.json says"));
    for (char **fault = faults; *fault; fault++)
        json_array_append_new(checks, check_row("towers", false, *fault));
    if (!*faults)
        json_array_append_new(checks,
                              check_row("towers", true, "different inputs have different vectors"));
    return checks;
}

static json_t *integers(const int *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_integer(values[i]));
    return list;
}

static json_t *audio_shapes(const ClapAudioConfig *a) {
    if (a->kind == CLAP_PANN)
        return json_pack("{s:s, s:o, s:i, s:i}", "tower", "pann", "channels",
                         integers(a->pann.conv_channels, a->pann.layers), "hidden", a->hidden_size,
                         "mel_bins", a->num_mel_bins);
    return json_pack("{s:s, s:i, s:o, s:i, s:b}", "tower", "htsat", "embed",
                     a->patch_embeds_hidden_size, "depths", integers(a->depths, a->stages),
                     "mel_bins", a->num_mel_bins, "fusion", a->enable_fusion);
}

static json_t *shapes_of(const ClapConfig *c) {
    return json_pack("{s:o, s:{s:i, s:i, s:i, s:i}}", "audio", audio_shapes(&c->audio), "text",
                     "hidden", c->text.hidden_size, "layers", c->text.num_hidden_layers, "heads",
                     c->text.num_attention_heads, "vocabulary", c->text.vocab_size);
}

static json_t *info_document(Engine *engine, const char *name, GError **error) {
    Clap *clap = engine_clap(engine);
    const HubModel *known = known_by(name);
    g_auto(HubSource) source = {0};
    json_t *checks = checks_of(engine, error);
    if (!checks) return NULL;
    if (!hub_source_read(engine_dir(engine), &source, NULL)) source.repo = NULL;
    if (!known && source.repo) known = known_by(source.repo);
    json_t *document = json_pack(
        "{s:s, s:b, s:I, s:i, s:i, s:f, s:s, s:s, s:s, s:o, s:o}", "name", name, "installed", true,
        "parameters", (json_int_t)clap_parameters(clap), "dim", clap_dim(clap), "sample_rate",
        engine_rate(engine), "window_seconds", engine_window_seconds(engine), "type",
        clap_type_name(clap), "licence", known ? known->licence : "unknown", "sha256",
        clap_weights_sha256(clap), "shapes", shapes_of(clap_config(clap)), "checks", checks);
    json_set_path(document, engine_dir(engine));
    return document;
}

static void print_value(const char *key, json_t *value) {
    if (json_is_string(value))
        printf("%-15s %s\n", key, json_string_value(value));
    else {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        printf("%-15s %s\n", key, dumped);
        free(dumped);
    }
}

static void print_info(json_t *document) {
    const char *key;
    json_t *value, *check;
    size_t i;
    json_object_foreach(document, key, value)
        if (strcmp(key, "checks") != 0 && strcmp(key, "installed") != 0) print_value(key, value);
    json_array_foreach(json_object_get(document, "checks"), i, check)
        printf("%-15s %s: %s\n", "check",
               json_is_true(json_object_get(check, "ok")) ? "ok" : "FAULT",
               json_string_value(json_object_get(check, "detail")));
}

static bool info(App *app, const Options *o, char **args, GError **error) {
    g_autofree char *dir = app_model_dir(app, args[0], error);
    g_autoptr(Engine) engine = dir ? engine_open(dir, app->common.threads, error) : NULL;
    json_t *document = engine ? info_document(engine, args[0], error) : NULL;
    if (!document) return false;
    if (app->common.json)
        app_print_document(document);
    else {
        print_info(document);
        json_decref(document);
    }
    return true;
}

/* convert */

static bool convert(App *app, const Options *o, char **args, GError **error) {
    NnType type;
    if (!o->output || !o->type)
        return error_fail(error, ERR_USAGE, "convert needs -o OUT and --type f32|bf16|int8");
    quant_type_parse(o->type, &type);
    g_autofree char *dir = app_model_dir(app, args[0], error);
    if (!dir || !quant_convert(dir, o->output, type, error)) return false;
    g_autofree char *shown = error_printable(o->output);
    app_say(app, "%s: written as %s", shown, o->type);
    return true;
}

/* verify */

static json_t *verify_document(const VerifyResult *stages, int count) {
    json_t *rows = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:f, s:b, s:f, s:f}", "name", stages[i].stage,
                                              "max_abs_diff", stages[i].error * stages[i].scale,
                                              "ok", stages[i].ok, "scale", stages[i].scale,
                                              "cosine", stages[i].cosine));
    return json_pack("{s:b, s:o}", "ok", verify_first_bad(stages, count) == NULL, "stages", rows);
}

static void print_stages(App *app, const VerifyResult *stages, int count) {
    for (int i = 0; i < count; i++) {
        g_autofree char *line = verify_line(&stages[i]);
        if (!app->common.quiet) puts(line);
    }
}

static bool verify(App *app, const Options *o, char **args, GError **error) {
    VerifyResult *stages;
    int count;
    if (!o->reference) return error_fail(error, ERR_USAGE, "verify needs --reference FILE");
    g_autofree char *dir = app_model_dir(app, args[0], error);
    g_autoptr(Clap) clap = dir ? clap_open(dir, error) : NULL;
    if (!clap || !verify_run(clap, o->reference, &stages, &count, error)) return false;
    if (app->common.json)
        app_print_document(verify_document(stages, count));
    else
        print_stages(app, stages, count);
    const VerifyResult *bad = verify_first_bad(stages, count);
    if (bad) {
        g_autofree char *line = verify_line(bad);
        error_fail(error, ERR_FORMAT, "%s: first stage that diverges: %s", args[0], line);
    }
    verify_free(stages, count);
    return !bad;
}

static const struct {
    const char *name;
    bool takes_model;
    bool (*run)(App *app, const Options *o, char **args, GError **error);
} actions[] = {
    {"list", false, list},      {"pull", true, pull},     {"info", true, info},
    {"convert", true, convert}, {"verify", true, verify},
};

/* args[0] is the action. A model may be named by -m as well. */
static bool act(App *app, const Options *o, char **args, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (!args[0] || strcmp(actions[i].name, args[0]) != 0) continue;
        char *by_option[] = {app->common.model, NULL};
        char **rest = args[1] || !actions[i].takes_model ? args + 1 : by_option;
        if (actions[i].takes_model && (!rest[0] || rest[1]))
            return error_fail(error, ERR_USAGE, "name one model");
        if (!actions[i].takes_model && rest[0])
            return error_fail(error, ERR_USAGE, "list takes no arguments");
        return actions[i].run(app, o, rest, error);
    }
    return error_fail(error, ERR_USAGE,
                      "say what to do: model list, pull, info, convert or verify");
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_model, &o, &args, error) && act(app, &o, args + 1, error);
    options_clear(options, &o);
    return well;
}

const Command command_model = {
    .name = "model",
    .usage = "model list\nmodel pull NAME [--revision REV]\nmodel info DIR|NAME\n"
             "model convert DIR|NAME -o OUT --type f32|bf16|int8\nmodel verify DIR|NAME "
             "--reference FILE",
    .summary = "models: list, pull, look at, convert, verify",
    .more = "pull takes a known name or any OWNER/NAME of the Hugging Face hub in CLAP's layout; a "
            "pull that was cut goes on\n"
            "where it stopped. verify compares stage by stage with tensors recorded from the "
            "reference by\n"
            "tools/make_refs.py.",
    .options = options,
    .run = run,
};
