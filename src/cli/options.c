/* Option tables over GLib's parser. */
#include "options.h"

#include "error.h"

#include <float.h>
#include <limits.h>
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

/* Where GOption leaves numbers: what is still unset afterwards was not given, and the default
 * stays. */
typedef union {
    int whole;
    double number;
} Slot;
#define UNSET_WHOLE  INT_MIN
#define UNSET_NUMBER (-DBL_MAX)

static int table_length(const Option *table) {
    int count = 0;
    while (table && table[count].kind != OPTION_END) count++;
    return count;
}

/* slots[table_length] */
static void add_entries(GOptionContext *context, const Option *table, void *into, Slot *slots) {
    for (int i = 0; i < table_length(table); i++) {
        const Option *o = &table[i];
        void *target = place(o, into);
        if (o->kind == OPTION_INT || o->kind == OPTION_NUMBER) target = &slots[i];
        if (o->kind == OPTION_INT) slots[i].whole = UNSET_WHOLE;
        if (o->kind == OPTION_NUMBER) slots[i].number = UNSET_NUMBER;
        GOptionEntry entry[] = {
            {o->name, o->letter, 0, glib_kinds[o->kind], target, o->help, o->arg},
            {0},
        };
        g_option_context_add_main_entries(context, entry, NULL);
    }
}

static bool is_choice(const char *choices, const char *value) {
    g_auto(GStrv) all = g_strsplit(choices, "|", -1);
    return g_strv_contains((const char *const *)all, value);
}

static bool in_range(const Option *o, double value, GError **error) {
    if (o->min == o->max || (value >= o->min && value <= o->max)) return true;
    return error_fail(error, ERR_USAGE, "--%s: %.10g is not in %g to %g", o->name, value, o->min,
                      o->max);
}

static bool take(const Option *o, void *into, Slot slot, GError **error) {
    if (o->kind == OPTION_INT && slot.whole != UNSET_WHOLE) {
        *(int *)place(o, into) = slot.whole;
        return in_range(o, slot.whole, error);
    }
    if (o->kind == OPTION_NUMBER && slot.number != UNSET_NUMBER) {
        *(double *)place(o, into) = slot.number;
        return in_range(o, slot.number, error);
    }
    const char *text = o->kind == OPTION_CHOICE ? *(char **)place(o, into) : NULL;
    if (!text || is_choice(o->choices, text)) return true;
    return error_fail(error, ERR_USAGE, "--%s: \"%s\" is none of %s", o->name, text, o->choices);
}

static bool take_all(const Option *table, void *into, const Slot *slots, GError **error) {
    for (int i = 0; i < table_length(table); i++)
        if (!take(&table[i], into, slots[i], error)) return false;
    return true;
}

/* -- "-n5" -- */

static bool takes_value(const Option *o) {
    return o && o->kind != OPTION_FLAG;
}

static const Option *by_letter(const Option *table, char letter) {
    for (const Option *o = table; o && o->kind != OPTION_END; o++)
        if (o->letter == letter) return o;
    return NULL;
}

static const Option *by_name(const Option *table, const char *name) {
    for (const Option *o = table; o && o->kind != OPTION_END; o++)
        if (strcmp(o->name, name) == 0) return o;
    return NULL;
}

/* Where the value begins in "-n5": at 2; its length when the value is the next argument; 0 when
 * no letter takes one. */
static size_t value_at(const char *letters, const Option *table, const Option *also) {
    for (size_t i = 1; letters[i]; i++) {
        const Option *o = by_letter(table, letters[i]);
        if (!o) o = by_letter(also, letters[i]);
        if (!o) return 0;
        if (takes_value(o)) return i + 1;
    }
    return 0;
}

static bool next_is_value(const char *arg, const Option *table, const Option *also) {
    if (g_str_has_prefix(arg, "--"))
        return takes_value(by_name(table, arg + 2)) || takes_value(by_name(also, arg + 2));
    return arg[0] == '-' && value_at(arg, table, also) == strlen(arg);
}

typedef struct {
    const Option *table, *also;
    bool stop_early;
    bool ended, value; /* no options any more; the next argument is a value */
} Reading;

/* Arguments are asked about in their order. */
static bool is_option(Reading *reading, const char *arg) {
    const bool dashed = arg[0] == '-' && arg[1];
    if (reading->value) {
        reading->value = false;
        return false;
    }
    if (strcmp(arg, "--") == 0 || (reading->stop_early && !dashed)) reading->ended = true;
    if (reading->ended || !dashed) return false;
    reading->value = next_is_value(arg, reading->table, reading->also);
    return true;
}

/* GOption wants a value as an argument of its own: "-n5" becomes "-n" "5". */
static void split_letters(const Option *table, const Option *also, char ***argv, bool stop_early) {
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    Reading reading = {table, also, stop_early, false, false};
    for (char **arg = *argv; *arg; arg++) {
        bool letters = arg != *argv && is_option(&reading, *arg) && (*arg)[1] != '-';
        size_t at = letters ? value_at(*arg, table, also) : 0;
        g_ptr_array_add(args, at ? g_strndup(*arg, at) : g_strdup(*arg));
        if (at && (*arg)[at]) g_ptr_array_add(args, g_strdup(*arg + at));
    }
    g_ptr_array_add(args, NULL);
    g_strfreev(*argv);
    *argv = (char **)g_ptr_array_free(g_steal_pointer(&args), FALSE);
}

/* -- parsing -- */

/* GOption leaves the "--" that ends the options where anything with a dash follows. It stands among
 * the first `most` arguments. */
static void drop_separator(char **argv, int most) {
    int at = 1;
    while (argv[0] && argv[at] && strcmp(argv[at], "--") != 0) at++;
    if (!argv[0] || !argv[at] || at > most) return;
    g_free(argv[at]);
    for (; argv[at]; at++) argv[at] = argv[at + 1];
}

bool options_parse(const Option *table, void *into, const Option *also, void *also_into,
                   char ***argv, bool stop_early, GError **error) {
    GError *fault = NULL;
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, stop_early);
    g_autofree Slot *slots = g_new0(Slot, table_length(table) + 1);
    g_autofree Slot *also_slots = g_new0(Slot, table_length(also) + 1);
    add_entries(context, table, into, slots);
    add_entries(context, also, also_into, also_slots);
    split_letters(table, also, argv, stop_early);
    bool parsed = g_option_context_parse_strv(context, argv, &fault);
    g_option_context_free(context);
    if (!parsed) {
        error_fail(error, ERR_USAGE, "%s", fault->message);
        g_error_free(fault);
        return false;
    }
    drop_separator(*argv, stop_early ? 1 : INT_MAX);
    return take_all(table, into, slots, error) && take_all(also, also_into, also_slots, error);
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
