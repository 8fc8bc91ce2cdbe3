/* Damage: it is found, it never crashes, and what can be read is kept. */
#include "store_care.h"

#include "error.h"
#include "library.h"
#include "store_read.h"
#include "store_words.h"

#include <sqlite3.h>

static char *file_of(const char *dir) {
    return g_build_filename(dir, STORE_FILE, NULL);
}

static void run_sql(const char *dir, const char *sql) {
    g_autofree char *file = file_of(dir);
    sqlite3 *db;
    char *why = NULL;
    g_assert_cmpint(sqlite3_open(file, &db), ==, SQLITE_OK);
    sqlite3_exec(db, sql, NULL, NULL, &why);
    g_assert_cmpstr(why, ==, NULL);
    sqlite3_close(db);
}

#define CLIPS 60

/* CLIPS clips of 3 windows each, /dir/Sound_N.wav, with the user's title "mine N". */
static void fill(const char *dir) {
    g_autoptr(Store) store = library_new(dir);
    g_assert_true(store_begin(store, NULL));
    for (unsigned i = 1; i <= CLIPS; i++) {
        g_autofree char *path = g_strdup_printf("/dir/Sound_%u.wav", i);
        g_autofree char *title = g_strdup_printf("mine %u", i);
        int64_t clip = library_put(store, i, path, 3);
        Field said[] = {{(char *)"title", title, SOURCE_USER},
                        {(char *)"tags", (char *)"one;two", SOURCE_FILE}};
        g_assert_true(store_set_fields(store, clip, said, 2, NULL));
    }
    g_assert_true(store_end(store, true, NULL));
}

static char *template; /* the bytes of that library; made once */
static gsize template_len;

static char *library_of_sixty(void) {
    char *dir = library_dir();
    g_autofree char *file = file_of(dir);
    if (!template) {
        fill(dir);
        g_assert_true(g_file_get_contents(file, &template, &template_len, NULL));
    }
    g_assert_true(g_file_set_contents(file, template, (gssize)template_len, NULL));
    return dir;
}

/* The names of the checks that are not all right. */
static char *complaints(const char *dir) {
    GError *error = NULL;
    g_autoptr(Store) store = store_open(dir, STORE_WRITE, 0, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) checks = store_check(store, &error);
    g_assert_no_error(error);
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < checks->len; i++) {
        const StoreCheck *check = checks->pdata[i];
        if (!check->ok) g_string_append_printf(all, "%s ", check->name);
        g_assert_null(strchr(check->detail, '\n'));
    }
    return g_string_free(all, FALSE);
}

#define assert_complaints(dir, expected)                                                           \
    do {                                                                                           \
        g_autofree char *found = complaints(dir);                                                  \
        g_assert_cmpstr(found, ==, expected);                                                      \
    } while (0)

static void repair(const char *dir) {
    GError *error = NULL;
    g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
    store_repair(dir, done, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(done->len, >, 0);
}

static void a_whole_library_has_no_complaints(void) {
    char *dir = library_of_sixty();
    assert_complaints(dir, "");
    g_autoptr(Store) reader = store_open(dir, STORE_READ, 0, NULL);
    g_autoptr(GPtrArray) checks = store_check(reader, NULL);
    for (guint i = 0; i < checks->len; i++) g_assert_true(((StoreCheck *)checks->pdata[i])->ok);
    g_clear_pointer(&reader, store_close);
    repair(dir);
    assert_complaints(dir, "");
    library_remove(dir);
}

static void each_fault_is_found_and_mended(void) {
    static const struct {
        const char *sql, *complaint;
    } faults[] = {
        {"DELETE FROM window WHERE number = 5", "windows "},
        {"UPDATE window SET clip = 1 WHERE number = 5", "windows "},
        {"UPDATE window SET vector = x'00' WHERE number = 5", "vectors "},
        {"UPDATE clip_vector SET vector = x'00' WHERE clip = 5", "vectors "},
        {"UPDATE value SET value = 'x' WHERE clip = 7", "fields words "},
        {"DELETE FROM value WHERE clip = 7 AND name = 'title'", "fields words "},
        {"DELETE FROM tag WHERE clip = 7", "words "},
        {"UPDATE word_total SET words = words + 1 WHERE \"column\" = 1", "words "},
        {"DELETE FROM word_length", "words "},
        {"DELETE FROM words WHERE rowid = 9", "words "},
        {"DELETE FROM words_data WHERE id > 100", "words "},
        {"UPDATE clip SET id = 'ffff' WHERE number = 3", "clips "},
        {"INSERT INTO window VALUES (500, 99, 0, 10, zeroblob(16))", "windows "},
        {"UPDATE sqlite_sequence SET seq = 100 WHERE name = 'window'", "window numbers "},
        {"DELETE FROM path WHERE clip = 4", "paths words "},
        {"INSERT INTO said VALUES (1000, 'a', 0, 'b')", "foreign keys fields "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        char *dir = library_of_sixty();
        run_sql(dir, faults[i].sql);
        assert_complaints(dir, faults[i].complaint);
        repair(dir);
        assert_complaints(dir, "");
        library_remove(dir);
    }
}

static void a_clip_with_broken_windows_is_read_again_and_keeps_what_the_user_said(void) {
    char *dir = library_of_sixty();
    run_sql(dir, "DELETE FROM window WHERE number = 5");
    repair(dir);
    g_autoptr(Store) store = store_open(dir, STORE_WRITE, 0, NULL);
    FileStamp stamp = {2, 1002, 2002};
    const uint8_t hash[CLIP_HASH] = {0, 0, 0, 2};
    g_assert_cmpint(store_path_state(store, "/dir/Sound_2.wav", &stamp, NULL), ==, PATH_CHANGED);
    g_assert_cmpint(store_find_hash(store, hash), ==, 0);
    int64_t clip = library_put(store, 2, "/dir/Sound_2.wav", 3);
    g_autoptr(Clip) got = store_clip(store, clip, false, NULL);
    g_assert_cmpstr(clip_title(got), ==, "mine 2");
    StoreStats stats;
    g_assert_true(store_stats(store, &stats, NULL));
    g_assert_cmpint(stats.clips, ==, CLIPS);
    g_clear_pointer(&store, store_close);
    assert_complaints(dir, "");
    library_remove(dir);
}

/* Overwrites page `page` (from 1) of the file. */
static void spoil_page(const char *dir, gsize page) {
    g_autofree char *file = file_of(dir), *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(file, &bytes, &len, NULL));
    g_assert_cmpuint(page * 4096, <=, len);
    memset(bytes + (page - 1) * 4096, 0xA5, 4096);
    g_assert_true(g_file_set_contents(file, bytes, (gssize)len, NULL));
}

static gsize pages_of(const char *dir) {
    g_autofree char *file = file_of(dir), *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(file, &bytes, &len, NULL));
    return len / 4096;
}

/* Every page but the first, one library each. */
static void a_spoiled_page_costs_no_more_than_what_was_on_it(void) {
    char *dir = library_of_sixty();
    const gsize pages = pages_of(dir);
    library_remove(dir);
    int whole = 0;
    for (gsize page = 2; page <= pages; page++) {
        g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
        GError *error = NULL;
        dir = library_of_sixty();
        g_assert_cmpuint(pages_of(dir), ==, pages);
        spoil_page(dir, page);
        if (store_repair(dir, done, &error)) {
            assert_complaints(dir, "");
            g_autoptr(Store) store = store_open(dir, STORE_READ, 0, NULL);
            StoreStats stats;
            g_assert_true(store_stats(store, &stats, NULL));
            whole += stats.clips == CLIPS && stats.windows == 3 * CLIPS;
        } else
            g_assert_cmpint(error->domain, ==, (gint)EARSHOT_ERROR);
        g_clear_error(&error);
        library_remove(dir);
    }
    g_test_message("%d of %d pages could be lost without loss", whole, (int)pages - 1);
    g_assert_cmpint(whole, >, (int)pages / 2);
}

static void the_damaged_database_is_kept(void) {
    char *dir = library_of_sixty();
    g_autofree char *file = file_of(dir), *kept = g_strconcat(file, ".damaged", NULL);
    g_autofree char *before = NULL, *after = NULL;
    gsize before_len, after_len;
    spoil_page(dir, 2);
    g_assert_true(g_file_get_contents(file, &before, &before_len, NULL));
    repair(dir);
    g_assert_true(g_file_get_contents(kept, &after, &after_len, NULL));
    g_assert_cmpmem(before, before_len, after, after_len);
    library_remove(dir);
}

static void nothing_is_repaired_while_another_writes(void) {
    char *dir = library_of_sixty();
    GError *error = NULL;
    g_autoptr(Store) writer = store_open(dir, STORE_WRITE, 0, NULL);
    g_assert_false(store_repair(dir, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_clear_pointer(&writer, store_close);
    library_remove(dir);
}

static bool count_window(void *user, int64_t number, int64_t clip, double start, double end,
                         const uint16_t *vector, GError **error) {
    ++*(int *)user;
    return true;
}

static bool count_clip(void *user, const Clip *clip, GError **error) {
    ++*(int *)user;
    return true;
}

/* Reads all there is; errors are errors of ours. */
static void use(const char *dir) {
    GError *error = NULL;
    int count = 0;
    g_autoptr(Store) store = store_open(dir, STORE_READ, 0, &error);
    if (store && store_each_clip(store, NULL, 0, -1, true, count_clip, &count, &error) &&
        store_each_window(store, 0, count_window, &count, &error)) {
        g_autoptr(GArray) found = store_search_words(store, "mine sound one", NULL, 10, &error);
        g_autoptr(GPtrArray) checks = found ? store_check(store, &error) : NULL;
        g_assert_true(checks || error);
    }
    if (error) g_assert_cmpint(error->domain, ==, (gint)EARSHOT_ERROR);
    g_clear_error(&error);
}

static void flipped_bytes_never_crash(void) {
    char *dir = library_of_sixty();
    g_autofree char *file = file_of(dir), *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(file, &bytes, &len, NULL));
    for (int round = 0; round < 150; round++) {
        g_autofree char *flipped = g_memdup2(bytes, len);
        for (int i = 0; i <= round % 8; i++)
            flipped[g_test_rand_int_range(0, (gint32)len)] ^= 1 << g_test_rand_int_range(0, 8);
        g_assert_true(g_file_set_contents(file, flipped, (gssize)len, NULL));
        use(dir);
    }
    library_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/store_care/" #name, name)
    ADD(a_whole_library_has_no_complaints);
    ADD(each_fault_is_found_and_mended);
    ADD(a_clip_with_broken_windows_is_read_again_and_keeps_what_the_user_said);
    ADD(a_spoiled_page_costs_no_more_than_what_was_on_it);
    ADD(the_damaged_database_is_kept);
    ADD(nothing_is_repaired_while_another_writes);
    ADD(flipped_bytes_never_crash);
    int status = g_test_run();
    g_free(template);
    return status;
}
