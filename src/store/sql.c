/* Connections, statements and their errors. */
#include "sql.h"

#include "error.h"
#include "sql_functions.h"
#include "store_private.h"
#include "store_vfs.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define BUSY_MS 10000
#define CHECKPOINT_PAGES                                                                           \
    "16000" /* a log of 64 MB: each time it is written back, disks are awaited */

static ErrorCode code_of(int result) {
    static const struct {
        int result;
        ErrorCode code;
    } codes[] = {
        {SQLITE_CORRUPT, ERR_FORMAT},      {SQLITE_NOTADB, ERR_FORMAT},
        {SQLITE_BUSY, ERR_CONFLICT},       {SQLITE_LOCKED, ERR_CONFLICT},
        {SQLITE_READONLY, ERR_DENIED},     {SQLITE_PERM, ERR_DENIED},
        {SQLITE_CANTOPEN, ERR_DENIED},     {SQLITE_TOOBIG, ERR_LIMIT},
        {SQLITE_INTERRUPT, ERR_CANCELLED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].result == (result & 0xFF)) return codes[i].code;
    return ERR_IO;
}

/* SQLite has a code of its own for it, but not where it makes room for its log's index. */
static bool is_full(sqlite3 *db, int result) {
    return (result & 0xFF) == SQLITE_FULL ||
           ((result & 0xFF) == SQLITE_IOERR && sqlite3_system_errno(db) == ENOSPC);
}

bool sql_fail(sqlite3 *db, const char *file, GError **error) {
    int result = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    if ((result & 0xFF) == SQLITE_NOMEM) g_error("%s: out of memory", file);
    ErrorCode code = result == SQLITE_IOERR_DATA ? ERR_FORMAT : code_of(result);
    if (is_full(db, result)) return error_fail_errno(error, file, ENOSPC);
    if ((result & 0xFF) == SQLITE_NOTADB)
        return error_fail(error, code, "%s: is not a library", file);
    if (code == ERR_FORMAT)
        return error_fail(error, code, "%s: is damaged (%s): earshot check --repair mends it", file,
                          result == SQLITE_IOERR_DATA ? "bytes of it have changed"
                                                      : sqlite3_errmsg(db));
    return error_fail(error, code, "%s: %s", file, sqlite3_errmsg(db));
}

bool sql_script(sqlite3 *db, const char *file, const char *text, GError **error) {
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK || sql_fail(db, file, error);
}

/* A file from elsewhere may hold anything: its schema can call none but harmless functions, and
 * pages are looked at before they are believed. What is deleted is not overwritten with zeros. */
static const char settings[] = "PRAGMA page_size = " STORE_PAGE_TEXT ";"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16000;"
                               "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES ";";

sqlite3 *sql_open(const char *file, int flags, const char *uri, GError **error) {
    g_autofree char *escaped = g_uri_escape_string(file, "/", FALSE);
    g_autofree char *name = g_strdup_printf("file:%s?%s", escaped, uri);
    sqlite3 *db = NULL;
    if (store_vfs_register() == SQLITE_OK &&
        sqlite3_open_v2(name, &db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, STORE_VFS) ==
            SQLITE_OK &&
        sqlite3_extended_result_codes(db, 1) == SQLITE_OK && store_vfs_reserve(db) == SQLITE_OK &&
        sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
        sql_functions_add(db) == SQLITE_OK &&
        sqlite3_exec(db, settings, NULL, NULL, NULL) == SQLITE_OK)
        return db;
    sql_fail(db, file, error);
    sqlite3_close(db);
    return NULL;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list values) {
    int result = SQLITE_OK;
    for (int at = 1; *types && result == SQLITE_OK; types++, at++) {
        if (*types == 'i')
            result = sqlite3_bind_int64(statement, at, va_arg(values, int64_t));
        else if (*types == 'n')
            result = sqlite3_bind_int(statement, at, va_arg(values, int));
        else if (*types == 'd')
            result = sqlite3_bind_double(statement, at, va_arg(values, double));
        else if (*types == 's')
            result =
                sqlite3_bind_text(statement, at, va_arg(values, const char *), -1, SQLITE_STATIC);
        else {
            const void *bytes = va_arg(values, const void *);
            result =
                sqlite3_bind_blob64(statement, at, bytes, va_arg(values, size_t), SQLITE_STATIC);
        }
    }
    return result;
}

/* What nobody wants to be told is kept for store_was_read. */
static void fail(Store *store, GError **error) {
    if (error || !store->fault) sql_fail(store->db, store->file, error ? error : &store->fault);
}

static sqlite3_stmt *take(Store *store, const char *text, const char *types, va_list values,
                          GError **error) {
    char *key = NULL;
    sqlite3_stmt *statement = NULL;
    if (!g_hash_table_steal_extended(store->statements, text, (gpointer *)&key,
                                     (gpointer *)&statement))
        sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (statement && bind(statement, types, values) == SQLITE_OK) return statement;
    fail(store, error);
    sqlite3_finalize(statement);
    return NULL;
}

sqlite3_stmt *sql_take(Store *store, GError **error, const char *text, const char *types, ...) {
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = take(store, text, types, values, error);
    va_end(values);
    return statement;
}

void sql_give(Store *store, sqlite3_stmt *statement) {
    if (!statement) return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    /* The text is the statement's own: one that was there goes with its text. */
    g_hash_table_replace(store->statements, (char *)sqlite3_sql(statement), statement);
}

Step sql_step(Store *store, sqlite3_stmt *statement, GError **error) {
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) return STEP_ROW;
    if (result == SQLITE_DONE) return STEP_DONE;
    fail(store, error);
    return STEP_ERROR;
}

bool sql_do(Store *store, GError **error, const char *text, const char *types, ...) {
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = take(store, text, types, values, error);
    va_end(values);
    if (!statement) return false;
    Step step;
    while ((step = sql_step(store, statement, error)) == STEP_ROW) continue;
    sql_give(store, statement);
    return step == STEP_DONE;
}

bool sql_int(Store *store, GError **error, int64_t *value, const char *text, const char *types,
             ...) {
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = take(store, text, types, values, error);
    va_end(values);
    if (!statement) return false;
    Step step = sql_step(store, statement, error);
    if (step == STEP_ROW) *value = sqlite3_column_int64(statement, 0);
    sql_give(store, statement);
    return step != STEP_ERROR;
}

const void *sql_bytes(sqlite3_stmt *statement, int column, size_t size) {
    const void *bytes = sqlite3_column_blob(statement, column);
    return bytes && (size_t)sqlite3_column_bytes(statement, column) == size ? bytes : NULL;
}

const char *sql_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}
