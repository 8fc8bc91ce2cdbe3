/* See eval_plot.h. */
#include "eval_plot.h"

#include "error.h"
#include "file.h"

#include <string.h>

#define CELL   16
#define LETTER 7 /* about as wide as one of the labels' */

typedef struct {
    int class, sounds, wrong;
} Row;

static int by_mistakes(const void *a, const void *b) {
    const Row *x = a, *y = b;
    return x->wrong != y->wrong ? y->wrong - x->wrong : x->class - y->class;
}

static int by_class(const void *a, const void *b) {
    return ((const Row *)a)->class - ((const Row *)b)->class;
}

/* The classes with sounds, at most PLOT_MOST of them, in the order of the labels; *all: how many.
 */
static GArray *rows_of(const ClassMetrics *m, int *all) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
    for (int c = 0; c < m->classes; c++) {
        Row row = {c, 0, 0};
        for (int d = 0; d < m->classes; d++) row.sounds += class_confusion(m, c, d);
        row.wrong = row.sounds - class_confusion(m, c, c);
        if (row.sounds) g_array_append_val(rows, row);
    }
    *all = (int)rows->len;
    if (rows->len <= PLOT_MOST) return rows;
    g_array_sort(rows, by_mistakes);
    g_array_set_size(rows, PLOT_MOST);
    g_array_sort(rows, by_class);
    return rows;
}

static void add_label(GString *svg, const char *label, int x, int y, const char *how) {
    g_autofree char *plain = error_printable(label);
    g_autofree char *escaped = g_markup_escape_text(plain, -1);
    g_string_append_printf(svg, "<text x=\"%d\" y=\"%d\" %s>%s</text>\n", x, y, how, escaped);
}

static void add_cells(GString *svg, const ClassMetrics *m, const GArray *rows, int r, int left,
                      int top) {
    const Row *row = &g_array_index(rows, Row, r);
    for (int c = 0; c < (int)rows->len; c++) {
        int taken = class_confusion(m, row->class, g_array_index(rows, Row, c).class);
        int x = left + c * CELL, y = top + r * CELL;
        if (!taken) continue;
        char opacity[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(opacity, sizeof opacity, "%.3f", 0.15 + 0.85 * taken / row->sounds);
        g_string_append_printf(
            svg,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" opacity=\"%s\"/>\n",
            c == r ? "right" : "wrong", x, y, CELL - 1, CELL - 1, opacity);
        g_string_append_printf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d</text>\n",
                               x + CELL / 2, y + CELL - 4, taken);
    }
}

static char *picture(const ClassMetrics *m, char **labels) {
    int all, longest = 10;
    g_autoptr(GArray) rows = rows_of(m, &all);
    for (guint i = 0; i < rows->len; i++)
        longest = MAX(longest, (int)strlen(labels[g_array_index(rows, Row, i).class]));
    int left = longest * LETTER, top = left + 30, side = (int)rows->len * CELL;
    GString *svg = g_string_new(NULL);
    g_string_append_printf(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
        "aria-label=\"confusion matrix\">\n<style>text{font:11px sans-serif;fill:#444}"
        ".right{fill:#40a060}.wrong{fill:#d06030}"
        "@media (prefers-color-scheme:dark){text{fill:#ddd}}</style>\n"
        "<text x=\"4\" y=\"16\">%d of %d classes: rows are what sounds are, columns what they were "
        "taken for</text>\n",
        MAX(left + side + 10, 480), top + side + 10, (int)rows->len, all);
    for (int r = 0; r < (int)rows->len; r++) {
        const char *label = labels[g_array_index(rows, Row, r).class];
        int x = left + r * CELL + CELL - 4, y = top + r * CELL + CELL - 4;
        g_autofree char *upright = g_strdup_printf("transform=\"rotate(-90 %d %d)\"", x, top - 4);
        add_label(svg, label, left - 4, y, "text-anchor=\"end\"");
        add_label(svg, label, x, top - 4, upright);
        add_cells(svg, m, rows, r, left, top);
    }
    g_string_append(svg, "</svg>\n");
    return g_string_free(svg, FALSE);
}

bool eval_plot_confusion(const ClassMetrics *m, char **labels, const char *path, GError **error) {
    g_autofree char *svg = picture(m, labels);
    return file_replace_bytes(path, svg, strlen(svg), error);
}
