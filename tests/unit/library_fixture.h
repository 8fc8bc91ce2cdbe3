/* A folder of sounds and a library beside it, for tests of what indexes and searches. */
#pragma once
#include "ingest.h"

#include "error.h"
#include "wav.h"

#include <math.h>
#include <unistd.h>

typedef struct {
    char *dir, *sounds, *where; /* all of it, the sounds, the library */
} Fixture;

static inline char *fixture_model(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", name, NULL);
}

static inline Fixture fixture_new(void) {
    Fixture f = {.dir = files_dir()};
    f.sounds = g_build_filename(f.dir, "sounds", NULL);
    f.where = g_build_filename(f.dir, "library", NULL);
    g_assert_cmpint(g_mkdir(f.sounds, 0700), ==, 0);
    return f;
}

static inline void fixture_free(Fixture *f) {
    files_remove(f->dir);
    g_free(f->sounds);
    g_free(f->where);
}

/* A tone; the same `pitch` and length are the same content. The caller frees the path. */
static inline char *fixture_tone(const Fixture *f, const char *name, double pitch, double seconds) {
    gsize count = (gsize)(seconds * 48000);
    g_autofree float *samples = g_new(float, count);
    g_autofree char *path = g_build_filename(f->sounds, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    for (gsize i = 0; i < count; i++) samples[i] = (float)(0.3 * sin(pitch * (double)i));
    return wav_write_floats(f->sounds, name, 48000, samples, count);
}

static inline void fixture_put_tone(const Fixture *f, const char *name, double pitch,
                                    double seconds) {
    g_free(fixture_tone(f, name, pitch, seconds));
}

static inline Library *fixture_open(const Fixture *f, StoreMode mode, const char *model,
                                    GError **error) {
    g_autofree char *dir = model ? fixture_model(model) : NULL;
    LibraryOptions options = {.models_dir = f->dir, .model = dir, .threads = 2};
    return library_open(f->where, mode, &options, error);
}

static inline Library *fixture_library(const Fixture *f) {
    g_autoptr(GError) error = NULL;
    Library *library = fixture_open(f, STORE_CREATE, "unfused", &error);
    g_assert_no_error(error);
    return library;
}

static const IngestListener fixture_silent = {0};

/* Indexes the sounds with `options` (its paths are set here). */
static inline IngestReport fixture_index(const Fixture *f, Library *library,
                                         IngestOptions options) {
    g_autoptr(GError) error = NULL;
    IngestReport report = {0};
    const char *const paths[] = {f->sounds, NULL};
    if (!options.paths) options.paths = paths;
    bool done = ingest_run(library, &options, &fixture_silent, &report, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    return report;
}

static inline Clip *fixture_clip(const Fixture *f, Library *library, const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(f->sounds, name, NULL);
    Backend *backend = library_backend(library);
    Clip *clip = backend->ops->find(backend, path, true, &error);
    g_assert_no_error(error);
    return clip;
}

static inline StoreStats fixture_stats(Library *library) {
    g_autoptr(GError) error = NULL;
    StoreStats stats;
    int64_t bytes;
    Backend *backend = library_backend(library);
    g_assert_true(backend->ops->stats(backend, &stats, &bytes, &error));
    g_assert_no_error(error);
    return stats;
}
