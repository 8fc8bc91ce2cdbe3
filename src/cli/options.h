/* One table of options per command. It makes the parsing and the help now, and completions and the
 * man page later.
 *
 * Values land in a struct of the command's own, at the offset the table names; its types are those
 * listed with the kinds. Parsing itself is GLib's GOption, with "-n5" for "-n 5". Arguments are
 * bytes: nothing is converted by locale. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    OPTION_END,    /* closes the table */
    OPTION_FLAG,   /* gboolean */
    OPTION_INT,    /* int, within [min, max] */
    OPTION_NUMBER, /* double, within [min, max] */
    OPTION_TEXT,   /* char *; the last one given counts */
    OPTION_TEXTS,  /* char **, NULL-terminated; may be given often */
    OPTION_CHOICE, /* char *; one of `choices` */
} OptionKind;

typedef struct {
    OptionKind kind;
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    size_t offset;
    const char *arg; /* how help calls the value; NULL for flags */
    const char *help;
    double min, max;
    const char *choices; /* "a|b|c" */
} Option;

/* The row of an option that several commands know, with a `double hop` in their struct `Type`. */
#define OPTION_HOP(Type)                                                                           \
    {                                                                                              \
        OPTION_NUMBER, "hop", 0, offsetof(Type, hop), "SECONDS",                                   \
            "from one window to the next (default: a window)", 0.01, 86400                         \
    }

/* argv[0] is the program's or the command's name and stays; options are taken out of the
 * NULL-terminated *argv (freed and moved up), the rest remain. Two tables, so that options that
 * every command knows come with each; `also` may be NULL. With `stop_early`, parsing ends at the
 * first argument that is no option. ERR_USAGE on anything wrong. */
bool options_parse(const Option *table, void *into, const Option *also, void *also_into,
                   char ***argv, bool stop_early, GError **error);

/* Frees what parsing put into the struct. */
void options_clear(const Option *table, void *into);

/* "  -n, --top N   how many …" lines, aligned; the caller frees. */
char *options_help(const Option *table);
