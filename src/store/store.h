/* The library on disk, the one truth: clips by content with their paths, windows with their
 * vectors, fields, tags, failures, and the words of it all for BM25. SQLite in WAL mode, in one
 * directory:
 *
 *     library.db         this module's
 *     writer.lock        held by the one process that writes, with its number in it
 *     *.index            derived: src/search/local_index.c's
 *
 * Every change is one transaction: after a kill at any instant a clip is there with all it has, or
 * not at all. schema.sql is the schema; store_migrate.c brings older ones up to it and refuses
 * newer ones. Numbers of windows are never used twice. Each page of library.db carries a checksum
 * (store_vfs.h): bytes that changed on the disk are ERR_FORMAT, never another answer.
 *
 * Owner: the caller. Thread: one at a time per Store; each thread opens its own. Readers never wait
 * for the writer, nor it for them. */
#pragma once
#include "clip.h"

#define STORE_FILE    "library.db"
#define STORE_MAX_DIM 16384 /* numbers of a vector */

typedef struct Store Store;

typedef enum {
    STORE_READ,   /* nothing can be changed; ERR_NOT_FOUND where there is no library */
    STORE_WRITE,  /* takes the writer's lock */
    STORE_CREATE, /* the same; makes the directory and the library when there is none */
} StoreMode;

/* `wait`: seconds to wait for another writer before ERR_CONFLICT, which names its process. */
Store *store_open(const char *dir, StoreMode mode, double wait, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

const char *store_dir(const Store *store);

typedef struct {
    char *model;        /* as the user named it: "builtin", a directory */
    char *model_sha256; /* of its weights: another one is another model */
    int dim;            /* numbers of a vector */
    double window, hop; /* seconds */
} StoreModel;

/* NULL while no model was set. Borrowed, valid until store_set_model or close. */
const StoreModel *store_model(Store *store);
bool store_set_model(Store *store, const StoreModel *model, GError **error);

/* Small values of the layers above: derived files' names, remembered settings. The caller frees;
 * NULL when there is none. Putting NULL takes a value away. */
GBytes *store_get(Store *store, const char *key, GError **error);
bool store_put(Store *store, const char *key, GBytes *value, GError **error);

/* What was committed survives a loss of power as well; a kill alone takes nothing even without. */
bool store_sync(Store *store, GError **error);

/* Grows with every change that any process commits; for readers that keep something in memory. */
int64_t store_change(Store *store);

/* Questions that have no error of their own (store_model, store_count, store_key …) take a row that
 * cannot be read for none. False with what went wrong, when that happened since this was last
 * asked.
 */
bool store_was_read(Store *store, GError **error);

typedef struct {
    int64_t clips, paths, windows, failed, last_window;
    double audio_seconds;
    int64_t bytes; /* of the database, with its log */
} StoreStats;
bool store_stats(Store *store, StoreStats *stats, GError **error);
