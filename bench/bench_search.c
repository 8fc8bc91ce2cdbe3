/* How long is a whole search in process, the query's vector given? Makes a library of synthetic
 * vectors (clusters of unequal size, one shared mean) and titles and descriptions of
 * Zipf-distributed words, settles it, and times searches of every mode.
 *
 *     bench_search [WINDOWS=100000] [WINDOWS_PER_CLIP=2] [DIR]      medians and best of many, in
 * milliseconds
 *
 * DIR is kept, and used again when it holds a library. */
#include "local.h"
#include "search.h"
#include "vec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIM      512
#define CLUSTERS 3000
#define SEARCHES 200

typedef struct {
    float (*centres)[DIM];
    float text[DIM];
    GRand *random;
} Space;

static void fail_on(GError *error) {
    if (!error) return;
    fprintf(stderr, "bench_search: %s\n", error->message);
    exit(1);
}

static float normal(GRand *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += g_rand_double(random);
    return (float)sum;
}

/* A unit vector of decaying spectrum around `mean`. */
static void draw(GRand *random, const float *mean, float share, float *out) {
    for (int i = 0; i < DIM; i++) out[i] = normal(random) / sqrtf(1 + 0.02f * (float)i);
    vec_normalise(out, DIM);
    for (int i = 0; i < DIM; i++) out[i] = share * mean[i] + sqrtf(1 - share * share) * out[i];
    vec_normalise(out, DIM);
}

static Space *space_new(void) {
    Space *space = g_new0(Space, 1);
    float origin[DIM] = {0}, mean[DIM];
    space->random = g_rand_new_with_seed(1);
    space->centres = g_malloc(sizeof(float[CLUSTERS][DIM]));
    draw(space->random, origin, 0, mean);
    draw(space->random, origin, 0, space->text);
    for (int i = 0; i < CLUSTERS; i++) draw(space->random, mean, 0.5f, space->centres[i]);
    return space;
}

/* Of n, with sizes ~ rank^-0.8. */
static int zipf(GRand *random, int n) {
    return (int)(n * pow(g_rand_double(random), 5)) % n;
}

static void draw_sound(Space *space, int cluster, float *out) {
    draw(space->random, space->centres[cluster],
         (float)g_rand_double_range(space->random, 0.77, 0.97), out);
}

static void draw_text(Space *space, float *out) {
    float about[DIM];
    const float *centre = space->centres[zipf(space->random, CLUSTERS)];
    for (int i = 0; i < DIM; i++) about[i] = 0.6f * centre[i] + 0.8f * space->text[i];
    vec_normalise(about, DIM);
    draw(space->random, about, 0.8f, out);
}

static char *draw_words(GRand *random, int count) {
    GString *text = g_string_new(NULL);
    for (int i = 0; i < count; i++) g_string_append_printf(text, "w%d ", zipf(random, 20000));
    return g_string_free(text, FALSE);
}

static void add_clip(Backend *backend, Space *space, int number, int windows) {
    uint8_t hash[CLIP_HASH];
    for (int i = 0; i < CLIP_HASH; i++) hash[i] = (uint8_t)g_rand_int(space->random);
    g_autoptr(Clip) clip = clip_new(hash);
    g_autofree char *path = g_strdup_printf("/sounds/%d/%d.wav", number % 100, number);
    g_autofree char *title = draw_words(space->random, 3), *about = draw_words(space->random, 10);
    g_autofree ClipWindow *spans = g_new(ClipWindow, windows);
    g_autofree uint16_t *halves = g_new(uint16_t, (gsize)windows * DIM);
    int cluster = zipf(space->random, CLUSTERS);
    float vector[DIM];
    for (int w = 0; w < windows; w++) {
        spans[w] = (ClipWindow){10.0 * w, 10.0 * (w + 1)};
        draw_sound(space, cluster, vector);
        vec_to_half(vector, halves + (gsize)w * DIM, DIM);
    }
    clip_add_path(clip, path, &(FileStamp){1, 2, 3});
    clip_set_field(clip, FIELD_TITLE, title, SOURCE_META, NULL);
    clip_set_field(clip, FIELD_DESCRIPTION, about, SOURCE_META, NULL);
    clip->windows = windows;
    clip->duration = 10.0 * windows;
    GError *error = NULL;
    backend->ops->add_clip(backend, clip, spans, halves, halves, &error);
    fail_on(error);
}

static void make_library(const char *dir, Space *space, int windows, int per_clip) {
    GError *error = NULL;
    Backend *backend = local_open(dir, STORE_CREATE, 0, &error);
    fail_on(error);
    const StoreModel model = {(char *)"synthetic", (char *)"00", DIM, 10, 10};
    backend->ops->set_model(backend, &model, &error);
    fail_on(error);
    g_autofree float *texts = g_new(float, 200 * DIM);
    for (int i = 0; i < 200; i++) draw_text(space, texts + (gsize)i * DIM);
    for (int clip = 0; clip * per_clip < windows; clip++) {
        if (clip % 1000 == 0 && clip) backend->ops->end(backend, true, &error);
        if (clip % 1000 == 0) backend->ops->begin(backend, &error);
        fail_on(error);
        add_clip(backend, space, clip, per_clip);
    }
    backend->ops->end(backend, true, &error);
    fail_on(error);
    gint64 start = g_get_monotonic_time();
    backend->ops->settle(backend, texts, 200, 2, &error);
    fail_on(error);
    printf("%-28s %9.1f\n", "settle", (double)(g_get_monotonic_time() - start) / 1e3);
    backend_close(backend);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_searches(Backend *backend, Space *space, const char *what, SearchOptions options,
                          IndexKind kind) {
    double took[SEARCHES];
    for (int i = 0; i < SEARCHES; i++) {
        float vector[DIM];
        GError *error = NULL;
        g_autofree char *words = draw_words(space->random, 2);
        if (kind == INDEX_TEXT)
            draw_text(space, vector);
        else
            draw_sound(space, zipf(space->random, CLUSTERS), vector);
        const SearchQuery query = {vector, kind, words};
        gint64 start = g_get_monotonic_time();
        g_autoptr(SearchResult) result = search_run(backend, NULL, &query, &options, &error);
        took[i] = (double)(g_get_monotonic_time() - start) / 1e3;
        fail_on(error);
    }
    double first = took[0];
    qsort(took, SEARCHES, sizeof *took, by_value);
    printf("%-28s %9.2f %9.2f %9.2f\n", what, took[SEARCHES / 2], took[0], first);
}

int main(int argc, char **argv) {
    int windows = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100000;
    int per_clip = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2;
    g_autofree char *dir =
        argc > 3 ? g_strdup(argv[3]) : g_dir_make_tmp("bench-search-XXXXXX", NULL);
    GError *error = NULL;
    Space *space = space_new();
    g_autofree char *file = g_build_filename(dir, STORE_FILE, NULL);
    if (!g_file_test(file, G_FILE_TEST_EXISTS)) make_library(dir, space, windows, per_clip);
    gint64 start = g_get_monotonic_time();
    Backend *backend = local_open(dir, STORE_READ, 0, &error);
    fail_on(error);
    printf("%-28s %9.2f\n", "open", (double)(g_get_monotonic_time() - start) / 1e3);
    printf("%-28s %9s %9s %9s\n", "ms", "median", "best", "first");
    SearchOptions options = SEARCH_DEFAULTS;
    time_searches(backend, space, "hybrid, text", options, INDEX_TEXT);
    time_searches(backend, space, "hybrid, sound", options, INDEX_SOUND);
    options.mode = MODE_VECTOR;
    time_searches(backend, space, "vector, text", options, INDEX_TEXT);
    options.mode = MODE_BM25;
    time_searches(backend, space, "bm25", options, INDEX_TEXT);
    backend_close(backend);
    return 0;
}
