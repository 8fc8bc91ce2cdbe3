/* Export, import and copy: what comes back is what went out. */
#include "clip_json.h"
#include "error.h"
#include "files.h"
#include "transfer.h"
#include "transfer_record.h"
#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIM 8

static const StoreModel model = {
    .model = (char *)"tiny", .model_sha256 = (char *)"feed", .dim = DIM, .window = 10, .hop = 5};
static const StoreModel other_model = {
    .model = (char *)"other", .model_sha256 = (char *)"beef", .dim = DIM, .window = 10, .hop = 5};

typedef struct {
    char *dir;
    GString *faults;
    int64_t done;
    gint stop;
} Place;

static void setup(Place *place, gconstpointer unused) {
    place->dir = files_dir();
    place->faults = g_string_new(NULL);
}

static void teardown(Place *place, gconstpointer unused) {
    files_remove(place->dir);
    g_string_free(place->faults, TRUE);
}

static void on_fault(void *user, const char *message) {
    g_string_append_printf(((Place *)user)->faults, "%s\n", message);
}

static void on_done(void *user, int64_t clips) {
    ((Place *)user)->done += clips;
}

static Library *open_library(const Place *place, const char *name, const StoreModel *with) {
    GError *error = NULL;
    const LibraryOptions options = {.models_dir = place->dir};
    g_autofree char *path = g_build_filename(place->dir, name, NULL);
    Library *library = library_open(path, STORE_CREATE, &options, &error);
    g_assert_no_error(error);
    Backend *backend = library_backend(library);
    if (with) backend->ops->set_model(backend, with, &error);
    g_assert_no_error(error);
    return library;
}

/* A unit vector that no other content and window has. */
static void make_vector(unsigned content, int window, uint16_t *halves) {
    float vector[DIM];
    for (int i = 0; i < DIM; i++)
        vector[i] = sinf((float)(content * 31 + (unsigned)window * 7 + (unsigned)i + 1));
    vec_normalise(vector, DIM);
    vec_to_half(vector, halves, DIM);
}

static void add_clip(Library *library, unsigned content, const char *path, int windows) {
    GError *error = NULL;
    uint8_t hash[CLIP_HASH] = {(uint8_t)content, (uint8_t)(content >> 8), 0xab};
    const FileStamp stamp = {100 + content, 1700000000123456789 + content, 5 + content};
    g_autoptr(Clip) clip = clip_new(hash);
    g_autofree ClipWindow *spans = g_new(ClipWindow, windows);
    g_autofree uint16_t *vectors = g_new(uint16_t, (windows + 1) * DIM);
    clip->duration = 10.0 * windows + 0.1;
    clip->rate = 44100;
    clip->channels = 2;
    clip->windows = windows;
    clip->added = 1700000000000000 + content;
    clip_add_path(clip, path, &stamp);
    clip_set_field(clip, "title", "the file's", SOURCE_FILE, &error);
    clip_set_field(clip, "title", "\"mine\", \xC3\xA9\n", SOURCE_USER, &error);
    clip_set_field(clip, "genre", "field", SOURCE_META, &error);
    clip_set_field(clip, "genre", NULL, SOURCE_USER, &error);
    clip_set_field(clip, FIELD_TAGS, "rain;wind", SOURCE_META, &error);
    for (int w = 0; w <= windows; w++) make_vector(content, w, vectors + w * DIM);
    for (int w = 0; w < windows; w++) spans[w] = (ClipWindow){w * 5.0, w * 5.0 + 10};
    Backend *backend = library_backend(library);
    backend->ops->add_clip(backend, clip, spans, vectors, vectors + windows * DIM, &error);
    g_assert_no_error(error);
}

/* All of it as lines; the caller frees. */
static char *exported(Library *library, const ExportOptions *options) {
    GError *error = NULL;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    export_run(library, options, out, &error);
    fclose(out);
    g_assert_no_error(error);
    char *lines = g_strdup(text);
    free(text);
    return lines;
}

static const ExportOptions with_vectors = {.vectors = true}, without_vectors = {0};

static TransferReport import_text(Place *place, Library *library, const char *text,
                                  GError **error) {
    TransferReport report;
    const TransferListener listener = {on_fault, on_done, place};
    files_put_text(place->dir, "lines", text);
    g_autofree char *path = g_build_filename(place->dir, "lines", NULL);
    import_run(library, path, &listener, NULL, &report, error);
    return report;
}

static int64_t clips_of(Library *library) {
    GError *error = NULL;
    StoreStats stats;
    Backend *backend = library_backend(library);
    backend->ops->stats(backend, &stats, NULL, &error);
    g_assert_no_error(error);
    return stats.clips;
}

static void fill(Library *library) {
    for (unsigned content = 1; content <= 300; content++) {
        g_autofree char *path = g_strdup_printf("/sounds/%u.wav", content);
        add_clip(library, content, path, 1 + (int)content % 4);
    }
    add_clip(library, 1000, "/sounds/\xFF\n.wav", 1);
}

static void import_makes_what_export_wrote(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", NULL);
    fill(from);
    g_autofree char *lines = exported(from, &with_vectors);
    TransferReport report = import_text(place, to, lines, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(place->faults->str, ==, "");
    g_assert_cmpint(report.added, ==, 301);
    g_assert_cmpint(place->done, ==, 301);
    g_autofree char *again = exported(to, &with_vectors);
    g_assert_cmpstr(again, ==, lines);
    g_assert_cmpfloat(library_backend(to)->ops->model(library_backend(to))->hop, ==, 5);
}

static void import_twice_changes_nothing(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    fill(from);
    g_autofree char *lines = exported(from, &with_vectors);
    TransferReport report = import_text(place, from, lines, &error);
    g_assert_no_error(error);
    g_assert_cmpint(report.unchanged, ==, 301);
    g_assert_cmpint(report.added + report.updated + report.failed, ==, 0);
}

static void import_takes_over_what_was_said_without_vectors(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", &model);
    add_clip(from, 1, "/a.wav", 1);
    add_clip(to, 1, "/a.wav", 1);
    Backend *backend = library_backend(from);
    const Field said[] = {{(char *)"title", (char *)"new", SOURCE_USER},
                          {(char *)FIELD_TAGS, (char *)"storm", SOURCE_USER}};
    g_autoptr(Clip) clip = backend->ops->find(backend, "/a.wav", false, &error);
    uint64_t id = clip_number_of_id(clip->id);
    const FileStamp stamp = {1, 2, 3};
    g_assert_true(backend->ops->set_fields(backend, id, said, 2, &error));
    g_assert_true(backend->ops->set_path(backend, id, "/b.wav", &stamp, &error));
    g_autofree char *lines = exported(from, &without_vectors);
    TransferReport report = import_text(place, to, lines, &error);
    g_assert_no_error(error);
    g_assert_cmpint(report.updated, ==, 1);
    g_autofree char *again = exported(to, &without_vectors);
    g_assert_cmpstr(again, ==, lines);
}

/* A line that is right, with a part of it replaced. */
static char *spoilt(const char *line, const char *part, const char *by) {
    const char *at = strstr(line, part);
    g_assert_nonnull(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - line), line, by, at + strlen(part));
}

static void wrong_lines_are_named_and_the_others_go_in(Place *place, gconstpointer unused) {
    static const struct {
        const char *part, *by, *says;
    } cases[] = {
        {"{", "[", "*:2: not JSON:*"},
        {"\"sha256\":\"", "\"sha256\":\"x", "*:2: no \"sha256\"*"},
        {"\"paths\":[\"/", "\"paths\":[\"", "*:2: \"paths\": 0: no absolute path*"},
        {"\"paths\"", "\"path_\"", "*:2: no \"paths\"*"},
        {"\"duration\":", "\"duration\":-", "*:2: \"duration\"*"},
        {"\"source\":\"user\"", "\"source\":\"cat\"", "*:2: \"said\": *"},
        {"\"name\":\"genre\"", "\"name\":\"a b\"", "*:2: a b: is no name*"},
        {"\"sha256\":\"feed\"", "\"sha256\":\"beef\"", "*:2: made with another model*"},
        {"\"vectors\":[", "\"vectors\":[1,", "*:2: \"vectors\": *"},
        {"\"vectors\"", "\"victors\"", "*:2: a new clip without vectors*"},
        {"\"start\":0.0,", "\"start\":-1,", "*:2: \"vectors\": 0: no start*"},
        {"\"embedding\":[", "\"embedding\":[0.5,", "*:2: an \"embedding\"*"},
        {"\"embedding\":[", "\"embedding\":[\"a\",", "*:2: an \"embedding\"*"},
    };
    g_autoptr(Library) from = open_library(place, "from", &model);
    add_clip(from, 1, "/a.wav", 2);
    g_autofree char *line = exported(from, &with_vectors);
    add_clip(from, 2, "/b.wav", 1);
    add_clip(from, 3, "/c.wav", 1);
    g_autofree char *all = exported(from, &with_vectors);
    const char *others = all + strlen(line);
    const char *last = strchr(others, '\n') + 1;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_autofree char *name = g_strdup_printf("to%zu", i);
        g_autoptr(Library) to = open_library(place, name, &model);
        g_autofree char *bad = spoilt(line, cases[i].part, cases[i].by);
        g_autofree char *text =
            g_strdup_printf("%.*s%s\n\r\n%s", (int)(last - others), others, bad, last);
        g_string_truncate(place->faults, 0);
        TransferReport report = import_text(place, to, text, &error);
        g_assert_no_error(error);
        g_assert_cmpint(report.failed, ==, 1);
        g_assert_cmpint(report.added, ==, 2);
        if (!g_pattern_match_simple(cases[i].says, place->faults->str))
            g_error("case %zu: \"%s\" does not match \"%s\"", i, place->faults->str, cases[i].says);
        g_assert_cmpint(clips_of(to), ==, 2);
    }
}

static void a_clip_twice_in_one_file_is_one_clip(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", NULL);
    add_clip(from, 1, "/a.wav", 2);
    g_autofree char *line = exported(from, &with_vectors);
    g_autofree char *twice = g_strconcat(line, line, NULL);
    TransferReport report = import_text(place, to, twice, &error);
    g_assert_no_error(error);
    g_assert_cmpint(report.added, ==, 1);
    g_assert_cmpint(report.unchanged, ==, 1);
}

static void import_stops_on_request_and_keeps_what_is_in(Place *place, gconstpointer unused) {
    GError *error = NULL;
    TransferReport report;
    gint stop = 1;
    const TransferListener listener = {on_fault, on_done, place};
    g_autoptr(Library) library = open_library(place, "to", NULL);
    files_put_text(place->dir, "lines", "{}\n");
    g_autofree char *path = g_build_filename(place->dir, "lines", NULL);
    g_assert_false(import_run(library, path, &listener, &stop, &report, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    g_clear_error(&error);
}

static void csv_has_a_column_a_field(Place *place, gconstpointer unused) {
    static const ExportOptions csv = {.csv = true};
    g_autoptr(Library) library = open_library(place, "from", &model);
    add_clip(library, 1, "/a,b.wav", 2);
    g_autofree char *text = exported(library, &csv);
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    g_assert_cmpstr(lines[0], ==, "id,path,title,tags,duration,windows,added");
    g_assert_cmpstr(lines[1], ==,
                    "0100ab0000000000,\"/a,b.wav\",\"\"\"mine\"\", \xC3\xA9\",rain;wind,20.1,2,"
                    "2023-11-14T22:13:20.000001Z");
    g_assert_cmpstr(lines[2], ==, "");
}

static TransferReport copy(Place *place, Library *from, Library *to, GError **error) {
    TransferReport report;
    const TransferListener listener = {on_fault, on_done, place};
    copy_run(from, to, &listener, &place->stop, &report, error);
    return report;
}

static void copy_makes_the_same_library(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", NULL);
    fill(from);
    TransferReport report = copy(place, from, to, &error);
    g_assert_no_error(error);
    g_assert_cmpint(report.added, ==, 301);
    g_autofree char *lines = exported(from, &with_vectors);
    g_autofree char *again = exported(to, &with_vectors);
    g_assert_cmpstr(again, ==, lines);
}

static void copy_passes_over_what_is_there_and_leaves_the_rest_alone(Place *place,
                                                                     gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", &model);
    add_clip(from, 1, "/a.wav", 1);
    add_clip(from, 2, "/b.wav", 1);
    add_clip(to, 1, "/a.wav", 1);
    add_clip(to, 9, "/z.wav", 3);
    TransferReport report = copy(place, from, to, &error);
    g_assert_no_error(error);
    g_assert_cmpint(report.added, ==, 1);
    g_assert_cmpint(report.unchanged, ==, 1);
    g_assert_cmpint(clips_of(to), ==, 3);
}

static void a_copy_with_other_vectors_is_noticed(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", &model);
    add_clip(from, 1, "/a.wav", 1);
    add_clip(to, 1, "/a.wav", 2);
    copy(place, from, to, &error);
    files_expect_error(&error, "*: has the same clips, but not the same vectors*");
}

static void libraries_of_other_models_are_refused(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", &other_model);
    add_clip(from, 1, "/a.wav", 1);
    copy(place, from, to, &error);
    files_expect_error(&error, "*: was made with the model other, and * with tiny");
    g_assert_cmpint(clips_of(to), ==, 0);
}

static void copy_stops_on_request(Place *place, gconstpointer unused) {
    GError *error = NULL;
    g_autoptr(Library) from = open_library(place, "from", &model);
    g_autoptr(Library) to = open_library(place, "to", NULL);
    add_clip(from, 1, "/a.wav", 1);
    place->stop = 1;
    copy(place, from, to, &error);
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    g_clear_error(&error);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(Place *place, gconstpointer unused);
    } tests[] = {
#define TEST(name) {"/transfer/" #name, name}
        TEST(import_makes_what_export_wrote),
        TEST(import_twice_changes_nothing),
        TEST(import_takes_over_what_was_said_without_vectors),
        TEST(wrong_lines_are_named_and_the_others_go_in),
        TEST(a_clip_twice_in_one_file_is_one_clip),
        TEST(import_stops_on_request_and_keeps_what_is_in),
        TEST(csv_has_a_column_a_field),
        TEST(copy_makes_the_same_library),
        TEST(copy_passes_over_what_is_there_and_leaves_the_rest_alone),
        TEST(a_copy_with_other_vectors_is_noticed),
        TEST(libraries_of_other_models_are_refused),
        TEST(copy_stops_on_request),
    };
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Place, NULL, setup, tests[i].run, teardown);
    return g_test_run();
}
