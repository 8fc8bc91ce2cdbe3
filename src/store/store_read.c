/* Reading clips, paths, windows and failures. What comes out of the database is looked at before it
 * is used as a size: the file may be damaged. */
#include "store_read.h"

#include "error.h"
#include "store_private.h"

#include <math.h>
#include <string.h>

/* -- conditions -- */

static void value_free(void *value) {
    g_clear_pointer(&((StoreValue *)value)->bytes, g_bytes_unref);
    g_free(value);
}

StoreWhere *store_where_new(const char *sql) {
    StoreWhere *where = g_new(StoreWhere, 1);
    *where = (StoreWhere){g_strdup(sql), g_ptr_array_new_with_free_func(value_free)};
    return where;
}

static void where_add(StoreWhere *where, StoreValue value) {
    g_ptr_array_add(where->values, g_memdup2(&value, sizeof value));
}

void store_where_bind_number(StoreWhere *where, double number) {
    where_add(where, (StoreValue){.kind = VALUE_NUMBER, .number = number});
}

void store_where_bind_text(StoreWhere *where, const char *text) {
    where_add(where, (StoreValue){.kind = VALUE_TEXT, .bytes = g_bytes_new(text, strlen(text))});
}

void store_where_free(StoreWhere *where) {
    if (!where) return;
    g_free(where->sql);
    g_ptr_array_unref(where->values);
    g_free(where);
}

static int bind_value(sqlite3_stmt *statement, int at, const StoreValue *value) {
    if (value->kind == VALUE_NUMBER) return sqlite3_bind_double(statement, at, value->number);
    gsize size;
    const void *bytes = g_bytes_get_data(value->bytes, &size);
    if (!bytes) bytes = "";
    return value->kind == VALUE_TEXT
               ? sqlite3_bind_text64(statement, at, bytes, size, SQLITE_STATIC, SQLITE_UTF8)
               : sqlite3_bind_blob64(statement, at, bytes, size, SQLITE_STATIC);
}

sqlite3_stmt *store_prepare(Store *store, const char *text, const StoreWhere *where, int at,
                            GError **error) {
    const int values = where ? (int)where->values->len : 0;
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->db, text, -1, &statement, NULL);
    for (int i = 0; i < values && result == SQLITE_OK; i++)
        result = bind_value(statement, at + i, where->values->pdata[i]);
    if (result == SQLITE_OK) return statement;
    sql_fail(store->db, store->file, error);
    sqlite3_finalize(statement);
    return NULL;
}

sqlite3_stmt *store_where_prepare(Store *store, const char *columns, const StoreWhere *where,
                                  int64_t after, int64_t limit, GError **error) {
    g_autofree char *text = g_strdup_printf(
        "SELECT %s FROM clip c WHERE c.number > ? AND (%s) ORDER BY c.number LIMIT ?", columns,
        where ? where->sql : "1");
    sqlite3_stmt *statement = store_prepare(store, text, where, 2, error);
    if (!statement) return NULL;
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    return statement;
}

/* -- finding -- */

static FileStamp stamp_at(sqlite3_stmt *row, int column) {
    return (FileStamp){sqlite3_column_int64(row, column), sqlite3_column_int64(row, column + 1),
                       sqlite3_column_int64(row, column + 2)};
}

static bool same(const FileStamp *a, const FileStamp *b) {
    return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

/* One statement for both tables: each one costs the locks of a transaction. */
PathState store_path_state(Store *store, const char *path, const FileStamp *stamp, int64_t *clip) {
    static const char text[] = "SELECT size, mtime, ctime, clip FROM path WHERE path = ?1 UNION ALL"
                               " SELECT size, mtime, ctime, 0 FROM failure WHERE path = ?1";
    PathState state = PATH_UNKNOWN;
    int64_t held = 0;
    sqlite3_stmt *row = sql_take(store, NULL, text, "b", path, strlen(path));
    while (row && state != PATH_SAME && sql_step(store, row, NULL) == STEP_ROW) {
        const FileStamp known = stamp_at(row, 0);
        const int64_t number = sqlite3_column_int64(row, 3);
        if (number) held = number;
        if (same(&known, stamp))
            state = number ? PATH_SAME : PATH_FAILED;
        else if (number)
            state = PATH_CHANGED;
    }
    sql_give(store, row);
    if (clip) *clip = held;
    return state;
}

int64_t store_find_hash(Store *store, const uint8_t hash[CLIP_HASH]) {
    int64_t number = 0;
    sql_int(store, NULL, &number, "SELECT number FROM clip WHERE hash = ?", "b", (const void *)hash,
            (size_t)CLIP_HASH);
    return number;
}

/* Of clips whose id begins like the prefix; 'g' is above all hex digits. */
int64_t store_find_id(Store *store, const char *prefix, GError **error) {
    char digits[2 * CLIP_HASH + 1];
    if (!clip_id_parse(prefix, digits)) {
        error_fail(error, ERR_USAGE, "id:%s: is no id (4 to %d hex digits)", prefix, 2 * CLIP_HASH);
        return 0;
    }
    g_autofree char *least = g_strndup(digits, CLIP_ID), *most = g_strconcat(least, "g", NULL);
    sqlite3_stmt *row = sql_take(store, error,
                                 "SELECT number FROM clip WHERE id >= ?1 AND id < ?2"
                                 " AND lower(hex(hash)) >= ?3 AND lower(hex(hash)) < ?3 || 'g'"
                                 " LIMIT 2",
                                 "sss", least, most, (const char *)digits);
    if (!row) return 0;
    int64_t number = 0;
    int found = 0;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        number = sqlite3_column_int64(row, 0);
        found++;
    }
    sql_give(store, row);
    if (step == STEP_ERROR) return 0;
    if (found == 1) return number;
    error_fail(error, found ? ERR_CONFLICT : ERR_NOT_FOUND,
               found ? "id:%s: is the beginning of several ids" : "id:%s: there is no such clip",
               prefix);
    return 0;
}

int64_t store_find_path(Store *store, const char *path, GError **error) {
    int64_t clip = 0;
    if (sql_int(store, error, &clip, "SELECT clip FROM path WHERE path = ?", "b", path,
                strlen(path)) &&
        !clip)
        error_fail(error, ERR_NOT_FOUND, "%s: is not in the library", path);
    return clip;
}

/* -- a clip -- */

static char *path_at(sqlite3_stmt *row, int column) {
    return g_strndup(sqlite3_column_blob(row, column), (gsize)sqlite3_column_bytes(row, column));
}

static bool read_paths(Store *store, Clip *clip, GError **error) {
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT path, size, mtime, ctime FROM path WHERE clip = ? ORDER BY number",
        "i", clip->number);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        FileStamp stamp = stamp_at(row, 1);
        g_autofree char *path = path_at(row, 0);
        clip_add_path(clip, path, &stamp);
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

static bool read_fields(Store *store, Clip *clip, GError **error) {
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT name, value, source FROM said WHERE clip = ? ORDER BY name, source",
        "i", clip->number);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        int source = sqlite3_column_int(row, 2);
        if (source < SOURCE_FILE || source > SOURCE_USER) {
            store_damaged(store, "a field's source", error);
            step = STEP_ERROR;
        } else if (!clip_set_field(clip, sql_text(row, 0),
                                   (const char *)sqlite3_column_text(row, 1), (Source)source,
                                   error))
            step = STEP_ERROR;
        if (step == STEP_ERROR) break;
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

static bool read_tags(Store *store, Clip *clip, GError **error) {
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT tag FROM tag WHERE clip = ? ORDER BY position", "i", clip->number);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) clip_add_tag(clip, sql_text(row, 0));
    sql_give(store, row);
    return step == STEP_DONE;
}

static float from_half(uint16_t half) {
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float sign = half & 0x8000 ? -1.0F : 1.0F;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(fraction + 1024), exponent - 25);
}

static bool read_vector(Store *store, Clip *clip, GError **error) {
    const size_t dim = (size_t)store_dim(store);
    sqlite3_stmt *row =
        sql_take(store, error, "SELECT vector FROM clip_vector WHERE clip = ?", "i", clip->number);
    if (!row) return false;
    Step step = sql_step(store, row, error);
    const uint8_t *bytes = step == STEP_ROW ? sql_bytes(row, 0, dim * sizeof(uint16_t)) : NULL;
    if (step == STEP_ROW && !bytes) {
        store_damaged(store, "a clip's vector", error);
        step = STEP_ERROR;
    }
    if (bytes) clip->vector = g_new(float, dim);
    for (size_t i = 0; bytes && i < dim; i++)
        clip->vector[i] = from_half((uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8));
    sql_give(store, row);
    return step != STEP_ERROR;
}

static Clip *read_head(Store *store, int64_t number, GError **error) {
    sqlite3_stmt *row = sql_take(store, error,
                                 "SELECT hash, duration, rate, channels, added, first_window,"
                                 " windows FROM clip WHERE number = ?",
                                 "i", number);
    if (!row) return NULL;
    Clip *clip = NULL;
    const Step step = sql_step(store, row, error);
    const void *hash = step == STEP_ROW ? sql_bytes(row, 0, CLIP_HASH) : NULL;
    const int64_t windows = step == STEP_ROW ? sqlite3_column_int64(row, 6) : 0;
    if (step == STEP_DONE)
        error_fail(error, ERR_NOT_FOUND, "%s: there is no clip %" G_GINT64_FORMAT, store->dir,
                   number);
    else if (step == STEP_ROW && (!hash || windows < 0 || windows > CLIP_MAX_WINDOWS))
        store_damaged(store, "a clip's row", error);
    else if (step == STEP_ROW) {
        clip = clip_new(hash);
        clip->number = number;
        clip->duration = sqlite3_column_double(row, 1);
        clip->rate = sqlite3_column_int(row, 2);
        clip->channels = sqlite3_column_int(row, 3);
        clip->added = sqlite3_column_int64(row, 4);
        clip->first_window = sqlite3_column_int64(row, 5);
        clip->windows = (int)windows;
    }
    sql_give(store, row);
    return clip;
}

Clip *store_clip(Store *store, int64_t number, bool with_vector, GError **error) {
    if (!snapshot_begin(store, error)) return NULL;
    g_autoptr(Clip) clip = read_head(store, number, error);
    bool ok = clip && read_paths(store, clip, error) && read_fields(store, clip, error) &&
              read_tags(store, clip, error) && (!with_vector || read_vector(store, clip, error));
    snapshot_end(store);
    return ok ? g_steal_pointer(&clip) : NULL;
}

/* -- all of them -- */

/* A callback that says no without an error just has enough. */
bool stopped(GError *why, GError **error) {
    if (!why) return true;
    g_propagate_error(error, why);
    return false;
}

bool store_visit_clips(Store *store, sqlite3_stmt *row, bool with_vector, StoreEachClip each,
                       void *user, GError **error) {
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        g_autoptr(Clip) clip = store_clip(store, sqlite3_column_int64(row, 0), with_vector, error);
        if (!clip) return false;
        GError *why = NULL;
        if (!each(user, clip, &why)) return stopped(why, error);
    }
    return step == STEP_DONE;
}

bool store_each_clip(Store *store, const StoreWhere *where, int64_t after, int64_t limit,
                     bool with_vector, StoreEachClip each, void *user, GError **error) {
    if (!snapshot_begin(store, error)) return false;
    sqlite3_stmt *row = store_where_prepare(store, "c.number", where, after, limit, error);
    bool ok = row && store_visit_clips(store, row, with_vector, each, user, error);
    sqlite3_finalize(row);
    snapshot_end(store);
    return ok;
}

static bool visit_paths(Store *store, sqlite3_stmt *row, StoreEachPath each, void *user,
                        GError **error) {
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        g_autofree char *path = path_at(row, 0);
        GError *why = NULL;
        if (!each(user, path, sqlite3_column_int64(row, 1), &why)) return stopped(why, error);
    }
    return step == STEP_DONE;
}

/* What lies under "/a" runs from "/a/" to just before "/a0", '0' being the byte after '/'. */
bool store_each_path(Store *store, const char *under, StoreEachPath each, void *user,
                     GError **error) {
    size_t len = under ? strlen(under) : 0;
    while (len && under[len - 1] == '/') len--;
    g_autofree char *folder = g_strndup(under ? under : "", len);
    g_autofree char *least = g_strconcat(folder, "/", NULL), *most = g_strconcat(folder, "0", NULL);
    sqlite3_stmt *row =
        under ? sql_take(store, error,
                         "SELECT path, clip FROM path WHERE path >= ? AND path < ? ORDER BY path",
                         "bb", least, len + 1, most, len + 1)
              : sql_take(store, error, "SELECT path, clip FROM path ORDER BY path", "");
    bool ok = row && visit_paths(store, row, each, user, error);
    sql_give(store, row);
    return ok;
}

static bool visit_failures(Store *store, sqlite3_stmt *row, StoreEachFailure each, void *user,
                           GError **error) {
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        g_autofree char *path = path_at(row, 0);
        GError *why = NULL;
        if (!each(user, path, sql_text(row, 1), &why)) return stopped(why, error);
    }
    return step == STEP_DONE;
}

bool store_each_failure(Store *store, StoreEachFailure each, void *user, GError **error) {
    sqlite3_stmt *row = sql_take(store, error, "SELECT path, why FROM failure ORDER BY path", "");
    bool ok = row && visit_failures(store, row, each, user, error);
    sql_give(store, row);
    return ok;
}

char **store_field_names(Store *store, GError **error) {
    sqlite3_stmt *row =
        sql_take(store, error, /* from each name to the next, without reading all rows */
                 "WITH RECURSIVE n(name) AS (SELECT min(name) FROM value UNION ALL"
                 " SELECT (SELECT min(name) FROM value WHERE name > n.name) FROM n"
                 " WHERE n.name IS NOT NULL) SELECT name FROM n WHERE name IS NOT NULL",
                 "");
    if (!row) return NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW)
        g_ptr_array_add(names, g_strdup(sql_text(row, 0)));
    sql_give(store, row);
    if (step == STEP_ERROR) return NULL;
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
