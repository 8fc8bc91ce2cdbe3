/* Any line as a query: a sum with something added, or one line of an error. */
#include "query.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *line = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Query) query = query_parse_line(line, &error);
    g_assert_true(!query == !!error);
    if (error) g_assert_null(strchr(error->message, '\n'));
    if (!query) return 0;
    double added = 0;
    for (guint i = 0; i < query->terms->len; i++) {
        const Term *term = query->terms->pdata[i];
        g_assert_true(term->weight != 0 && *term->text && term->kind != TERM_FILE);
        g_assert_true(g_utf8_validate(term->text, -1, NULL));
        if (term->weight > 0) added += term->weight;
    }
    g_assert_true(added > 0 && query->terms->len <= QUERY_MAX_TERMS);
    g_autofree char *words = query_words(query);
    g_assert_true(!words || query_has_words(query));
    return 0;
}
