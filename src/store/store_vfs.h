/* Files of databases whose pages carry checksums, as a VFS of SQLite's. */
#pragma once
#include <glib.h>
#include <sqlite3.h>

#define STORE_VFS       "earshot"
#define STORE_PAGE      4096
#define STORE_PAGE_TEXT G_STRINGIFY(STORE_PAGE)
#define STORE_PAGE_TAIL 8 /* bytes of each page that SQLite leaves to us */

/* Makes STORE_VFS known to SQLite, once a process; any thread. A database that is opened through it
 * must be of pages of STORE_PAGE bytes with STORE_PAGE_TAIL reserved: store_vfs_reserve, before the
 * first page is written. A URI with verify=0 has pages read and written as they
 * are, spoiled ones and those of others. */
int store_vfs_register(void);
int store_vfs_reserve(sqlite3 *db);
