/* Pages of clips in order, against a plain sort; and counts of values. */
#include "store_list.h"

#include "error.h"
#include "library.h"

#define CLIPS 60

typedef struct {
    char *dir;
    Store *store;
    GPtrArray *clips; /* of Clip *, as stored, by number */
} Shelf;

static bool keep(void *user, const Clip *clip, GError **error) {
    g_ptr_array_add(user, g_strdup(clip->id));
    return true;
}

static bool collect(void *user, const Clip *clip, GError **error) {
    Shelf *shelf = user;
    g_ptr_array_add(shelf->clips, store_clip(shelf->store, clip->number, false, error));
    return true;
}

/* Lengths, titles and times that often are the same; a third of the clips have no title, some no
 * path. */
static void put(Shelf *shelf, GRand *random, unsigned content) {
    static const char *const words[] = {"rain", "Rain", "dog", "Äpfel", "äpfel 2"};
    g_autoptr(GError) error = NULL;
    g_autofree char *path =
        g_strdup_printf("/%c/%s %02u.wav", "yxz"[content % 3],
                        words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))], CLIPS - content);
    g_autoptr(Clip) clip = library_clip(content, content % 11 ? path : NULL);
    clip->duration = (double[]){0.5, 1, 4.9, 5, 60, 60.5}[g_rand_int_range(random, 0, 6)];
    clip->added = 1000 + g_rand_int_range(random, 0, 5);
    const char *title = words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))];
    if (content % 3) clip_set_field(clip, FIELD_TITLE, title, SOURCE_USER, NULL);
    library_add(shelf->store, clip, content, 1, &error);
    g_assert_no_error(error);
}

static Shelf shelf_new(void) {
    g_autoptr(GError) error = NULL;
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    Shelf shelf = {library_dir(), NULL, g_ptr_array_new_with_free_func((GDestroyNotify)clip_free)};
    shelf.store = library_new(shelf.dir);
    for (unsigned content = 0; content < CLIPS; content++) put(&shelf, random, content);
    g_assert_true(store_each_clip(shelf.store, NULL, 0, -1, false, collect, &shelf, &error));
    return shelf;
}

static void shelf_clear(Shelf *shelf) {
    g_ptr_array_unref(shelf->clips);
    store_close(shelf->store);
    library_remove(shelf->dir);
}

static ClipOrder sorted_by;

static int compare_titles(const Clip *a, const Clip *b) {
    g_autofree char *x = g_utf8_casefold(clip_title(a), -1);
    g_autofree char *y = g_utf8_casefold(clip_title(b), -1);
    return strcmp(x, y);
}

static int compare(const Clip *a, const Clip *b) {
    switch (sorted_by) {
    case ORDER_ADDED:
        return (a->added > b->added) - (a->added < b->added);
    case ORDER_DURATION:
        return (a->duration > b->duration) - (a->duration < b->duration);
    case ORDER_PATH:
        return strcmp(clip_path(a), clip_path(b));
    case ORDER_ID:
        return strcmp(a->id, b->id);
    default:
        return compare_titles(a, b);
    }
}

static int rising(gconstpointer a, gconstpointer b) {
    const Clip *x = *(Clip *const *)a, *y = *(Clip *const *)b;
    int order = compare(x, y);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int falling(gconstpointer a, gconstpointer b) {
    const Clip *x = *(Clip *const *)a, *y = *(Clip *const *)b;
    int order = compare(y, x);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static void every_order_is_that_of_a_plain_sort_on_any_page(void) {
    Shelf shelf = shelf_new();
    g_autoptr(GError) error = NULL;
    for (int way = 0; way < 10; way++) {
        sorted_by = (ClipOrder)(way / 2);
        g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_sort(shelf.clips, way % 2 ? falling : rising);
        for (int from = 0; from < CLIPS + 7; from += 7) {
            int64_t total = 0;
            StoreList list = {NULL, sorted_by, way % 2, from, 7, false};
            g_assert_true(store_list(shelf.store, &list, &total, keep, seen, &error));
            g_assert_no_error(error);
            g_assert_cmpint(total, ==, CLIPS);
        }
        g_assert_cmpuint(seen->len, ==, CLIPS);
        for (guint i = 0; i < CLIPS; i++)
            g_assert_cmpstr(seen->pdata[i], ==, ((Clip *)shelf.clips->pdata[i])->id);
    }
    shelf_clear(&shelf);
}

static void a_condition_counts_for_the_page_and_the_total(void) {
    Shelf shelf = shelf_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreWhere) where = store_where_new("c.duration >= ? AND c.duration < ?");
    store_where_bind_number(where, 1);
    store_where_bind_number(where, 60);
    g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);
    int64_t total = -1, wanted = 0;
    for (guint i = 0; i < CLIPS; i++) {
        const Clip *clip = shelf.clips->pdata[i];
        wanted += clip->duration >= 1 && clip->duration < 60;
    }
    StoreList list = {where, ORDER_TITLE, false, 0, 3, false};
    g_assert_true(store_list(shelf.store, &list, &total, keep, seen, &error));
    g_assert_cmpint(total, ==, wanted);
    g_assert_cmpuint(seen->len, ==, MIN(wanted, 3));
    list.n = 0;
    g_assert_true(store_list(shelf.store, &list, &total, keep, seen, &error));
    g_assert_cmpuint(seen->len, ==, MIN(wanted, 3));
    shelf_clear(&shelf);
}

/* -- facets -- */

typedef struct {
    GString *text; /* "value count, value count" */
    int most;      /* stop after so many; 0: never */
    bool wrong;
} Facets;

static bool keep_facet(void *user, const char *value, int64_t count, GError **error) {
    Facets *facets = user;
    g_string_append_printf(facets->text, "%s%s %d", facets->text->len ? ", " : "", value,
                           (int)count);
    if (facets->wrong) return error_fail(error, ERR_CANCELLED, "enough");
    return !facets->most || --facets->most > 0;
}

static void expect_facets(Store *store, const char *field, const StoreWhere *where, int n,
                          const char *wanted) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    Facets facets = {.text = text};
    g_assert_true(store_facets(store, field, where, n, keep_facet, &facets, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==, wanted);
}

/* Its number from 1 is the content; tags parted by ';'. */
static void put_said(Store *store, unsigned content, const char *path, double seconds,
                     const char *tags, const char *artist) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Clip) clip = library_clip(content, path);
    g_autofree char *copy = g_strdup_printf("/copies/%u.wav", content);
    clip_add_path(clip, copy, &(FileStamp){1, 2, 3});
    clip->duration = seconds;
    clip_set_field(clip, FIELD_TAGS, tags, SOURCE_META, NULL);
    clip_set_field(clip, "artist", artist, SOURCE_FILE, NULL);
    library_add(store, clip, content, 1, &error);
    g_assert_no_error(error);
}

static char *said_dir(Store **store) {
    char *dir = library_dir();
    *store = library_new(dir);
    put_said(*store, 1, "/b/1.wav", 0.99, "rain;night", "Ann");
    put_said(*store, 2, "/a/2.wav", 1, "Rain", "ann");
    put_said(*store, 3, "/a/3.wav", 5, "dog;it's \"so\"", "Bob");
    put_said(*store, 4, "/c/4.wav", 60, "dog;rain", NULL);
    put_said(*store, 5, "/b/5.wav", 60.01, NULL, "Zoe");
    return dir;
}

static void values_of_most_clips_come_first_and_case_does_not_part_them(void) {
    Store *store;
    char *dir = said_dir(&store);
    expect_facets(store, "tags", NULL, 10, "rain 3, dog 2, it's \"so\" 1, night 1");
    expect_facets(store, "Tag", NULL, 2, "rain 3, dog 2");
    expect_facets(store, "folder", NULL, 10, "/a 2, /b 2, /c 1");
    expect_facets(store, "artist", NULL, 10, "ann 2, Bob 1, Zoe 1");
    expect_facets(store, "ARTIST", NULL, 1, "ann 2");
    expect_facets(store, "nothing", NULL, 10, "");
    expect_facets(store, "'; DROP TABLE clip; --", NULL, 10, "");
    store_close(store);
    library_remove(dir);
}

static void lengths_come_in_buckets_from_short_to_long(void) {
    Store *store;
    char *dir = said_dir(&store);
    expect_facets(store, "duration", NULL, 10, "<1 1, 1-5 1, 5-15 1, 15-60 1, >60 1");
    put_said(store, 6, "/d/6.wav", 4.99, NULL, NULL);
    put_said(store, 7, "/d/7.wav", 15, NULL, NULL);
    expect_facets(store, "duration", NULL, 10, "<1 1, 1-5 2, 5-15 1, 15-60 2, >60 1");
    store_close(store);
    library_remove(dir);
}

static void facets_are_of_the_clips_that_fit(void) {
    Store *store;
    char *dir = said_dir(&store);
    g_autoptr(StoreWhere) where =
        store_where_new("c.number IN (SELECT clip FROM value WHERE name = ? AND folded = fold(?))");
    store_where_bind_text(where, "artist");
    store_where_bind_text(where, "ANN");
    expect_facets(store, "tags", where, 10, "rain 2, night 1");
    expect_facets(store, "folder", where, 10, "/a 1, /b 1");
    expect_facets(store, "duration", where, 10, "<1 1, 1-5 1");
    expect_facets(store, "artist", where, 10, "ann 2");
    store_close(store);
    library_remove(dir);
}

static void a_callback_that_has_enough_ends_it(void) {
    Store *store;
    char *dir = said_dir(&store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    Facets facets = {.text = text, .most = 1};
    g_assert_true(store_facets(store, "tags", NULL, 10, keep_facet, &facets, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==, "rain 3");
    facets.wrong = true;
    g_assert_false(store_facets(store, "tags", NULL, 10, keep_facet, &facets, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    store_close(store);
    library_remove(dir);
}

#define ADD(test) g_test_add_func("/store_list/" #test, test)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD(every_order_is_that_of_a_plain_sort_on_any_page);
    ADD(a_condition_counts_for_the_page_and_the_total);
    ADD(values_of_most_clips_come_first_and_case_does_not_part_them);
    ADD(lengths_come_in_buckets_from_short_to_long);
    ADD(facets_are_of_the_clips_that_fit);
    ADD(a_callback_that_has_enough_ends_it);
    return g_test_run();
}
