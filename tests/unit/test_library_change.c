/* Single changes to a library: a file that is added, what the user says of a clip. */
#include "library_change.h"

#include "library_fixture.h"

/* A library of one sound. */
static Library *with_one(Fixture *f, Clip **clip) {
    *f = fixture_new();
    fixture_put_tone(f, "a.wav", 0.05, 0.4);
    Library *library = fixture_library(f);
    const char *const tags[] = {"indexed", NULL};
    IngestReport report = fixture_index(f, library, (IngestOptions){.tags = tags});
    ingest_report_clear(&report);
    *clip = fixture_clip(f, library, "a.wav");
    return library;
}

static Clip *clip_now(Library *library, uint64_t id) {
    g_autoptr(GError) error = NULL;
    Backend *backend = library_backend(library);
    Clip *clip = backend->ops->clip(backend, id, false, &error);
    g_assert_no_error(error);
    return clip;
}

static void what_the_user_says_counts_and_can_be_taken_back(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Clip) clip = NULL;
    g_autoptr(Library) library = with_one(&f, &clip);
    uint64_t id = clip_number_of_id(clip->id);
    Field fields[] = {{(char *)"title", (char *)"Whistle", SOURCE_FILE},
                      {(char *)"tag", (char *)"high;thin", SOURCE_META}};
    g_assert_true(library_edit(library, id, fields, 2, NULL, &error));
    g_assert_no_error(error);
    g_autoptr(Clip) edited = clip_now(library, id);
    g_assert_cmpstr(clip_title(edited), ==, "Whistle");
    g_assert_cmpuint(edited->tags->len, ==, 2);
    g_assert_cmpstr(edited->tags->pdata[1], ==, "thin");
    for (guint i = 0; i < edited->fields->len; i++) {
        const Field *said = edited->fields->pdata[i];
        bool ours = strcmp(said->value, "indexed") != 0;
        g_assert_cmpint(said->source, ==, ours ? SOURCE_USER : SOURCE_META);
    }
    char *unset[] = {(char *)"Title", (char *)"tag", NULL};
    g_assert_true(library_edit(library, id, NULL, 0, unset, &error));
    g_autoptr(Clip) back = clip_now(library, id);
    g_assert_cmpstr(clip_title(back), ==, "a");
    g_assert_cmpstr(back->tags->pdata[0], ==, "indexed");
    fixture_free(&f);
}

static void a_change_that_cannot_be_made_whole_changes_nothing(void) {
    Fixture f;
    g_autoptr(GError) error = NULL;
    g_autoptr(Clip) clip = NULL;
    g_autoptr(Library) library = with_one(&f, &clip);
    uint64_t id = clip_number_of_id(clip->id);
    Field good = {(char *)"title", (char *)"Whistle", SOURCE_USER};
    char *fact[] = {(char *)"duration", NULL};
    g_assert_false(library_edit(library, id, &good, 1, fact, &error));
    files_expect_error(&error, "duration: follows from the file, and cannot be edited");
    Field bad[] = {good, {(char *)"a name", (char *)"x", SOURCE_USER}};
    g_assert_false(library_edit(library, id, bad, 2, NULL, &error));
    files_expect_error(&error, "a name: is no name of a field *");
    g_autofree Field *many = g_new0(Field, CLIP_MAX_FIELDS + 1);
    for (int i = 0; i <= CLIP_MAX_FIELDS; i++)
        many[i] = (Field){g_strdup_printf("field%d", i), (char *)"x", SOURCE_USER};
    g_assert_false(library_edit(library, id, many, CLIP_MAX_FIELDS + 1, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    for (int i = 0; i <= CLIP_MAX_FIELDS; i++) g_free(many[i].name);
    g_assert_false(library_edit(library, id ^ 1, &good, 1, NULL, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_autoptr(Clip) same = clip_now(library, id);
    g_assert_cmpuint(same->fields->len, ==, clip->fields->len);
    g_assert_cmpstr(clip_title(same), ==, "a");
    fixture_free(&f);
}

/* -- adding -- */

static Library *reader_of(const Fixture *f) {
    g_autoptr(GError) error = NULL;
    Library *reader = fixture_open(f, STORE_READ, "unfused", &error);
    g_assert_no_error(error);
    return reader;
}

static Library *writer_beside(const Fixture *f, Library *reader) {
    g_autoptr(GError) error = NULL;
    LibraryOptions options = {.models_dir = f->dir, .beside = reader, .threads = 2};
    Library *writer = library_open(f->where, STORE_WRITE, &options, &error);
    g_assert_no_error(error);
    return writer;
}

static Clip *added(Library *library, const AddOptions *options, bool expect_known) {
    g_autoptr(GError) error = NULL;
    Clip *clip;
    bool known = !expect_known;
    g_assert_true(library_add_file(library, options, &clip, &known, &error));
    g_assert_no_error(error);
    g_assert_true(known == expect_known);
    return clip;
}

static void expect_first(Library *library, const char *query, SearchMode mode, const Clip *clip) {
    g_autoptr(GError) error = NULL;
    SearchOptions how = SEARCH_DEFAULTS;
    how.mode = mode;
    const char *const args[] = {query, NULL};
    g_autoptr(Query) parsed = query_parse(args, &error);
    g_autoptr(SearchResult) result = library_search(library, parsed, &how, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(result->hits->len, >, 0);
    const SearchHit *hit = result->hits->pdata[0];
    g_assert_cmpstr(hit->clip->id, ==, clip->id);
}

static void an_added_file_is_found_at_once_with_its_fields(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    library_close(fixture_open(&f, STORE_CREATE, NULL, &error)); /* without a model as yet */
    g_autoptr(Library) reader = reader_of(&f);
    const double pitches[] = {0.02, 0.09, 0.3};
    for (int i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("%d.wav", i);
        g_autofree char *title = g_strdup_printf("zebra%d", i);
        g_autofree char *path = fixture_tone(&f, name, pitches[i], 1.5);
        Field fields[] = {{(char *)"title", title, SOURCE_FILE},
                          {(char *)"Tag", (char *)"one;two", SOURCE_META}};
        g_autoptr(Library) writer = writer_beside(&f, reader);
        g_autoptr(Clip) clip =
            added(writer, &(AddOptions){.path = path, .fields = fields, .count = 2}, false);
        g_assert_cmpstr(clip_title(clip), ==, title);
        g_assert_cmpuint(clip->tags->len, ==, 2);
        g_assert_cmpfloat_with_epsilon(clip->duration, 1.5, 1e-6);
        g_assert_cmpint(((const Field *)clip->fields->pdata[0])->source, ==, SOURCE_USER);
        expect_first(reader, title, MODE_BM25, clip);
        expect_first(reader, path, MODE_VECTOR, clip);
    }
    g_assert_cmpint(fixture_stats(reader).clips, ==, 3);
    fixture_free(&f);
}

static void an_added_file_is_what_indexing_would_have_made_of_it(void) {
    Fixture f = fixture_new(), other = fixture_new();
    g_autofree char *tone =
        g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "audio", "tone.flac", NULL);
    g_autoptr(Library) indexed = fixture_library(&f), library = fixture_library(&other);
    const char *const paths[] = {tone, NULL};
    IngestReport report = fixture_index(&f, indexed, (IngestOptions){.paths = paths});
    ingest_report_clear(&report);
    g_autoptr(Clip) clip = added(library, &(AddOptions){.path = tone}, false);
    Backend *backend = library_backend(library);
    g_autoptr(Clip) wanted =
        backend->ops->clip(library_backend(indexed), clip_number_of_id(clip->id), true, NULL);
    g_autoptr(Clip) whole = backend->ops->clip(backend, clip_number_of_id(clip->id), true, NULL);
    g_assert_cmpstr(clip->id, ==, wanted->id);
    g_assert_cmpint(clip->windows, ==, wanted->windows);
    g_assert_cmpint(clip->rate, ==, wanted->rate);
    g_assert_cmpstr(clip_field(clip, "artist"), ==, "Nobody");
    g_assert_cmpuint(clip->fields->len, ==, wanted->fields->len);
    gsize dim = (gsize)backend->ops->model(backend)->dim;
    g_assert_cmpmem(whole->vector, dim * sizeof(float), wanted->vector, dim * sizeof(float));
    report = fixture_index(&other, library, (IngestOptions){.paths = paths});
    g_assert_cmpint(report.unchanged, ==, 1); /* its stamp is known */
    ingest_report_clear(&report);
    fixture_free(&f);
    fixture_free(&other);
}

static void known_content_is_given_as_it_is(void) {
    Fixture f;
    g_autoptr(Clip) clip = NULL;
    g_autoptr(Library) library = with_one(&f, &clip);
    g_autofree char *copy = fixture_tone(&f, "copy.wav", 0.05, 0.4);
    Field field = {(char *)"title", (char *)"Other", SOURCE_USER};
    AddOptions options = {.path = copy, .fields = &field, .count = 1, .most_seconds = 0.1};
    g_autoptr(Clip) there = added(library, &options, true);
    g_assert_cmpstr(there->id, ==, clip->id);
    g_assert_cmpuint(there->paths->len, ==, 1);
    g_assert_cmpstr(clip_title(there), ==, "a");
    fixture_free(&f);
}

static void expect_add_error(Library *library, AddOptions options, ErrorCode code,
                             const char *pattern) {
    g_autoptr(GError) error = NULL;
    Clip *clip = (Clip *)library;
    bool known;
    g_assert_false(library_add_file(library, &options, &clip, &known, &error));
    g_assert_null(clip);
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    files_expect_error(&error, pattern);
}

static void a_file_that_cannot_be_added_leaves_nothing(void) {
    Fixture f;
    g_autoptr(Clip) clip = NULL;
    g_autoptr(Library) library = with_one(&f, &clip);
    g_autofree char *tone = fixture_tone(&f, "long.wav", 0.07, 2);
    g_autofree char *text = g_build_filename(f.sounds, "text.wav", NULL);
    files_put_text(f.sounds, "text.wav", "no sound");
    const gint stop = 1;
    Field fact = {(char *)"duration", (char *)"3", SOURCE_USER};
    Field bad = {(char *)"a b", (char *)"3", SOURCE_USER};
    expect_add_error(library, (AddOptions){.path = text}, ERR_FORMAT, "*text.wav: is not a sound*");
    expect_add_error(library, (AddOptions){.path = "/not/there.wav"}, ERR_NOT_FOUND,
                     "/not/there.wav: no such file");
    expect_add_error(library, (AddOptions){.path = tone, .most_seconds = 1.9}, ERR_LIMIT,
                     "*long.wav: longer than 1.9 s");
    expect_add_error(library, (AddOptions){.path = tone, .stop = &stop}, ERR_CANCELLED, "*");
    expect_add_error(library, (AddOptions){.path = tone, .fields = &fact, .count = 1}, ERR_USAGE,
                     "duration: follows from the file*");
    expect_add_error(library, (AddOptions){.path = tone, .fields = &bad, .count = 1}, ERR_USAGE,
                     "a b: is no name of a field*");
    StoreStats stats = fixture_stats(library);
    g_assert_cmpint(stats.clips, ==, 1);
    g_assert_cmpint(stats.paths, ==, 1);
    g_assert_cmpint(stats.failed, ==, 0);
    g_autoptr(Library) reader = reader_of(&f);
    expect_add_error(reader, (AddOptions){.path = tone}, ERR_DENIED,
                     "*: the library is open for *");
    fixture_free(&f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/library_change/what_the_user_says_counts_and_can_be_taken_back",
                    what_the_user_says_counts_and_can_be_taken_back);
    g_test_add_func("/library_change/a_change_that_cannot_be_made_whole_changes_nothing",
                    a_change_that_cannot_be_made_whole_changes_nothing);
    g_test_add_func("/library_change/an_added_file_is_found_at_once_with_its_fields",
                    an_added_file_is_found_at_once_with_its_fields);
    g_test_add_func("/library_change/an_added_file_is_what_indexing_would_have_made_of_it",
                    an_added_file_is_what_indexing_would_have_made_of_it);
    g_test_add_func("/library_change/known_content_is_given_as_it_is",
                    known_content_is_given_as_it_is);
    g_test_add_func("/library_change/a_file_that_cannot_be_added_leaves_nothing",
                    a_file_that_cannot_be_added_leaves_nothing);
    return g_test_run();
}
