/* Looking for damage, and mending it.
 *
 * Thread: that of the Store. */
#pragma once
#include "store.h"

typedef struct {
    char *name;
    bool ok;
    char *detail; /* one line */
} StoreCheck;
void store_check_free(StoreCheck *check);

/* SQLite's own check, foreign keys, window numbers and counts, words against fields, sizes and
 * lengths of vectors → array of StoreCheck *. */
GPtrArray *store_check(Store *store, GError **error);

/* Mends what can be mended without loss: words made anew, clips with broken windows forgotten
 * (their paths will be read again), a database that SQLite calls damaged is salvaged row by row
 * into a new one, the old one kept beside it as library.db.damaged. */
bool store_repair(const char *dir, GPtrArray *done, GError **error); /* done: of char *, lines */
