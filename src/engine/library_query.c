/* From a query to hits: words by the text tower, sounds by the audio tower (or from the library,
 * when it has them), summed with their weights. */
#include "library.h"

#include "embedder.h"
#include "error.h"
#include "library_private.h"
#include "sha256.h"
#include "vec.h"

#include <math.h>
#include <string.h>

#define NOTHING 1e-6F /* length of a sum whose terms cancel each other out */

typedef struct {
    float *sum;
    gsize dim;
} Sum;

static void add_term(Sum *sum, double weight, const float *vector) {
    for (gsize i = 0; i < sum->dim; i++) sum->sum[i] += (float)weight * vector[i];
}

/* All texts in one go, so that they share the cores. */
static bool add_words(Library *library, const Query *query, Sum *sum, GError **error) {
    g_autoptr(GPtrArray) texts = g_ptr_array_new();
    g_autoptr(GPtrArray) terms = g_ptr_array_new();
    for (guint i = 0; i < query->terms->len; i++) {
        Term *term = query->terms->pdata[i];
        if (term->kind != TERM_WORDS) continue;
        g_ptr_array_add(texts, term->text);
        g_ptr_array_add(terms, term);
    }
    if (!texts->len) return true;
    Engine *engine = library_engine(library, error);
    g_autofree float *vectors = g_new(float, texts->len * sum->dim);
    if (!engine || !engine_embed_texts(engine, (const char *const *)texts->pdata, (int)texts->len,
                                       vectors, NULL, error))
        return false;
    for (guint i = 0; i < terms->len; i++)
        add_term(sum, ((Term *)terms->pdata[i])->weight, vectors + i * sum->dim);
    return true;
}

static bool add_clip(Library *library, const Term *term, Sum *sum, GError **error) {
    g_autofree char *what = g_str_has_prefix(term->text, "id:")
                                ? g_strdup(term->text)
                                : g_strconcat("id:", term->text, NULL);
    g_autoptr(Clip) clip = library->backend->ops->find(library->backend, what, true, error);
    if (!clip) return false;
    if (!clip->vector)
        return error_fail(error, ERR_NOT_FOUND, "id:%s: the library has no vector of it", clip->id);
    add_term(sum, term->weight, clip->vector);
    return true;
}

static bool add_file(Library *library, const Term *term, Sum *sum, GError **error) {
    const StoreModel *model = library->backend->ops->model(library->backend);
    Engine *engine = library_engine(library, error);
    if (!engine) return false;
    g_autofree float *vector = g_new(float, sum->dim);
    EmbedOptions how = {.hop = model ? model->hop : 0, .most_seconds = library->most_seconds};
    if (!embedder_run_one(engine, term->text, &how, vector, error)) return false;
    add_term(sum, term->weight, vector);
    return true;
}

static bool add_sounds(Library *library, const Query *query, Sum *sum, GError **error) {
    bool well = true;
    for (guint i = 0; well && i < query->terms->len; i++) {
        const Term *term = query->terms->pdata[i];
        if (term->kind == TERM_ID) well = add_clip(library, term, sum, error);
        if (term->kind == TERM_FILE) well = add_file(library, term, sum, error);
    }
    return well;
}

static bool query_dim(Library *library, gsize *dim, GError **error) {
    const StoreModel *model = library->backend->ops->model(library->backend);
    Engine *engine = model ? NULL : library_engine(library, error);
    if (!model && !engine) return false;
    *dim = (gsize)(model ? model->dim : clap_dim(engine_clap(engine)));
    return true;
}

bool library_query_vector(Library *library, const Query *query, float *out, IndexKind *kind,
                          GError **error) {
    Sum sum = {.sum = out};
    if (!query_dim(library, &sum.dim, error)) return false;
    memset(out, 0, sum.dim * sizeof *out);
    if (!add_words(library, query, &sum, error) || !add_sounds(library, query, &sum, error))
        return false;
    *kind = query_has_words(query) ? INDEX_TEXT : INDEX_SOUND;
    float length = vec_normalise(out, sum.dim);
    return length > NOTHING ||
           error_fail(error, ERR_USAGE, "%s: the terms cancel each other out", query->text);
}

/* A library that never had a model has nothing to be found. */
static SearchResult *empty_result(void) {
    SearchResult *result = g_new0(SearchResult, 1);
    result->hits = g_ptr_array_new();
    result->nearest = NAN;
    return result;
}

static SearchResult *search_words(Library *library, const char *words, const SearchOptions *options,
                                  GError **error) {
    SearchQuery what = {.words = words};
    if (words) return search_run(library->backend, NULL, &what, options, error);
    error_fail(error, ERR_USAGE, "a search by words alone (bm25) wants words that are added");
    return NULL;
}

SearchResult *library_search(Library *library, const Query *query, const SearchOptions *options,
                             GError **error) {
    g_autofree char *words = options->mode == MODE_VECTOR ? NULL : query_words(query);
    if (options->mode == MODE_BM25) return search_words(library, words, options, error);
    const StoreModel *model = library->backend->ops->model(library->backend);
    if (!model) return empty_result();
    g_autofree float *vector = g_new(float, (gsize)model->dim);
    SearchQuery what = {.vector = vector, .words = words};
    const Background *background;
    if (!library_query_vector(library, query, vector, &what.kind, error) ||
        !(background = library_background(library, error)))
        return NULL;
    return search_run(library->backend, background, &what, options, error);
}

/* The clip with this file's content, 0 when the library has none. */
static bool clip_of_content(Library *library, const char *path, uint64_t *clip, GError **error) {
    uint8_t hash[CLIP_HASH];
    *clip = 0;
    if (!sha256_file(path, NULL, hash, error)) return false;
    if (!library->backend->ops->has(library->backend, hash, clip)) *clip = 0;
    return true;
}

/* An id, or a file: one that the library knows by its content stands for its clip. */
static Term *similar_term(Library *library, const char *what, uint64_t *clip, GError **error) {
    char id[CLIP_ID + 1];
    *clip = 0;
    if (g_str_has_prefix(what, "id:")) {
        g_autoptr(Clip) found = library->backend->ops->find(library->backend, what, false, error);
        if (!found) return NULL;
        *clip = clip_number_of_id(found->id);
    } else if (!clip_of_content(library, what, clip, error)) {
        return NULL;
    }
    Term *term = g_new0(Term, 1);
    term->kind = *clip ? TERM_ID : TERM_FILE;
    if (*clip) clip_id_of_number(*clip, id);
    term->text = g_strdup(*clip ? id : what);
    term->weight = 1;
    return term;
}

SearchResult *library_similar(Library *library, const char *what, const SearchOptions *options,
                              GError **error) {
    if (options->mode == MODE_BM25) {
        error_fail(error, ERR_USAGE, "%s: a sound has no words to search by (bm25)", what);
        return NULL;
    }
    SearchOptions others = *options;
    Term *term = similar_term(library, what, &others.leave_out, error);
    if (!term) return NULL;
    Query query = {.terms = g_ptr_array_new(), .text = (char *)what};
    g_ptr_array_add(query.terms, term);
    SearchResult *result = library_search(library, &query, &others, error);
    g_ptr_array_unref(query.terms);
    g_free(term->text);
    g_free(term);
    return result;
}
