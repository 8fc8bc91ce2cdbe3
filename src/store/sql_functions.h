/* What our SQL can call beyond SQLite's own.
 *
 *     fold(text)              case folded, NFKC; for comparing
 *     matches(text, pattern)  the pattern fits somewhere in the text: '*' any characters, '?' one;
 *                             case folded
 *     as_number(text)         the number that the whole text reads as; NULL when it reads as none
 *
 * Private to the module. */
#pragma once
#include <sqlite3.h>

int sql_functions_add(sqlite3 *db);

/* As fold(); the caller frees. */
char *sql_fold(const char *text);
