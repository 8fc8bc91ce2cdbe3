/* Single changes to a library: what the user says of a clip. */
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

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/library_change/what_the_user_says_counts_and_can_be_taken_back",
                    what_the_user_says_counts_and_can_be_taken_back);
    g_test_add_func("/library_change/a_change_that_cannot_be_made_whole_changes_nothing",
                    a_change_that_cannot_be_made_whole_changes_nothing);
    return g_test_run();
}
