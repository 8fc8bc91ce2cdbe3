/* A library in a folder: store is the truth, index files are derived from it.
 *
 * Index files are named in the store (keys "index.base", "index.tail"), so that a change of files
 * is one commit of the store; what is newer than both is read from the store when the index is
 * opened. Files that are missing, damaged or of another stamp are passed over, and made anew by the
 * next writer; until then their windows are read from the store.
 *
 * A reader looks at the store's counter of changes before each search and takes up what other
 * processes added. */
#pragma once
#include "backend.h"
#include "store.h"

Backend *local_open(const char *dir, StoreMode mode, double wait, GError **error);

/* All index files anew, and store_repair; lines of what was done go to `done`. */
bool local_repair(const char *dir, int threads, GPtrArray *done, GError **error);
