/* How fast the library on disk is: adding clips, asking for paths, sets of windows, and words.
 *
 * usage: bench_store DIR [CLIPS]   fills a new library in DIR (300000 clips of 1 to 6 windows) and
 * prints medians. Words are drawn by Zipf's law, as people's are. */
#include "store_words.h"
#include "store_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIM        512
#define VOCABULARY 50000
#define RUNS       101

static double now(void) {
    return (double)g_get_monotonic_time() / 1e6;
}

/* Seconds of a core: what is left of a time when others wait for the machine, too. */
static double busy(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *seconds, int count) {
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    printf("%-42s median %8.3f ms   min %8.3f   max %8.3f   (%d runs)\n", what,
           1e3 * seconds[count / 2], 1e3 * seconds[0], 1e3 * seconds[count - 1], count);
}

/* Rank r is drawn about 1/r of the time. */
static int zipf(GRand *random) {
    return (int)exp(g_rand_double(random) * log(VOCABULARY)) - 1;
}

static void append_words(GString *text, GRand *random, int count, const char *between) {
    for (int i = 0; i < count; i++)
        g_string_append_printf(text, "%sw%dx", i ? between : "", zipf(random));
}

static Clip *make_clip(GRand *random, int i) {
    uint8_t hash[CLIP_HASH];
    for (int j = 0; j < CLIP_HASH; j++) hash[j] = (uint8_t)g_rand_int(random);
    Clip *clip = clip_new(hash);
    clip->duration = g_rand_double_range(random, 1, 60);
    clip->rate = 48000;
    clip->channels = 2;
    clip->windows = 1 + (int)(clip->duration / 10);
    g_autoptr(GString) title = g_string_new(NULL), tags = g_string_new(NULL);
    g_autoptr(GString) path = g_string_new(NULL);
    append_words(title, random, g_rand_int_range(random, 2, 7), " ");
    append_words(tags, random, g_rand_int_range(random, 2, 9), ";");
    g_string_append_printf(path, "/sounds/folder%d/", i % 500);
    append_words(path, random, 3, "_");
    g_string_append_printf(path, "_%d.wav", i);
    clip_set_field(clip, FIELD_TITLE, title->str, SOURCE_FILE, NULL);
    clip_add_tag(clip, tags->str);
    clip_add_path(clip, path->str, &(FileStamp){i, i, i});
    return clip;
}

static void die(GError *error) {
    fprintf(stderr, "bench_store: %s\n", error->message);
    exit(1);
}

static void fill(Store *store, int first, int count, bool together) {
    GError *error = NULL;
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)first + 1);
    static uint16_t vectors[8 * DIM];
    static ClipWindow windows[8];
    for (int i = 0; i < 8; i++) windows[i] = (ClipWindow){10.0 * i, 10.0 * i + 10};
    const double start = now(), start_busy = busy();
    if (together && !store_begin(store, &error)) die(error);
    for (int i = first; i < first + count; i++) {
        g_autoptr(Clip) clip = make_clip(random, i);
        if (!store_add_clip(store, clip, windows, vectors, vectors, &error)) die(error);
        if (together && i % 1000 == 999 &&
            (!store_end(store, true, &error) || !store_begin(store, &error)))
            die(error);
    }
    if (together && !store_end(store, true, &error)) die(error);
    const double seconds = now() - start;
    if (!count) return;
    printf("%-42s %8.0f clips/s   (%d clips, %.1f s, %.1f s of a core)\n",
           together ? "adding, 1000 clips a transaction" : "adding, one clip a transaction",
           count / seconds, count, seconds, busy() - start_busy);
}

static void ask_paths(Store *store, const char *what) {
    double seconds[5];
    for (int run = 0; run < 5; run++) {
        const double start = now();
        char path[64];
        for (int i = 0; i < 100000; i++) {
            g_snprintf(path, sizeof path, "/sounds/folder%d/x_%d.wav", i % 500, i);
            store_path_state(store, path, &(FileStamp){i, i, i}, NULL);
        }
        seconds[run] = now() - start;
    }
    report(what, seconds, 5);
}

/* Within a change, reads need no locks of their own. */
static void ask_paths_together(const char *dir) {
    GError *error = NULL;
    g_autoptr(Store) store = store_open(dir, STORE_WRITE, 0, &error);
    if (!store || !store_begin(store, &error)) die(error);
    ask_paths(store, "100000 states of paths, within a change");
    store_end(store, false, NULL);
}

static void make_sets(Store *store) {
    double seconds[11];
    g_autoptr(StoreWhere) where = store_where_new("c.duration < ?");
    store_where_bind_number(where, 30);
    for (int run = 0; run < 11; run++) {
        const double start = now();
        int64_t first;
        uint64_t size, count;
        g_free(store_window_set(store, where, &first, &size, &count, NULL));
        seconds[run] = now() - start;
    }
    report("set of windows of duration < 30", seconds, 11);
}

static void search_words(Store *store, const char *what, int least, int most, int count) {
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    double seconds[RUNS];
    for (int run = 0; run < RUNS; run++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 0; i < count; i++)
            g_string_append_printf(
                text, "w%dx ", least < 0 ? zipf(random) : g_rand_int_range(random, least, most));
        const double start = now();
        g_autoptr(GArray) hits = store_search_words(store, text->str, NULL, 200, NULL);
        seconds[run] = now() - start;
    }
    report(what, seconds, RUNS);
}

static void measure(const char *dir) {
    GError *error = NULL;
    const double start = now();
    g_autoptr(Store) store = store_open(dir, STORE_READ, 0, &error);
    if (!store) die(error);
    g_autoptr(GArray) hits = store_search_words(store, "w500x w900x", NULL, 200, &error);
    printf("%-42s %8.3f ms\n", "opening and a first search", 1e3 * (now() - start));
    ask_paths(store, "100000 states of paths");
    ask_paths_together(dir);
    make_sets(store);
    search_words(store, "two words, drawn as they occur", -1, 0, 2);
    search_words(store, "two words of the 10 commonest", 0, 10, 2);
    search_words(store, "two words of ranks 100 to 1000", 100, 1000, 2);
    search_words(store, "five words, drawn as they occur", -1, 0, 5);
    StoreStats stats;
    if (store_stats(store, &stats, NULL))
        printf("%d clips, %d windows, %.1f MB\n", (int)stats.clips, (int)stats.windows,
               (double)stats.bytes / 1e6);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    GError *error = NULL;
    const int clips = argc > 2 ? (int)g_ascii_strtoll(argv[2], NULL, 10) : 300000;
    Store *store = store_open(argv[1], STORE_CREATE, 0, &error);
    if (!store) die(error);
    StoreModel model = {(char *)"bench", (char *)"0", DIM, 10, 10};
    StoreStats stats;
    if (!store_set_model(store, &model, &error) || !store_stats(store, &stats, &error)) die(error);
    if (stats.clips == 0) {
        fill(store, 0, 10000, false);
        fill(store, 10000, MAX(clips - 10000, 0), true);
    }
    store_close(store);
    measure(argv[1]);
    return 0;
}
