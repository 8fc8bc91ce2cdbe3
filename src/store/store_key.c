/* What names a clip and where its windows lie, without the rest: for searches, which look up
 * hundreds. */
#include "store_private.h"

static uint64_t read_id(const char *text) {
    return g_ascii_strtoull(text, NULL, 16);
}

static bool read_key(Store *store, sqlite3_stmt *row, ClipKey *key, ClipWindow *span) {
    if (!row) return false;
    bool found = sql_step(store, row, NULL) == STEP_ROW;
    if (found) {
        *key = (ClipKey){sqlite3_column_int64(row, 0), read_id(sql_text(row, 1)),
                         sqlite3_column_int64(row, 2), sqlite3_column_int(row, 3)};
        if (span)
            *span = (ClipWindow){sqlite3_column_double(row, 4), sqlite3_column_double(row, 5)};
    }
    sql_give(store, row);
    return found;
}

bool store_key(Store *store, int64_t clip, ClipKey *key) {
    return read_key(store,
                    sql_take(store, NULL,
                             "SELECT number, id, first_window, windows FROM clip WHERE number = ?",
                             "i", clip),
                    key, NULL);
}

bool store_key_of_id(Store *store, uint64_t id, ClipKey *key) {
    char text[CLIP_ID + 1];
    g_snprintf(text, sizeof text, "%016" G_GINT64_MODIFIER "x", id);
    return read_key(store,
                    sql_take(store, NULL,
                             "SELECT number, id, first_window, windows FROM clip WHERE id = ?", "s",
                             text),
                    key, NULL);
}

bool store_key_of_window(Store *store, int64_t window, ClipKey *key, ClipWindow *span) {
    return read_key(store,
                    sql_take(store, NULL,
                             "SELECT c.number, c.id, c.first_window, c.windows, w.start, w.\"end\""
                             " FROM \"window\" w JOIN clip c ON c.number = w.clip"
                             " WHERE w.number = ?",
                             "i", window),
                    key, span);
}

/* The smallest index is counted, no row is read. */
int64_t store_count(Store *store) {
    int64_t count = 0;
    sql_int(store, NULL, &count, "SELECT count(*) FROM clip", "");
    return count;
}
