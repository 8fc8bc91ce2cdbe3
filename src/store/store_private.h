/* The inside of a Store, and what the files of this module share.
 *
 * Thread: that of the Store. */
#pragma once
#include "sql.h"
#include "store_read.h"

#define STORE_APPLICATION_ID 0x45535448 /* "ESTH" */
#define STORE_VERSION        1

typedef struct Words Words; /* store_fts.c */

struct Store {
    sqlite3 *db;
    char *dir, *file;
    int lock; /* writer.lock, held; -1 when reading */
    bool writable;
    int snapshots;          /* nested reads */
    bool own_snapshot;      /* the outermost began a transaction */
    bool open_change;       /* between store_begin and store_end */
    bool broken;            /* a change in it went wrong */
    GHashTable *statements; /* text → one that nobody has taken */
    bool has_model;
    StoreModel model;
    int64_t model_change; /* as of which the model was read */
    Words *words;         /* NULL until words are split or searched */
    GError *fault;        /* the first that nobody was told of */
};

/* One change: a transaction of its own, or part of the open one. change_end returns `ok` made true
 * on disk. */
bool change_begin(Store *store, GError **error);
bool change_end(Store *store, bool ok, GError **error);

/* Several statements that see the library at one instant. They nest. */
bool snapshot_begin(Store *store, GError **error);
void snapshot_end(Store *store);

/* "FILE: is damaged: WHAT". */
bool store_damaged(const Store *store, const char *what, GError **error);

bool store_migrate(sqlite3 *db, const char *file, bool writable, GError **error);

/* Numbers of a vector; 0 while there is no model. */
int store_dim(Store *store);

/* A statement with the values of `where` (NULL: none) bound from parameter `at` on; the others are
 * the caller's to bind. The caller finalizes. */
sqlite3_stmt *store_prepare(Store *store, const char *text, const StoreWhere *where, int at,
                            GError **error);

/* Calls `each` with the clips whose numbers are the rows of a statement. */
bool store_visit_clips(Store *store, sqlite3_stmt *row, bool with_vector, StoreEachClip each,
                       void *user, GError **error);

/* `columns` of clip c for the clips of `where` (NULL: all), after number `after`, by number; at
 * most `limit`, all when it is negative. The caller finalizes. */
sqlite3_stmt *store_where_prepare(Store *store, const char *columns, const StoreWhere *where,
                                  int64_t after, int64_t limit, GError **error);

/* What a loop over rows returns when a callback said no; takes `why`. */
bool stopped(GError *why, GError **error);

void store_words_close(Store *store);

/* Clips that have fewer windows than their rows say. */
#define STORE_SHORT_CLIPS                                                                          \
    "SELECT number FROM clip k WHERE k.windows <> (SELECT count(*) FROM \"window\" WHERE number "  \
    ">="                                                                                           \
    " k.first_window AND number < k.first_window + k.windows AND clip = k.number)"

/* What counts of what was said: clip, name, value. */
#define STORE_COUNTING                                                                             \
    "SELECT clip, name, value FROM (SELECT clip, name, value, max(source) FROM said WHERE name <>" \
    " 'tags' GROUP BY clip, name) WHERE value IS NOT NULL"

/* The writer's lock, held until the file is closed; -1 with an error. */
int store_lock(const char *dir, double wait, GError **error);

/* For changing, by someone who holds the lock. */
Store *store_open_locked(const char *dir, GError **error);

/* There is a library, or what may have been one. */
bool store_can_be_repaired(const char *dir, GError **error);

/* A sound database of another program. */
bool store_is_foreign(const char *file);

/* SQLite's own check; its first complaint. */
bool store_check_database(Store *store, char **detail);

/* Values, tags and words again, after anything was said or taken back, or a path came or went. */
bool store_refresh(Store *store, int64_t clip, GError **error);
bool store_delete_clip(Store *store, int64_t clip, GError **error);

/* Brings the words of a clip in step with its fields and paths, in the caller's transaction. */
bool store_words_refresh(Store *store, int64_t clip, GError **error);
bool store_words_forget(Store *store, int64_t clip, GError **error);

/* Table words empty and new, whatever it was. */
bool store_words_clear(Store *store, GError **error);

/* Words against fields and paths; `detail` says the first thing that is wrong. */
bool store_words_check(Store *store, char **detail);
