/* Columns of text. */
#include "table.h"

#include "error.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP       2 /* columns between cells */
#define CUT_LEAST 8 /* a column that is cut keeps so many */
#define ELLIPSIS  "\xE2\x80\xA6"

typedef struct {
    char **cells; /* [count] */
    char *note;   /* lines; or NULL */
} Row;

struct Table {
    const TableColumn *columns;
    int count, width;
    bool color;
    int *widest;     /* [count], of all cells so far */
    GPtrArray *rows; /* of Row * */
};

static void row_free(void *data) {
    Row *row = data;
    g_strfreev(row->cells);
    g_free(row->note);
    g_free(row);
}

Table *table_new(const TableColumn *columns, int count, int width, bool color) {
    Table *table = g_new0(Table, 1);
    table->columns = columns;
    table->count = count;
    table->width = width;
    table->color = color;
    table->widest = g_new0(int, count);
    table->rows = g_ptr_array_new_with_free_func(row_free);
    return table;
}

void table_free(Table *table) {
    g_ptr_array_unref(table->rows);
    g_free(table->widest);
    g_free(table);
}

void table_add(Table *table, const char *const *cells) {
    Row *row = g_new0(Row, 1);
    row->cells = g_new0(char *, table->count + 1);
    for (int i = 0; i < table->count; i++) {
        row->cells[i] = error_printable(cells[i] ? cells[i] : "");
        table->widest[i] = MAX(table->widest[i], text_width(row->cells[i]));
    }
    g_ptr_array_add(table->rows, row);
}

void table_add_note(Table *table, const char *note) {
    Row *row = table->rows->pdata[table->rows->len - 1];
    char *before = row->note;
    g_autofree char *line = error_printable(note);
    row->note = before ? g_strconcat(before, "\n", line, NULL) : g_strdup(line);
    g_free(before);
}

/* Leaves out the last column that may be cut, but for the first of them; what it took, or 0. */
static int drop_column(const Table *table, int *widths) {
    int first = -1, last = -1;
    for (int i = 0; i < table->count; i++) {
        if (table->columns[i].cut == CUT_NEVER || !widths[i]) continue;
        if (first < 0) first = i;
        last = i;
    }
    if (last == first) return 0;
    int gained = widths[last] + GAP;
    widths[last] = 0;
    return gained;
}

/* widths[count]: what each column gets. The widest that may be cut give way first, evenly; where
 * that is not enough, columns go. */
static void fit(const Table *table, int *widths) {
    int total = -GAP;
    for (int i = 0; i < table->count; i++) {
        widths[i] = table->widest[i];
        if (widths[i]) total += widths[i] + GAP;
    }
    while (table->width && total > table->width) {
        int most = -1;
        for (int i = 0; i < table->count; i++)
            if (table->columns[i].cut != CUT_NEVER && widths[i] > CUT_LEAST &&
                (most < 0 || widths[i] > widths[most]))
                most = i;
        int gained = most < 0 ? drop_column(table, widths) : 1;
        if (!gained) return;
        if (most >= 0) widths[most]--;
        total -= gained;
    }
}

static void put_blanks(FILE *out, int count) {
    if (count > 0) fprintf(out, "%*s", count, "");
}

static void put_cell(const Table *table, int i, const char *cell, int width, bool last, FILE *out) {
    const TableColumn *column = &table->columns[i];
    g_autofree char *text = text_cut(cell, width, column->cut);
    const char *color = table->color && *text ? column->color : NULL;
    int rest = width - text_width(text);
    if (column->right) put_blanks(out, rest);
    if (color) fprintf(out, "\033[%sm", color);
    fputs(text, out);
    if (color) fputs("\033[0m", out);
    if (!column->right && !last) put_blanks(out, rest);
}

static void put_row(const Table *table, const Row *row, const int *widths, FILE *out) {
    int last = table->count - 1;
    while (last > 0 && !row->cells[last][0]) last--;
    for (int i = 0, put = 0; i <= last; i++) {
        if (!widths[i]) continue;
        put_blanks(out, put++ ? GAP : 0);
        put_cell(table, i, row->cells[i], widths[i], i == last, out);
    }
    fputc('\n', out);
    if (row->note) fprintf(out, "%s\n", row->note);
}

void table_print(Table *table, FILE *out) {
    g_autofree int *widths = g_new0(int, table->count);
    fit(table, widths);
    for (guint i = 0; i < table->rows->len; i++) put_row(table, table->rows->pdata[i], widths, out);
    g_ptr_array_set_size(table->rows, 0);
}

int table_width_of(FILE *out) {
    struct winsize size;
    bool known = isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0;
    return known ? size.ws_col : 0;
}

static int char_width(gunichar c) {
    return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

int text_width(const char *text) {
    int width = 0;
    for (; *text; text = g_utf8_next_char(text)) width += char_width(g_utf8_get_char(text));
    return width;
}

/* Where the first `width` columns of the text end. */
static const char *after_columns(const char *text, int width) {
    for (; *text; text = g_utf8_next_char(text)) {
        width -= char_width(g_utf8_get_char(text));
        if (width < 0) break;
    }
    return text;
}

char *text_cut(const char *text, int width, TableCut cut) {
    int has = text_width(text);
    if (cut == CUT_NEVER || has <= width) return g_strdup(text);
    if (cut == CUT_END)
        return g_strdup_printf("%.*s" ELLIPSIS, (int)(after_columns(text, width - 1) - text), text);
    const char *rest = text;
    while (has > width - 1) {
        has -= char_width(g_utf8_get_char(rest));
        rest = g_utf8_next_char(rest);
    }
    return g_strconcat(ELLIPSIS, rest, NULL);
}
