/* Mending. What SQLite can read as a whole is mended in place, in one transaction. What it cannot
 * is copied, range of rows by range of rows, into a new database made beside it; a range that
 * cannot be read is halved until single rows are left. The damaged file stays, under another name.
 *
 * Pages whose checksums are right are copied first. What is still missing then is looked for in the
 * spoiled ones as they are, for a title with a wrong letter is better than none; clips and paths
 * from there only serve to have their files read again. A row of a path tells it twice, as bytes
 * and as folder and name: where the two differ, the one that a file lies at is taken.
 *
 * A clip whose windows are broken keeps its paths and what was said of it, but loses its windows,
 * its hash and its paths' stamps: the next index reads the files again, makes the clip anew, and
 * what the user said comes along as it does for every file that changed. */
#include "store_care.h"

#include "error.h"
#include "file.h"
#include "store_private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define MENDING    "library.mending" /* a folder, for the time of it */
#define CHUNK      10000             /* rows that are copied by one statement */
#define MAX_LOST   4000000           /* numbers in unreadable places that are tried one by one */
#define MOST_ROWS  400               /* that a page holds, about */
#define MAX_NUMBER ((int64_t)1 << 40)

static void tell(GPtrArray *done, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void tell(GPtrArray *done, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (done) g_ptr_array_add(done, g_strdup_vprintf(format, args));
    va_end(args);
}

/* -- in place -- */

typedef struct {
    const char *sql, *told; /* told: of how many rows, when any */
} Mend;

#define ORPHAN                                                                                     \
    "NOT EXISTS (SELECT 1 FROM clip c WHERE c.number = \"window\".clip AND \"window\".number >="   \
    " c.first_window AND \"window\".number < c.first_window + c.windows)"

/* In this order: rows without an owner, clips that are broken, then windows nobody names. Clips
 * that are to be read again get a hash that no file has. */
static const Mend mends[] = {
    {"DELETE FROM path WHERE clip NOT IN (SELECT number FROM clip)",
     "paths without a clip forgotten"},
    {"DELETE FROM said WHERE clip NOT IN (SELECT number FROM clip)", NULL},
    {"DELETE FROM clip_vector WHERE clip NOT IN (SELECT number FROM clip) OR length(vector) IS NOT"
     " (SELECT 2 * dim FROM model)",
     NULL},
    {"CREATE TEMP TABLE broken AS SELECT number FROM clip c WHERE length(hash) <> 32 OR id <>"
     " lower(hex(substr(hash, 1, 8))) OR windows < 0 OR NOT duration >= 0 OR number IN"
     " (" STORE_SHORT_CLIPS
     ") OR number IN (SELECT clip FROM \"window\" WHERE length(vector) IS NOT"
     " (SELECT 2 * dim FROM model))",
     NULL},
    {"INSERT INTO removal SELECT NULL, first_window, windows FROM clip WHERE windows > 0 AND "
     "number IN"
     " (SELECT number FROM broken)",
     NULL},
    {"UPDATE path SET size = -1 WHERE clip IN (SELECT number FROM broken)",
     "paths will be read again, for their clips are broken"},
    {"UPDATE clip SET windows = 0, first_window = 0, duration = 0, hash = randomblob(32) WHERE "
     "number"
     " IN (SELECT number FROM broken)",
     NULL},
    {"UPDATE clip SET id = lower(hex(substr(hash, 1, 8))) WHERE number IN (SELECT number FROM "
     "broken)",
     NULL},
    {"INSERT INTO removal SELECT NULL, number, 1 FROM \"window\" WHERE clip NOT IN (SELECT number "
     "FROM"
     " broken) AND " ORPHAN,
     NULL},
    {"DELETE FROM \"window\" WHERE " ORPHAN, "windows without a clip forgotten"},
    {"DROP TABLE broken", NULL},
    {"INSERT INTO sqlite_sequence SELECT 'window', 0 WHERE NOT EXISTS"
     " (SELECT 1 FROM sqlite_sequence WHERE name = 'window')",
     NULL},
    {"UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(number), 0) FROM \"window\"),"
     " (SELECT coalesce(max(first + count - 1), 0) FROM removal)) WHERE name = 'window'",
     NULL},
};

static bool run_mends(Store *store, GPtrArray *done, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(mends); i++) {
        if (!sql_do(store, error, mends[i].sql, "")) return false;
        const int rows = sqlite3_changes(store->db);
        if (mends[i].told && rows) tell(done, "%d %s", rows, mends[i].told);
    }
    return true;
}

static bool refresh_all(Store *store, GError **error) {
    int64_t clip = 0;
    for (;;) {
        int64_t next = 0;
        if (!sql_int(store, error, &next,
                     "SELECT number FROM clip WHERE number > ? ORDER BY number LIMIT 1", "i", clip))
            return false;
        if (!next) return true;
        clip = next;
        if (!store_refresh(store, clip, error)) return false;
    }
}

static bool drop_pathless(Store *store, GPtrArray *done, GError **error) {
    static const char find[] =
        "SELECT number FROM clip c WHERE NOT EXISTS (SELECT 1 FROM path WHERE"
        " clip = c.number) LIMIT 1";
    for (int count = 0;; count++) {
        int64_t clip = 0;
        if (!sql_int(store, error, &clip, find, "")) return false;
        if (!clip) {
            if (count) tell(done, "%d clips without a path forgotten", count);
            return true;
        }
        if (!store_delete_clip(store, clip, error)) return false;
    }
}

static bool mend(Store *store, GPtrArray *done, GError **error) {
    if (!change_begin(store, error)) return false;
    bool ok = run_mends(store, done, error) && store_words_clear(store, error) &&
              refresh_all(store, error) && drop_pathless(store, done, error);
    if (!change_end(store, ok, error)) return false;
    tell(done, "fields and words made anew");
    return true;
}

/* -- row by row -- */

typedef struct {
    const char *table, *key, *columns;
    const char *counted; /* the table whose numbers the keys are; NULL: 1 is the only one */
} Rows;

typedef struct {
    Store *fresh; /* with the damaged one attached as `old` */
    const Rows *rows;
    int64_t lost, copied;
} Salvage;

static bool copy_rows(Salvage *s, int64_t after, int64_t last) {
    const Rows *rows = s->rows;
    g_autofree char *sql =
        g_strdup_printf("INSERT OR IGNORE INTO main.\"%s\" SELECT %s FROM old.\"%s\""
                        " WHERE \"%s\" > ?1 AND \"%s\" <= ?2",
                        rows->table, rows->columns, rows->table, rows->key, rows->key);
    if (!sql_do(s->fresh, NULL, sql, "ii", after, last)) return false;
    s->copied += sqlite3_changes(s->fresh->db);
    return true;
}

static bool is_empty(Salvage *s, int64_t after, int64_t last) {
    g_autofree char *sql = g_strdup_printf("SELECT 1 FROM old.\"%s\" WHERE \"%s\" > ?1 AND"
                                           " \"%s\" <= ?2 LIMIT 1",
                                           s->rows->table, s->rows->key, s->rows->key);
    int64_t found = 0;
    return sql_int(s->fresh, NULL, &found, sql, "ii", after, last) && !found;
}

/* Rows with keys above `after`, up to `last`. */
static void copy_range(Salvage *s, int64_t after, int64_t last) {
    if (s->lost >= MAX_LOST || is_empty(s, after, last)) return;
    if (last - after <= CHUNK && copy_rows(s, after, last)) return;
    if (last - after == 1) {
        s->lost++;
        return;
    }
    const int64_t middle = after + (last - after) / 2;
    copy_range(s, after, middle);
    copy_range(s, middle, last);
}

/* The largest key, as far as anything tells: the keys themselves, how far they were given, or the
 * file's size. Each number that may be a key costs a look where its page cannot be read. */
static int64_t last_key(Salvage *s) {
    int64_t most = 0, given = 0, pages = 0;
    if (!s->rows->counted) return 1;
    g_autofree char *sql =
        g_strdup_printf("SELECT max(\"%s\") FROM old.\"%s\"", s->rows->key, s->rows->table);
    if (sql_int(s->fresh, NULL, &most, sql, "")) return CLAMP(most, 0, MAX_NUMBER);
    sql_int(s->fresh, NULL, &given, "SELECT seq FROM old.sqlite_sequence WHERE name = ?", "s",
            s->rows->counted);
    if (given > 0) return MIN(given, MAX_NUMBER);
    sql_int(s->fresh, NULL, &pages, "PRAGMA old.page_count", "");
    return MIN(pages * MOST_ROWS, MAX_LOST);
}

/* What follows from these is made anew. */
static const Rows whole_rows[] = {
    {"model", "one", "*", NULL},           {"clip", "number", "*", "clip"},
    {"path", "number", "*", "path"},       {"said", "clip", "*", "clip"},
    {"window", "number", "*", "window"},   {"clip_vector", "clip", "*", "clip"},
    {"removal", "number", "*", "removal"},
};

/* A clip of -1 windows is a broken one to mend(); no file has the size -1. */
static const Rows spoiled_rows[] = {
    {"model", "one", "*", NULL},
    {"clip", "number", "number, hash, id, duration, rate, channels, added, first_window, -1",
     "clip"},
    {"path", "number",
     "number, told_path(path, folder, name), clip, name, folder, -1, mtime, ctime", "path"},
    {"said", "clip", "*", "clip"},
};

/* told_path(path, folder, name) in SQL: NULL where they differ and neither has a file. */
static void told_path(sqlite3_context *context, int count, sqlite3_value **values) {
    const char *path = (const char *)sqlite3_value_blob(values[0]);
    g_autofree char *bytes = g_strndup(path ? path : "", (gsize)sqlite3_value_bytes(values[0]));
    g_autofree char *printable = error_printable(bytes);
    const char *folder = (const char *)sqlite3_value_text(values[1]);
    const char *name = (const char *)sqlite3_value_text(values[2]);
    g_autofree char *other = g_strconcat(folder ? folder : "", "/", name ? name : "", NULL);
    const char *told = strcmp(printable, other) == 0 || g_file_test(bytes, G_FILE_TEST_EXISTS)
                           ? bytes
                       : g_file_test(other, G_FILE_TEST_EXISTS) ? other
                                                                : NULL;
    if (told) sqlite3_result_blob(context, told, (int)strlen(told), SQLITE_TRANSIENT);
}

static bool know_told_path(Store *fresh) {
    return sqlite3_create_function(fresh->db, "told_path", 3, SQLITE_UTF8, NULL, told_path, NULL,
                                   NULL) == SQLITE_OK;
}

/* Returns how many places could not be read. */
static int64_t copy_table(Store *fresh, const Rows *rows, const char *how, GPtrArray *done) {
    Salvage s = {fresh, rows, 0, 0};
    copy_range(&s, 0, last_key(&s));
    if (s.copied || s.lost)
        tell(done, "%s: %" G_GINT64_FORMAT " rows read%s%s", rows->table, s.copied, how,
             s.lost ? ", places in it cannot be read" : "");
    return s.lost;
}

static bool copy_small(Store *fresh) {
    static const char *const whole[] = {
        "INSERT OR IGNORE INTO main.setting SELECT * FROM old.setting",
        "INSERT OR IGNORE INTO main.failure SELECT * FROM old.failure",
        "UPDATE main.sqlite_sequence SET seq = max(seq, coalesce((SELECT o.seq FROM"
        " old.sqlite_sequence o WHERE o.name = main.sqlite_sequence.name), 0))",
    };
    bool all = true;
    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) all &= sql_do(fresh, NULL, whole[i], "");
    return all;
}

/* True when there is nothing left to look for. A clip that lost its vector is read again. */
static bool copy_whole(Store *fresh, GPtrArray *done) {
    int64_t lost = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(whole_rows); i++)
        lost += copy_table(fresh, whole_rows + i, "", done);
    if (lost)
        sql_do(fresh, NULL,
               "UPDATE clip SET windows = -1 WHERE windows > 0 AND number NOT IN"
               " (SELECT clip FROM clip_vector)",
               "");
    return copy_small(fresh) && !lost;
}

static bool attach(Store *fresh, const char *file, bool verify) {
    int64_t tables = 0;
    g_autofree char *escaped = g_uri_escape_string(file, "/", FALSE);
    g_autofree char *uri = g_strdup_printf("file:%s?mode=rw&verify=%d", escaped, verify);
    if (!sql_do(fresh, NULL, "ATTACH ? AS old", "s", uri)) return false;
    if (sql_int(fresh, NULL, &tables,
                "SELECT count(*) FROM old.sqlite_schema WHERE name IN ('clip', 'path', 'window')",
                "") &&
        tables == 3)
        return true;
    sql_do(fresh, NULL, "DETACH old", "");
    return false;
}

/* Outside a transaction: one would take in the damaged file, and could not be ended there. */
static bool fill(Store *fresh, const char *file, GPtrArray *done, GError **error) {
    if (!sql_do(fresh, error, "PRAGMA foreign_keys = OFF", "")) return false;
    const bool some = attach(fresh, file, true), all = some && copy_whole(fresh, done);
    if (some && !sql_do(fresh, error, "DETACH old", "")) return false;
    if (!all && know_told_path(fresh) && attach(fresh, file, false)) {
        for (size_t i = 0; i < G_N_ELEMENTS(spoiled_rows); i++)
            copy_table(fresh, spoiled_rows + i, " from spoiled pages", done);
        if (!sql_do(fresh, error, "DETACH old", "")) return false;
    } else if (!some)
        return error_fail(error, ERR_FORMAT, "%s: nothing can be read from it; it is left as it is",
                          file);
    return sql_do(fresh, error, "PRAGMA foreign_keys = ON", "") && mend(fresh, done, error);
}

/* -- putting it in place -- */

static char *name_for_damaged(const char *file) {
    char *name = g_strconcat(file, ".damaged", NULL);
    for (int i = 2; g_file_test(name, G_FILE_TEST_EXISTS) && i < 1000; i++) {
        g_free(name);
        name = g_strdup_printf("%s.damaged.%d", file, i);
    }
    return name;
}

/* The damaged file has two names for a moment, so that at no time there is no library. A log that
 * is left is the damaged one's, and must not be found beside the new one. */
static bool swap_in(const char *file, const char *fresh, GPtrArray *done, GError **error) {
    g_autofree char *damaged = name_for_damaged(file);
    g_autofree char *log = g_strconcat(file, "-wal", NULL), *shm = g_strconcat(file, "-shm", NULL);
    g_autofree char *damaged_log = g_strconcat(damaged, "-wal", NULL);
    g_autofree char *dir = g_path_get_dirname(file);
    if (link(file, damaged) != 0) return error_fail_errno(error, damaged, errno);
    if (g_rename(log, damaged_log) != 0 && errno != ENOENT)
        return error_fail_errno(error, log, errno);
    g_unlink(shm);
    if (g_rename(fresh, file) != 0) return error_fail_errno(error, file, errno);
    tell(done, "the damaged database is kept as %s", damaged);
    return file_sync_dir(dir, error);
}

static void remove_mending(const char *folder) {
    static const char *const names[] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm",
                                        "writer.lock"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

static bool salvage(const char *dir, GPtrArray *done, GError **error) {
    g_autofree char *folder = g_build_filename(dir, MENDING, NULL);
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    g_autofree char *fresh_file = g_build_filename(folder, STORE_FILE, NULL);
    Store *fresh = store_open(folder, STORE_CREATE, 0, error);
    bool ok = fresh && fill(fresh, file, done, error);
    ok = ok && sql_do(fresh, error, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    store_close(fresh);
    ok = ok && swap_in(file, fresh_file, done, error);
    remove_mending(folder);
    return ok;
}

/* True when SQLite finds nothing wrong, so that mending in place is safe. */
static bool is_readable(Store *store, GPtrArray *done) {
    g_autofree char *detail = NULL;
    if (store_check_database(store, &detail)) return true;
    tell(done, "the database is damaged: %s", detail);
    return false;
}

static bool repair(const char *dir, GPtrArray *done, GError **error) {
    g_autoptr(GError) why = NULL;
    g_autofree char *left = g_build_filename(dir, MENDING, NULL);
    remove_mending(left); /* by a repair that was killed, maybe at its end */
    Store *store = store_open_locked(dir, &why);
    if (!store && why->code != ERR_FORMAT) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    bool mended = store && is_readable(store, done) && mend(store, done, NULL);
    store_close(store);
    return mended || salvage(dir, done, error);
}

bool store_repair(const char *dir, GPtrArray *done, GError **error) {
    if (!store_can_be_repaired(dir, error)) return false;
    int lock = store_lock(dir, 0, error);
    if (lock < 0) return false;
    bool ok = repair(dir, done, error);
    close(lock);
    return ok;
}
