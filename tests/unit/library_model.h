/* A library of made-up clips, and the same clips in plain arrays: what tests of searching compare
 * with. */
#pragma once
#include "files.h"
#include "local.h"
#include "vec.h"

#define DIM 32

typedef struct {
    uint64_t id;
    int64_t number;
    int windows;
    ClipWindow spans[4];
    float vectors[4][DIM]; /* as they come back out of half precision */
    char *words, *tag;
    double duration;
    bool gone;
} PlainClip;

typedef struct {
    GRand *random;
    char *dir;
    Backend *backend;
    GPtrArray *clips; /* of PlainClip * */
} Plain;

static const char *const plain_words[] = {"rain", "dog", "wind", "bell",
                                          "car",  "sea", "door", "bird"};

static inline void plain_clip_free(gpointer data) {
    PlainClip *clip = data;
    g_free(clip->words);
    g_free(clip->tag);
    g_free(clip);
}

static inline void plain_open(Plain *plain, StoreMode mode) {
    GError *error = NULL;
    plain->backend = local_open(plain->dir, mode, 1, &error);
    g_assert_no_error(error);
}

static inline Plain *plain_new(void) {
    guint32 seed = (guint32)g_test_rand_int();
    g_test_message("seed %u", seed);
    Plain *plain = g_new0(Plain, 1);
    plain->random = g_rand_new_with_seed(seed);
    plain->dir = files_dir();
    plain->clips = g_ptr_array_new_with_free_func(plain_clip_free);
    plain_open(plain, STORE_CREATE);
    const StoreModel model = {(char *)"made-up", (char *)"00", DIM, 10, 10};
    GError *error = NULL;
    plain->backend->ops->set_model(plain->backend, &model, &error);
    g_assert_no_error(error);
    return plain;
}

static inline void plain_free(Plain *plain) {
    backend_close(plain->backend);
    files_remove(plain->dir);
    g_ptr_array_unref(plain->clips);
    g_rand_free(plain->random);
    g_free(plain);
}

static inline void plain_unit(GRand *random, float *out) {
    for (int i = 0; i < DIM; i++) out[i] = (float)g_rand_double_range(random, -1, 1) + (i == 0);
    vec_normalise(out, DIM);
}

static inline PlainClip *plain_make(Plain *plain, Clip **stored, uint16_t *halves) {
    uint8_t hash[CLIP_HASH];
    GRand *random = plain->random;
    for (int i = 0; i < CLIP_HASH; i++) hash[i] = (uint8_t)g_rand_int(random);
    PlainClip *clip = g_new0(PlainClip, 1);
    *stored = clip_new(hash);
    clip->id = clip_number_of_id((*stored)->id);
    clip->windows = g_rand_int_range(random, 1, 5);
    clip->duration = 10.0 * clip->windows;
    for (int w = 0; w < clip->windows; w++) {
        clip->spans[w] = (ClipWindow){10.0 * w, 10.0 * (w + 1)};
        plain_unit(random, clip->vectors[w]);
        vec_to_half(clip->vectors[w], halves + w * DIM, DIM);
        vec_from_half(halves + w * DIM, clip->vectors[w], DIM);
    }
    const char *a = plain_words[g_rand_int_range(random, 0, 8)];
    const char *b = plain_words[g_rand_int_range(random, 0, 8)];
    clip->words = g_strdup_printf("%s %s", a, b);
    clip->tag = g_strdup(plain_words[g_rand_int_range(random, 0, 8)]);
    return clip;
}

/* A clip of one to four windows, two words of title and a tag. */
static inline PlainClip *plain_add(Plain *plain) {
    Clip *stored;
    uint16_t halves[4 * DIM];
    GError *error = NULL;
    PlainClip *clip = plain_make(plain, &stored, halves);
    const FileStamp stamp = {1, 2, 3};
    g_autofree char *path = g_strdup_printf("/sounds/%s/%u.wav", clip->tag, plain->clips->len);
    clip_add_path(stored, path, &stamp);
    stored->duration = clip->duration;
    stored->windows = clip->windows;
    clip_set_field(stored, FIELD_TITLE, clip->words, SOURCE_META, NULL);
    clip_set_field(stored, FIELD_TAGS, clip->tag, SOURCE_META, NULL);
    clip_add_tag(stored, clip->tag);
    plain->backend->ops->add_clip(plain->backend, stored, clip->spans, halves, halves, &error);
    g_assert_no_error(error);
    clip->number = stored->number;
    clip_free(stored);
    g_ptr_array_add(plain->clips, clip);
    return clip;
}

static inline void plain_add_many(Plain *plain, int count) {
    GError *error = NULL;
    plain->backend->ops->begin(plain->backend, &error);
    g_assert_no_error(error);
    for (int i = 0; i < count; i++) plain_add(plain);
    plain->backend->ops->end(plain->backend, true, &error);
    g_assert_no_error(error);
}

static inline PlainClip *plain_any(Plain *plain) {
    for (;;) {
        gint at = g_rand_int_range(plain->random, 0, (gint)plain->clips->len);
        PlainClip *clip = plain->clips->pdata[at];
        if (!clip->gone) return clip;
    }
}

static inline void plain_remove(Plain *plain, PlainClip *clip) {
    GError *error = NULL;
    g_assert_true(plain->backend->ops->remove_clip(plain->backend, clip->id, &error));
    g_assert_no_error(error);
    clip->gone = true;
}

static inline void plain_settle(Plain *plain) {
    GError *error = NULL;
    plain->backend->ops->settle(plain->backend, NULL, 0, 1, &error);
    g_assert_no_error(error);
}

static inline int plain_by_cosine(gconstpointer a, gconstpointer b) {
    const WindowHit *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->span.start > y->span.start) - (x->span.start < y->span.start);
}

/* All windows, or each clip's best, the best first; of clips with `tag` (NULL: all). */
static inline GArray *plain_search(Plain *plain, const float *query, const char *tag, bool fold) {
    GArray *hits = g_array_new(FALSE, TRUE, sizeof(WindowHit));
    for (guint i = 0; i < plain->clips->len; i++) {
        const PlainClip *clip = plain->clips->pdata[i];
        WindowHit best = {.cosine = -2};
        if (clip->gone || (tag && strcmp(tag, clip->tag))) continue;
        for (int w = 0; w < clip->windows; w++) {
            WindowHit hit = {clip->id, 0, clip->spans[w], vec_dot(clip->vectors[w], query, DIM)};
            if (!fold) g_array_append_val(hits, hit);
            if (hit.cosine > best.cosine) best = hit;
        }
        if (fold) g_array_append_val(hits, best);
    }
    g_array_sort(hits, plain_by_cosine);
    return hits;
}
