/* earshot embed: vectors of sounds and sentences, for other programs. */
#include "app.h"
#include "embedder.h"
#include "error.h"
#include "inputs.h"
#include "json_path.h"
#include "vector_out.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXTS_AT_ONCE 1024
#define SHOWN_OF_TEXT 40 /* characters in a message */
#define SETTLE_FROM   64 /* texts from which the copy of the weights has paid */

typedef struct {
    char **texts, *text_file, *format, *output;
    gboolean windows;
    double hop;
} Options;

static const Option options[] = {
    {OPTION_TEXTS, "text", 0, offsetof(Options, texts), "STRING",
     "a sentence to embed; may be given often"},
    {OPTION_TEXT, "text-file", 0, offsetof(Options, text_file), "F",
     "a sentence a line; - is stdin"},
    {OPTION_FLAG, "windows", 0, offsetof(Options, windows), NULL,
     "a row for each window instead of each clip"},
    OPTION_HOP(Options),
    {OPTION_CHOICE, "format", 0, offsetof(Options, format), "FORMAT", "jsonl, npy or f32",
     .choices = "jsonl|npy|f32"},
    {OPTION_TEXT, "output", 'o', offsetof(Options, output), "OUT",
     "a file instead of stdout; - is stdout"},
    {OPTION_END},
};

typedef struct {
    App *app;
    const Options *options;
    VectorOut *out;
    int dim, tokens; /* of a vector; of the longest text */
    Progress *progress;
    GError *error; /* writing broke */
} Embedding;

static json_t *row_of(const EmbeddedFile *file, double start, double end) {
    json_t *row = json_object();
    json_set_path(row, file->path);
    json_object_set_new(row, "start", json_real(start));
    json_object_set_new(row, "end", json_real(end));
    return row;
}

static bool write_file(Embedding *e, const EmbeddedFile *file) {
    if (!e->options->windows)
        return vector_out_row(e->out, row_of(file, 0, file->seconds), file->clip, &e->error);
    for (int w = 0; w < file->windows; w++) {
        json_t *row = row_of(file, file->spans[w].start, file->spans[w].end);
        if (!vector_out_row(e->out, row, file->vectors + (gsize)w * (gsize)e->dim, &e->error))
            return false;
    }
    return true;
}

static bool take_file(void *user, const EmbeddedFile *file) {
    Embedding *e = user;
    progress_clear(e->progress);
    if (file->warning) app_warn(e->app, "%s", file->warning);
    if (file->error) app_fault(e->app, file->error->message);
    bool written = file->error || write_file(e, file);
    if (!file->error && written) e->app->done++;
    progress_add(e->progress, 1);
    return written;
}

static bool embed_files(Embedding *e, Engine *engine, char **paths, GError **error) {
    gsize count = g_strv_length(paths);
    EmbedOptions how = {
        .hop = e->options->hop, .clip_only = !e->options->windows, .stop = e->app->stop};
    e->progress = app_progress(e->app, "embedding", "files", count);
    bool done = embedder_run(engine, &how, (const char *const *)paths, count, take_file, e, error);
    progress_free(e->progress);
    if (e->error) {
        g_clear_error(error);
        g_propagate_error(error, e->error);
    }
    return done;
}

/* All texts of the command line, then those of the file; the unusable are reported and left out. */
static GPtrArray *gather_texts(App *app, const Options *o, GError **error) {
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = o->text_file ? input_lines(o->text_file, error) : NULL;
    if (o->text_file && !lines) return NULL;
    char **const lists[] = {o->texts, lines};
    for (gsize list = 0; list < G_N_ELEMENTS(lists); list++)
        for (char **text = lists[list]; text && *text; text++) {
            if (g_utf8_validate(*text, -1, NULL) && strlen(*text) <= BPE_MAX_TEXT) {
                g_ptr_array_add(texts, g_strdup(*text));
                continue;
            }
            g_autofree char *shown =
                g_strdup_printf("text %u: not UTF-8, or longer than 1 MB", texts->len + 1);
            app_fault(app, shown);
        }
    return g_steal_pointer(&texts);
}

static void warn_of_cut(Embedding *e, const char *text) {
    g_autofree char *begin = g_utf8_substring(text, 0, MIN(SHOWN_OF_TEXT, g_utf8_strlen(text, -1)));
    app_warn(e->app, "text \"%s...\": cut, the model reads %d tokens", begin, e->tokens);
}

static bool write_texts(Embedding *e, char **texts, int count, const float *vectors,
                        const bool *cut, GError **error) {
    for (int i = 0; i < count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "text", json_string(texts[i]));
        if (cut[i]) warn_of_cut(e, texts[i]);
        if (!vector_out_row(e->out, row, vectors + (gsize)i * (gsize)e->dim, error)) return false;
        e->app->done++;
    }
    return true;
}

static bool embed_texts(Embedding *e, Engine *engine, GPtrArray *texts, GError **error) {
    g_autofree float *vectors = g_new(float, TEXTS_AT_ONCE *(gsize)e->dim);
    g_autofree bool *cut = g_new0(bool, TEXTS_AT_ONCE);
    if (texts->len >= SETTLE_FROM) clap_settle(engine_clap(engine));
    for (guint at = 0; at < texts->len; at += TEXTS_AT_ONCE) {
        int count = (int)MIN(TEXTS_AT_ONCE, texts->len - at);
        char **some = (char **)texts->pdata + at;
        if (!engine_embed_texts(engine, (const char *const *)some, count, vectors, cut, error) ||
            !write_texts(e, some, count, vectors, cut, error))
            return false;
        if (g_atomic_int_get(e->app->stop)) return error_fail(error, ERR_CANCELLED, "interrupted");
    }
    return true;
}

/* NULL: stdout. */
static const char *output_path(const Options *o) {
    return o->output && strcmp(o->output, "-") != 0 ? o->output : NULL;
}

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* A sound must not be replaced by its own vector. */
static bool check_output(const Options *o, char **paths, GError **error) {
    const char *output = output_path(o);
    bool taken = output && o->text_file && is_same_file(output, o->text_file);
    for (char **path = paths; output && *path; path++) taken |= is_same_file(output, *path);
    return !taken || error_fail(error, ERR_USAGE, "%s: is read, and cannot be the output", output);
}

static bool parse_format(const App *app, const Options *o, VectorFormat *format, GError **error) {
    const char *name = o->format ? o->format : "jsonl";
    *format = strcmp(name, "npy") == 0   ? VECTOR_NPY
              : strcmp(name, "f32") == 0 ? VECTOR_F32
                                         : VECTOR_JSONL;
    if (*format == VECTOR_JSONL) return true;
    if (app->common.json)
        return error_fail(error, ERR_USAGE, "--json and --format %s exclude each other", name);
    if (output_path(o) || !isatty(STDOUT_FILENO)) return true;
    return error_fail(error, ERR_USAGE, "--format %s: not to a terminal; use -o", name);
}

static bool embed(App *app, const Options *o, char **paths, GPtrArray *texts, GError **error) {
    VectorFormat format;
    if (!parse_format(app, o, &format, error) || !check_output(o, paths, error)) return false;
    g_autoptr(Engine) engine = app_open_engine(app, error);
    if (!engine) return false;
    Embedding e = {.app = app, .options = o, .dim = clap_dim(engine_clap(engine))};
    e.tokens = clap_config_tokens(clap_config(engine_clap(engine)));
    e.out = vector_out_open(output_path(o), format, e.dim, error);
    if (!e.out) return false;
    bool well = embed_files(&e, engine, paths, error) && embed_texts(&e, engine, texts, error);
    app_warn_of_model(app, engine);
    /* What is finished is kept, also when the rest was interrupted; nothing replaces nothing. */
    if (!app->done && (!well || app->failed)) {
        vector_out_discard(e.out);
        return well;
    }
    return vector_out_close(e.out, well ? error : NULL) && well;
}

static bool run(App *app, char **argv, GError **error) {
    Options o = {0};
    g_autoptr(GPtrArray) texts = NULL;
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, &command_embed, &o, &args, error);
    if (well && !args[1] && !o.texts && !o.text_file) {
        error_fail(error, ERR_USAGE, "nothing to embed: name files, --text or --text-file");
        well = false;
    }
    if (well) texts = gather_texts(app, &o, error);
    well = texts && embed(app, &o, args + 1, texts, error);
    options_clear(options, &o);
    return well;
}

const Command command_embed = {
    .name = "embed",
    .usage = "embed [FILE...] [--text STRING]... [--text-file F] [--windows] [--hop S] [--format "
             "jsonl|npy|f32] [-o OUT]",
    .summary = "vectors of sounds and sentences, for other programs",
    .more = "Rows are the files, then the texts, in the order of the arguments. Vectors have "
            "length 1, and are the same\n"
            "bytes every time on one machine. A sound longer than the model's window is cut into "
            "windows; the clip's\n"
            "vector is the normalised mean of theirs (fused checkpoints: the fused vector of all "
            "of it).",
    .options = options,
    .run = run,
};
