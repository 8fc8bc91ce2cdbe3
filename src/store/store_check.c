/* Looking for damage: SQLite's own check, then what SQLite cannot know, each a query that counts
 * what is wrong. */
#include "store_care.h"

#include "error.h"
#include "store_private.h"

#define SUFFIX_WRONG_WINDOW                                                                        \
    "FROM \"window\" w LEFT JOIN clip c ON c.number = w.clip AND w.number >= c.first_window"       \
    " AND w.number < c.first_window + c.windows WHERE c.number IS NULL"

static const struct {
    const char *name, *sql, *wrong;
} counts[] = {
    {"foreign keys", "SELECT count(*) FROM pragma_foreign_key_check", "rows refer to nothing"},
    {"clips",
     "SELECT count(*) FROM clip WHERE length(hash) <> 32 OR id <> lower(hex(substr(hash, 1, 8)))"
     " OR windows < 0 OR NOT duration >= 0",
     "clips are not named by their content"},
    {"paths",
     "SELECT count(*) FROM clip c WHERE NOT EXISTS (SELECT 1 FROM path WHERE clip = c.number)",
     "clips have no path"},
    {"windows",
     "SELECT (SELECT count(*) " SUFFIX_WRONG_WINDOW ") + (SELECT count(*) FROM (" STORE_SHORT_CLIPS
     "))",
     "windows are not those that their clips name"},
    {"window numbers",
     "SELECT count(*) FROM \"window\" WHERE number > (SELECT seq FROM sqlite_sequence WHERE name ="
     " 'window')",
     "windows have a number that could be given again"},
    {"vectors",
     "SELECT (SELECT count(*) FROM \"window\" WHERE length(vector) IS NOT (SELECT 2 * dim FROM"
     " model)) + (SELECT count(*) FROM clip_vector WHERE length(vector) IS NOT (SELECT 2 * dim"
     " FROM model))",
     "vectors are not of the model's length"},
    {"fields",
     "SELECT count(*) FROM (SELECT * FROM (SELECT clip, name, value FROM value "
     "EXCEPT " STORE_COUNTING ") UNION ALL SELECT * FROM (" STORE_COUNTING
     " EXCEPT SELECT clip, name, value FROM value))",
     "values are not what was said"},
};

void store_check_free(StoreCheck *check) {
    if (!check) return;
    g_free(check->name);
    g_free(check->detail);
    g_free(check);
}

static void free_check(void *check) {
    store_check_free(check);
}

static void add(GPtrArray *checks, const char *name, bool ok, const char *detail) {
    StoreCheck *check = g_new(StoreCheck, 1);
    *check = (StoreCheck){g_strdup(name), ok, g_strdup(detail)};
    g_ptr_array_add(checks, check);
}

/* What a check finds out is its result, even when it is that it cannot be made. */
static void add_count(Store *store, GPtrArray *checks, const char *name, const char *sql,
                      const char *wrong) {
    g_autoptr(GError) error = NULL;
    int64_t count = 0;
    bool ok = sql_int(store, &error, &count, sql, "");
    g_autofree char *detail = ok && !count ? g_strdup("all right")
                              : ok ? g_strdup_printf("%" G_GINT64_FORMAT " %s", count, wrong)
                                   : g_strdup(error->message);
    add(checks, name, ok && !count, detail);
}

bool store_check_database(Store *store, char **detail) {
    g_autoptr(GError) error = NULL;
    sqlite3_stmt *row = sql_take(store, &error, "PRAGMA integrity_check(1)", "");
    bool read = row && sql_step(store, row, &error) == STEP_ROW;
    *detail = g_strdup(read ? sql_text(row, 0) : error ? error->message : "no answer");
    g_strdelimit(*detail, "\n", ' '); /* SQLite puts a heading above what it found */
    bool ok = read && !g_strcmp0(*detail, "ok");
    sql_give(store, row);
    return ok;
}

GPtrArray *store_check(Store *store, GError **error) {
    g_autoptr(GPtrArray) checks = g_ptr_array_new_with_free_func(free_check);
    g_autofree char *detail = NULL, *words = NULL;
    if (!snapshot_begin(store, error)) return NULL;
    bool ok = store_check_database(store, &detail);
    add(checks, "database", ok, ok ? "all right" : detail);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        add_count(store, checks, counts[i].name, counts[i].sql, counts[i].wrong);
    ok = store_words_check(store, &words);
    add(checks, "words", ok, words);
    snapshot_end(store);
    return g_steal_pointer(&checks);
}
