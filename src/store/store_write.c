/* Changes. Each public function is change_begin, the work, change_end; the work below them knows
 * nothing of transactions. */
#include "store_write.h"

#include "error.h"
#include "sql_functions.h"
#include "store_private.h"

#include <math.h>
#include <string.h>

/* -- what counts, from what was said -- */

static bool read_tags(Store *store, int64_t clip, Clip *tags, GError **error) {
    sqlite3_stmt *row =
        sql_take(store, error,
                 "SELECT source, value FROM said WHERE clip = ? AND name = 'tags' ORDER BY source",
                 "i", clip);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        if (sqlite3_column_int(row, 0) == SOURCE_USER) g_ptr_array_set_size(tags->tags, 0);
        clip_add_tag(tags, sql_text(row, 1));
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

static bool write_tags(Store *store, int64_t clip, const Clip *tags, GError **error) {
    for (guint i = 0; i < tags->tags->len; i++) {
        const char *tag = tags->tags->pdata[i];
        if (!sql_do(store, error, "INSERT INTO tag VALUES (?1, ?2, ?3, fold(?3))", "ins", clip,
                    (int)i, tag))
            return false;
    }
    return true;
}

bool store_refresh(Store *store, int64_t clip, GError **error) {
    g_autoptr(Clip) tags = clip_new((uint8_t[CLIP_HASH]){0});
    return sql_do(store, error, "DELETE FROM value WHERE clip = ?", "i", clip) &&
           sql_do(store, error, "DELETE FROM tag WHERE clip = ?", "i", clip) &&
           sql_do(store, error,
                  "INSERT INTO value SELECT ?1, name, value, fold(value), as_number(value) FROM"
                  " (SELECT name, value, max(source) FROM said WHERE clip = ?1 AND name <> 'tags'"
                  " GROUP BY name) WHERE value IS NOT NULL",
                  "i", clip) &&
           read_tags(store, clip, tags, error) && write_tags(store, clip, tags, error) &&
           store_words_refresh(store, clip, error);
}

static bool say(Store *store, int64_t clip, const char *name, const char *value, Source source,
                GError **error) {
    g_autofree char *clean = clip_clean_value(value);
    return clip_check_name(name, error) &&
           sql_do(store, error, "INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?)", "isns", clip,
                  name, (int)source, clean);
}

/* What the user said of clip `from` is said of `to`, where the user did not speak of that. */
static bool inherit(Store *store, int64_t from, int64_t to, GError **error) {
    return sql_do(store, error,
                  "INSERT OR IGNORE INTO said SELECT ?1, name, source, value FROM said"
                  " WHERE clip = ?2 AND source = ?3",
                  "iin", to, from, (int)SOURCE_USER);
}

/* -- windows -- */

static bool insert_window(Store *store, int64_t clip, const ClipWindow *window, const void *vector,
                          size_t size, int64_t *number, GError **error) {
    if (!(window->start >= 0 && window->end >= window->start && isfinite(window->end)))
        return error_fail(error, ERR_USAGE, "a window from %g to %g s", window->start, window->end);
    int64_t given = *number;
    bool ok = given ? sql_do(store, error, "INSERT INTO \"window\" VALUES (?, ?, ?, ?, ?)", "iiddb",
                             given, clip, window->start, window->end, vector, size)
                    : sql_do(store, error, "INSERT INTO \"window\" VALUES (NULL, ?, ?, ?, ?)",
                             "iddb", clip, window->start, window->end, vector, size);
    *number = ok ? sqlite3_last_insert_rowid(store->db) : 0;
    return ok;
}

/* The first gets a number that never was; the others follow it. */
static bool insert_windows(Store *store, int64_t clip, const ClipWindow *windows, int count,
                           const uint16_t *vectors, const uint16_t *clip_vector, int64_t *first,
                           GError **error) {
    const size_t dim = (size_t)store_dim(store), size = dim * sizeof *vectors;
    if (count < 0 || count > CLIP_MAX_WINDOWS)
        return error_fail(error, ERR_LIMIT, "%d windows; a clip has at most %d", count,
                          CLIP_MAX_WINDOWS);
    if (count && !dim) return error_fail(error, ERR_USAGE, "%s: has no model yet", store->dir);
    *first = 0;
    for (int i = 0; i < count; i++) {
        int64_t number = i ? *first + i : 0;
        if (!insert_window(store, clip, windows + i, vectors + dim * (size_t)i, size, &number,
                           error))
            return false;
        if (i == 0) *first = number;
    }
    return sql_do(store, error, "UPDATE clip SET first_window = ?, windows = ? WHERE number = ?",
                  "ini", *first, count, clip) &&
           (!clip_vector || !dim ||
            sql_do(store, error, "INSERT OR REPLACE INTO clip_vector VALUES (?, ?)", "ib", clip,
                   clip_vector, size));
}

static bool delete_windows(Store *store, int64_t clip, GError **error) {
    int64_t first = 0, count = 0;
    return sql_int(store, error, &first, "SELECT first_window FROM clip WHERE number = ?", "i",
                   clip) &&
           sql_int(store, error, &count, "SELECT windows FROM clip WHERE number = ?", "i", clip) &&
           (count <= 0 ||
            (sql_do(store, error,
                    "DELETE FROM \"window\" WHERE number >= ?1 AND number < ?1 + ?2 AND clip = ?3",
                    "iii", first, count, clip) &&
             sql_do(store, error, "INSERT INTO removal VALUES (NULL, ?, ?)", "ii", first,
                    count))) &&
           sql_do(store, error, "DELETE FROM clip_vector WHERE clip = ?", "i", clip);
}

/* -- clips and paths -- */

/* What refers to the clip goes with it; so its words and windows, which do not, go before. */
bool store_delete_clip(Store *store, int64_t clip, GError **error) {
    return store_words_forget(store, clip, error) && delete_windows(store, clip, error) &&
           sql_do(store, error, "DELETE FROM clip WHERE number = ?", "i", clip);
}

static bool has_paths(Store *store, int64_t clip, bool *any, GError **error) {
    int64_t found = 0;
    bool ok = sql_int(store, error, &found, "SELECT 1 FROM path WHERE clip = ? LIMIT 1", "i", clip);
    *any = found;
    return ok;
}

/* A clip that lost a path: without any it goes, and what the user said moves to `heir` (0: none).
 */
static bool lost_path(Store *store, int64_t clip, int64_t heir, GError **error) {
    bool any;
    if (!has_paths(store, clip, &any, error)) return false;
    if (any) return store_words_refresh(store, clip, error);
    return (!heir || inherit(store, clip, heir, error)) && store_delete_clip(store, clip, error);
}

static bool clip_of_path(Store *store, const char *path, int64_t *clip, GError **error) {
    *clip = 0;
    return sql_int(store, error, clip, "SELECT clip FROM path WHERE path = ?", "b", path,
                   strlen(path));
}

static bool forget_failure(Store *store, const char *path, GError **error) {
    return sql_do(store, error, "DELETE FROM failure WHERE path = ?", "b", path, strlen(path));
}

/* The path is this clip's from now on; what counts of the clip is for the caller to refresh. */
static bool put_path(Store *store, int64_t clip, const char *path, const FileStamp *stamp,
                     GError **error) {
    const char *slash = strrchr(path, '/');
    g_autofree char *head = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
    g_autofree char *folder = error_printable(head);
    g_autofree char *name = error_printable(slash ? slash + 1 : path);
    int64_t before;
    return clip_of_path(store, path, &before, error) &&
           sql_do(store, error,
                  "INSERT INTO path VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (path)"
                  " DO UPDATE SET clip = ?2, name = ?3, folder = ?4, size = ?5, mtime = ?6,"
                  " ctime = ?7",
                  "bissiii", path, strlen(path), clip, name, folder, stamp->size, stamp->mtime,
                  stamp->ctime) &&
           forget_failure(store, path, error) &&
           (!before || before == clip || lost_path(store, before, clip, error));
}

static bool check_clip(Store *store, int64_t clip, GError **error) {
    int64_t found = 0;
    if (!sql_int(store, error, &found, "SELECT 1 FROM clip WHERE number = ?", "i", clip))
        return false;
    return found || error_fail(error, ERR_NOT_FOUND, "%s: there is no clip %" G_GINT64_FORMAT,
                               store->dir, clip);
}

/* -- adding -- */

static bool insert_clip(Store *store, Clip *clip, GError **error) {
    int64_t there = 0;
    if (!sql_int(store, error, &there, "SELECT number FROM clip WHERE hash = ?1 OR id = ?2", "bs",
                 (const void *)clip->hash, (size_t)CLIP_HASH, (const char *)clip->id))
        return false;
    if (there) return error_fail(error, ERR_CONFLICT, "id:%s: is in the library already", clip->id);
    if (!clip->added) clip->added = g_get_real_time();
    bool ok = sql_do(store, error, "INSERT INTO clip VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 0)",
                     "bsdnni", (const void *)clip->hash, (size_t)CLIP_HASH, (const char *)clip->id,
                     clip->duration, clip->rate, clip->channels, clip->added);
    if (ok) clip->number = sqlite3_last_insert_rowid(store->db);
    return ok;
}

static bool insert_said(Store *store, const Clip *clip, GError **error) {
    g_autoptr(GString) tags = g_string_new(NULL);
    for (guint i = 0; i < clip->tags->len; i++)
        g_string_append_printf(tags, "%s%s", i ? ";" : "", (char *)clip->tags->pdata[i]);
    bool ok = !tags->len || say(store, clip->number, FIELD_TAGS, tags->str, SOURCE_FILE, error);
    for (guint i = 0; ok && i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        ok = say(store, clip->number, field->name, field->value, field->source, error);
    }
    return ok;
}

static bool put_paths(Store *store, const Clip *clip, GError **error) {
    for (guint i = 0; i < clip->paths->len; i++) {
        const ClipPath *path = clip->paths->pdata[i];
        if (!put_path(store, clip->number, path->path, &path->stamp, error)) return false;
    }
    return true;
}

bool store_add_clip(Store *store, Clip *clip, const ClipWindow *windows, const uint16_t *vectors,
                    const uint16_t *clip_vector, GError **error) {
    if (!isfinite(clip->duration))
        return error_fail(error, ERR_USAGE, "id:%s: a duration that is no number", clip->id);
    if (!change_begin(store, error)) return false;
    bool ok = insert_clip(store, clip, error) && insert_said(store, clip, error) &&
              put_paths(store, clip, error) &&
              insert_windows(store, clip->number, windows, clip->windows, vectors, clip_vector,
                             &clip->first_window, error) &&
              store_refresh(store, clip->number, error);
    ok = change_end(store, ok, error);
    if (!ok) clip->number = clip->first_window = 0;
    return ok;
}

bool store_set_windows(Store *store, int64_t clip, const ClipWindow *windows, int count,
                       const uint16_t *vectors, const uint16_t *clip_vector, GError **error) {
    int64_t first;
    if (!change_begin(store, error)) return false;
    return change_end(
        store,
        check_clip(store, clip, error) && delete_windows(store, clip, error) &&
            insert_windows(store, clip, windows, count, vectors, clip_vector, &first, error),
        error);
}

bool store_set_path(Store *store, int64_t clip, const char *path, const FileStamp *stamp,
                    GError **error) {
    if (!change_begin(store, error)) return false;
    return change_end(store,
                      check_clip(store, clip, error) && put_path(store, clip, path, stamp, error) &&
                          store_refresh(store, clip, error),
                      error);
}

/* -- removing -- */

static bool remove_path(Store *store, const char *path, int64_t clip, GError **error) {
    return sql_do(store, error, "DELETE FROM path WHERE path = ?", "b", path, strlen(path)) &&
           lost_path(store, clip, 0, error);
}

bool store_remove_path(Store *store, const char *path, GError **error) {
    int64_t clip = 0;
    if (!change_begin(store, error)) return false;
    bool ok =
        clip_of_path(store, path, &clip, error) && (!clip || remove_path(store, path, clip, error));
    return change_end(store, ok, error) && clip;
}

bool store_remove_clip(Store *store, int64_t clip, GError **error) {
    if (!change_begin(store, error)) return false;
    return change_end(
        store, check_clip(store, clip, error) && store_delete_clip(store, clip, error), error);
}

/* -- what is said -- */

static bool check_field_count(Store *store, int64_t clip, GError **error) {
    int64_t count = 0;
    if (!sql_int(store, error, &count, "SELECT count(*) FROM said WHERE clip = ?", "i", clip))
        return false;
    return count <= CLIP_MAX_FIELDS ||
           error_fail(error, ERR_LIMIT, "%" G_GINT64_FORMAT " fields; a clip has at most %d", count,
                      CLIP_MAX_FIELDS);
}

bool store_set_fields(Store *store, int64_t clip, const Field *fields, int count, GError **error) {
    if (!change_begin(store, error)) return false;
    bool ok = check_clip(store, clip, error);
    for (int i = 0; ok && i < count; i++)
        ok = say(store, clip, fields[i].name, fields[i].value, fields[i].source, error);
    ok = ok && check_field_count(store, clip, error) && store_refresh(store, clip, error);
    return change_end(store, ok, error);
}

bool store_unset_field(Store *store, int64_t clip, const char *name, Source source,
                       GError **error) {
    if (!change_begin(store, error)) return false;
    bool ok = check_clip(store, clip, error) &&
              sql_do(store, error, "DELETE FROM said WHERE clip = ? AND name = ? AND source = ?",
                     "isn", clip, name, (int)source) &&
              store_refresh(store, clip, error);
    return change_end(store, ok, error);
}

/* -- failures -- */

bool store_set_failure(Store *store, const char *path, const FileStamp *stamp, const char *why,
                       GError **error) {
    if (!change_begin(store, error)) return false;
    g_autofree char *line = error_printable(why);
    return change_end(store,
                      sql_do(store, error,
                             "INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?, ?)", "biiisi",
                             path, strlen(path), stamp->size, stamp->mtime, stamp->ctime, line,
                             g_get_real_time()),
                      error);
}

bool store_clear_failure(Store *store, const char *path, GError **error) {
    if (!change_begin(store, error)) return false;
    return change_end(store, forget_failure(store, path, error), error);
}
