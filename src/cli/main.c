/* The program: finds the command, reads the environment once, turns errors into one line and an
 * exit status.
 *
 * Exit status: 0 done · 1 no input done · 2 wrong usage · 3 some done, some failed · 130
 * interrupted. */
#include "app.h"
#include "error.h"
#include "hub.h"
#include "nn_cpu.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Command *const commands[] = {
    &command_index,  &command_search, &command_similar, &command_list,     &command_show,
    &command_remove, &command_edit,   &command_stats,   &command_check,    &command_export,
    &command_import, &command_copy,   &command_embed,   &command_classify, &command_eval,
    &command_train,  &command_model,  &command_record,  &command_bench,
};

/* The one variable that changes after start: the user has pressed Ctrl-C. A second time ends the
 * program at once. */
static gint stop_requested;

static void on_interrupt(int signal_number) {
    if (g_atomic_int_get(&stop_requested)) _exit(130);
    g_atomic_int_set(&stop_requested, 1);
}

/* A file that grows over the limit of its size (ulimit -f) is an error like a full disk. */
static void set_signals(void) {
    struct sigaction interrupt = {.sa_handler = on_interrupt}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
}

/* Streams that were closed before the start would give their numbers to files opened later, and
 * messages would land in those. They are taken by what refuses what is written or read. */
static void occupy_closed_streams(void) {
    static const int refusing[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < (int)G_N_ELEMENTS(refusing); fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", refusing[fd]) != fd) _exit(1);
}

static const Command *find_command(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static void print_overview(FILE *out) {
    g_autofree char *common = options_help(common_options);
    fputs("earshot: find any sound by describing it\n\n"
          "usage: earshot [OPTION...] COMMAND [ARG...]\n"
          "       earshot help COMMAND\n\ncommands:\n",
          out);
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\noptions that every command knows:\n%s", common);
}

static void print_help(const Command *command, FILE *out) {
    g_autofree char *own = options_help(command->options);
    g_autofree char *common = options_help(common_options);
    g_auto(GStrv) usage = g_strsplit(command->usage, "\n", -1);
    fprintf(out, "%s\n\n", command->summary);
    for (int i = 0; usage[i]; i++)
        fprintf(out, "%s earshot %s\n", i ? "      " : "usage:", usage[i]);
    if (*own) fprintf(out, "\noptions:\n%s", own);
    fprintf(out, "\noptions that every command knows:\n%s", common);
    if (command->more) fprintf(out, "\n%s\n", command->more);
}

/* Where pulled models live: $XDG_DATA_HOME/earshot/models. */
static char *models_dir(void) {
    return g_build_filename(g_get_user_data_dir(), "earshot", "models", NULL);
}

/* Where the library is when nobody says: beside models/, whose name no file of a library has. */
static char *default_library(void) {
    const char *named = g_getenv("EARSHOT_LIBRARY");
    return named && *named ? g_strdup(named)
                           : g_build_filename(g_get_user_data_dir(), "earshot", NULL);
}

static void limit_cpu(void) {
    const char *name = g_getenv("EARSHOT_CPU");
    for (int level = 0; name && level < NN_CPU_LEVELS; level++)
        if (strcmp(name, nn_cpu_name((NnCpu)level)) == 0) nn_cpu_limit((NnCpu)level);
}

static bool no_command(const char *name, GError **error) {
    return error_fail(error, ERR_USAGE, "there is no command \"%s\"; see earshot --help", name);
}

/* `earshot help [COMMAND]`. */
static bool help(char **argv, GError **error) {
    const Command *command = argv[1] ? find_command(argv[1]) : NULL;
    if (argv[1] && !command) return no_command(argv[1], error);
    if (command)
        print_help(command, stdout);
    else
        print_overview(stdout);
    return true;
}

/* True with *done when the common options alone asked for something. */
static bool answered(const App *app, const Command *command) {
    if (app->common.version)
        puts("earshot " EARSHOT_VERSION);
    else if (app->common.help && command)
        print_help(command, stdout);
    else if (app->common.help)
        print_overview(stdout);
    return app->common.version || app->common.help;
}

/* argv from the command's name on. Options are looked through for --help first, so that it works
 * whatever else is wrong. */
static bool run_command(App *app, char **argv, GError **error) {
    if (strcmp(argv[0], "help") == 0) return help(argv, error);
    const Command *command = find_command(argv[0]);
    if (!command) return no_command(argv[0], error);
    for (int i = 1; argv[i] && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) app->common.help = TRUE;
    if (answered(app, command)) return true;
    app->command = command->name;
    return command->run(app, argv, error);
}

static int exit_status(const App *app, const GError *error) {
    if (error) return error_exit_status(error);
    if (app->failed) return app->done ? 3 : 1;
    return 0;
}

static void report(const App *app, const GError *error) {
    if (g_error_matches(error, EARSHOT_ERROR, ERR_USAGE) && app->command)
        fprintf(stderr, "earshot: %s (see earshot help %s)\n", error->message, app->command);
    else
        fprintf(stderr, "earshot: %s\n", error->message);
    if (app->pointer) fputs(app->pointer, stderr);
}

/* Takes argv over (options are removed from it). */
static bool run(App *app, char ***argv, GError **error) {
    if (!options_parse(common_options, &app->common, NULL, NULL, argv, true, error)) return false;
    if (answered(app, NULL)) return true;
    if (!(*argv)[1]) {
        print_overview(stderr);
        return error_fail(error, ERR_USAGE, "no command is given");
    }
    return run_command(app, *argv + 1, error);
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) args = g_strdupv(argv);
    g_autofree char *models = models_dir();
    g_autofree char *library = default_library();
    const char *hub = g_getenv("HF_ENDPOINT"), *no_color = g_getenv("NO_COLOR");
    App app = {
        .library = library,
        .models_dir = models,
        .hub = hub && *hub ? hub : HUB_ENDPOINT,
        .hub_token = g_getenv("HF_TOKEN"),
        .plain = no_color && *no_color,
        .stop = &stop_requested,
    };
    occupy_closed_streams();
    limit_cpu();
    set_signals();
    if (run(&app, &args, &error)) app_flush(stdout, "stdout", &error);
    if (error) report(&app, error);
    int status = exit_status(&app, error);
    options_clear(common_options, &app.common);
    g_free(app.pointer);
    return status;
}
