/* Option tables over GLib's parser. */
#include "options.h"

#include "error.h"

#include <string.h>

static const GOptionArg glib_kinds[] = {
    [OPTION_FLAG] = G_OPTION_ARG_NONE,
    [OPTION_INT] = G_OPTION_ARG_INT,
    [OPTION_NUMBER] = G_OPTION_ARG_DOUBLE,
    [OPTION_TEXT] = G_OPTION_ARG_FILENAME,
    [OPTION_TEXTS] = G_OPTION_ARG_FILENAME_ARRAY,
    [OPTION_CHOICE] = G_OPTION_ARG_FILENAME,
};

static void *place(const Option *option, void *into) {
    return (char *)into + option->offset;
}

static void add_entries(GOptionContext *context, const Option *table, void *into) {
    for (const Option *o = table; o && o->kind != OPTION_END; o++) {
        GOptionEntry entry[] = {
            {o->name, o->letter, 0, glib_kinds[o->kind], place(o, into), o->help, o->arg},
            {0},
        };
        g_option_context_add_main_entries(context, entry, NULL);
    }
}

static bool is_choice(const char *choices, const char *value) {
    g_auto(GStrv) all = g_strsplit(choices, "|", -1);
    return g_strv_contains((const char *const *)all, value);
}

static bool check(const Option *o, void *into, GError **error) {
    double value = 0;
    if (o->kind == OPTION_INT) value = *(int *)place(o, into);
    if (o->kind == OPTION_NUMBER) value = *(double *)place(o, into);
    if (o->min < o->max && !(value >= o->min && value <= o->max)) {
        g_set_error(error, EARSHOT_ERROR, ERR_USAGE, "--%s: %g is not in %g to %g", o->name, value,
                    o->min, o->max);
        return false;
    }
    const char *text = o->kind == OPTION_CHOICE ? *(char **)place(o, into) : NULL;
    if (text && !is_choice(o->choices, text)) {
        g_autofree char *shown = error_printable(text);
        g_set_error(error, EARSHOT_ERROR, ERR_USAGE, "--%s: \"%s\" is none of %s", o->name, shown,
                    o->choices);
        return false;
    }
    return true;
}

static bool check_all(const Option *table, void *into, GError **error) {
    for (const Option *o = table; o && o->kind != OPTION_END; o++)
        if (!check(o, into, error)) return false;
    return true;
}

bool options_parse(const Option *table, void *into, const Option *also, void *also_into,
                   char ***argv, bool stop_early, GError **error) {
    GError *fault = NULL;
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, stop_early);
    add_entries(context, table, into);
    add_entries(context, also, also_into);
    bool parsed = g_option_context_parse_strv(context, argv, &fault);
    g_option_context_free(context);
    if (!parsed) {
        g_autofree char *shown = error_printable(fault->message);
        g_set_error_literal(error, EARSHOT_ERROR, ERR_USAGE, shown);
        g_error_free(fault);
        return false;
    }
    return check_all(table, into, error) && check_all(also, also_into, error);
}

void options_clear(const Option *table, void *into) {
    for (const Option *o = table; o->kind != OPTION_END; o++) {
        if (o->kind == OPTION_TEXT || o->kind == OPTION_CHOICE)
            g_clear_pointer((char **)place(o, into), g_free);
        if (o->kind == OPTION_TEXTS) g_clear_pointer((char ***)place(o, into), g_strfreev);
    }
}

static char *left_column(const Option *o) {
    g_autofree char *letter = o->letter ? g_strdup_printf("-%c, ", o->letter) : g_strdup("    ");
    const char *arg = o->arg ? o->arg : "";
    return g_strdup_printf("  %s--%s%s%s", letter, o->name, *arg ? " " : "", arg);
}

char *options_help(const Option *table) {
    GString *text = g_string_new(NULL);
    int width = 0;
    for (const Option *o = table; o->kind != OPTION_END; o++) {
        g_autofree char *left = left_column(o);
        width = MAX(width, (int)strlen(left));
    }
    for (const Option *o = table; o->kind != OPTION_END; o++) {
        g_autofree char *left = left_column(o);
        g_string_append_printf(text, "%-*s  %s\n", width, left, o->help);
    }
    return g_string_free(text, FALSE);
}
