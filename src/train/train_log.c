/* OUT/train.csv, a row an epoch, and OUT/train.svg, the same as curves. After a resume the rows up
 * to the checkpoint stay. See train_private.h. */
#include "error.h"
#include "file.h"
#include "train_private.h"

#include <math.h>
#include <string.h>

#define HEADER  "epoch,loss,r@1,r@5,r@10,map@10,cosine,clips_per_second,seconds\n"
#define MAX_LOG (16 << 20)

static char *log_path(const Train *train, const char *name) {
    return g_build_filename(train->options->out, name, NULL);
}

/* Rows of epochs before `before`, header first. */
static char *rows_before(const char *path, int before) {
    GString *kept = g_string_new(HEADER);
    g_autofree char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL) && g_str_has_prefix(text, HEADER)) {
        g_auto(GStrv) lines = g_strsplit(text + strlen(HEADER), "\n", -1);
        for (char **line = lines; *line; line++)
            if (**line && g_ascii_strtoll(*line, NULL, 10) < before)
                g_string_append_printf(kept, "%s\n", *line);
    }
    return g_string_free(kept, FALSE);
}

/* ---- curves ---- */

#define WIDTH  640
#define HEIGHT 240
#define MARGIN 48

/* Column `column` of the rows as a line; y from 0 (or `least`) to `most`. */
static void add_curve(GString *svg, char **lines, int column, double most, const char *class) {
    int count = (int)g_strv_length(lines) - 1;
    g_string_append_printf(svg, "<polyline class=\"%s\" points=\"", class);
    for (int i = 0; i < count; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], ",", -1);
        double y = (int)g_strv_length(fields) > column ? g_ascii_strtod(fields[column], NULL) : 0;
        g_string_append_printf(svg, "%.1f,%.1f ",
                               MARGIN + (WIDTH - 2.0 * MARGIN) * i / MAX(1, count - 1),
                               HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * CLAMP(y / most, 0, 1));
    }
    g_string_append(svg, "\"/>\n");
}

static double largest(char **lines, int column) {
    double most = 1e-9;
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ",", -1);
        if ((int)g_strv_length(fields) > column)
            most = fmax(most, g_ascii_strtod(fields[column], NULL));
    }
    return most;
}

static char *curves(const char *csv) {
    g_auto(GStrv) lines = g_strsplit(csv + strlen(HEADER), "\n", -1);
    double loss = largest(lines, 1);
    GString *svg = g_string_new(NULL);
    g_string_append_printf(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
        "aria-label=\"training curves\">\n<style>"
        "text{font:12px sans-serif;fill:#555}polyline{fill:none;stroke-width:2}"
        ".axis{stroke:#999}.loss{stroke:#c05020}.map{stroke:#2060c0}"
        "@media "
        "(prefers-color-scheme:dark){text{fill:#bbb}.map{stroke:#70a0ff}.loss{stroke:#ff9060}}"
        "</style>\n"
        "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n"
        "<text x=\"%d\" y=\"20\">loss, up to %.3g</text><text x=\"%d\" y=\"20\">mAP@10 of the "
        "validation, up to 1</text>\n<text x=\"%d\" y=\"%d\">%u epochs</text>\n",
        WIDTH, HEIGHT, MARGIN, HEIGHT - MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN, loss,
        WIDTH / 2, WIDTH - 2 * MARGIN, HEIGHT - MARGIN / 3, g_strv_length(lines) - 1);
    add_curve(svg, lines, 1, loss, "loss");
    if (largest(lines, 5) > 1e-6) add_curve(svg, lines, 5, 1, "map");
    g_string_append(svg, "</svg>\n");
    return g_string_free(svg, FALSE);
}

/* ---- rows ---- */

static void add_figure(GString *row, double value) {
    if (!isnan(value)) g_string_append_printf(row, "%.4f", value);
    g_string_append_c(row, ',');
}

bool train_log_begin(const Train *train, GError **error) {
    g_autofree char *path = log_path(train, "train.csv");
    return file_replace_bytes(path, HEADER, strlen(HEADER), error);
}

bool train_log_add(const Train *train, const TrainEpoch *epoch, GError **error) {
    g_autofree char *path = log_path(train, "train.csv"), *plot = log_path(train, "train.svg");
    g_autofree char *before = rows_before(path, epoch->epoch);
    GString *rows = g_string_new(before);
    g_string_append_printf(rows, "%d,%.5f,", epoch->epoch, epoch->loss);
    for (int i = 0; i < 3; i++) add_figure(rows, epoch->recall[i]);
    add_figure(rows, epoch->map10);
    add_figure(rows, epoch->cosine);
    g_string_append_printf(rows, "%.1f,%.1f\n", epoch->clips_per_second, epoch->seconds);
    g_autofree char *text = g_string_free(rows, FALSE), *svg = curves(text);
    return file_replace_bytes(path, text, strlen(text), error) &&
           file_replace_bytes(plot, svg, strlen(svg), error);
}
