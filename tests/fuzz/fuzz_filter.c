/* Any text as a filter: a tree that can be written as SQL, or one line with its place. */
#include "error.h"
#include "filter.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const fields[] = {"mood", "year", NULL};
    g_autofree char *text = g_strndup((const char *)data, size);
    for (int known = 0; known < 2; known++) {
        size_t place = 0;
        g_autoptr(GError) error = NULL;
        g_autoptr(Filter) filter = filter_parse(text, known ? fields : NULL, &place, &error);
        g_assert_true(!filter == !!error);
        if (!filter) {
            g_assert_true(place <= strlen(text) && !strchr(error->message, '\n'));
            continue;
        }
        g_autoptr(StoreWhere) where = filter_where(filter);
        size_t marks = 0;
        for (const char *at = where->sql; (at = strchr(at, '?')); at++) marks++;
        g_assert_cmpuint(marks, ==, where->values->len);
    }
    return 0;
}
