/* What every command is given: the options all commands know, the environment (read once, by main),
 * and the few things that all do alike: open the model, report an error, count what was done.
 *
 * Thread: main's, but for app_fault, which any may call. */
#pragma once
#include "engine.h"
#include "options.h"
#include "progress.h"

#include <jansson.h>
#include <stdio.h>

typedef struct {
    char *library, *model, *color;
    gboolean json, quiet, verbose, help, version;
    int threads;
} CommonOptions;

extern const Option common_options[];

typedef struct {
    CommonOptions common;
    const char *command;    /* the name it was called by */
    const char *library;    /* where the library is when -L does not say */
    const char *models_dir; /* where pulled models live */
    const char *hub;        /* $HF_ENDPOINT or the public hub */
    const char *hub_token;  /* $HF_TOKEN, or NULL */
    bool plain;             /* $NO_COLOR */
    bool color;             /* stdout takes colour */
    gint *stop;             /* becomes non-zero when the user wants an end */
    int done, failed;       /* inputs; they make the exit status */
    char *pointer;          /* lines that follow the error and show its place; or NULL */
} App;

typedef struct Command Command;
struct Command {
    const char *name;
    const char *usage;   /* arguments, one line each */
    const char *summary; /* one line */
    const char *more;    /* what help says below the options; may be NULL */
    const Option *options;
    /* argv[0] is the command's name; it may take the rest apart. Returns false with an error when
     * the whole command ended there; faults of single inputs go through app_fault. */
    bool (*run)(App *app, char **argv, GError **error);
};

extern const Command command_index, command_search, command_similar, command_list, command_show,
    command_remove, command_edit, command_stats, command_check, command_export, command_import,
    command_copy, command_embed, command_classify, command_eval, command_train, command_model,
    command_record, command_bench;

/* Parses the command's options (and the common ones) out of argv into `into`; sets app->color. */
bool app_options(App *app, const Command *command, void *into, char ***argv, GError **error);

/* The model named with -m, or the built-in one, opened. The directory that `name` (NULL: the
 * built-in one) stands for; the caller frees. */
Engine *app_open_engine(App *app, GError **error);
char *app_model_dir(App *app, const char *name, GError **error);

/* "earshot: MESSAGE" on stderr. app_fault also counts a failed input. */
void app_fault(App *app, const char *message);
void app_say(App *app, const char *format, ...) G_GNUC_PRINTF(2, 3);
void app_warn(App *app, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Says what the engine found wrong with the model, if anything. */
void app_warn_of_model(App *app, Engine *engine);

/* A progress on stderr for `total` inputs, as --quiet and the terminal have it. */
Progress *app_progress(App *app, const char *what, const char *unit, uint64_t total);

/* A JSON document on stdout, indented; a line of JSON Lines. Both take `json` over. */
void app_print_document(json_t *json);
void app_print_line(json_t *json);

/* ERR_CANCELLED once the user wants an end. */
bool app_go_on(const App *app, GError **error);

/* Everything written to `out` has arrived; else an error that names it. */
bool app_flush(FILE *out, const char *name, GError **error);
