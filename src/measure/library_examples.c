/* See library_examples.h. */
#include "library_examples.h"

#include "error.h"

typedef struct {
    Examples *examples;
    GHashTable *spelt; /* folded tag → as it was met first */
    GArray *vectors;   /* of float, [examples][dim] */
    int dim, clips;
} Taking;

static const char *spelling(Taking *t, const char *tag) {
    g_autofree char *folded = g_utf8_casefold(tag, -1);
    const char *known = g_hash_table_lookup(t->spelt, folded);
    if (known) return known;
    char *first = g_strdup(tag);
    g_hash_table_insert(t->spelt, g_steal_pointer(&folded), first);
    return first;
}

static bool take(void *user, const Clip *clip, GError **error) {
    Taking *t = user;
    int fold = t->clips % LIBRARY_FOLDS;
    t->clips += clip->vector && clip->tags->len > 0;
    for (guint i = 0; clip->vector && i < clip->tags->len; i++) {
        const char *tag = spelling(t, clip->tags->pdata[i]);
        examples_add(t->examples, g_strdup(clip->id), g_strdup(tag), g_strdup_printf("%d", fold));
        g_array_append_vals(t->vectors, clip->vector, (guint)t->dim);
    }
    return true;
}

static EmbeddedSet *set_of(Taking *t) {
    EmbeddedSet *set = g_new0(EmbeddedSet, 1);
    set->count = (int)t->examples->paths->len;
    set->dim = t->dim;
    set->example = g_new(int, set->count);
    for (int i = 0; i < set->count; i++) set->example[i] = i;
    set->vectors = (float *)g_array_free(g_steal_pointer(&t->vectors), FALSE);
    return set;
}

bool library_examples(Library *library, Examples **examples, EmbeddedSet **set, GError **error) {
    Backend *backend = library_backend(library);
    const StoreModel *model = backend->ops->model(backend);
    Taking t = {.examples = examples_new(),
                .spelt = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .vectors = g_array_new(FALSE, FALSE, sizeof(float)),
                .dim = model ? model->dim : 0};
    bool well = backend->ops->each_clip(backend, NULL, STORE_VECTOR, take, &t, error);
    if (well && t.examples->paths->len == 0)
        well = error_fail(error, ERR_NOT_FOUND, "%s: no clip in it has a tag to learn from",
                          library_name(library));
    *set = well ? set_of(&t) : NULL;
    *examples = t.examples;
    g_hash_table_unref(t.spelt);
    if (t.vectors) g_array_unref(t.vectors);
    return well;
}
