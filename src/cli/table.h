/* Text in columns, for people: aligned by what a terminal shows (wide and combining characters
 * counted as such), cut where it would not fit the width, coloured on request.
 *
 * Cells are made harmless: control characters in names cannot drive a terminal or break a line.
 * Rows are kept until table_print; columns never get narrower from one print to the next.
 *
 * Owner: the caller. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

typedef enum {
    CUT_NEVER,
    CUT_END,   /* "a long descrip…": titles */
    CUT_START, /* "…/deep/folder/name.wav": paths */
} TableCut;

typedef struct {
    TableCut cut;
    bool right;        /* aligned to the right */
    const char *color; /* an SGR parameter such as "2", or NULL */
} TableColumn;

typedef struct Table Table;

/* `columns` is borrowed; width 0: no limit. */
Table *table_new(const TableColumn *columns, int count, int width, bool color);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* cells[count], copied; NULL is an empty cell. A column that is empty in all rows is left out. */
void table_add(Table *table, const char *const *cells);

/* A line below the row added last, as it is but for control characters. */
void table_add_note(Table *table, const char *note);

/* Writes what was added since the last time. */
void table_print(Table *table, FILE *out);

/* Columns that the terminal behind `out` has; 0 when it is none. */
int table_width_of(FILE *out);

/* Columns that a terminal shows of valid UTF-8, and the text cut to `width` of them with an
 * ellipsis; the caller frees. */
int text_width(const char *text);
char *text_cut(const char *text, int width, TableCut cut);
