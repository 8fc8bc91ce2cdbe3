/* The pipeline from files to vectors: order, errors in their place, stopping, the same bytes
 * whatever runs beside. */
#include "embedder.h"

#include "error.h"
#include "wav.h"

#include <math.h>

#define FILES 12

typedef struct {
    char *folder;
    char *paths[FILES + 1];
} Sounds;

static Engine *engine_for(const char *model, int threads) {
    g_autoptr(GError) error = NULL;
    g_autofree char *dir =
        g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", model, NULL);
    Engine *engine = engine_open(dir, threads, &error);
    g_assert_no_error(error);
    return engine;
}

/* Tones of different pitch and length: 0.3 s, 0.6 s … up to several windows of the tiny model. */
static void sounds_make(Sounds *sounds, int rate) {
    sounds->folder = files_dir();
    for (int f = 0; f < FILES; f++) {
        gsize count = (gsize)(rate * (f + 1) * 3 / 10);
        g_autofree float *samples = g_new(float, count);
        for (gsize i = 0; i < count; i++)
            samples[i] = (float)(0.3 * sin(0.02 * (f + 1) * (double)i));
        g_autofree char *name = g_strdup_printf("%02d.wav", f);
        sounds->paths[f] = wav_write_floats(sounds->folder, name, rate, samples, count);
    }
    sounds->paths[FILES] = NULL;
}

static void sounds_remove(Sounds *sounds) {
    for (int f = 0; f < FILES; f++) g_free(sounds->paths[f]);
    files_remove(sounds->folder);
}

/* What a run gave, one line a file: name, windows, length, and the bytes of all vectors. */
typedef struct {
    GPtrArray *names;
    GByteArray *bytes;
    int dim, errors, stop_after;
} Seen;

static bool look(void *user, const EmbeddedFile *file) {
    Seen *seen = user;
    gsize row = (gsize)seen->dim * sizeof(float);
    g_ptr_array_add(seen->names, g_path_get_basename(file->path));
    if (file->error) {
        seen->errors++;
        g_assert_cmpint(file->windows, ==, 0);
    } else {
        g_byte_array_append(seen->bytes, (const guint8 *)file->vectors,
                            (guint)((gsize)file->windows * row));
        g_byte_array_append(seen->bytes, (const guint8 *)file->clip, (guint)row);
    }
    return seen->stop_after == 0 || (int)seen->names->len < seen->stop_after;
}

static Seen seen_new(Engine *engine) {
    return (Seen){g_ptr_array_new_with_free_func(g_free), g_byte_array_new(),
                  clap_dim(engine_clap(engine)), 0, 0};
}

static void seen_clear(Seen *seen) {
    g_ptr_array_unref(seen->names);
    g_byte_array_unref(seen->bytes);
}

static Seen run(Engine *engine, const EmbedOptions *options, char **paths) {
    g_autoptr(GError) error = NULL;
    Seen seen = seen_new(engine);
    bool done = embedder_run(engine, options, (const char *const *)paths, g_strv_length(paths),
                             look, &seen, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return seen;
}

static void files_come_in_order_and_the_same_on_any_number_of_threads(gconstpointer model) {
    EmbedOptions options = {0};
    Sounds sounds;
    g_autoptr(Engine) one = engine_for(model, 1);
    g_autoptr(Engine) many = engine_for(model, 7);
    sounds_make(&sounds, 48000);
    Seen first = run(one, &options, sounds.paths), second = run(many, &options, sounds.paths);
    g_assert_cmpuint(first.names->len, ==, FILES);
    for (guint f = 0; f < FILES; f++) {
        g_autofree char *name = g_strdup_printf("%02u.wav", f);
        g_assert_cmpstr(second.names->pdata[f], ==, name);
    }
    g_assert_cmpmem(first.bytes->data, first.bytes->len, second.bytes->data, second.bytes->len);
    seen_clear(&first);
    seen_clear(&second);
    sounds_remove(&sounds);
}

static bool check_windows(void *user, const EmbeddedFile *file) {
    double window = *(double *)user;
    int wanted =
        file->seconds <= window ? 1 : (int)ceil((file->seconds - window) / (window / 2) - 1e-9) + 1;
    g_assert_cmpint(file->windows, ==, wanted);
    g_assert_cmpfloat_with_epsilon(file->spans[0].start, 0, 1e-9);
    g_assert_cmpfloat_with_epsilon(file->spans[file->windows - 1].end, file->seconds, 1e-9);
    return true;
}

static void windows_follow_the_hop_and_end_with_the_clip(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_for("unfused", 2);
    double window = engine_window_seconds(engine);
    EmbedOptions options = {.hop = window / 2};
    Sounds sounds;
    sounds_make(&sounds, 48000);
    g_assert_true(embedder_run(engine, &options, (const char *const *)sounds.paths, FILES,
                               check_windows, &window, &error));
    g_assert_no_error(error);
    sounds_remove(&sounds);
}

static bool expect_short(void *user, const EmbeddedFile *file) {
    bool longer = file->number >= 5; /* (5 + 1) · 0.3 s */
    g_assert_true(longer == g_error_matches(file->error, EARSHOT_ERROR, ERR_LIMIT));
    if (longer) g_assert_true(g_str_has_suffix(file->error->message, ": longer than 1.6 s"));
    g_assert_true(longer == (file->windows == 0));
    ++*(int *)user;
    return true;
}

static void files_that_are_longer_than_the_most_are_given_with_an_error(gconstpointer model) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_for(model, 2);
    EmbedOptions options = {.most_seconds = 1.6};
    g_autofree float *vector = g_new(float, clap_dim(engine_clap(engine)));
    Sounds sounds;
    int seen = 0;
    sounds_make(&sounds, 48000);
    g_assert_true(embedder_run(engine, &options, (const char *const *)sounds.paths, FILES,
                               expect_short, &seen, &error));
    g_assert_no_error(error);
    g_assert_cmpint(seen, ==, FILES);
    g_assert_true(embedder_run_one(engine, sounds.paths[4], &options, vector, &error));
    g_assert_false(embedder_run_one(engine, sounds.paths[5], &options, vector, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    sounds_remove(&sounds);
}

static void a_bad_file_is_given_with_its_error_and_the_rest_goes_on(void) {
    g_autoptr(Engine) engine = engine_for("unfused", 3);
    EmbedOptions options = {0};
    Sounds sounds;
    sounds_make(&sounds, 48000);
    char *paths[] = {sounds.paths[0], (char *)"/nowhere/at/all.wav", sounds.folder, sounds.paths[1],
                     NULL};
    Seen seen = run(engine, &options, paths);
    g_assert_cmpuint(seen.names->len, ==, 4);
    g_assert_cmpint(seen.errors, ==, 2);
    seen_clear(&seen);
    sounds_remove(&sounds);
}

static void a_sink_that_says_no_stops_the_work(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_for("unfused", 2);
    EmbedOptions options = {0};
    Seen seen = seen_new(engine);
    Sounds sounds;
    sounds_make(&sounds, 48000);
    seen.stop_after = 3;
    g_assert_false(embedder_run(engine, &options, (const char *const *)sounds.paths, FILES, look,
                                &seen, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    g_assert_cmpuint(seen.names->len, ==, 3);
    seen_clear(&seen);
    sounds_remove(&sounds);
}

static void a_stop_flag_ends_it_with_cancelled(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_for("unfused", 2);
    gint stop = 1;
    EmbedOptions options = {.stop = &stop};
    Seen seen = seen_new(engine);
    Sounds sounds;
    sounds_make(&sounds, 48000);
    g_assert_false(embedder_run(engine, &options, (const char *const *)sounds.paths, FILES, look,
                                &seen, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    seen_clear(&seen);
    sounds_remove(&sounds);
}

static bool check_fused(void *user, const EmbeddedFile *file) {
    int dim = *(int *)user;
    double length = 0;
    for (int i = 0; i < dim; i++) length += (double)file->clip[i] * (double)file->clip[i];
    g_assert_cmpfloat_with_epsilon(length, 1, 1e-5);
    g_assert_cmpint(file->windows, ==, 0);
    return true;
}

static void a_fused_clip_alone_needs_no_windows(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Engine) engine = engine_for("fused", 2);
    int dim = clap_dim(engine_clap(engine));
    EmbedOptions options = {.clip_only = true};
    Sounds sounds;
    sounds_make(&sounds, 48000);
    g_assert_true(embedder_run(engine, &options, (const char *const *)sounds.paths, FILES,
                               check_fused, &dim, &error));
    g_assert_no_error(error);
    sounds_remove(&sounds);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/embedder/files_come_in_order_and_the_same_on_any_number_of_threads",
                         "unfused", files_come_in_order_and_the_same_on_any_number_of_threads);
    g_test_add_data_func(
        "/embedder/fused_files_come_in_order_and_the_same_on_any_number_of_threads", "fused",
        files_come_in_order_and_the_same_on_any_number_of_threads);
    g_test_add_func("/embedder/windows_follow_the_hop_and_end_with_the_clip",
                    windows_follow_the_hop_and_end_with_the_clip);
    g_test_add_data_func("/embedder/files_that_are_longer_than_the_most_are_given_with_an_error",
                         "unfused", files_that_are_longer_than_the_most_are_given_with_an_error);
    g_test_add_data_func("/embedder/longer_files_are_given_with_an_error_by_fused_models", "fused",
                         files_that_are_longer_than_the_most_are_given_with_an_error);
    g_test_add_func("/embedder/a_bad_file_is_given_with_its_error_and_the_rest_goes_on",
                    a_bad_file_is_given_with_its_error_and_the_rest_goes_on);
    g_test_add_func("/embedder/a_sink_that_says_no_stops_the_work",
                    a_sink_that_says_no_stops_the_work);
    g_test_add_func("/embedder/a_stop_flag_ends_it_with_cancelled",
                    a_stop_flag_ends_it_with_cancelled);
    g_test_add_func("/embedder/a_fused_clip_alone_needs_no_windows",
                    a_fused_clip_alone_needs_no_windows);
    return g_test_run();
}
