/* The words of each clip, kept in step with what is said of it, in the same transaction. */
#include "bm25.h"
#include "error.h"
#include "name_words.h"
#include "words.h"

#include <string.h>

#define WORD_FOLDERS 4 /* of a path, the nearest: what lies above is about the machine */

const char *const store_word_columns[STORE_WORD_COLUMNS] = {
    FIELD_TITLE, FIELD_TAGS, FIELD_DESCRIPTION, FIELD_ARTIST, FIELD_ALBUM,
    FIELD_GENRE, "name",     "folders"};
const double store_word_boosts[STORE_WORD_COLUMNS] = {3, 3, 1, 1, 1, 1, 2, 1};

enum { COLUMN_TAGS = 1, COLUMN_NAME = 6, COLUMN_FOLDERS = 7 };

typedef struct {
    GString *text[STORE_WORD_COLUMNS];
    int64_t length[STORE_WORD_COLUMNS]; /* words */
} Document;

static void document_clear(Document *document) {
    for (int i = 0; i < STORE_WORD_COLUMNS; i++)
        if (document->text[i]) g_string_free(document->text[i], TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Document, document_clear)

static void document_init(Document *document) {
    *document = (Document){0};
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) document->text[i] = g_string_new(NULL);
}

/* Texts in a column are apart by a line's end. */
static void document_add(Document *document, int column, const char *text) {
    GString *all = document->text[column];
    if (!*text || all->len + strlen(text) > CLIP_MAX_VALUE) return;
    if (all->len) g_string_append_c(all, '\n');
    g_string_append(all, text);
}

/* -- what a clip's words are -- */

static int column_of(const char *field) {
    for (int i = 0; i < COLUMN_NAME; i++)
        if (!g_ascii_strcasecmp(field, store_word_columns[i])) return i;
    return -1;
}

static bool add_fields(Store *store, int64_t clip, Document *document, GError **error) {
    sqlite3_stmt *row = sql_take(store, error,
                                 "SELECT name, value FROM value WHERE clip = ?1 UNION ALL"
                                 " SELECT 'tags', tag FROM tag WHERE clip = ?1",
                                 "i", clip);
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        int column = column_of(sql_text(row, 0));
        if (column >= 0) document_add(document, column, sql_text(row, 1));
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

/* Copies of a sound often share their name: each counts once. */
static void add_once(Document *document, int column, GHashTable *seen, const char *name) {
    char *words = name_words(name);
    if (g_hash_table_add(seen, words)) document_add(document, column, words);
}

static void add_folders(Document *document, GHashTable *seen, const char *folder) {
    g_auto(GStrv) parts = g_strsplit(folder, "/", -1);
    const int count = (int)g_strv_length(parts);
    for (int i = MAX(0, count - WORD_FOLDERS); i < count; i++)
        add_once(document, COLUMN_FOLDERS, seen, parts[i]);
}

static bool add_paths(Store *store, int64_t clip, Document *document, GError **error) {
    sqlite3_stmt *row = sql_take(
        store, error, "SELECT name, folder FROM path WHERE clip = ? ORDER BY number LIMIT ?", "in",
        clip, STORE_WORD_PATHS);
    if (!row) return false;
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        add_once(document, COLUMN_NAME, names, sql_text(row, 0));
        add_folders(document, folders, sql_text(row, 1));
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

static bool count_word(void *user, const char *stem, int stem_len, const char *written,
                       int written_len) {
    ++*(int64_t *)user;
    return true;
}

static bool count_words(Store *store, Document *document, GError **error) {
    for (int i = 0; i < STORE_WORD_COLUMNS; i++)
        if (document->text[i]->len &&
            !words_split(store, document->text[i]->str, count_word, &document->length[i], error))
            return false;
    return true;
}

static bool describe(Store *store, int64_t clip, Document *document, GError **error) {
    return add_fields(store, clip, document, error) && add_paths(store, clip, document, error) &&
           count_words(store, document, error);
}

/* What the table holds now; empty texts where there is no row. */
static bool read_row(Store *store, int64_t clip, Document *document, bool *found, GError **error) {
    sqlite3_stmt *row = sql_take(store, error,
                                 "SELECT title, tags, description, artist, album, genre, name,"
                                 " folders FROM words WHERE rowid = ?",
                                 "i", clip);
    if (!row) return false;
    Step step = sql_step(store, row, error);
    *found = step == STEP_ROW;
    for (int i = 0; *found && i < STORE_WORD_COLUMNS; i++)
        g_string_assign(document->text[i], sql_text(row, i));
    sql_give(store, row);
    return step != STEP_ERROR && count_words(store, document, error);
}

/* -- lengths -- */

bool words_lengths(Store *store, int64_t block, uint8_t codes[WORD_BLOCK_BYTES], GError **error) {
    memset(codes, 0, WORD_BLOCK_BYTES);
    sqlite3_stmt *row =
        sql_take(store, error, "SELECT codes FROM word_length WHERE block = ?", "i", block);
    if (!row) return false;
    const Step step = sql_step(store, row, error);
    const void *bytes = step == STEP_ROW ? sql_bytes(row, 0, WORD_BLOCK_BYTES) : NULL;
    bool ok = step != STEP_ERROR;
    if (bytes)
        memcpy(codes, bytes, WORD_BLOCK_BYTES);
    else if (step == STEP_ROW)
        ok = store_damaged(store, "lengths of words", error);
    sql_give(store, row);
    return ok;
}

static bool write_lengths(Store *store, int64_t clip, const int64_t *length, GError **error) {
    uint8_t codes[WORD_BLOCK_BYTES];
    const int64_t block = clip / WORD_BLOCK;
    if (!words_lengths(store, block, codes, error)) return false;
    uint8_t *mine = codes + clip % WORD_BLOCK * STORE_WORD_COLUMNS;
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) mine[i] = bm25_length_code(length[i]);
    return sql_do(store, error, "INSERT OR REPLACE INTO word_length VALUES (?, ?)", "ib", block,
                  (const void *)codes, sizeof codes);
}

static bool shift_totals(Store *store, const int64_t *before, const int64_t *after,
                         GError **error) {
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) {
        if (before[i] == after[i]) continue;
        if (!sql_do(
                store, error,
                "UPDATE word_total SET clips = clips + ?, words = words + ? WHERE \"column\" = ?",
                "nin", (after[i] > 0) - (before[i] > 0), after[i] - before[i], i))
            return false;
    }
    return true;
}

bool words_totals(Store *store, WordTotal totals[STORE_WORD_COLUMNS], GError **error) {
    memset(totals, 0, STORE_WORD_COLUMNS * sizeof *totals);
    sqlite3_stmt *row =
        sql_take(store, error, "SELECT \"column\", clips, words FROM word_total", "");
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW) {
        const int64_t column = sqlite3_column_int64(row, 0);
        if (column >= 0 && column < STORE_WORD_COLUMNS)
            totals[column] =
                (WordTotal){sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2)};
    }
    sql_give(store, row);
    return step == STEP_DONE;
}

/* -- keeping step -- */

static bool is_same(const Document *a, const Document *b) {
    for (int i = 0; i < STORE_WORD_COLUMNS; i++)
        if (!g_string_equal(a->text[i], b->text[i])) return false;
    return true;
}

static bool insert_row(Store *store, int64_t clip, const Document *document, GError **error) {
    char *text[STORE_WORD_COLUMNS];
    for (int i = 0; i < STORE_WORD_COLUMNS; i++)
        text[i] = document->text[i]->len ? document->text[i]->str : NULL;
    return sql_do(store, error,
                  "INSERT INTO words (rowid, title, tags, description, artist, album,"
                  " genre, name, folders) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "issssssss", clip, text[0], text[1], text[2], text[3], text[4], text[5], text[6],
                  text[7]);
}

static bool replace_row(Store *store, int64_t clip, const Document *before, bool found,
                        const Document *after, GError **error) {
    return (!found || sql_do(store, error, "DELETE FROM words WHERE rowid = ?", "i", clip)) &&
           (!after || insert_row(store, clip, after, error)) &&
           write_lengths(store, clip, after ? after->length : (int64_t[STORE_WORD_COLUMNS]){0},
                         error) &&
           shift_totals(store, before->length,
                        after ? after->length : (int64_t[STORE_WORD_COLUMNS]){0}, error);
}

bool store_words_refresh(Store *store, int64_t clip, GError **error) {
    g_auto(Document) before, after;
    document_init(&before);
    document_init(&after);
    bool found;
    return words_open(store, error) && read_row(store, clip, &before, &found, error) &&
           describe(store, clip, &after, error) &&
           ((found && is_same(&before, &after)) ||
            replace_row(store, clip, &before, found, &after, error));
}

bool store_words_forget(Store *store, int64_t clip, GError **error) {
    g_auto(Document) before;
    document_init(&before);
    bool found;
    return words_open(store, error) && read_row(store, clip, &before, &found, error) &&
           (!found || replace_row(store, clip, &before, true, NULL, error));
}

/* -- care -- */

static char *definition(Store *store) {
    sqlite3_stmt *row =
        sql_take(store, NULL, "SELECT sql FROM sqlite_schema WHERE name = 'words'", "");
    char *text = row && sql_step(store, row, NULL) == STEP_ROW ? g_strdup(sql_text(row, 0)) : NULL;
    sql_give(store, row);
    return text;
}

bool store_words_clear(Store *store, GError **error) {
    g_autofree char *text = definition(store);
    if (!text) return store_damaged(store, "table words cannot be read", error);
    return sql_do(store, error, "DROP TABLE words", "") && sql_do(store, error, text, "") &&
           sql_do(store, error, "INSERT INTO words (words, rank) VALUES ('pgsz', 4000)", "") &&
           sql_do(store, error, "DELETE FROM word_length", "") &&
           sql_do(store, error, "DELETE FROM word_total", "") &&
           sql_do(store, error,
                  "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                  " INSERT INTO word_total SELECT i, 0, 0 FROM n",
                  "n", STORE_WORD_COLUMNS - 1);
}

typedef struct {
    int64_t clips, wrong;
    WordTotal totals[STORE_WORD_COLUMNS];
} WordCheck;

static bool has_lengths(Store *store, int64_t clip, const int64_t *length, GError **error) {
    uint8_t codes[WORD_BLOCK_BYTES];
    if (!words_lengths(store, clip / WORD_BLOCK, codes, error)) return false;
    for (int i = 0; i < STORE_WORD_COLUMNS; i++)
        if (codes[clip % WORD_BLOCK * STORE_WORD_COLUMNS + i] != bm25_length_code(length[i]))
            return false;
    return true;
}

static bool check_clip(Store *store, int64_t clip, WordCheck *check, GError **error) {
    g_auto(Document) is, should;
    document_init(&is);
    document_init(&should);
    bool found;
    if (!read_row(store, clip, &is, &found, error) || !describe(store, clip, &should, error))
        return false;
    check->clips++;
    if (!found || !is_same(&is, &should) || !has_lengths(store, clip, should.length, NULL))
        check->wrong++;
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) {
        check->totals[i].clips += should.length[i] > 0;
        check->totals[i].words += should.length[i];
    }
    return true;
}

static bool check_clips(Store *store, WordCheck *check, GError **error) {
    sqlite3_stmt *row = sql_take(store, error, "SELECT number FROM clip", "");
    if (!row) return false;
    Step step;
    while ((step = sql_step(store, row, error)) == STEP_ROW)
        if (!check_clip(store, sqlite3_column_int64(row, 0), check, error)) break;
    sql_give(store, row);
    return step == STEP_DONE;
}

/* FTS5 checks its index against its texts; as a change, so only where changes can be made. */
static bool check_index(Store *store, GError **error) {
    return !store->writable ||
           sql_do(store, error, "INSERT INTO words (words) VALUES ('integrity-check')", "");
}

bool store_words_check(Store *store, char **detail) {
    g_autoptr(GError) error = NULL;
    WordCheck check = {0};
    WordTotal totals[STORE_WORD_COLUMNS];
    int64_t rows = 0;
    bool ok = words_open(store, &error) && words_totals(store, totals, &error) &&
              check_clips(store, &check, &error) &&
              sql_int(store, &error, &rows, "SELECT count(*) FROM words", "") &&
              check_index(store, &error);
    if (!ok)
        *detail = g_strdup(error->message);
    else if (check.wrong || rows != check.clips)
        *detail = g_strdup_printf("%" G_GINT64_FORMAT " clips have other words than they should",
                                  MAX(check.wrong, ABS(rows - check.clips)));
    else if (memcmp(totals, check.totals, sizeof totals))
        *detail = g_strdup("the counts of words are wrong");
    else {
        *detail = g_strdup("all right");
        return true;
    }
    return false;
}
