/* Times the vector index beside its peers; bench/peers/index.py drives it.
 *
 *   bench_index ROWS.f16 COUNT TEXTS.f32 FILE THREADS [LISTS]
 *
 * Makes FILE of the first COUNT rows of 512 (or opens it, with THREADS 0), and says how long that
 * took; then answers lines of standard input with one line each:
 *
 *   search QUERIES.f32 sound|text K KEEP OUT.i32   one query after another; ids go to OUT. KEEP n
 *                                                  allows one row in n. → mean and median, ms
 *   exact QUERIES.f32 sound|text K KEEP OUT.i32    the same by every row
 *   resident                                       → bytes of this process now
 *   open                                           → ms to open FILE, and for its first query
 *
 * Times of searches are of the thread's CPU clock, since machines are shared. */
#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { DIM = 512, STAMP = 7 };

static double clock_of(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, const char *why) {
    fprintf(stderr, "bench_index: %s: %s\n", what, why);
    exit(1);
}

static float *read_floats(const char *path, int *rows) {
    FILE *f = fopen(path, "rb");
    if (!f) die(path, "cannot be opened");
    fseek(f, 0, SEEK_END);
    long bytes = ftell(f);
    rewind(f);
    float *x = malloc((size_t)bytes);
    if (!x || fread(x, 1, (size_t)bytes, f) != (size_t)bytes) die(path, "cannot be read");
    fclose(f);
    *rows = (int)(bytes / (DIM * 4));
    return x;
}

typedef struct {
    FILE *file;
    int64_t next, count;
} Source;

static bool next_row(void *user, int64_t *id, uint16_t *row, bool *end) {
    Source *source = user;
    *end = source->next == source->count;
    if (*end) return true;
    *id = source->next++;
    return fread(row, 2, DIM, source->file) == DIM;
}

static void build(char **argv) {
    Source source = {fopen(argv[1], "rb"), 0, atol(argv[2])};
    int text_count;
    float *texts = read_floats(argv[3], &text_count);
    if (!source.file) die(argv[1], "cannot be opened");
    IndexWrite how = {.dim = DIM,
                      .stamp = STAMP,
                      .rows = (uint64_t)source.count,
                      .threads = atoi(argv[5]),
                      .texts = texts,
                      .text_count = text_count,
                      .lists = argv[6] ? atoi(argv[6]) : 0};
    double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    const char *fault = index_write(argv[4], &how, next_row, &source);
    if (fault) die(argv[4], fault);
    printf("built %.3f %.3f\n", clock_of(CLOCK_MONOTONIC) - wall,
           clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    fclose(source.file);
    free(texts);
}

/* One row in `keep`, by a hash of its number. */
static IndexSet set_of(int64_t count, unsigned keep) {
    uint64_t *bits = calloc((size_t)count / 64 + 1, 8), kept = 0;
    if (!bits) die("filter", "no memory");
    for (int64_t i = 0; i < count; i++)
        if (((uint32_t)i * 2654435761u >> 8) % keep == 0) {
            bits[i / 64] |= UINT64_C(1) << i % 64;
            kept++;
        }
    return (IndexSet){0, (uint64_t)count, kept, bits};
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void search(const Index *index, IndexScratch *scratch, char *line, int64_t count) {
    char verb[16], queries[512], kind[16], out[512];
    int k, rows;
    unsigned keep;
    if (sscanf(line, "%15s %511s %15s %d %u %511s", verb, queries, kind, &k, &keep, out) != 6)
        die(line, "what is that?");
    float *q = read_floats(queries, &rows);
    FILE *f = fopen(out, "wb");
    IndexHit *hits = calloc((size_t)k, sizeof *hits);
    int32_t *ids = calloc((size_t)k, sizeof *ids);
    double *times = calloc((size_t)rows, sizeof *times), sum = 0;
    if (!f || !hits || !ids || !times) die(out, "cannot be written");
    IndexSet set = keep > 1 ? set_of(count, keep) : (IndexSet){0};
    IndexQuery how = {k, strcmp(kind, "text") ? INDEX_SOUND : INDEX_TEXT, *verb == 'e',
                      keep > 1 ? &set : NULL};
    for (int i = 0; i < rows; i++) index_search(index, scratch, q + i * DIM, &how, hits); /* warm */
    for (int i = 0; i < rows; i++) {
        double start = clock_of(CLOCK_THREAD_CPUTIME_ID);
        int n = index_search(index, scratch, q + i * DIM, &how, hits);
        sum += times[i] = (clock_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e3;
        for (int j = 0; j < k; j++) ids[j] = j < n ? (int32_t)hits[j].id : -1;
        fwrite(ids, 4, (size_t)k, f);
    }
    qsort(times, (size_t)rows, sizeof *times, by_size);
    printf("%.6f %.6f\n", sum / rows, times[rows / 2]);
    fclose(f);
    free(q);
    free(hits);
    free(ids);
    free(times);
    free((void *)set.bits);
}

static long resident(void) {
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2) die("/proc/self/statm", "cannot be read");
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static Index *open_index(const char *path) {
    Index *index = index_new(DIM);
    const char *fault = index_map(index, path, STAMP);
    if (fault) die(path, fault);
    return index;
}

static void time_opening(const char *path, const float *query) {
    double start = clock_of(CLOCK_MONOTONIC);
    Index *index = open_index(path);
    double opened = clock_of(CLOCK_MONOTONIC);
    IndexScratch *scratch = index_scratch_new();
    IndexHit hits[10];
    index_search(index, scratch, query, &(IndexQuery){.k = 10, .kind = INDEX_TEXT}, hits);
    printf("%.3f %.3f\n", (opened - start) * 1e3, (clock_of(CLOCK_MONOTONIC) - opened) * 1e3);
    index_scratch_free(scratch);
    index_free(index);
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 7)
        die("usage", "bench_index ROWS.f16 COUNT TEXTS.f32 FILE THREADS [LISTS]");
    int text_count;
    char line[2048];
    if (atoi(argv[5])) build(argv);
    float *texts = read_floats(argv[3], &text_count);
    Index *index = open_index(argv[4]);
    IndexScratch *scratch = index_scratch_new();
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "search ", 7) || !strncmp(line, "exact ", 6))
            search(index, scratch, line, atol(argv[2]));
        else if (!strncmp(line, "open", 4))
            time_opening(argv[4], texts);
        else if (!strncmp(line, "resident", 8))
            printf("%ld\n", resident());
        else
            die(line, "what is that?");
        fflush(stdout);
    }
    if (index_damage(index)) die(argv[4], index_damage(index));
    index_scratch_free(scratch);
    index_free(index);
    free(texts);
    return 0;
}
