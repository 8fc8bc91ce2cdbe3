/* Folders become clips once, whatever is done to their files in between. */
#include "library_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The counts of a report as one line; the report is cleared. */
static char *counts(IngestReport report) {
    char *line = g_strdup_printf(
        "added %d changed %d moved %d copied %d unchanged %d removed %d failed %u before %d",
        (int)report.added, (int)report.changed, (int)report.moved, (int)report.copied,
        (int)report.unchanged, (int)report.removed, report.failed->len, (int)report.failed_before);
    ingest_report_clear(&report);
    return line;
}

typedef struct {
    int added, changed, moved, copied, unchanged, removed, failed, before;
} Counts;

static char *counts_of(Counts c) {
    IngestReport report = {.added = c.added,
                           .changed = c.changed,
                           .moved = c.moved,
                           .copied = c.copied,
                           .unchanged = c.unchanged,
                           .removed = c.removed,
                           .failed_before = c.before};
    report.failed = g_ptr_array_new();
    g_ptr_array_set_size(report.failed, c.failed);
    return counts(report);
}

/* The report is cleared. */
static void expect_counts(IngestReport report, Counts wanted) {
    g_autofree char *got = counts(report), *text = counts_of(wanted);
    g_assert_cmpstr(got, ==, text);
}

static void put_three(const Fixture *f) {
    fixture_put_tone(f, "a.wav", 0.02, 0.4);
    fixture_put_tone(f, "b.wav", 0.03, 0.9);
    fixture_put_tone(f, "sub/c.wav", 0.05, 2.3);
}

static void rename_in(const Fixture *f, const char *from, const char *to) {
    g_autofree char *a = g_build_filename(f->sounds, from, NULL);
    g_autofree char *b = g_build_filename(f->sounds, to, NULL);
    g_assert_cmpint(g_rename(a, b), ==, 0);
}

static void remove_in(const Fixture *f, const char *name) {
    g_autofree char *path = g_build_filename(f->sounds, name, NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
}

static void a_second_run_finds_nothing_to_do(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.unchanged = 3});
    g_autoptr(Clip) clip = fixture_clip(&f, library, "sub/c.wav");
    g_assert_cmpfloat_with_epsilon(clip->duration, 2.3, 1e-4);
    g_assert_cmpint(clip->rate, ==, 48000);
    g_assert_cmpint(clip->channels, ==, 1);
    g_assert_cmpint(clip->windows, >, 1);
    fixture_free(&f);
}

static void a_run_without_news_writes_nothing(void) {
    Fixture f = fixture_new();
    put_three(&f);
    const char *const tags[] = {"x", NULL};
    g_autofree char *meta = g_build_filename(f.sounds, "labels.csv", NULL);
    files_put_text(f.sounds, "labels.csv", "path,title,tags\na.wav,A,t\n");
    IngestOptions how = {.tags = tags, .meta = meta};
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, how), (Counts){.added = 3});
    g_autofree char *db = g_build_filename(f.where, STORE_FILE, NULL);
    g_autofree char *log = g_strconcat(db, "-wal", NULL);
    struct stat before[2], after[2];
    g_assert_true(stat(db, &before[0]) == 0 && stat(log, &before[1]) == 0);
    expect_counts(fixture_index(&f, library, how), (Counts){.unchanged = 3});
    g_assert_true(stat(db, &after[0]) == 0 && stat(log, &after[1]) == 0);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(before[i].st_size, ==, after[i].st_size);
        g_assert_cmpint(before[i].st_mtim.tv_nsec, ==, after[i].st_mtim.tv_nsec);
    }
    fixture_free(&f);
}

static void moved_and_copied_files_are_known_by_content(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    g_autoptr(Clip) before = fixture_clip(&f, library, "a.wav");
    rename_in(&f, "a.wav", "sub/moved.wav");
    fixture_put_tone(&f, "copy.wav", 0.03, 0.9);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.moved = 1, .copied = 1, .unchanged = 2});
    g_autoptr(Clip) moved = fixture_clip(&f, library, "sub/moved.wav");
    g_autoptr(Clip) copied = fixture_clip(&f, library, "copy.wav");
    g_assert_cmpstr(moved->id, ==, before->id);
    g_assert_cmpint(moved->paths->len, ==, 1);
    g_assert_cmpint(copied->paths->len, ==, 2);
    g_assert_cmpint(fixture_stats(library).clips, ==, 3);
    fixture_free(&f);
}

static void copies_that_come_together_are_one_clip(void) {
    Fixture f = fixture_new();
    for (int i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("%02d.wav", i);
        fixture_put_tone(&f, name, 0.04, 0.5);
    }
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.added = 1, .copied = 19});
    g_assert_cmpint(fixture_stats(library).clips, ==, 1);
    g_assert_cmpint(fixture_stats(library).paths, ==, 20);
    fixture_free(&f);
}

static void a_changed_file_is_done_again(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    fixture_put_tone(&f, "a.wav", 0.07, 0.8);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.changed = 1, .unchanged = 2});
    g_autoptr(Clip) clip = fixture_clip(&f, library, "a.wav");
    g_assert_cmpfloat_with_epsilon(clip->duration, 0.8, 1e-4);
    g_assert_cmpint(fixture_stats(library).clips, ==, 3);
    fixture_free(&f);
}

static void a_touched_file_is_unchanged(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    g_autofree char *path = g_build_filename(f.sounds, "a.wav", NULL);
    struct timespec old[2] = {{1000000000, 5}, {1000000000, 5}}; /* the clock went backwards */
    g_assert_cmpint(utimensat(AT_FDCWD, path, old, 0), ==, 0);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.unchanged = 3});
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.unchanged = 3});
    fixture_free(&f);
}

static void failures_are_kept_and_not_tried_again(void) {
    Fixture f = fixture_new();
    put_three(&f);
    files_put_text(f.sounds, "bad.wav", "this is no sound");
    files_put_text(f.sounds, "empty.wav", "");
    files_put_text(f.sounds, "empty2.wav", "");
    g_autoptr(Library) library = fixture_library(&f);
    IngestReport report = fixture_index(&f, library, (IngestOptions){0});
    const IngestFailure *bad = report.failed->pdata[0];
    g_assert_true(g_str_has_suffix(bad->path, "/bad.wav"));
    g_assert_cmpstr(bad->error, ==, "is not a sound file");
    expect_counts(report, (Counts){.added = 3, .failed = 3});
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.unchanged = 3, .before = 3});
    expect_counts(fixture_index(&f, library, (IngestOptions){.retry_failed = true}),
                  (Counts){.unchanged = 3, .failed = 3});
    fixture_put_tone(&f, "bad.wav", 0.09, 0.3);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.added = 1, .unchanged = 3, .before = 2});
    g_assert_cmpint(fixture_stats(library).failed, ==, 2);
    fixture_free(&f);
}

static void prune_forgets_what_is_gone_and_nothing_else(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    remove_in(&f, "sub/c.wav");
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.unchanged = 2});
    g_assert_cmpint(fixture_stats(library).clips, ==, 3);
    const char *const none[] = {"a.wav", NULL};
    expect_counts(fixture_index(&f, library, (IngestOptions){.prune = true, .exclude = none}),
                  (Counts){.unchanged = 1, .removed = 1});
    g_assert_cmpint(fixture_stats(library).clips, ==, 2);
    fixture_free(&f);
}

static void an_empty_root_forgets_nothing(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    g_autofree char *aside = g_build_filename(f.dir, "aside", NULL);
    g_assert_cmpint(g_rename(f.sounds, aside), ==, 0);
    g_assert_cmpint(g_mkdir(f.sounds, 0700), ==, 0);
    expect_counts(fixture_index(&f, library, (IngestOptions){.prune = true}),
                  (Counts){.failed = 1});
    g_assert_cmpint(fixture_stats(library).clips, ==, 3);
    fixture_free(&f);
}

static void a_root_that_is_not_there_is_an_error(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    IngestReport report = {0};
    const char *const paths[] = {"/not/there", NULL}, *const two[] = {"/not/there", f.sounds, NULL};
    IngestOptions how = {.paths = paths, .prune = true};
    g_assert_false(ingest_run(library, &how, &fixture_silent, &report, &error));
    files_expect_error(&error, "/not/there: no such file");
    ingest_report_clear(&report);
    expect_counts(fixture_index(&f, library, (IngestOptions){.paths = two}),
                  (Counts){.added = 3, .failed = 1});
    fixture_free(&f);
}

static void a_dry_run_counts_and_changes_nothing(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    rename_in(&f, "a.wav", "z.wav");
    remove_in(&f, "b.wav");
    fixture_put_tone(&f, "new.wav", 0.08, 0.5);
    fixture_put_tone(&f, "new2.wav", 0.08, 0.5);
    IngestOptions how = {.dry_run = true, .prune = true};
    Counts wanted = {.added = 1, .moved = 1, .copied = 1, .unchanged = 1, .removed = 2};
    expect_counts(fixture_index(&f, library, how), wanted);
    expect_counts(fixture_index(&f, library, how), wanted);
    g_assert_cmpint(fixture_stats(library).paths, ==, 3);
    fixture_free(&f);
}

static void label_files_speak_of_known_clips_too(void) {
    Fixture f = fixture_new();
    put_three(&f);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 3});
    files_put_text(f.dir, "labels.csv", "file,title,category,mood\na.wav,First,dog_bark,calm\n");
    g_autofree char *meta = g_build_filename(f.dir, "labels.csv", NULL);
    const char *const tags[] = {"field", NULL};
    expect_counts(fixture_index(&f, library, (IngestOptions){.meta = meta}),
                  (Counts){.unchanged = 3});
    expect_counts(fixture_index(&f, library, (IngestOptions){.tags = tags}),
                  (Counts){.unchanged = 3});
    g_autoptr(Clip) a = fixture_clip(&f, library, "a.wav");
    g_autoptr(Clip) b = fixture_clip(&f, library, "b.wav");
    g_assert_cmpstr(clip_title(a), ==, "First");
    g_assert_cmpstr(clip_field(a, "mood"), ==, "calm");
    g_assert_cmpint(a->tags->len, ==, 2);
    g_assert_cmpstr(a->tags->pdata[0], ==, "dog bark");
    g_assert_cmpstr(a->tags->pdata[1], ==, "field");
    g_assert_cmpint(b->tags->len, ==, 1);
    fixture_free(&f);
}

/* Stops when the first file is done. */
static void stop_now(void *user, const char *path) {
    g_atomic_int_set((gint *)user, 1);
}

static void an_interrupted_run_keeps_what_is_finished_and_goes_on(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 40; i++) {
        g_autofree char *name = g_strdup_printf("%02d.wav", i);
        fixture_put_tone(&f, name, 0.01 + 0.002 * i, 1.5);
    }
    g_autoptr(Library) library = fixture_library(&f);
    gint stop = 0;
    IngestReport report = {0};
    const char *const paths[] = {f.sounds, NULL};
    IngestOptions how = {.paths = paths, .stop = &stop};
    IngestListener listener = {.done = stop_now, .user = &stop};
    g_assert_false(ingest_run(library, &how, &listener, &report, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    int64_t kept = fixture_stats(library).clips;
    g_assert_cmpint(kept, >=, 1);
    g_assert_cmpint(kept, ==, report.added);
    g_assert_cmpint(kept, <, 40);
    ingest_report_clear(&report);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}),
                  (Counts){.added = 40 - (int)kept, .unchanged = (int)kept});
    fixture_free(&f);
}

/* A file that grows whenever it is told of; here, by the listener of another file's end. */
typedef struct {
    char *path;
} Grower;

static void grow(void *user, const char *path) {
    FILE *file = fopen(((Grower *)user)->path, "ab");
    g_assert_nonnull(file);
    fputc(0, file);
    fclose(file);
}

static void a_file_that_keeps_changing_is_a_failure_that_is_not_remembered(void) {
    Fixture f = fixture_new();
    g_autoptr(GError) error = NULL;
    fixture_put_tone(&f, "a.wav", 0.02, 0.4);
    g_autofree char *growing = fixture_tone(&f, "z.wav", 0.03, 3);
    g_autoptr(Library) library = fixture_library(&f);
    Grower grower = {growing};
    IngestReport report = {0};
    const char *const paths[] = {f.sounds, NULL};
    IngestOptions how = {.paths = paths, .jobs = 1};
    IngestListener listener = {.done = grow, .user = &grower};
    g_assert_true(ingest_run(library, &how, &listener, &report, &error));
    g_assert_no_error(error);
    g_assert_cmpint(report.added + report.failed->len, ==, 2);
    ingest_report_clear(&report);
    report = fixture_index(&f, library, (IngestOptions){0});
    g_assert_cmpint(report.failed->len + (guint)report.failed_before, ==, 0);
    ingest_report_clear(&report);
    g_assert_cmpint(fixture_stats(library).clips, ==, 2);
    fixture_free(&f);
}

static void names_of_any_bytes_are_kept(void) {
    Fixture f = fixture_new();
    fixture_put_tone(&f, "\xFF\xFE\n'\".wav", 0.02, 0.4);
    g_autoptr(Library) library = fixture_library(&f);
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.added = 1});
    expect_counts(fixture_index(&f, library, (IngestOptions){0}), (Counts){.unchanged = 1});
    g_autoptr(Clip) clip = fixture_clip(&f, library, "\xFF\xFE\n'\".wav");
    g_assert_true(g_str_has_suffix(clip_path(clip), "/\xFF\xFE\n'\".wav"));
    fixture_free(&f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ingest/a_second_run_finds_nothing_to_do", a_second_run_finds_nothing_to_do);
    g_test_add_func("/ingest/a_run_without_news_writes_nothing", a_run_without_news_writes_nothing);
    g_test_add_func("/ingest/moved_and_copied_files_are_known_by_content",
                    moved_and_copied_files_are_known_by_content);
    g_test_add_func("/ingest/copies_that_come_together_are_one_clip",
                    copies_that_come_together_are_one_clip);
    g_test_add_func("/ingest/a_changed_file_is_done_again", a_changed_file_is_done_again);
    g_test_add_func("/ingest/a_touched_file_is_unchanged", a_touched_file_is_unchanged);
    g_test_add_func("/ingest/failures_are_kept_and_not_tried_again",
                    failures_are_kept_and_not_tried_again);
    g_test_add_func("/ingest/prune_forgets_what_is_gone_and_nothing_else",
                    prune_forgets_what_is_gone_and_nothing_else);
    g_test_add_func("/ingest/an_empty_root_forgets_nothing", an_empty_root_forgets_nothing);
    g_test_add_func("/ingest/a_root_that_is_not_there_is_an_error",
                    a_root_that_is_not_there_is_an_error);
    g_test_add_func("/ingest/a_dry_run_counts_and_changes_nothing",
                    a_dry_run_counts_and_changes_nothing);
    g_test_add_func("/ingest/label_files_speak_of_known_clips_too",
                    label_files_speak_of_known_clips_too);
    g_test_add_func("/ingest/an_interrupted_run_keeps_what_is_finished_and_goes_on",
                    an_interrupted_run_keeps_what_is_finished_and_goes_on);
    g_test_add_func("/ingest/a_file_that_keeps_changing_is_a_failure_that_is_not_remembered",
                    a_file_that_keeps_changing_is_a_failure_that_is_not_remembered);
    g_test_add_func("/ingest/names_of_any_bytes_are_kept", names_of_any_bytes_are_kept);
    return g_test_run();
}
