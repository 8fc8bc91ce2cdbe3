/* The local backend against a plain model in memory: whatever was added, removed, settled, reopened
 * or damaged, the same hits come out. */
#include "error.h"
#include "library_model.h"

#include <math.h>

static void expect_hits(const GArray *got, const GArray *plain, guint most) {
    g_assert_cmpuint(got->len, ==, MIN(plain->len, most));
    for (guint i = 0; i < got->len; i++) {
        const WindowHit *a = &g_array_index(got, WindowHit, i);
        const WindowHit *b = &g_array_index(plain, WindowHit, i);
        g_assert_cmpfloat_with_epsilon(a->cosine, b->cosine, 1e-6);
        if (i && a->cosine - b[-1].cosine > -1e-6) continue; /* order of near-equals is free */
        if (i + 1 < plain->len && b[1].cosine - b->cosine > -1e-6) continue;
        g_assert_cmphex(a->clip, ==, b->clip);
        g_assert_cmpfloat(a->span.start, ==, b->span.start);
    }
}

static void expect_search(Plain *plain, Backend *backend, int most, bool exact, const char *tag) {
    float query[DIM];
    GError *error = NULL;
    plain_unit(plain->random, query);
    g_autofree char *text = tag ? g_strdup_printf("tag = %s", tag) : NULL;
    g_autoptr(Filter) filter = tag ? filter_parse(text, NULL, NULL, NULL) : NULL;
    CandidateRequest request = {
        .vector = query, .kind = INDEX_TEXT, .filter = filter, .most = most, .exact = exact};
    Candidates found;
    backend->ops->candidates(backend, &request, &found, &error);
    g_assert_no_error(error);
    g_autoptr(GArray) clips = plain_search(plain, query, tag, true);
    expect_hits(found.vector, clips, (guint)most);
    g_assert_null(found.words);
    candidates_clear(&found);

    g_autoptr(GArray) got = backend->ops->windows(backend, &request, &error);
    g_assert_no_error(error);
    g_autoptr(GArray) windows = plain_search(plain, query, tag, false);
    expect_hits(got, windows, (guint)most);
}

static void expect_all(Plain *plain, Backend *backend) {
    expect_search(plain, backend, 5, true, NULL);
    expect_search(plain, backend, 300, true, NULL);
    expect_search(plain, backend, 300, false, NULL);
    expect_search(plain, backend, 7, true, "rain");
    expect_search(plain, backend, 300, false, "dog");
}

static void expect_sound(Plain *plain) {
    GError *error = NULL;
    g_autoptr(GPtrArray) checks = plain->backend->ops->check(plain->backend, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < checks->len; i++) {
        const StoreCheck *check = checks->pdata[i];
        if (!check->ok) g_error("%s: %s", check->name, check->detail);
    }
}

static int count_files(const Plain *plain, const char *prefix) {
    int count = 0;
    g_autoptr(GDir) list = g_dir_open(plain->dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(list));) count += g_str_has_prefix(name, prefix);
    return count;
}

static void any_history_finds_the_same_as_a_plain_model(void) {
    Plain *plain = plain_new();
    expect_search(plain, plain->backend, 5, false, NULL);
    for (int round = 0; round < 60; round++) {
        int dice = g_rand_int_range(plain->random, 0, 10);
        if (dice < 4) {
            plain_add_many(plain, g_rand_int_range(plain->random, 1, 20));
        } else if (dice < 7 && plain->clips->len > 20) {
            plain_remove(plain, plain_any(plain));
        } else if (dice < 9) {
            plain_settle(plain);
        } else {
            backend_close(plain->backend);
            plain_open(plain, STORE_WRITE);
        }
        expect_all(plain, plain->backend);
    }
    expect_sound(plain);
    plain_free(plain);
}

static void a_reader_sees_what_a_writer_adds_and_removes(void) {
    Plain *plain = plain_new();
    GError *error = NULL;
    g_autoptr(Backend) reader = local_open(plain->dir, STORE_READ, 0, &error);
    g_assert_no_error(error);
    for (int round = 0; round < 10; round++) {
        plain_add_many(plain, 10);
        expect_all(plain, reader);
        plain_remove(plain, plain_any(plain));
        expect_all(plain, reader);
        if (round % 3 == 2) plain_settle(plain);
        expect_all(plain, reader);
    }
    plain_free(plain);
}

static void a_reader_changes_nothing(void) {
    Plain *plain = plain_new();
    GError *error = NULL;
    plain_add_many(plain, 3);
    g_autoptr(Backend) reader = local_open(plain->dir, STORE_READ, 0, &error);
    g_assert_false(reader->ops->begin(reader, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_DENIED);
    files_expect_error(&error, "*: the library is open for reading");
    g_assert_false(reader->ops->remove_clip(reader, plain_any(plain)->id, &error));
    files_expect_error(&error, "*for reading");
    g_assert_false(reader->ops->settle(reader, NULL, 0, 1, &error));
    files_expect_error(&error, "*for reading");
    plain_free(plain);
}

static void settling_twice_writes_nothing_new(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 50);
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "tail-"), ==, 1);
    GError *error = NULL;
    g_autoptr(GBytes) named = plain->backend->ops->get(plain->backend, "index.tail", &error);
    g_assert_nonnull(named);
    plain_settle(plain);
    g_autoptr(GBytes) again = plain->backend->ops->get(plain->backend, "index.tail", &error);
    g_assert_true(g_bytes_equal(named, again));
    plain_free(plain);
}

static void what_the_store_does_not_name_is_swept_away(void) {
    Plain *plain = plain_new();
    files_put_text(plain->dir, "base-00000000000000aa.index", "left behind");
    files_put_text(plain->dir, "tail-00000000000000bb.index.tmp", "left behind");
    plain_add_many(plain, 5);
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "base-"), ==, 0);
    g_assert_cmpint(count_files(plain, "tail-"), ==, 1);
    expect_all(plain, plain->backend);
    plain_free(plain);
}

/* Where `prefix`'s file is. Caller frees. */
static char *index_file(const Plain *plain, const char *prefix) {
    g_autoptr(GDir) list = g_dir_open(plain->dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(list));)
        if (g_str_has_prefix(name, prefix)) return g_build_filename(plain->dir, name, NULL);
    g_error("no %s file", prefix);
}

static void a_missing_or_foreign_file_is_passed_over_and_made_anew(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 60);
    for (int round = 0; round < 3; round++) {
        plain_settle(plain);
        g_autofree char *path = index_file(plain, "tail-");
        if (round == 0) g_unlink(path);
        if (round == 1) g_assert_true(g_file_set_contents(path, "not an index", -1, NULL));
        if (round == 2) g_assert_true(g_file_set_contents(path, "", 0, NULL));
        backend_close(plain->backend);
        plain_open(plain, STORE_WRITE);
        expect_all(plain, plain->backend);
    }
    plain_settle(plain);
    expect_sound(plain);
    plain_free(plain);
}

static void a_file_of_another_version_is_no_damage(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 60);
    plain_settle(plain);
    g_autofree char *path = index_file(plain, "tail-");
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    bytes[12]++; /* magic, order, version */
    g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
    backend_close(plain->backend);
    plain_open(plain, STORE_WRITE);
    expect_sound(plain);
    expect_all(plain, plain->backend);
    plain_free(plain);
}

static void damage_found_while_searching_costs_no_hit(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 400);
    for (int round = 0; round < 40; round++) {
        plain_settle(plain);
        g_autofree char *path = index_file(plain, "tail-"), *bytes = NULL;
        gsize len;
        backend_close(plain->backend);
        g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
        for (int flips = 0; flips < 3; flips++)
            bytes[g_rand_int_range(plain->random, 0, (gint)len)] ^=
                (char)(1 << g_rand_int_range(plain->random, 0, 8));
        g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
        plain_open(plain, STORE_WRITE);
        expect_search(plain, plain->backend, 300, round % 2, NULL);
    }
    plain_settle(plain);
    expect_all(plain, plain->backend);
    plain_free(plain);
}

static void damage_of_a_mapped_file_is_mended_by_settling(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 400);
    plain_settle(plain);
    g_autofree char *path = index_file(plain, "tail-"), *bytes = NULL;
    gsize len;
    backend_close(plain->backend);
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    for (gsize i = len / 4; i < len; i += 97) bytes[i] ^= 0x55;
    g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
    plain_open(plain, STORE_WRITE);
    expect_all(plain, plain->backend);
    plain_settle(plain);
    expect_sound(plain);
    g_autofree char *mended = index_file(plain, "tail-");
    g_assert_cmpstr(path, !=, mended);
    plain_free(plain);
}

static void rows_and_best_windows_are_those_that_were_added(void) {
    Plain *plain = plain_new();
    Backend *backend = plain->backend;
    GError *error = NULL;
    plain_add_many(plain, 30);
    plain_settle(plain);
    plain_add_many(plain, 30);
    for (int round = 0; round < 50; round++) {
        const PlainClip *clip = plain_any(plain);
        float query[DIM], row[DIM];
        uint64_t ids[2] = {clip->id, 12345};
        WindowHit best[2];
        plain_unit(plain->random, query);
        g_assert_true(backend->ops->best_windows(backend, query, ids, 2, best, &error));
        double most = -2;
        int at = 0;
        for (int w = 0; w < clip->windows; w++)
            if (vec_dot(query, clip->vectors[w], DIM) > most)
                most = vec_dot(query, clip->vectors[at = w], DIM);
        g_assert_cmpfloat_with_epsilon(best[0].cosine, most, 1e-6);
        g_assert_cmpfloat(best[0].span.start, ==, clip->spans[at].start);
        g_assert_true(backend->ops->row(backend, &best[0], row, &error));
        for (int i = 0; i < DIM; i++) g_assert_cmpfloat(row[i], ==, clip->vectors[at][i]);
        g_assert_cmpfloat(best[1].cosine, ==, -2);
        g_assert_cmphex(best[1].clip, ==, 12345);
    }
    g_assert_false(
        backend->ops->row(backend, &(WindowHit){.window = 99999}, (float[DIM]){0}, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    plain_free(plain);
}

/* A clip of a thousand windows, all nearer than anything else, takes one place of ten. */
static void a_long_clip_leaves_room_for_others(void) {
    enum { LONG = 1000 };
    Plain *plain = plain_new();
    GError *error = NULL;
    uint8_t hash[CLIP_HASH] = {1};
    float query[DIM] = {1};
    plain_add_many(plain, 100);
    g_autofree ClipWindow *spans = g_new(ClipWindow, LONG);
    g_autofree uint16_t *vectors = g_new(uint16_t, LONG * DIM);
    g_autoptr(Clip) clip = clip_new(hash);
    clip->windows = LONG;
    clip_add_path(clip, "/sounds/long.wav", &(FileStamp){1, 2, 3});
    for (int w = 0; w < LONG; w++) {
        spans[w] = (ClipWindow){w, w + 1};
        vec_to_half(query, vectors + w * DIM, DIM);
    }
    plain->backend->ops->add_clip(plain->backend, clip, spans, vectors, vectors, &error);
    g_assert_no_error(error);
    const CandidateRequest request = {.vector = query, .most = 10};
    Candidates found;
    g_assert_true(plain->backend->ops->candidates(plain->backend, &request, &found, &error));
    g_autoptr(GArray) others = plain_search(plain, query, NULL, true);
    g_assert_cmpuint(found.vector->len, ==, 10);
    g_assert_cmphex(g_array_index(found.vector, WindowHit, 0).clip, ==, 0x0100000000000000);
    g_array_remove_index(found.vector, 0);
    expect_hits(found.vector, others, 9);
    candidates_clear(&found);
    plain_free(plain);
}

static void words_come_ordered_with_ids(void) {
    Plain *plain = plain_new();
    GError *error = NULL;
    plain_add_many(plain, 40);
    CandidateRequest request = {.words = "rain", .most = 100};
    Candidates found;
    g_assert_true(plain->backend->ops->candidates(plain->backend, &request, &found, &error));
    g_assert_null(found.vector);
    guint expected = 0;
    for (guint i = 0; i < plain->clips->len; i++) {
        const PlainClip *clip = plain->clips->pdata[i];
        expected += strstr(clip->words, "rain") || !strcmp(clip->tag, "rain");
    }
    g_assert_cmpuint(found.words->len, ==, expected);
    for (guint i = 1; i < found.words->len; i++) {
        const Candidate *a = &g_array_index(found.words, Candidate, i - 1), *b = a + 1;
        g_assert_true(a->score > b->score || (a->score == b->score && a->id < b->id));
    }
    candidates_clear(&found);
    plain_free(plain);
}

static void clips_are_found_by_id_prefix_and_path(void) {
    Plain *plain = plain_new();
    Backend *backend = plain->backend;
    GError *error = NULL;
    const PlainClip *made = plain_add(plain);
    char id[CLIP_ID + 1];
    clip_id_of_number(made->id, id);
    g_autofree char *path = g_strdup_printf("/sounds/%s/0.wav", made->tag);
    g_autofree char *named = g_strconcat("id:", id, NULL);
    id[6] = 0;
    const char *names[] = {named, id, path};
    for (int i = 0; i < 3; i++) {
        g_autoptr(Clip) clip = backend->ops->find(backend, names[i], true, &error);
        g_assert_no_error(error);
        g_assert_cmphex(clip_number_of_id(clip->id), ==, made->id);
        g_assert_nonnull(clip->vector);
    }
    g_assert_null(backend->ops->find(backend, "/no/such.wav", false, &error));
    files_expect_error(&error, "/no/such.wav: is not in the library");
    g_assert_null(backend->ops->clip(backend, 0xabc, false, &error));
    files_expect_error(&error, "id:0000000000000abc: is not in the library");
    g_autoptr(Clip) clip = backend->ops->clip(backend, made->id, false, &error);
    ClipWindow *spans;
    uint16_t *vectors;
    g_assert_true(backend->ops->vectors(backend, clip, &spans, &vectors, &error));
    g_assert_cmpfloat(spans[made->windows - 1].end, ==, made->duration);
    g_free(spans);
    g_free(vectors);
    plain_free(plain);
}

/* A tail that outgrows its limit becomes a base, which takes the removals in. */
static void a_grown_tail_becomes_the_base(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 9000);
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "base-"), ==, 1);
    g_assert_cmpint(count_files(plain, "tail-"), ==, 0);
    g_autofree char *base = index_file(plain, "base-");
    g_unlink(base);
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "base-"), ==, 1);
    plain_add_many(plain, 30);
    plain_remove(plain, plain->clips->pdata[3]);
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "tail-"), ==, 1);
    expect_search(plain, plain->backend, 200, true, NULL);
    plain->backend->ops->begin(plain->backend, NULL);
    for (guint i = 100; i < 2300; i++) plain_remove(plain, plain->clips->pdata[i]);
    plain->backend->ops->end(plain->backend, true, NULL);
    expect_search(plain, plain->backend, 200, true, "rain");
    plain_settle(plain);
    g_assert_cmpint(count_files(plain, "tail-"), ==, 0);
    expect_search(plain, plain->backend, 200, true, NULL);
    expect_sound(plain);
    plain_free(plain);
}

typedef struct {
    Backend *backend;
    volatile gint stop;
} Searching;

static gpointer search_on(gpointer data) {
    Searching *searching = data;
    float query[DIM] = {1};
    int searches = 0;
    while (!g_atomic_int_get(&searching->stop)) {
        CandidateRequest request = {.vector = query, .words = "rain dog", .most = 20};
        Candidates found;
        GError *error = NULL;
        searching->backend->ops->candidates(searching->backend, &request, &found, &error);
        g_assert_no_error(error);
        candidates_clear(&found);
        searches++;
    }
    return GINT_TO_POINTER(searches);
}

static void searches_run_beside_each_other_and_a_writer(void) {
    Plain *plain = plain_new();
    plain_add_many(plain, 50);
    Searching searching = {plain->backend, 0};
    GThread *threads[3];
    for (int i = 0; i < 3; i++) threads[i] = g_thread_new("search", search_on, &searching);
    for (int round = 0; round < 30; round++) {
        plain_add_many(plain, 3);
        plain_remove(plain, plain_any(plain));
        if (round % 10 == 9) plain_settle(plain);
    }
    g_atomic_int_set(&searching.stop, 1);
    for (int i = 0; i < 3; i++) g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(threads[i])), >, 0);
    expect_all(plain, plain->backend);
    plain_free(plain);
}

/* Asked of a clip by its hash and by its path. */
typedef struct {
    Backend *backend;
    Clip *clip;
    volatile gint stop;
} Asking;

static bool is_known(const Asking *asking) {
    const BackendOps *ops = asking->backend->ops;
    const ClipPath *path = asking->clip->paths->pdata[0];
    uint64_t by_hash, by_path, id = clip_number_of_id(asking->clip->id);
    bool has = ops->has(asking->backend, asking->clip->hash, &by_hash);
    PathState state = ops->path_state(asking->backend, path->path, &path->stamp, &by_path);
    g_assert_cmpint(state, ==, has ? PATH_SAME : PATH_UNKNOWN);
    g_assert_cmphex(by_hash, ==, has ? id : 0);
    g_assert_cmphex(by_path, ==, has ? id : 0);
    return has;
}

static gpointer is_known_elsewhere(gpointer asking) {
    return GINT_TO_POINTER(is_known(asking));
}

static bool another_thread_knows(Asking *asking) {
    return GPOINTER_TO_INT(g_thread_join(g_thread_new("ask", is_known_elsewhere, asking)));
}

static void an_open_change_is_seen_by_its_own_thread_alone(void) {
    Plain *plain = plain_new();
    Backend *backend = plain->backend;
    g_assert_true(backend->ops->begin(backend, NULL));
    const PlainClip *made = plain_add(plain);
    g_assert_true(backend->ops->end(backend, true, NULL));
    Asking asking = {backend, backend->ops->clip(backend, made->id, false, NULL), 0};
    g_assert_true(another_thread_knows(&asking));
    g_assert_true(backend->ops->begin(backend, NULL));
    g_assert_true(backend->ops->remove_clip(backend, made->id, NULL));
    g_assert_false(is_known(&asking));
    g_assert_true(another_thread_knows(&asking));
    g_assert_true(backend->ops->end(backend, true, NULL));
    g_assert_false(is_known(&asking));
    g_assert_false(another_thread_knows(&asking));
    clip_free(asking.clip);
    plain_free(plain);
}

static gpointer ask_on(gpointer data) {
    Asking *asking = data;
    while (!g_atomic_int_get(&asking->stop)) g_assert_true(is_known(asking));
    return NULL;
}

static void any_thread_may_ask_beside_a_writer(void) {
    Plain *plain = plain_new();
    const PlainClip *kept = plain_add(plain);
    Clip *clip = plain->backend->ops->clip(plain->backend, kept->id, false, NULL);
    Asking asking = {plain->backend, clip, 0};
    GThread *threads[3];
    for (int i = 0; i < 3; i++) threads[i] = g_thread_new("ask", ask_on, &asking);
    for (int round = 0; round < 50; round++) {
        plain_add_many(plain, 3);
        g_assert_true(is_known(&asking));
    }
    g_atomic_int_set(&asking.stop, 1);
    for (int i = 0; i < 3; i++) g_thread_join(threads[i]);
    clip_free(clip);
    plain_free(plain);
}

static void repair_makes_the_index_anew(void) {
    Plain *plain = plain_new();
    GError *error = NULL;
    plain_add_many(plain, 40);
    plain_settle(plain);
    g_autofree char *before = index_file(plain, "tail-");
    backend_close(plain->backend);
    g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
    local_repair(plain->dir, 1, done, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(done->len, >, 0);
    plain_open(plain, STORE_WRITE);
    g_autofree char *after = index_file(plain, "tail-");
    g_assert_cmpstr(before, !=, after);
    expect_all(plain, plain->backend);
    expect_sound(plain);
    plain_free(plain);
}

static bool count_clip(void *user, const Clip *clip, GError **error) {
    ++*(int *)user;
    return true;
}

static bool sum_facet(void *user, const char *value, int64_t count, GError **error) {
    *(int *)user += (int)count;
    return true;
}

static void pages_and_facets_are_of_the_clips_that_fit_a_filter(void) {
    g_autoptr(GError) error = NULL;
    Plain *plain = plain_new();
    plain_add_many(plain, 200);
    int64_t total = 0;
    int listed = 0, tagged = 0, wanted = 0;
    for (guint i = 0; i < 200; i++)
        wanted += !strcmp(((PlainClip *)plain->clips->pdata[i])->tag, "rain");
    g_autoptr(Filter) filter = filter_parse("tag = RAIN", NULL, NULL, &error);
    const ListRequest request = {filter, ORDER_TITLE, true, 0, 1000};
    Backend *backend = plain->backend;
    g_assert_true(backend->ops->list(backend, &request, &total, count_clip, &listed, &error));
    g_assert_true(backend->ops->facets(backend, "tag", filter, 9, sum_facet, &tagged, &error));
    g_assert_no_error(error);
    g_assert_cmpint(total, ==, wanted);
    g_assert_cmpint(listed, ==, wanted);
    g_assert_cmpint(tagged, ==, wanted);
    plain_free(plain);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/local/" #name, name)
    ADD(any_history_finds_the_same_as_a_plain_model);
    ADD(a_reader_sees_what_a_writer_adds_and_removes);
    ADD(a_reader_changes_nothing);
    ADD(settling_twice_writes_nothing_new);
    ADD(what_the_store_does_not_name_is_swept_away);
    ADD(a_missing_or_foreign_file_is_passed_over_and_made_anew);
    ADD(a_file_of_another_version_is_no_damage);
    ADD(damage_found_while_searching_costs_no_hit);
    ADD(damage_of_a_mapped_file_is_mended_by_settling);
    ADD(rows_and_best_windows_are_those_that_were_added);
    ADD(a_long_clip_leaves_room_for_others);
    ADD(words_come_ordered_with_ids);
    ADD(clips_are_found_by_id_prefix_and_path);
    ADD(a_grown_tail_becomes_the_base);
    ADD(searches_run_beside_each_other_and_a_writer);
    ADD(an_open_change_is_seen_by_its_own_thread_alone);
    ADD(any_thread_may_ask_beside_a_writer);
    ADD(pages_and_facets_are_of_the_clips_that_fit_a_filter);
    ADD(repair_makes_the_index_anew);
    return g_test_run();
}
