/* The library on disk: what is put in comes out, in this process and the next; what is refused
 * leaves nothing behind. */
#include "error.h"
#include "library.h"
#include "store_care.h"
#include "store_read.h"
#include "store_vfs.h"
#include "store_words.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *dir;
    Store *store;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused) {
    f->dir = library_dir();
    f->store = library_new(f->dir);
}

static void tear_down(Fixture *f, gconstpointer unused) {
    store_close(f->store);
    library_remove(f->dir);
}

static void reopen(Fixture *f, StoreMode mode) {
    GError *error = NULL;
    store_close(f->store);
    f->store = store_open(f->dir, mode, 0, &error);
    g_assert_no_error(error);
}

static void set_field(Store *store, int64_t clip, const char *name, const char *value,
                      Source source) {
    GError *error = NULL;
    Field field = {(char *)name, (char *)value, source};
    store_set_fields(store, clip, &field, 1, &error);
    g_assert_no_error(error);
}

static Clip *get(Store *store, int64_t number) {
    GError *error = NULL;
    Clip *clip = store_clip(store, number, STORE_VECTOR, &error);
    g_assert_no_error(error);
    return clip;
}

static char *tags_of(Store *store, int64_t number) {
    g_autoptr(Clip) clip = get(store, number);
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < clip->tags->len; i++)
        g_string_append_printf(all, "%s%s", i ? "," : "", (char *)clip->tags->pdata[i]);
    return g_string_free(all, FALSE);
}

#define assert_tags(store, number, expected)                                                       \
    do {                                                                                           \
        g_autofree char *tags = tags_of(store, number);                                            \
        g_assert_cmpstr(tags, ==, expected);                                                       \
    } while (0)

/* -- clips -- */

static void a_clip_comes_out_as_it_went_in(Fixture *f, gconstpointer unused) {
    g_autoptr(Clip) clip = library_clip(0xabcd0001, "/sounds/rain \xff.wav");
    clip_add_tag(clip, "Rain");
    clip_add_tag(clip, "water; rain");
    g_assert_true(clip_set_field(clip, "title", " Heavy rain ", SOURCE_FILE, NULL));
    g_assert_true(clip_set_field(clip, "Mood", "calm", SOURCE_META, NULL));
    g_assert_true(library_add(f->store, clip, 0xabcd0001, 3, NULL));
    reopen(f, STORE_READ);

    g_autoptr(Clip) got = get(f->store, clip->number);
    g_assert_cmpmem(got->hash, CLIP_HASH, clip->hash, CLIP_HASH);
    g_assert_cmpstr(got->id, ==, "abcd000100000000");
    g_assert_cmpfloat(got->duration, ==, clip->duration);
    g_assert_cmpint(got->rate, ==, 48000);
    g_assert_cmpint(got->channels, ==, 1);
    g_assert_cmpint(got->added, ==, clip->added);
    g_assert_cmpint(got->windows, ==, 3);
    g_assert_cmpint(got->first_window, ==, clip->first_window);
    g_assert_cmpstr(clip_path(got), ==, "/sounds/rain \xff.wav");
    g_assert_cmpstr(clip_title(got), ==, "Heavy rain");
    g_assert_cmpstr(clip_field(got, "mood"), ==, "calm");
    assert_tags(f->store, clip->number, "Rain,water");
    g_assert_cmpfloat(got->vector[0], ==, 0.5F + (0xabcd0001U * 7 % 1024) / 2048.0F);
}

static void windows_and_vectors_come_out_as_they_went_in(Fixture *f, gconstpointer unused) {
    library_put(f->store, 1, "/a", 2);
    int64_t clip = library_put(f->store, 2, "/b", 4), of;
    int count;
    g_autofree ClipWindow *spans = store_windows(f->store, clip, &count, NULL);
    g_assert_cmpint(count, ==, 4);
    g_assert_cmpfloat(spans[3].start, ==, 30);
    g_assert_cmpfloat(spans[3].end, ==, 40);
    g_autofree uint16_t *vectors = store_vectors(f->store, clip, &count, NULL);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < LIBRARY_DIM; j++)
            g_assert_cmpuint(vectors[i * LIBRARY_DIM + j], ==, library_value(2, i, j));
    ClipWindow span;
    g_autoptr(Clip) got = get(f->store, clip);
    g_assert_true(store_window(f->store, got->first_window + 2, &of, &span));
    g_assert_cmpint(of, ==, clip);
    g_assert_cmpfloat(span.start, ==, 20);
    g_assert_false(store_window(f->store, got->first_window + 4, &of, &span));
}

static void a_hash_is_added_once(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    library_put(f->store, 7, "/a", 1);
    g_autoptr(Clip) again = library_clip(7, "/b");
    g_assert_false(library_add(f->store, again, 7, 1, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_autoptr(Clip) like = library_clip(7, "/b"); /* the same id, another hash */
    like->hash[20] = 1;
    g_assert_false(library_add(f->store, like, 7, 1, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_cmpint(store_find_path(f->store, "/b", NULL), ==, 0);
}

static void ids_are_found_by_their_beginning(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    int64_t a = library_put(f->store, 0xaabb0000, "/a", 1);
    int64_t b = library_put(f->store, 0xaabb1111, "/b", 1);
    g_assert_cmpint(store_find_id(f->store, "AABB0", &error), ==, a);
    g_assert_cmpint(store_find_id(f->store, "aabb1111000000000000", &error), ==, b);
    g_assert_no_error(error);
    g_assert_cmpint(store_find_id(f->store, "aabb11110000000000001", &error), ==, 0);
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_cmpint(store_find_id(f->store, "aabb", &error), ==, 0);
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_cmpint(store_find_id(f->store, "aab", &error), ==, 0);
    g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    g_clear_error(&error);
}

static void window_numbers_are_never_used_twice(Fixture *f, gconstpointer unused) {
    library_put(f->store, 1, "/a", 3);
    int64_t b = library_put(f->store, 2, "/b", 5);
    g_autoptr(Clip) was = get(f->store, b);
    g_assert_true(store_remove_clip(f->store, b, NULL));
    reopen(f, STORE_WRITE);
    int64_t c = library_put(f->store, 3, "/c", 2);
    g_autoptr(Clip) now = get(f->store, c);
    g_assert_cmpint(now->first_window, ==, was->first_window + 5);
    g_assert_cmpint(c, >, b);
}

/* -- paths -- */

static void a_path_is_known_by_its_stamp(Fixture *f, gconstpointer unused) {
    int64_t clip = library_put(f->store, 5, "/a", 1), got;
    FileStamp stamp = {5, 1005, 2005}, later = {5, 1005, 2006};
    g_assert_cmpint(store_path_state(f->store, "/a", &stamp, &got), ==, PATH_SAME);
    g_assert_cmpint(got, ==, clip);
    g_assert_cmpint(store_path_state(f->store, "/a", &later, &got), ==, PATH_CHANGED);
    g_assert_cmpint(store_path_state(f->store, "/b", &stamp, &got), ==, PATH_UNKNOWN);
    g_assert_cmpint(got, ==, 0);
    g_assert_true(store_set_failure(f->store, "/b", &stamp, "is no\nsound", NULL));
    g_assert_cmpint(store_path_state(f->store, "/b", &stamp, NULL), ==, PATH_FAILED);
    g_assert_cmpint(store_path_state(f->store, "/b", &later, NULL), ==, PATH_UNKNOWN);
    g_assert_true(store_set_path(f->store, clip, "/b", &later, NULL));
    g_assert_cmpint(store_path_state(f->store, "/b", &later, NULL), ==, PATH_SAME);
    g_assert_cmpint(store_path_state(f->store, "/b", &stamp, NULL), ==, PATH_CHANGED);
}

static void a_clip_goes_with_its_last_path(Fixture *f, gconstpointer unused) {
    int64_t clip = library_put(f->store, 5, "/a", 1);
    FileStamp stamp = {1, 2, 3};
    GError *error = NULL;
    g_assert_true(store_set_path(f->store, clip, "/b", &stamp, NULL));
    g_assert_true(store_remove_path(f->store, "/a", &error));
    g_assert_cmpint(store_find_path(f->store, "/b", NULL), ==, clip);
    g_assert_true(store_remove_path(f->store, "/b", &error));
    g_assert_null(store_clip(f->store, clip, false, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(store_remove_path(f->store, "/b", &error));
    g_assert_no_error(error);
}

static bool append_path(void *user, const char *path, int64_t clip, GError **error) {
    g_string_append_printf(user, "%s ", path);
    return true;
}

static void paths_under_a_folder_are_not_those_beside_it(Fixture *f, gconstpointer unused) {
    const char *paths[] = {"/a", "/a/x", "/a/y/z", "/a.b", "/a0", "/ab/x"};
    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) library_put(f->store, i + 1, paths[i], 1);
    g_autoptr(GString) under = g_string_new(NULL), all = g_string_new(NULL);
    g_assert_true(store_each_path(f->store, "/a/", append_path, under, NULL));
    g_assert_cmpstr(under->str, ==, "/a/x /a/y/z ");
    g_assert_true(store_each_path(f->store, "/", append_path, all, NULL));
    g_assert_cmpstr(all->str, ==, "/a /a.b /a/x /a/y/z /a0 /ab/x ");
}

/* -- what is said -- */

static void the_highest_source_that_speaks_counts(Fixture *f, gconstpointer unused) {
    int64_t clip = library_put(f->store, 1, "/a", 1);
    set_field(f->store, clip, "artist", "from the file", SOURCE_FILE);
    set_field(f->store, clip, "artist", "from the user", SOURCE_USER);
    set_field(f->store, clip, "Artist", "from a table", SOURCE_META);
    g_autoptr(Clip) all = get(f->store, clip);
    g_assert_cmpstr(clip_field(all, "artist"), ==, "from the user");
    set_field(f->store, clip, "artist", NULL, SOURCE_USER);
    g_autoptr(Clip) hidden = get(f->store, clip);
    g_assert_null(clip_field(hidden, "artist"));
    g_assert_true(store_unset_field(f->store, clip, "ARTIST", SOURCE_USER, NULL));
    g_autoptr(Clip) back = get(f->store, clip);
    g_assert_cmpstr(clip_field(back, "artist"), ==, "from a table");
}

static void tags_of_file_and_table_join_and_the_user_replaces_them(Fixture *f,
                                                                   gconstpointer unused) {
    int64_t clip = library_put(f->store, 1, "/a", 1);
    set_field(f->store, clip, "tags", "rain; Water", SOURCE_FILE);
    set_field(f->store, clip, "tags", "water;storm", SOURCE_META);
    assert_tags(f->store, clip, "rain,Water,storm");
    set_field(f->store, clip, "tags", "mine", SOURCE_USER);
    assert_tags(f->store, clip, "mine");
    set_field(f->store, clip, "tags", NULL, SOURCE_USER);
    assert_tags(f->store, clip, "");
    g_assert_true(store_unset_field(f->store, clip, "tags", SOURCE_USER, NULL));
    assert_tags(f->store, clip, "rain,Water,storm");
}

static void what_the_user_said_moves_with_the_path(Fixture *f, gconstpointer unused) {
    int64_t old = library_put(f->store, 1, "/a", 1);
    set_field(f->store, old, "title", "My rain", SOURCE_USER);
    set_field(f->store, old, "artist", "old file's", SOURCE_FILE);
    set_field(f->store, old, "tags", "mine", SOURCE_USER);
    int64_t new = library_put(f->store, 2, "/a", 1);
    g_autoptr(Clip) clip = get(f->store, new);
    g_assert_cmpstr(clip_title(clip), ==, "My rain");
    g_assert_null(clip_field(clip, "artist"));
    assert_tags(f->store, new, "mine");
    g_assert_null(store_clip(f->store, old, false, NULL));
    g_autoptr(GArray) found = store_search_words(f->store, "my rain", NULL, 10, NULL);
    g_assert_cmpuint(found->len, ==, 1);
}

static void names_of_fields_are_listed_once(Fixture *f, gconstpointer unused) {
    for (unsigned i = 1; i < 5; i++) {
        g_autofree char *path = g_strdup_printf("/%u", i);
        int64_t clip = library_put(f->store, i, path, 1);
        set_field(f->store, clip, i % 2 ? "mood" : "BPM", "1", SOURCE_USER);
        set_field(f->store, clip, "artist", i == 3 ? "x" : NULL, SOURCE_META);
    }
    g_auto(GStrv) names = store_field_names(f->store, NULL);
    g_autofree char *all = g_strjoinv(" ", names);
    g_assert_cmpstr(all, ==, "artist BPM mood");
}

static void a_clip_has_at_most_so_many_fields(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    int64_t clip = library_put(f->store, 1, "/a", 1);
    g_assert_true(store_begin(f->store, &error));
    for (int i = 0; i < CLIP_MAX_FIELDS; i++) {
        g_autofree char *name = g_strdup_printf("f%d", i);
        set_field(f->store, clip, name, "x", SOURCE_USER);
    }
    g_assert_true(store_end(f->store, true, &error));
    Field more = {(char *)"more", (char *)"x", SOURCE_USER};
    g_assert_false(store_set_fields(f->store, clip, &more, 1, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    g_autoptr(Clip) got = get(f->store, clip);
    g_assert_cmpuint(got->fields->len, ==, CLIP_MAX_FIELDS);
}

/* -- sets and removals -- */

static void conditions_make_sets_of_windows(Fixture *f, gconstpointer unused) {
    for (unsigned i = 1; i <= 100; i++) {
        g_autofree char *path = g_strdup_printf("/%u.wav", i);
        library_put(f->store, i, path, 3);
    }
    g_autoptr(StoreWhere) where = store_where_new("c.duration >= ? AND c.duration < ?");
    store_where_bind_number(where, 10);
    store_where_bind_number(where, 20);
    int64_t first;
    uint64_t size, count;
    g_autofree uint64_t *bits = store_window_set(f->store, where, &first, &size, &count, NULL);
    uint64_t expected = 0;
    for (uint64_t at = 0; at < size; at++) {
        int64_t clip;
        ClipWindow span;
        g_assert_true(store_window(f->store, first + (int64_t)at, &clip, &span));
        g_autoptr(Clip) got = get(f->store, clip);
        bool fits = got->duration >= 10 && got->duration < 20;
        g_assert_cmpint(bits[at / 64] >> (at % 64) & 1, ==, fits);
        expected += fits;
    }
    g_assert_cmpuint(count, ==, expected);
    g_assert_cmpuint(count, ==, 60);
    g_autoptr(StoreWhere) none = store_where_new("c.duration > 1000");
    g_autofree uint64_t *empty = store_window_set(f->store, none, &first, &size, &count, NULL);
    g_assert_nonnull(empty);
    g_assert_cmpuint(size, ==, 0);
    g_assert_cmpuint(count, ==, 0);
}

static bool append_removal(void *user, int64_t first, int64_t count) {
    g_string_append_printf(user, "%d+%d ", (int)first, (int)count);
    return true;
}

static void removals_are_told_in_order_until_forgotten(Fixture *f, gconstpointer unused) {
    int64_t a = library_put(f->store, 1, "/a", 2), b = library_put(f->store, 2, "/b", 3), last;
    store_remove_clip(f->store, b, NULL);
    store_remove_clip(f->store, a, NULL);
    g_autoptr(GString) seen = g_string_new(NULL), rest = g_string_new(NULL);
    g_assert_true(store_each_removal(f->store, 0, &last, append_removal, seen, NULL));
    g_assert_cmpstr(seen->str, ==, "3+3 1+2 ");
    g_assert_true(store_each_removal(f->store, last - 1, &last, append_removal, rest, NULL));
    g_assert_cmpstr(rest->str, ==, "1+2 ");
    g_assert_true(store_forget_removals(f->store, last, NULL));
    int64_t newest;
    g_assert_true(store_each_removal(f->store, 0, &newest, append_removal, rest, NULL));
    g_assert_cmpstr(rest->str, ==, "1+2 ");
    int64_t c = library_put(f->store, 3, "/c", 1);
    store_remove_clip(f->store, c, NULL);
    g_assert_true(store_each_removal(f->store, last, &newest, append_removal, rest, NULL));
    g_assert_cmpint(newest, >, last);
}

/* -- transactions -- */

static void what_is_not_kept_was_never_there(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    g_assert_true(store_begin(f->store, &error));
    library_put(f->store, 1, "/a", 1);
    g_assert_true(store_end(f->store, false, &error));
    g_assert_cmpint(store_find_path(f->store, "/a", NULL), ==, 0);
    g_autoptr(GArray) found = store_search_words(f->store, "a", NULL, 10, NULL);
    g_assert_cmpuint(found->len, ==, 0);
}

static void an_error_inside_takes_all_back(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    g_assert_true(store_begin(f->store, &error));
    library_put(f->store, 1, "/a", 1);
    g_autoptr(Clip) again = library_clip(1, "/b");
    g_assert_false(library_add(f->store, again, 1, 1, NULL));
    g_assert_false(store_end(f->store, true, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_cmpint(store_find_path(f->store, "/a", NULL), ==, 0);
    library_put(f->store, 2, "/c", 1);
}

static void a_reader_refuses_changes(Fixture *f, gconstpointer unused) {
    GError *error = NULL;
    reopen(f, STORE_READ);
    FileStamp stamp = {0};
    g_assert_false(store_set_failure(f->store, "/a", &stamp, "x", &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_DENIED);
    g_clear_error(&error);
    g_assert_false(store_begin(f->store, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_DENIED);
    g_clear_error(&error);
}

static void small_values_are_kept(Fixture *f, gconstpointer unused) {
    g_autoptr(GBytes) value = g_bytes_new("a\0b", 3), empty = g_bytes_new(NULL, 0);
    g_assert_true(store_put(f->store, "k", value, NULL));
    g_assert_true(store_put(f->store, "e", empty, NULL));
    reopen(f, STORE_WRITE);
    g_autoptr(GBytes) got = store_get(f->store, "k", NULL), none = store_get(f->store, "e", NULL);
    g_assert_true(g_bytes_equal(got, value));
    g_assert_cmpuint(g_bytes_get_size(none), ==, 0);
    g_assert_null(store_get(f->store, "other", NULL));
    g_assert_true(store_put(f->store, "k", NULL, NULL));
    g_assert_null(store_get(f->store, "k", NULL));
}

static void the_model_is_remembered(Fixture *f, gconstpointer unused) {
    reopen(f, STORE_READ);
    const StoreModel *model = store_model(f->store);
    g_assert_cmpstr(model->model, ==, "builtin");
    g_assert_cmpint(model->dim, ==, LIBRARY_DIM);
    g_assert_cmpfloat(model->hop, ==, 10);
}

static void figures_count_what_is_there(Fixture *f, gconstpointer unused) {
    int64_t clip = library_put(f->store, 9, "/a", 2);
    FileStamp stamp = {0};
    store_set_path(f->store, clip, "/b", &stamp, NULL);
    library_put(f->store, 19, "/c", 1);
    store_set_failure(f->store, "/x", &stamp, "no", NULL);
    store_remove_clip(f->store, clip, NULL);
    StoreStats stats;
    g_assert_true(store_stats(f->store, &stats, NULL));
    g_assert_cmpint(stats.clips, ==, 1);
    g_assert_cmpint(stats.paths, ==, 1);
    g_assert_cmpint(stats.windows, ==, 1);
    g_assert_cmpint(stats.failed, ==, 1);
    g_assert_cmpint(stats.last_window, ==, 3);
    g_assert_cmpfloat(stats.audio_seconds, ==, 20);
    g_assert_cmpint(stats.bytes, >, 4096);
}

static bool count_clip(void *user, const Clip *clip, GError **error) {
    return --*(int *)user > 0;
}

static bool refuse_clip(void *user, const Clip *clip, GError **error) {
    return error_fail(error, ERR_IO, "enough");
}

static void a_callback_ends_its_loop(Fixture *f, gconstpointer unused) {
    for (unsigned i = 1; i < 6; i++) {
        g_autofree char *path = g_strdup_printf("/%u", i);
        library_put(f->store, i, path, 1);
    }
    GError *error = NULL;
    int left = 3;
    g_assert_true(store_each_clip(f->store, NULL, 1, -1, false, count_clip, &left, &error));
    g_assert_cmpint(left, ==, 0);
    left = 10;
    g_assert_true(store_each_clip(f->store, NULL, 1, 2, false, count_clip, &left, &error));
    g_assert_cmpint(left, ==, 8);
    g_assert_false(store_each_clip(f->store, NULL, 0, -1, false, refuse_clip, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_IO);
    g_clear_error(&error);
    library_put(f->store, 77, "/after", 1);
}

static void folding_knows_case_and_width(Fixture *f, gconstpointer unused) {
    static const struct {
        const char *text, *pattern;
        int fits;
    } table[] = {
        {"Stra\xC3\x9F"
         "e",
         "STRASSE", 1},
        {"\xC3\x84pfel", "\xC3\xA4p?el", 1},
        {"old/rain.wav", "old/*.wav", 1},
        {"old/rain.wav", "rain", 1},
        {"old/rain.wav", "new*wav", 0},
        {"abcabd", "b?ab?", 1},
        {"abcabcabd", "abcabd", 1},
        {"", "*", 1},
        {"", "?", 0},
        {"x", "", 1},
        {"\xEF\xBC\xA1", "a", 1}, /* a full-width A */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(StoreWhere) where = store_where_new("matches(?, ?)");
        store_where_bind_text(where, table[i].text);
        store_where_bind_text(where, table[i].pattern);
        int left = 2;
        if (i == 0) library_put(f->store, 1, "/a", 1);
        g_assert_true(store_each_clip(f->store, where, 0, 1, false, count_clip, &left, NULL));
        if (2 - left != table[i].fits)
            g_error("%s ~ %s: %d", table[i].text, table[i].pattern, 2 - left);
    }
}

/* -- opening -- */

static void nothing_is_opened_where_nothing_is(void) {
    GError *error = NULL;
    char *dir = library_dir();
    g_assert_null(store_open(dir, STORE_READ, 0, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(store_open(dir, STORE_WRITE, 0, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    library_remove(dir);
}

static void run_sql(const char *dir, const char *vfs, const char *sql) {
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    sqlite3 *db;
    g_assert_cmpint(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), ==,
                    SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void a_newer_library_is_refused(void) {
    GError *error = NULL;
    char *dir = library_dir();
    store_close(library_new(dir));
    run_sql(dir, STORE_VFS, "PRAGMA user_version = 999");
    for (StoreMode mode = STORE_READ; mode <= STORE_CREATE; mode++) {
        g_assert_null(store_open(dir, mode, 0, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, "newer"));
        g_clear_error(&error);
    }
    library_remove(dir);
}

static void a_database_of_others_is_refused_and_left_alone(void) {
    GError *error = NULL;
    char *dir = library_dir();
    run_sql(dir, NULL, "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    char *before, *after;
    gsize before_len, after_len;
    g_assert_true(g_file_get_contents(file, &before, &before_len, NULL));
    for (StoreMode mode = STORE_READ; mode <= STORE_CREATE; mode++) {
        g_assert_null(store_open(dir, mode, 0, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_UNSUPPORTED);
        g_clear_error(&error);
    }
    g_assert_false(store_repair(dir, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_UNSUPPORTED);
    g_clear_error(&error);
    g_autofree char *lock = g_build_filename(dir, "writer.lock", NULL);
    g_assert_false(g_file_test(lock, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_get_contents(file, &after, &after_len, NULL));
    g_assert_cmpmem(before, before_len, after, after_len);
    g_free(before);
    g_free(after);
    library_remove(dir);
}

static void expect_no_library(const char *where, StoreMode mode, const char *says) {
    GError *error = NULL;
    g_autofree char *wanted = g_strdup_printf("%s: %s", where, says);
    g_assert_null(store_open(where, mode, 0, &error));
    g_assert_cmpstr(error->message, ==, wanted);
    g_clear_error(&error);
    g_assert_false(store_repair(where, NULL, &error));
    g_assert_cmpstr(error->message + strlen(where), ==, ": there is no library");
    g_clear_error(&error);
}

static void what_is_no_folder_is_called_so(void) {
    char *dir = library_dir();
    g_autofree char *file = g_build_filename(dir, "file", NULL);
    g_autofree char *below = g_build_filename(file, "below", NULL);
    g_autofree char *link = g_build_filename(dir, "link", NULL);
    g_autofree char *none = g_build_filename(dir, "none", NULL);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_cmpint(symlink("nothing", link), ==, 0);
    expect_no_library(file, STORE_CREATE, "is not a folder");
    expect_no_library(below, STORE_CREATE, "does not lie in a folder");
    expect_no_library(link, STORE_CREATE, "is a link to nothing");
    expect_no_library(none, STORE_WRITE, "there is no library");
    library_remove(dir);
}

static void what_is_no_database_is_refused(void) {
    GError *error = NULL;
    char *dir = library_dir();
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    g_autofree char *text = g_strnfill(10000, 'x');
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    for (StoreMode mode = STORE_READ; mode <= STORE_CREATE; mode++) {
        g_assert_null(store_open(dir, mode, 0, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
        g_clear_error(&error);
    }
    library_remove(dir);
}

static void a_library_cut_short_is_an_error_or_right(void) {
    char *dir = library_dir();
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    Store *store = library_new(dir);
    for (unsigned i = 1; i < 200; i++) {
        g_autofree char *path = g_strdup_printf("/%u", i);
        library_put(store, i, path, 3);
    }
    store_close(store);
    g_autofree char *all = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(file, &all, &len, NULL));
    int wrong = 0;
    for (gsize keep = 0; keep < len; keep += len / 23) {
        GError *error = NULL;
        g_assert_true(g_file_set_contents(file, all, (gssize)keep, NULL));
        g_autoptr(Store) cut = store_open(dir, STORE_READ, 0, &error);
        int left = 1000;
        bool ok = cut && store_each_clip(cut, NULL, 0, -1, true, count_clip, &left, &error);
        g_assert_true(ok ? left == 801 : error->domain == EARSHOT_ERROR);
        wrong += !ok;
        g_clear_error(&error);
    }
    g_assert_cmpint(wrong, >, 10);
    library_remove(dir);
}

/* -- several processes -- */

/* Runs `body` in a child; its exit status. */
static int in_child(int (*body)(const char *dir), const char *dir) {
    pid_t child = fork();
    if (child == 0) _exit(body(dir));
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int try_to_write(const char *dir) {
    GError *error = NULL;
    Store *store = store_open(dir, STORE_WRITE, 0.05, &error);
    g_autofree char *holder = g_strdup_printf("process %d ", (int)getppid());
    if (store) return 1;
    return g_error_matches(error, EARSHOT_ERROR, ERR_CONFLICT) && strstr(error->message, holder)
               ? 0
               : 2;
}

static int read_one(const char *dir) {
    GError *error = NULL;
    Store *store = store_open(dir, STORE_READ, 0, &error);
    if (!store) return 99;
    StoreStats stats;
    return store_stats(store, &stats, NULL) ? (int)stats.clips : 98;
}

static void one_process_writes_and_the_others_are_told_which(Fixture *f, gconstpointer unused) {
    g_assert_cmpint(in_child(try_to_write, f->dir), ==, 0);
    reopen(f, STORE_READ);
    g_assert_cmpint(in_child(try_to_write, f->dir), ==, 1);
}

static void readers_see_what_was_committed_and_nothing_else(Fixture *f, gconstpointer unused) {
    library_put(f->store, 1, "/a", 1);
    g_assert_cmpint(in_child(read_one, f->dir), ==, 1);
    g_assert_true(store_begin(f->store, NULL));
    library_put(f->store, 2, "/b", 1);
    g_assert_cmpint(in_child(read_one, f->dir), ==, 1);
    g_assert_true(store_end(f->store, true, NULL));
    g_assert_cmpint(in_child(read_one, f->dir), ==, 2);
}

static int add_one(const char *dir) {
    Store *store = store_open(dir, STORE_WRITE, 5, NULL);
    g_autoptr(Clip) clip = library_clip(42, "/from the child");
    return store && library_add(store, clip, 42, 1, NULL) ? 0 : 1;
}

static void changes_of_another_process_are_noticed(Fixture *f, gconstpointer unused) {
    reopen(f, STORE_READ);
    int64_t before = store_change(f->store);
    g_assert_cmpint(store_change(f->store), ==, before);
    g_assert_cmpint(in_child(add_one, f->dir), ==, 0);
    g_assert_cmpint(store_change(f->store), >, before);
    g_assert_cmpint(store_find_path(f->store, "/from the child", NULL), >, 0);
}

static int read_as_nobody(const char *dir) {
    if (getuid() == 0 && (setgid(65534) || setuid(65534))) return 97;
    return read_one(dir);
}

static void a_folder_that_cannot_be_written_to_is_readable(Fixture *f, gconstpointer unused) {
    g_autofree char *file = g_build_filename(f->dir, STORE_FILE, NULL);
    library_put(f->store, 1, "/a", 1);
    g_clear_pointer(&f->store, store_close);
    g_assert_cmpint(g_chmod(file, 0444), ==, 0);
    g_assert_cmpint(g_chmod(f->dir, 0555), ==, 0);
    g_assert_cmpint(in_child(read_as_nobody, f->dir), ==, 1);
    g_assert_cmpint(g_chmod(f->dir, 0755), ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/store/" #name, Fixture, NULL, set_up, name, tear_down)
    ADD(a_clip_comes_out_as_it_went_in);
    ADD(windows_and_vectors_come_out_as_they_went_in);
    ADD(a_hash_is_added_once);
    ADD(ids_are_found_by_their_beginning);
    ADD(window_numbers_are_never_used_twice);
    ADD(a_path_is_known_by_its_stamp);
    ADD(a_clip_goes_with_its_last_path);
    ADD(paths_under_a_folder_are_not_those_beside_it);
    ADD(the_highest_source_that_speaks_counts);
    ADD(tags_of_file_and_table_join_and_the_user_replaces_them);
    ADD(what_the_user_said_moves_with_the_path);
    ADD(names_of_fields_are_listed_once);
    ADD(a_clip_has_at_most_so_many_fields);
    ADD(conditions_make_sets_of_windows);
    ADD(removals_are_told_in_order_until_forgotten);
    ADD(what_is_not_kept_was_never_there);
    ADD(an_error_inside_takes_all_back);
    ADD(a_reader_refuses_changes);
    ADD(small_values_are_kept);
    ADD(the_model_is_remembered);
    ADD(figures_count_what_is_there);
    ADD(a_callback_ends_its_loop);
    ADD(folding_knows_case_and_width);
    ADD(one_process_writes_and_the_others_are_told_which);
    ADD(readers_see_what_was_committed_and_nothing_else);
    ADD(changes_of_another_process_are_noticed);
    ADD(a_folder_that_cannot_be_written_to_is_readable);
#undef ADD
#define ADD(name) g_test_add_func("/store/" #name, name)
    ADD(nothing_is_opened_where_nothing_is);
    ADD(a_newer_library_is_refused);
    ADD(a_database_of_others_is_refused_and_left_alone);
    ADD(what_is_no_folder_is_called_so);
    ADD(what_is_no_database_is_refused);
    ADD(a_library_cut_short_is_an_error_or_right);
    return g_test_run();
}
