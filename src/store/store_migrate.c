/* Which version a database is of, and the steps from each to the next. A database that is empty
 * is of version 0. */
#include "error.h"
#include "schema.h"
#include "store_private.h"

static const struct {
    int from, to;
    const char *sql;
} steps[] = {
    {0, STORE_VERSION, schema_sql},
};

static bool number_of(sqlite3 *db, const char *file, const char *pragma, int *value,
                      GError **error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok) *value = sqlite3_column_int(statement, 0);
    if (!ok) sql_fail(db, file, error);
    sqlite3_finalize(statement);
    return ok;
}

/* In a transaction: a kill in the middle leaves the version that was. */
static bool run_step(sqlite3 *db, const char *file, size_t step, GError **error) {
    g_autofree char *marks =
        g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                        STORE_APPLICATION_ID, steps[step].to);
    if (sql_script(db, file, "BEGIN EXCLUSIVE", error) &&
        sql_script(db, file, steps[step].sql, error) && sql_script(db, file, marks, error))
        return true;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

static bool check(const char *file, int application, int version, int tables, GError **error) {
    bool empty = !application && !version && !tables;
    if (!empty && application != STORE_APPLICATION_ID)
        return error_fail(error, ERR_FORMAT, "%s: is not a library", file);
    if (version > STORE_VERSION)
        return error_fail(error, ERR_UNSUPPORTED,
                          "%s: was made by a newer earshot (its version is %d, this one reads up "
                          "to %d)",
                          file, version, STORE_VERSION);
    return true;
}

/* As SQLite itself sees it: the store's way of reading takes it for damaged, for it has no sums. */
bool store_is_foreign(const char *file) {
    int foreign = 0;
    sqlite3 *db = NULL;
    bool read = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
                number_of(db, file,
                          "SELECT count(*) > 0 AND total(name IN ('clip', 'path', 'window')) = 0"
                          " FROM sqlite_schema",
                          &foreign, NULL);
    sqlite3_close(db);
    return read && foreign;
}

bool store_migrate(sqlite3 *db, const char *file, bool writable, GError **error) {
    int version, application, tables;
    if (!number_of(db, file, "SELECT count(*) FROM sqlite_schema", &tables, error) ||
        !number_of(db, file, "PRAGMA application_id", &application, error) ||
        !number_of(db, file, "PRAGMA user_version", &version, error) ||
        !check(file, application, version, tables, error))
        return false;
    if (version < STORE_VERSION && !writable)
        return error_fail(error, version ? ERR_UNSUPPORTED : ERR_NOT_FOUND,
                          version ? "%s: is of an older version; the next change brings it up to "
                                    "date"
                                  : "%s: is empty",
                          file);
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (steps[i].from != version) continue;
        if (!run_step(db, file, i, error)) return false;
        version = steps[i].to;
    }
    return version == STORE_VERSION ||
           error_fail(error, ERR_UNSUPPORTED, "%s: is of version %d, which nothing leads on from",
                      file, version);
}
