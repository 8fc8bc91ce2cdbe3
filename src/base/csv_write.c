/* Rows of CSV. */
#include "csv_write.h"

#include <glib.h>
#include <string.h>

char *csv_field(const char *text) {
    if (!text[strcspn(text, ",\"\r\n")]) return g_strdup(text);
    g_auto(GStrv) parts = g_strsplit(text, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\"\"", parts);
    return g_strdup_printf("\"%s\"", doubled);
}

void csv_write_row(FILE *out, const char *const *fields, int count) {
    for (int i = 0; i < count; i++) {
        g_autofree char *field = csv_field(fields[i] ? fields[i] : "");
        fprintf(out, "%s%s", i ? "," : "", field);
    }
    fputs("\r\n", out);
}
