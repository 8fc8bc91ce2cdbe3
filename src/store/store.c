/* Opening and closing, the writer's lock, transactions, the model, small values, figures. */
#include "store.h"

#include "error.h"
#include "file.h"
#include "store_private.h"
#include "store_write.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE    "writer.lock"
#define LOCK_POLL_US 20000

/* -- the writer's lock -- */

static bool fail_as_held(int fd, const char *dir, GError **error) {
    char holder[32] = "";
    ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
    g_strstrip(holder);
    if (got > 0 && g_ascii_isdigit(*holder))
        return error_fail(error, ERR_CONFLICT, "%s: process %s is writing to it", dir, holder);
    return error_fail(error, ERR_CONFLICT, "%s: another process is writing to it", dir);
}

static bool lock_within(int fd, const char *dir, double wait, GError **error) {
    const gint64 deadline = g_get_monotonic_time() + (gint64)(CLAMP(wait, 0, 1e9) * G_USEC_PER_SEC);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return error_fail_errno(error, dir, errno);
        if (g_get_monotonic_time() >= deadline) return fail_as_held(fd, dir, error);
        g_usleep(LOCK_POLL_US);
    }
    return true;
}

/* The number in the file is for people; that the lock is held is the kernel's word, and ends with
 * the process. */
int store_lock(const char *dir, double wait, GError **error) {
    g_autofree char *path = g_build_filename(dir, LOCK_FILE, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        error_fail_errno(error, path, errno);
        return -1;
    }
    g_autofree char *number = g_strdup_printf("%ld\n", (long)getpid());
    if (lock_within(fd, dir, wait, error)) {
        if (ftruncate(fd, 0) == 0 && file_put(fd, path, number, strlen(number), error)) return fd;
        if (error && !*error) error_fail_errno(error, path, errno);
    }
    close(fd);
    return -1;
}

/* -- opening -- */

static bool make_folder(const char *dir, GError **error) {
    struct stat st;
    const bool made = g_mkdir_with_parents(dir, 0777) == 0;
    const int number = errno;
    if (stat(dir, &st) == 0)
        return S_ISDIR(st.st_mode) || error_fail(error, ERR_FORMAT, "%s: is not a folder", dir);
    if (g_file_test(dir, G_FILE_TEST_IS_SYMLINK))
        return error_fail(error, ERR_NOT_FOUND, "%s: is a link to nothing", dir);
    if (number == ENOTDIR)
        return error_fail(error, ERR_FORMAT, "%s: does not lie in a folder", dir);
    return made || error_fail_errno(error, dir, number);
}

static bool check_there(const Store *store, StoreMode mode, GError **error) {
    struct stat st;
    if (stat(store->file, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) return error_fail_errno(error, store->file, errno);
        return mode == STORE_CREATE ||
               error_fail(error, ERR_NOT_FOUND, "%s: there is no library", store->dir);
    }
    return S_ISREG(st.st_mode) ||
           error_fail(error, ERR_FORMAT, "%s: is not a regular file", store->file);
}

/* Asked before the lock's file is made beside it. */
static bool check_ours(const Store *store, GError **error) {
    return !store_is_foreign(store->file) ||
           error_fail(error, ERR_UNSUPPORTED, "%s: is not a library", store->file);
}

static sqlite3 *open_to_write(const Store *store, StoreMode mode, GError **error) {
    int flags = SQLITE_OPEN_READWRITE | (mode == STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *db = sql_open(store->file, flags, "", error);
    if (db && store_migrate(db, store->file, true, error) &&
        sql_script(db, store->file, "PRAGMA journal_mode = WAL", error))
        return db;
    sqlite3_close(db);
    return NULL;
}

static sqlite3 *open_readable(const Store *store, const char *uri, GError **error) {
    sqlite3 *db = sql_open(store->file, SQLITE_OPEN_READONLY, uri, error);
    if (db && store_migrate(db, store->file, false, error)) return db;
    sqlite3_close(db);
    return NULL;
}

static bool is_empty_beside(const Store *store, const char *ending) {
    g_autofree char *path = g_strconcat(store->file, ending, NULL);
    struct stat st;
    return stat(path, &st) != 0 || st.st_size == 0;
}

/* What the log holds that the database does not have yet. */
static bool log_is_empty(const Store *store) {
    return is_empty_beside(store, "-wal");
}

/* Before there is a log, at the very first, a kill leaves a journal; only a writer can take back
 * what is half written. */
static bool is_half_made(const Store *store) {
    return !is_empty_beside(store, "-journal");
}

/* Readers need library.db-shm beside the database. In a folder where it cannot be made nobody
 * writes either, so the file can be read as one that does not change. */
static sqlite3 *open_to_read(const Store *store, GError **error) {
    g_autoptr(GError) why = NULL;
    sqlite3 *db = open_readable(store, "mode=ro", &why);
    if (!db && is_half_made(store)) {
        error_fail(error, ERR_NOT_FOUND, "%s: is half made; the next index makes all of it",
                   store->file);
        return NULL;
    }
    if (!db && why->code == ERR_DENIED && access(store->file, R_OK) == 0) {
        if (log_is_empty(store)) return open_readable(store, "mode=ro&immutable=1", error);
        error_fail(error, ERR_DENIED,
                   "%s: has changes in its log that need a folder that can be written to",
                   store->file);
        return NULL;
    }
    if (!db) g_propagate_error(error, g_steal_pointer(&why));
    return db;
}

static bool open_database(Store *store, StoreMode mode, double wait, GError **error) {
    if (mode == STORE_CREATE && !make_folder(store->dir, error)) return false;
    if (!check_there(store, mode, error)) return false;
    if (mode == STORE_READ) {
        g_autoptr(GError) why = NULL;
        store->db = open_to_read(store, &why);
        if (!store->db && check_ours(store, error)) g_propagate_error(error, g_steal_pointer(&why));
        return store->db != NULL;
    }
    if (!check_ours(store, error)) return false;
    store->lock = store_lock(store->dir, wait, error);
    if (store->lock < 0) return false;
    store->writable = true;
    store->db = open_to_write(store, mode, error);
    return store->db != NULL;
}

static void finalize(void *statement) {
    sqlite3_finalize(statement);
}

static Store *store_new(const char *dir) {
    Store *store = g_new0(Store, 1);
    store->lock = -1;
    store->dir = g_strdup(dir);
    store->file = g_build_filename(dir, STORE_FILE, NULL);
    store->statements = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, finalize);
    store->model_change = -1;
    return store;
}

Store *store_open(const char *dir, StoreMode mode, double wait, GError **error) {
    Store *store = store_new(dir);
    if (open_database(store, mode, wait, error)) return store;
    store_close(store);
    return NULL;
}

Store *store_open_locked(const char *dir, GError **error) {
    Store *store = store_new(dir);
    store->writable = true;
    if (check_there(store, STORE_WRITE, error))
        store->db = open_to_write(store, STORE_WRITE, error);
    if (store->db) return store;
    store_close(store);
    return NULL;
}

bool store_can_be_repaired(const char *dir, GError **error) {
    g_autoptr(Store) store = store_new(dir);
    return check_there(store, STORE_WRITE, error) && check_ours(store, error);
}

static void model_clear(Store *store) {
    g_clear_pointer(&store->model.model, g_free);
    g_clear_pointer(&store->model.model_sha256, g_free);
    store->has_model = false;
}

void store_close(Store *store) {
    if (!store) return;
    store_words_close(store);
    g_hash_table_unref(store->statements);
    sqlite3_close(store->db); /* takes back what store_end was not called for */
    if (store->lock >= 0) close(store->lock);
    model_clear(store);
    g_clear_error(&store->fault);
    g_free(store->dir);
    g_free(store->file);
    g_free(store);
}

const char *store_dir(const Store *store) {
    return store->dir;
}

bool store_damaged(const Store *store, const char *what, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s: is damaged (%s): earshot check --repair mends it",
                      store->file, what);
}

/* -- transactions -- */

bool change_begin(Store *store, GError **error) {
    if (!store->writable)
        return error_fail(error, ERR_DENIED, "%s: was opened for reading", store->dir);
    if (store->open_change)
        return !store->broken ||
               error_fail(error, ERR_CONFLICT,
                          "%s: an earlier change of this transaction went wrong", store->dir);
    return sql_do(store, error, "BEGIN IMMEDIATE", "");
}

static void take_back(Store *store) {
    if (!sqlite3_get_autocommit(store->db)) sql_do(store, NULL, "ROLLBACK", "");
    store->model_change = -1;
}

bool change_end(Store *store, bool ok, GError **error) {
    if (store->open_change) {
        store->broken |= !ok;
        return ok;
    }
    ok = ok && sql_do(store, error, "COMMIT", "");
    if (!ok) take_back(store);
    return ok;
}

bool store_begin(Store *store, GError **error) {
    g_assert(!store->open_change);
    store->broken = false;
    if (!change_begin(store, error)) return false;
    store->open_change = true;
    return true;
}

bool store_end(Store *store, bool keep, GError **error) {
    g_assert(store->open_change);
    store->open_change = false;
    if (keep && store->broken)
        error_fail(error, ERR_CONFLICT, "%s: nothing is kept, for a change in it went wrong",
                   store->dir);
    return change_end(store, keep && !store->broken, error) || !keep;
}

bool snapshot_begin(Store *store, GError **error) {
    if (store->snapshots == 0 && sqlite3_get_autocommit(store->db)) {
        if (!sql_do(store, error, "BEGIN", "")) return false;
        store->own_snapshot = true;
    }
    store->snapshots++;
    return true;
}

void snapshot_end(Store *store) {
    if (--store->snapshots > 0 || !store->own_snapshot) return;
    store->own_snapshot = false;
    sql_do(store, NULL, "COMMIT", "");
}

int64_t store_change(Store *store) {
    int64_t version = 0;
    sql_int(store, NULL, &version, "PRAGMA data_version", "");
    return version + sqlite3_total_changes64(store->db);
}

bool store_was_read(Store *store, GError **error) {
    if (!store->fault) return true;
    g_propagate_error(error, g_steal_pointer(&store->fault));
    return false;
}

/* -- the model -- */

static bool is_model(int64_t dim, double window, double hop) {
    return dim >= 1 && dim <= STORE_MAX_DIM && window > 0 && hop > 0;
}

static void read_model(Store *store) {
    model_clear(store);
    sqlite3_stmt *row =
        sql_take(store, NULL, "SELECT name, sha256, dim, \"window\", hop FROM model", "");
    if (row && sql_step(store, row, NULL) == STEP_ROW &&
        is_model(sqlite3_column_int64(row, 2), sqlite3_column_double(row, 3),
                 sqlite3_column_double(row, 4))) {
        store->model = (StoreModel){g_strdup(sql_text(row, 0)), g_strdup(sql_text(row, 1)),
                                    sqlite3_column_int(row, 2), sqlite3_column_double(row, 3),
                                    sqlite3_column_double(row, 4)};
        store->has_model = true;
    }
    sql_give(store, row);
}

/* Read again only when another process changed something: our own changes go through
 * store_set_model. */
const StoreModel *store_model(Store *store) {
    int64_t version = 0;
    sql_int(store, NULL, &version, "PRAGMA data_version", "");
    if (version != store->model_change) read_model(store);
    store->model_change = version;
    return store->has_model ? &store->model : NULL;
}

int store_dim(Store *store) {
    const StoreModel *model = store_model(store);
    return model ? model->dim : 0;
}

bool store_set_model(Store *store, const StoreModel *model, GError **error) {
    if (!is_model(model->dim, model->window, model->hop))
        return error_fail(error, ERR_LIMIT,
                          "%s: a vector of %d numbers, windows of %g s every %g s", model->model,
                          model->dim, model->window, model->hop);
    if (!change_begin(store, error)) return false;
    bool ok =
        sql_do(store, error, "INSERT OR REPLACE INTO model VALUES (1, ?, ?, ?, ?, ?)", "ssndd",
               model->model, model->model_sha256, model->dim, model->window, model->hop);
    store->model_change = -1;
    return change_end(store, ok, error);
}

/* -- small values -- */

GBytes *store_get(Store *store, const char *key, GError **error) {
    sqlite3_stmt *row = sql_take(store, error, "SELECT value FROM setting WHERE key = ?", "s", key);
    if (!row) return NULL;
    GBytes *value = NULL;
    if (sql_step(store, row, error) == STEP_ROW) {
        const void *bytes = sqlite3_column_blob(row, 0);
        value = g_bytes_new(bytes, (gsize)sqlite3_column_bytes(row, 0));
    }
    sql_give(store, row);
    return value;
}

bool store_put(Store *store, const char *key, GBytes *value, GError **error) {
    if (!change_begin(store, error)) return false;
    gsize size = 0;
    const void *bytes = value ? g_bytes_get_data(value, &size) : NULL;
    bool ok = value ? sql_do(store, error, "INSERT OR REPLACE INTO setting VALUES (?, ?)", "sb",
                             key, bytes ? bytes : "", (size_t)size)
                    : sql_do(store, error, "DELETE FROM setting WHERE key = ?", "s", key);
    return change_end(store, ok, error);
}

/* -- on the disk -- */

/* Commits go to the log, which SQLite syncs before it writes it back. Nothing is lost by closing
 * it: no lock of SQLite's lies on it. */
bool store_sync(Store *store, GError **error) {
    g_autofree char *log = g_strconcat(store->file, "-wal", NULL);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || error_fail_errno(error, log, errno);
    bool synced = fsync(fd) == 0 || error_fail_errno(error, log, errno);
    close(fd);
    return synced && file_sync_dir(store->dir, error);
}

/* -- figures -- */

static int64_t bytes_of(const Store *store) {
    static const char *const endings[] = {"", "-wal"};
    int64_t sum = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *path = g_strconcat(store->file, endings[i], NULL);
        struct stat st;
        if (stat(path, &st) == 0) sum += st.st_size;
    }
    return sum;
}

bool store_stats(Store *store, StoreStats *stats, GError **error) {
    *stats = (StoreStats){.bytes = bytes_of(store)};
    sqlite3_stmt *row = sql_take(
        store, error,
        "SELECT count(*), (SELECT count(*) FROM path), total(windows),"
        " (SELECT count(*) FROM failure),"
        " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'window'), 0), total(duration)"
        " FROM clip",
        "");
    if (!row) return false;
    bool ok = sql_step(store, row, error) == STEP_ROW;
    if (ok) {
        stats->clips = sqlite3_column_int64(row, 0);
        stats->paths = sqlite3_column_int64(row, 1);
        stats->windows = sqlite3_column_int64(row, 2);
        stats->failed = sqlite3_column_int64(row, 3);
        stats->last_window = sqlite3_column_int64(row, 4);
        stats->audio_seconds = sqlite3_column_double(row, 5);
    }
    sql_give(store, row);
    return ok;
}
