/* An index of synthetic sounds. A row is its cluster's centre and the sum of two rows of a bank of
 * noise: drawing each number of a million rows anew would take longer than the index itself. */
#include "synthetic_index.h"

#include "error.h"
#include "index.h"
#include "random.h"
#include "vec.h"

#include <glib/gstdio.h>
#include <math.h>

/* The first TAUGHT sentences calibrate the index, the others are asked. */
enum { CLUSTERS = 3000, BANK = 1024, TEXTS = 512, TAUGHT = 256, NEAREST = 10, SEED = 1 };

struct SyntheticIndex {
    int dim;
    unsigned next_text;
    uint64_t rows, next;
    const gint *stop;
    Random random;
    float *centres, *bank, *texts, *row; /* [CLUSTERS | BANK | TEXTS | 1][dim], unit rows */
    char *dir, *path;
    Index *index;
    IndexScratch *scratch;
};

/* A direction whose components fade, as those of embeddings do. */
static void draw_noise(Random *random, int dim, float *out) {
    for (int i = 0; i < dim; i++)
        out[i] = (float)random_normal(random) / sqrtf(1 + 0.02f * (float)i);
    vec_normalise(out, (size_t)dim);
}

/* A unit vector: `share` of a, the rest of b. */
static void mix(const float *a, const float *b, float share, int dim, float *out) {
    const float rest = sqrtf(1 - share * share);
    for (int i = 0; i < dim; i++) out[i] = share * a[i] + rest * b[i];
    vec_normalise(out, (size_t)dim);
}

/* One of the clusters, of sizes ~ rank^-0.8. */
static const float *draw_centre(SyntheticIndex *s) {
    const int cluster = (int)(CLUSTERS * pow(random_unit(&s->random), 5)) % CLUSTERS;
    return s->centres + (gsize)cluster * (gsize)s->dim;
}

static const float *bank_row(SyntheticIndex *s) {
    return s->bank + (gsize)random_below(&s->random, BANK) * (gsize)s->dim;
}

static void draw_space(SyntheticIndex *s) {
    const gsize dim = (gsize)s->dim;
    g_autofree float *cone = g_new(float, dim), *other_cone = g_new(float, dim);
    draw_noise(&s->random, s->dim, cone);
    draw_noise(&s->random, s->dim, other_cone);
    for (gsize i = 0; i < BANK; i++) draw_noise(&s->random, s->dim, s->bank + i * dim);
    for (gsize i = 0; i < CLUSTERS; i++) {
        draw_noise(&s->random, s->dim, s->row);
        mix(cone, s->row, 0.5f, s->dim, s->centres + i * dim);
    }
    for (gsize i = 0; i < TEXTS; i++) {
        mix(draw_centre(s), other_cone, 0.6f, s->dim, s->row);
        draw_noise(&s->random, s->dim, cone); /* none of the bank's: that would be near many */
        mix(s->row, cone, 0.8f, s->dim, s->texts + i * dim);
    }
}

static bool next_row(void *user, int64_t *id, uint16_t *half, bool *end) {
    SyntheticIndex *s = user;
    *end = s->next == s->rows;
    if (*end) return true;
    if (s->stop && g_atomic_int_get(s->stop)) return false;
    const float share = (float)random_range(&s->random, 0.77, 0.97);
    mix(bank_row(s), bank_row(s), 0.7f, s->dim, s->row);
    mix(draw_centre(s), s->row, share, s->dim, s->row);
    vec_to_half(s->row, half, (size_t)s->dim);
    *id = (int64_t)s->next++;
    return true;
}

static bool fill(SyntheticIndex *s, int threads, GError **error) {
    s->dir = g_dir_make_tmp("earshot-bench-XXXXXX", error);
    if (!s->dir) return false;
    s->path = g_build_filename(s->dir, "synthetic.index", NULL);
    const IndexWrite how = {.dim = s->dim,
                            .rows = s->rows,
                            .threads = threads,
                            .texts = s->texts,
                            .text_count = TAUGHT};
    const char *fault = index_write(s->path, &how, next_row, s);
    if (s->stop && g_atomic_int_get(s->stop))
        return error_fail(error, ERR_CANCELLED, "interrupted");
    if (!fault) fault = index_map(s->index, s->path, how.stamp);
    if (fault) return error_fail(error, ERR_IO, "%s: %s", s->path, fault);
    for (int i = TAUGHT; i < TEXTS; i++) synthetic_index_search(s); /* pages are checked once */
    return true;
}

SyntheticIndex *synthetic_index_new(int dim, uint64_t rows, int threads, const gint *stop,
                                    GError **error) {
    g_assert(dim >= 1 && dim <= INDEX_MAX_DIM && rows <= SYNTHETIC_ROWS_MAX);
    g_autoptr(SyntheticIndex) s = g_new0(SyntheticIndex, 1);
    const gsize width = (gsize)dim;
    s->dim = dim;
    s->rows = rows;
    s->stop = stop;
    s->random = random_of(SEED, (uint64_t)dim, 0);
    s->centres = g_new(float, CLUSTERS *width);
    s->bank = g_new(float, BANK *width);
    s->texts = g_new(float, TEXTS *width);
    s->row = g_new(float, width);
    s->index = index_new(dim);
    s->scratch = index_scratch_new();
    draw_space(s);
    return fill(s, threads, error) ? g_steal_pointer(&s) : NULL;
}

void synthetic_index_free(SyntheticIndex *s) {
    if (!s) return;
    index_scratch_free(s->scratch);
    index_free(s->index);
    if (s->path) g_unlink(s->path);
    if (s->dir) g_rmdir(s->dir);
    g_free(s->path);
    g_free(s->dir);
    g_free(s->centres);
    g_free(s->bank);
    g_free(s->texts);
    g_free(s->row);
    g_free(s);
}

int synthetic_index_search(SyntheticIndex *s) {
    IndexHit hits[NEAREST];
    const int text = TAUGHT + (int)(s->next_text++ % (TEXTS - TAUGHT));
    const float *query = s->texts + (gsize)text * (gsize)s->dim;
    return index_search(s->index, s->scratch, query,
                        &(IndexQuery){.k = NEAREST, .kind = INDEX_TEXT}, hits);
}
