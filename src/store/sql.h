/* Statements: prepared once for each text, always bound, and their errors as ours.
 *
 * A statement that is taken belongs to the taker until it is given back, so a callback may run the
 * function it was called from. Types of values to bind, one letter each: i int64_t, n int, d
 * double, s const char * (NULL: null), b const void * and size_t.
 *
 * Private to the module. Thread: that of the Store. */
#pragma once
#include "store.h"

#include <sqlite3.h>

/* Opens `file` with our functions and settings; `uri` options as SQLite has them ("mode=ro"). */
sqlite3 *sql_open(const char *file, int flags, const char *uri, GError **error);

sqlite3_stmt *sql_take(Store *store, GError **error, const char *text, const char *types, ...);
void sql_give(Store *store, sqlite3_stmt *statement);

typedef enum { STEP_ERROR, STEP_ROW, STEP_DONE } Step;
Step sql_step(Store *store, sqlite3_stmt *statement, GError **error);

/* Takes, steps to its end, gives back. */
bool sql_do(Store *store, GError **error, const char *text, const char *types, ...);

/* The first column of the first row; `*value` stays when there is no row. */
bool sql_int(Store *store, GError **error, int64_t *value, const char *text, const char *types,
             ...);

/* Without values, several statements. */
bool sql_script(sqlite3 *db, const char *file, const char *text, GError **error);

/* "FILE: what SQLite says", with the code that fits. */
bool sql_fail(sqlite3 *db, const char *file, GError **error);

/* A column's bytes; NULL unless it has exactly `size` of them. Borrowed until the next step. */
const void *sql_bytes(sqlite3_stmt *statement, int column, size_t size);

/* A column's text, never NULL. Borrowed until the next step. */
const char *sql_text(sqlite3_stmt *statement, int column);
