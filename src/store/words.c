/* FTS5 from inside: its tokenizer for our own texts, and the places of a word without a row of SQL
 * for each. */
#include "words.h"

#include "error.h"

#include <string.h>

static int collect_row(const Fts5ExtensionApi *api, Fts5Context *row, void *user) {
    GArray *postings = user;
    Posting found[STORE_WORD_COLUMNS] = {{0}};
    const int64_t clip = api->xRowid(row);
    const Posting *last =
        postings->len ? &g_array_index(postings, Posting, postings->len - 1) : NULL;
    if (clip < 1 || (last && last->clip >= clip)) return SQLITE_CORRUPT_VTAB;
    Fts5PhraseIter at;
    int column, offset, result = api->xPhraseFirst(row, 0, &at, &column, &offset);
    for (; result == SQLITE_OK && column >= 0; api->xPhraseNext(row, &at, &column, &offset)) {
        if (column >= STORE_WORD_COLUMNS) return SQLITE_CORRUPT_VTAB;
        found[column].count++;
    }
    for (int i = 0; i < STORE_WORD_COLUMNS; i++) {
        if (!found[i].count) continue;
        Posting posting = {clip, i, found[i].count};
        g_array_append_val(postings, posting);
    }
    return result;
}

/* places(words), of the first row that fits: has all rows collected, and returns nothing. */
static void places(const Fts5ExtensionApi *api, Fts5Context *row, sqlite3_context *context,
                   int count, sqlite3_value **values) {
    const Words *words = api->xUserData(row);
    int result =
        words->collector ? api->xQueryPhrase(row, 0, words->collector, collect_row) : SQLITE_MISUSE;
    if (result != SQLITE_OK) sqlite3_result_error_code(context, result);
}

static fts5_api *find_api(sqlite3 *db) {
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return api;
}

/* The same as in schema.sql. */
static bool make_tokenizer(Words *words) {
    const char *args[] = {"unicode61", "remove_diacritics", "2"};
    void *user = NULL;
    return words->api->xFindTokenizer(words->api, "porter", &user, &words->tokenizer) ==
               SQLITE_OK &&
           words->tokenizer.xCreate(user, args, G_N_ELEMENTS(args), &words->instance) == SQLITE_OK;
}

Words *words_open(Store *store, GError **error) {
    if (store->words) return store->words;
    Words *words = g_new0(Words, 1);
    words->api = find_api(store->db);
    if (words->api && words->api->iVersion >= 2 && make_tokenizer(words) &&
        words->api->xCreateFunction(words->api, "places", words, places, NULL) == SQLITE_OK)
        return store->words = words;
    g_free(words);
    error_fail(error, ERR_UNSUPPORTED, "SQLite: was built without FTS5");
    return NULL;
}

void store_words_close(Store *store) {
    if (!store->words) return;
    store->words->tokenizer.xDelete(store->words->instance);
    g_clear_pointer(&store->words, g_free);
}

bool words_postings(Store *store, const char *word, GArray *postings, GError **error) {
    Words *words = words_open(store, error);
    if (!words) return false;
    g_autofree char *quoted = g_strdup_printf("\"%s\"", word);
    words->collector = postings;
    bool ok = sql_do(store, error, "SELECT places(words) FROM words WHERE words MATCH ? LIMIT 1",
                     "s", quoted);
    words->collector = NULL;
    return ok;
}

typedef struct {
    const char *text;
    EachWord each;
    void *user;
} Splitting;

static int on_token(void *user, int flags, const char *stem, int stem_len, int start, int end) {
    const Splitting *splitting = user;
    if (flags & FTS5_TOKEN_COLOCATED) return SQLITE_OK;
    return splitting->each(splitting->user, stem, stem_len, splitting->text + start, end - start)
               ? SQLITE_OK
               : SQLITE_DONE;
}

bool words_split(Store *store, const char *text, EachWord each, void *user, GError **error) {
    Words *words = words_open(store, error);
    if (!words) return false;
    Splitting splitting = {text, each, user};
    int result = words->tokenizer.xTokenize(words->instance, &splitting, FTS5_TOKENIZE_DOCUMENT,
                                            text, (int)strlen(text), on_token);
    return result == SQLITE_OK || result == SQLITE_DONE || sql_fail(store->db, store->file, error);
}
