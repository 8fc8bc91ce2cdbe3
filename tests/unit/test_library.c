/* A library with its model: which one it takes, what queries become, and what is found. */
#include "library_fixture.h"

#include "safetensors.h"
#include "vec.h"

static void put_sounds(const Fixture *f) {
    for (int i = 0; i < 6; i++) {
        g_autofree char *name = g_strdup_printf("%d.wav", i);
        fixture_put_tone(f, name, 0.01 * (i * i + 1), 0.5 + 0.4 * i);
    }
}

/* A library of six sounds. */
static Library *indexed(Fixture *f) {
    *f = fixture_new();
    put_sounds(f);
    Library *library = fixture_library(f);
    IngestReport report = fixture_index(f, library, (IngestOptions){0});
    g_assert_cmpint(report.added, ==, 6);
    ingest_report_clear(&report);
    return library;
}

static void expect_open_error(const Fixture *f, StoreMode mode, const char *model,
                              const char *pattern) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = fixture_open(f, mode, model, &error);
    if (library) g_assert_null(library_engine(library, &error));
    files_expect_error(&error, pattern);
}

static void a_new_library_without_a_model_asks_for_one(void) {
    Fixture f = fixture_new();
    expect_open_error(&f, STORE_CREATE, NULL, "*: a new library needs a model: name one with -m *");
    fixture_free(&f);
}

static void a_library_remembers_its_model(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    library_close(indexed(&f));
    g_autoptr(Library) library = fixture_open(&f, STORE_READ, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(library_engine(library, &error));
    g_assert_no_error(error);
    fixture_free(&f);
}

static void another_model_is_refused_with_the_way_out(void) {
    Fixture f;
    library_close(indexed(&f));
    expect_open_error(&f, STORE_READ, "nobias",
                      "*/library: was made with the model */unfused (*), and */nobias is another "
                      "one (*); for a library of its own: earshot -L OTHER -m */nobias index *");
    fixture_free(&f);
}

/* The tiny model under another path, with `value` added to one weight. */
static char *copied_model(const Fixture *f, bool changed) {
    g_autofree char *from = fixture_model("unfused"), *to = g_build_filename(f->dir, "copy", NULL);
    g_autoptr(GDir) list = g_dir_open(from, 0, NULL);
    g_mkdir(to, 0700);
    for (const char *name; (name = g_dir_read_name(list));) {
        g_autofree char *source = g_build_filename(from, name, NULL), *bytes = NULL;
        gsize len;
        if (!g_file_get_contents(source, &bytes, &len, NULL)) continue;
        if (changed && g_str_equal(name, "model.safetensors")) bytes[len - 3] ^= 1;
        files_put(to, name, bytes, len);
    }
    return g_steal_pointer(&to);
}

static bool opens_with(const Fixture *f, const char *model) {
    g_autoptr(GError) error = NULL;
    LibraryOptions options = {.models_dir = f->dir, .model = model, .threads = 1};
    g_autoptr(Library) library = library_open(f->where, STORE_READ, &options, &error);
    g_assert_no_error(error);
    bool well = library_engine(library, &error) != NULL;
    g_assert_true(well || g_error_matches(error, EARSHOT_ERROR, ERR_CONFLICT));
    return well;
}

static void the_same_weights_elsewhere_are_the_same_model(void) {
    Fixture f;
    library_close(indexed(&f));
    g_autofree char *same = copied_model(&f, false);
    g_assert_true(opens_with(&f, same));
    fixture_free(&f);
}

static void one_changed_weight_makes_another_model(void) {
    Fixture f;
    library_close(indexed(&f));
    g_autofree char *other = copied_model(&f, true);
    g_assert_false(opens_with(&f, other));
    fixture_free(&f);
}

static void another_hop_is_refused(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    g_assert_true(library_bind_model(library, 0, &error));
    g_assert_false(library_bind_model(library, 0.25, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    files_expect_error(&error, "*/library: has a window every * s, not every 0.25 s*");
    fixture_free(&f);
}

/* -- one library beside another -- */

static Library *open_beside(const Fixture *f, Library *beside, GError **error) {
    LibraryOptions options = {.models_dir = "/not/there", .beside = beside, .threads = 1};
    return library_open(f->where, STORE_WRITE, &options, error);
}

static void a_library_beside_another_uses_its_model(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    library_close(indexed(&f));
    g_autoptr(Library) reader = fixture_open(&f, STORE_READ, NULL, &error);
    for (int i = 0; i < 2; i++) {
        g_autoptr(Library) writer = open_beside(&f, reader, &error);
        g_assert_no_error(error);
        Engine *engine = library_engine(writer, &error);
        g_assert_no_error(error);
        g_assert_true(engine == library_engine(reader, NULL));
        g_assert_true(library_background(writer, &error) == library_background(reader, NULL));
        g_assert_true(library_settle(writer, &error));
        g_assert_no_error(error);
    }
    g_assert_nonnull(library_engine(reader, &error)); /* is still its own */
    fixture_free(&f);
}

static void a_library_beside_another_is_checked_all_the_same(void) {
    Fixture f, other = fixture_new();
    g_autoptr(GError) error = NULL;
    library_close(indexed(&f));
    g_autoptr(Library) reader = fixture_open(&other, STORE_CREATE, "nobias", &error);
    g_assert_no_error(error);
    g_autoptr(Library) writer = open_beside(&f, reader, &error);
    g_assert_no_error(error);
    g_assert_null(library_engine(writer, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    files_expect_error(&error, "*/library: was made with the model */unfused *, and */nobias is *");
    fixture_free(&f);
    fixture_free(&other);
}

static void a_model_is_bound_through_the_library_beside(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    library_close(fixture_open(&f, STORE_CREATE, NULL, &error));
    g_autoptr(Library) reader = fixture_open(&f, STORE_READ, "unfused", &error);
    g_autoptr(Library) writer = open_beside(&f, reader, &error);
    g_assert_no_error(error);
    g_assert_true(library_bind_model(writer, 0, &error));
    g_assert_no_error(error);
    Backend *backend = library_backend(reader);
    g_autofree char *model = fixture_model("unfused");
    g_assert_cmpstr(backend->ops->model(backend)->model, ==, model);
    fixture_free(&f);
}

/* -- queries -- */

static Query *query_of(const char *first, ...) {
    g_autoptr(GError) error = NULL;
    const char *args[16] = {first};
    va_list list;
    va_start(list, first);
    for (int i = 1; i < 15 && (args[i] = va_arg(list, const char *)); i++) continue;
    va_end(list);
    Query *query = query_parse(args, &error);
    g_assert_no_error(error);
    return query;
}

static float *vector_of(Library *library, Query *query, IndexKind *kind) {
    g_autoptr(GError) error = NULL;
    Backend *backend = library_backend(library);
    float *vector = g_new(float, (gsize)backend->ops->model(backend)->dim);
    g_assert_true(library_query_vector(library, query, vector, kind, &error));
    g_assert_no_error(error);
    query_free(query);
    return vector;
}

static void expect_same(Library *library, const float *a, const float *b) {
    Backend *backend = library_backend(library);
    gsize dim = (gsize)backend->ops->model(backend)->dim;
    g_assert_cmpfloat_with_epsilon(vec_dot(a, b, dim), 1, 1e-4);
}

static void a_sum_is_the_sum_of_its_unit_vectors(void) {
    Fixture f;
    IndexKind kind;
    g_autoptr(Library) library = indexed(&f);
    Backend *backend = library_backend(library);
    gsize dim = (gsize)backend->ops->model(backend)->dim;
    g_autofree char *file = g_build_filename(f.sounds, "2.wav", NULL);
    g_autoptr(Clip) clip = fixture_clip(&f, library, "4.wav");
    g_autofree char *id = g_strconcat("id:", clip->id, NULL);
    g_autofree float *words = vector_of(library, query_of("a dog", NULL), &kind);
    g_assert_cmpint(kind, ==, INDEX_TEXT);
    g_autofree float *sound = vector_of(library, query_of(file, NULL), &kind);
    g_assert_cmpint(kind, ==, INDEX_SOUND);
    g_autofree float *sum =
        vector_of(library, query_of("2:a dog", "+", file, "-", id, NULL), &kind);
    g_assert_cmpint(kind, ==, INDEX_TEXT);
    g_autofree float *wanted = g_new(float, dim);
    for (gsize i = 0; i < dim; i++) wanted[i] = 2 * words[i] + sound[i] - clip->vector[i];
    vec_normalise(wanted, dim);
    expect_same(library, sum, wanted);
    fixture_free(&f);
}

static void a_files_vector_is_what_was_indexed(void) {
    Fixture f;
    IndexKind kind;
    g_autoptr(Library) library = indexed(&f);
    g_autofree char *file = g_build_filename(f.sounds, "5.wav", NULL);
    g_autoptr(Clip) clip = fixture_clip(&f, library, "5.wav");
    g_autofree float *vector = vector_of(library, query_of(file, NULL), &kind);
    expect_same(library, vector, clip->vector);
    fixture_free(&f);
}

static void terms_that_cancel_out_are_an_error(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    g_autoptr(Query) query = query_of("dog", "-", "dog", NULL);
    g_autofree float *vector = g_new(float, 4096);
    IndexKind kind;
    g_assert_false(library_query_vector(library, query, vector, &kind, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    files_expect_error(&error, "*the terms cancel each other out");
    fixture_free(&f);
}

/* -- searches -- */

static SearchResult *search(Library *library, Query *query, SearchOptions options) {
    g_autoptr(GError) error = NULL;
    SearchResult *result = library_search(library, query, &options, &error);
    g_assert_no_error(error);
    query_free(query);
    return result;
}

static const SearchHit *hit(const SearchResult *result, guint i) {
    g_assert_cmpuint(result->hits->len, >, i);
    return result->hits->pdata[i];
}

static void a_sound_finds_itself_first(void) {
    Fixture f;
    g_autoptr(Library) library = indexed(&f);
    g_autofree char *file = g_build_filename(f.sounds, "0.wav", NULL);
    g_autoptr(Clip) clip = fixture_clip(&f, library, "0.wav");
    SearchOptions options = SEARCH_DEFAULTS;
    g_autoptr(SearchResult) result = search(library, query_of(file, NULL), options);
    g_assert_cmpstr(hit(result, 0)->clip->id, ==, clip->id);
    g_assert_cmpfloat(hit(result, 0)->cosine, >, 0.999);
    fixture_free(&f);
}

static void similar_leaves_the_sound_itself_out(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    g_autoptr(Clip) clip = fixture_clip(&f, library, "3.wav");
    g_autofree char *id = g_strconcat("id:", clip->id, NULL);
    g_autofree char *known = g_build_filename(f.sounds, "3.wav", NULL);
    g_autofree char *copy = fixture_tone(&f, "copy.wav", 0.01 * (3 * 3 + 1), 0.5 + 0.4 * 3);
    const char *const asked[] = {id, known, copy};
    SearchOptions options = SEARCH_DEFAULTS;
    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_autoptr(SearchResult) result = library_similar(library, asked[i], &options, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(result->hits->len, ==, 5);
        for (guint h = 0; h < 5; h++) g_assert_cmpstr(hit(result, h)->clip->id, !=, clip->id);
    }
    fixture_free(&f);
}

static void similar_takes_sounds_that_the_library_does_not_have(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Library) library = indexed(&f);
    g_autofree char *other = fixture_tone(&f, "other.wav", 0.33, 1);
    SearchOptions options = SEARCH_DEFAULTS;
    g_autoptr(SearchResult) result = library_similar(library, other, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(result->hits->len, ==, 6);
    g_assert_null(library_similar(library, "/not/there.wav", &options, &error));
    files_expect_error(&error, "/not/there.wav: no such file");
    fixture_free(&f);
}

static void words_alone_open_no_model(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    Library *writer = indexed(&f);
    fixture_put_tone(&f, "ZebraHoof.wav", 0.5, 0.3);
    IngestReport report = fixture_index(&f, writer, (IngestOptions){0});
    ingest_report_clear(&report);
    library_close(writer);
    g_autoptr(Library) library = fixture_open(&f, STORE_READ, "not-there", &error);
    g_assert_no_error(error);
    SearchOptions options = {.n = 10, .mode = MODE_BM25};
    g_autoptr(SearchResult) result = search(library, query_of("zebra", NULL), options);
    g_assert_cmpuint(result->hits->len, ==, 1);
    fixture_free(&f);
}

static void an_empty_library_finds_nothing(void) {
    Fixture f = fixture_new();
    g_autoptr(Library) library = fixture_library(&f);
    SearchOptions options = SEARCH_DEFAULTS;
    g_autoptr(SearchResult) result = search(library, query_of("dog", NULL), options);
    g_assert_cmpuint(result->hits->len, ==, 0);
    fixture_free(&f);
}

/* -- what match is measured against -- */

static void background_texts_are_kept_in_the_library(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    library_close(indexed(&f));
    g_autoptr(Library) library = fixture_open(&f, STORE_READ, NULL, &error);
    Backend *backend = library_backend(library);
    g_autoptr(GBytes) kept = backend->ops->get(backend, "background.texts.1", NULL);
    g_assert_nonnull(kept);
    const Background *background = library_background(library, &error);
    g_assert_no_error(error);
    g_assert_cmpint(background->texts, >=, 200);
    g_assert_cmpint(background->sounds, ==, 0);
    g_assert_cmpmem(background->text, (gsize)(background->texts * background->dim) * sizeof(float),
                    g_bytes_get_data(kept, NULL), g_bytes_get_size(kept));
    fixture_free(&f);
}

/* A background.safetensors of 2 sounds in f32 and 3 texts in f16; dim columns, or fewer. */
static void put_background(const char *model, int dim, float first) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(model, "background.safetensors", NULL);
    g_autofree float *rows = g_new0(float, (gsize)dim * 5);
    g_autofree uint16_t *halves = g_new(uint16_t, (gsize)dim * 3);
    for (int i = 0; i < 5; i++) rows[i * dim] = first;
    vec_to_half(rows + 2 * dim, halves, (gsize)dim * 3);
    Tensor tensors[] = {
        {"sounds", ST_F32, 2, {2, dim}, rows, sizeof(float) * 2 * (gsize)dim},
        {"texts", ST_F16, 2, {3, dim}, halves, sizeof(uint16_t) * 3 * (gsize)dim},
    };
    const char *const metadata[] = {"slope", "1.25", "middle", "2.5", NULL};
    g_assert_true(safetensors_write(path, tensors, 2, metadata, &error));
    g_assert_no_error(error);
}

static void a_models_own_background_is_taken(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *model = copied_model(&f, false);
    LibraryOptions options = {.models_dir = f.dir, .model = model, .threads = 1};
    g_autoptr(Library) library = library_open(f.where, STORE_CREATE, &options, &error);
    g_assert_no_error(error);
    Engine *engine = library_engine(library, &error);
    g_assert_no_error(error);
    int dim = clap_dim(engine_clap(engine));
    put_background(model, dim + 1, 1);
    g_assert_true(library_bind_model(library, 0, &error));
    g_assert_null(library_background(library, &error));
    files_expect_error(&error, "*background.safetensors: sounds: wants floats *");
    put_background(model, dim, 0);
    g_assert_null(library_background(library, &error));
    files_expect_error(&error, "*background.safetensors: sounds: row 0 is not a vector");
    put_background(model, dim, 3);
    const Background *background = library_background(library, &error);
    g_assert_no_error(error);
    g_assert_cmpint(background->sounds, ==, 2);
    g_assert_cmpint(background->texts, ==, 3);
    g_assert_cmpfloat(background->slope, ==, 1.25);
    g_assert_cmpfloat(background->middle, ==, 2.5);
    g_assert_cmpfloat(background->sound[0], ==, 1);
    g_assert_cmpfloat(background->text[2 * dim], ==, 1);
    g_assert_cmpfloat(background->text[2 * dim + 1], ==, 0);
    fixture_free(&f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/library/a_new_library_without_a_model_asks_for_one",
                    a_new_library_without_a_model_asks_for_one);
    g_test_add_func("/library/a_library_remembers_its_model", a_library_remembers_its_model);
    g_test_add_func("/library/another_model_is_refused_with_the_way_out",
                    another_model_is_refused_with_the_way_out);
    g_test_add_func("/library/the_same_weights_elsewhere_are_the_same_model",
                    the_same_weights_elsewhere_are_the_same_model);
    g_test_add_func("/library/one_changed_weight_makes_another_model",
                    one_changed_weight_makes_another_model);
    g_test_add_func("/library/another_hop_is_refused", another_hop_is_refused);
    g_test_add_func("/library/a_library_beside_another_uses_its_model",
                    a_library_beside_another_uses_its_model);
    g_test_add_func("/library/a_library_beside_another_is_checked_all_the_same",
                    a_library_beside_another_is_checked_all_the_same);
    g_test_add_func("/library/a_model_is_bound_through_the_library_beside",
                    a_model_is_bound_through_the_library_beside);
    g_test_add_func("/library/a_sum_is_the_sum_of_its_unit_vectors",
                    a_sum_is_the_sum_of_its_unit_vectors);
    g_test_add_func("/library/a_files_vector_is_what_was_indexed",
                    a_files_vector_is_what_was_indexed);
    g_test_add_func("/library/terms_that_cancel_out_are_an_error",
                    terms_that_cancel_out_are_an_error);
    g_test_add_func("/library/a_sound_finds_itself_first", a_sound_finds_itself_first);
    g_test_add_func("/library/similar_leaves_the_sound_itself_out",
                    similar_leaves_the_sound_itself_out);
    g_test_add_func("/library/similar_takes_sounds_that_the_library_does_not_have",
                    similar_takes_sounds_that_the_library_does_not_have);
    g_test_add_func("/library/words_alone_open_no_model", words_alone_open_no_model);
    g_test_add_func("/library/an_empty_library_finds_nothing", an_empty_library_finds_nothing);
    g_test_add_func("/library/background_texts_are_kept_in_the_library",
                    background_texts_are_kept_in_the_library);
    g_test_add_func("/library/a_models_own_background_is_taken", a_models_own_background_is_taken);
    return g_test_run();
}
