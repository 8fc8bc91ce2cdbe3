/* libearshot: the public face, include/earshot.h, over the door (engine/library.h). It changes the
 * shape of things and nothing else: errors become a status and a line, structs that can grow are
 * read as far as the caller's size says.
 *
 * The message belongs to the thread that called; everything else to the object it came from. */
#include "../../include/earshot.h"
#include "embedder.h"
#include "error.h"
#include "ingest.h"
#include "labels.h"
#include "library.h"

#include <string.h>

struct earshot {
    Library *library;
    int threads;
};

struct earshot_hits {
    SearchResult *result;
    earshot_hit *hits; /* [result->hits->len] */
};

static GPrivate last_message = G_PRIVATE_INIT(g_free);

/* ErrorCode + 1 is earshot_status: both are in the same order. */
G_STATIC_ASSERT((int)EARSHOT_USAGE == (int)ERR_USAGE + 1);
G_STATIC_ASSERT((int)EARSHOT_CANCELLED == (int)ERR_CANCELLED + 1);

/* Keeps the error's line for earshot_message, and frees the error. */
static earshot_status failed(GError *error) {
    earshot_status status =
        error->domain == EARSHOT_ERROR ? (earshot_status)(error->code + 1) : EARSHOT_IO;
    g_private_replace(&last_message, g_strdup(error->message));
    g_error_free(error);
    return status;
}

static earshot_status refused(const char *why) {
    GError *error = NULL;
    error_fail(&error, ERR_USAGE, "%s", why);
    return failed(error);
}

/* A struct of the caller's, of whatever size it knew, over our defaults. */
static bool take(void *ours, size_t size, const void *theirs) {
    if (!theirs) return true;
    size_t known;
    memcpy(&known, theirs, sizeof known);
    if (known < sizeof known) return false;
    memcpy(ours, theirs, MIN(known, size));
    return true;
}

const char *earshot_version(void) {
    return EARSHOT_VERSION;
}

const char *earshot_message(void) {
    const char *message = g_private_get(&last_message);
    return message ? message : "";
}

earshot_status earshot_open(const earshot_options *options, earshot **out) {
    earshot_options o = EARSHOT_OPTIONS_INIT;
    if (!out || !take(&o, sizeof o, options)) return refused("earshot_open: no options' size");
    *out = NULL;
    g_autofree char *home = g_build_filename(g_get_user_data_dir(), "earshot", NULL);
    g_autofree char *models = g_build_filename(home, "models", NULL);
    LibraryOptions how = {.models_dir = o.models_dir ? o.models_dir : models,
                          .model = o.model,
                          .threads = o.threads,
                          .wait = o.wait};
    StoreMode mode = o.create ? STORE_CREATE : o.writable ? STORE_WRITE : STORE_READ;
    GError *error = NULL;
    Library *library = library_open(o.library ? o.library : home, mode, &how, &error);
    if (!library) return failed(error);
    *out = g_new(earshot, 1);
    **out = (earshot){.library = library, .threads = o.threads};
    return EARSHOT_OK;
}

void earshot_close(earshot *e) {
    if (!e) return;
    library_close(e->library);
    g_free(e);
}

int earshot_dim(earshot *e) {
    GError *error = NULL;
    Engine *engine = library_engine(e->library, &error);
    if (engine) return clap_dim(engine_clap(engine));
    failed(error);
    return 0;
}

/* ---- index ---- */

static void tell_failure(void *user, const char *message) {
    const earshot_index_options *o = user;
    if (o->failed) o->failed(o->user, message);
}

/* The caller's report, as far as it knew it. */
static void give_report(const IngestReport *from, earshot_index_report *to) {
    if (!to) return;
    earshot_index_report full = {.size = to->size,
                                 .added = from->added,
                                 .changed = from->changed,
                                 .moved = from->moved + from->copied,
                                 .unchanged = from->unchanged,
                                 .removed = from->removed,
                                 .failed = from->failed ? from->failed->len : 0,
                                 .windows = from->windows,
                                 .audio_seconds = from->audio_seconds,
                                 .seconds = from->seconds};
    memcpy(to, &full, MIN(to->size, sizeof full));
}

earshot_status earshot_index(earshot *e, const char *const *paths, size_t count,
                             const earshot_index_options *options, earshot_index_report *report) {
    earshot_index_options o = EARSHOT_INDEX_OPTIONS_INIT;
    if (!take(&o, sizeof o, options)) return refused("earshot_index: no options' size");
    if (!count) return refused("earshot_index: no paths");
    g_autofree const char **list = g_new0(const char *, count + 1);
    for (size_t i = 0; i < count; i++) list[i] = paths[i];
    IngestOptions how = {.paths = list,
                         .tags = o.tags,
                         .meta = o.meta,
                         .hop = o.hop,
                         .jobs = e->threads,
                         .prune = o.prune,
                         .retry_failed = o.retry_failed,
                         .stop = o.stop};
    IngestListener listener = {.fault = tell_failure, .user = &o};
    IngestReport done = {0};
    GError *error = NULL;
    bool well = ingest_run(e->library, &how, &listener, &done, &error);
    give_report(&done, report);
    ingest_report_clear(&done);
    return well ? EARSHOT_OK : failed(error);
}

/* ---- search ---- */

static void give_hit(const SearchHit *from, earshot_hit *to) {
    *to = (earshot_hit){.id = from->clip->id,
                        .path = clip_path(from->clip),
                        .title = clip_title(from->clip),
                        .score = from->score,
                        .match = from->match,
                        .cosine = from->cosine,
                        .bm25 = from->bm25,
                        .start = from->span.start,
                        .end = from->span.end,
                        .duration = from->clip->duration};
}

static earshot_hits *hits_of(SearchResult *result) {
    earshot_hits *hits = g_new(earshot_hits, 1);
    hits->result = result;
    hits->hits = g_new(earshot_hit, result->hits->len + 1);
    for (guint i = 0; i < result->hits->len; i++)
        give_hit(g_ptr_array_index(result->hits, i), &hits->hits[i]);
    return hits;
}

/* The caller's options as ours; *filter is the caller's to free. */
static bool search_options(earshot *e, const earshot_search_options *options, SearchOptions *how,
                           Filter **filter, GError **error) {
    earshot_search_options o = EARSHOT_SEARCH_OPTIONS_INIT;
    if (!take(&o, sizeof o, options))
        return error_fail(error, ERR_USAGE, "earshot_search: no options' size");
    if (o.mode > EARSHOT_BM25) return error_fail(error, ERR_USAGE, "there is no mode %d", o.mode);
    if (o.n < 0 || o.from < 0) return error_fail(error, ERR_USAGE, "n and from are below 0");
    if (!(o.vector_weight >= 0 && o.vector_weight <= 1))
        return error_fail(error, ERR_USAGE, "vector_weight is not in [0, 1]");
    *how = (SearchOptions){.mode = (SearchMode)o.mode,
                           .fusion = o.rrf ? FUSION_RRF : FUSION_MINMAX,
                           .n = o.n ? o.n : SEARCH_HITS,
                           .from = o.from,
                           .weight = o.vector_weight > 0 ? o.vector_weight : SEARCH_WEIGHT,
                           .min_match = o.min_match,
                           .windows = o.windows,
                           .exact = o.exact,
                           .fold_duplicates = o.fold_duplicates};
    if (!o.filter) return true;
    Backend *backend = library_backend(e->library);
    g_auto(GStrv) fields = backend->ops->field_names(backend, error);
    if (fields) *filter = filter_parse(o.filter, (const char *const *)fields, NULL, error);
    how->filter = *filter;
    return *filter != NULL;
}

static earshot_status answer(SearchResult *result, GError *error, earshot_hits **out) {
    if (!result) return failed(error);
    *out = hits_of(result);
    return EARSHOT_OK;
}

earshot_status earshot_search(earshot *e, const char *query, const earshot_search_options *options,
                              earshot_hits **out) {
    GError *error = NULL;
    SearchOptions how;
    g_autoptr(Filter) filter = NULL;
    *out = NULL;
    if (!search_options(e, options, &how, &filter, &error)) return failed(error);
    g_autoptr(Query) asked = query_parse_line(query, &error);
    if (!asked) return failed(error);
    SearchResult *result = library_search(e->library, asked, &how, &error);
    return answer(result, error, out);
}

earshot_status earshot_similar(earshot *e, const char *what, const earshot_search_options *options,
                               earshot_hits **out) {
    GError *error = NULL;
    SearchOptions how;
    g_autoptr(Filter) filter = NULL;
    *out = NULL;
    if (!search_options(e, options, &how, &filter, &error)) return failed(error);
    SearchResult *result = library_similar(e->library, what, &how, &error);
    return answer(result, error, out);
}

size_t earshot_hits_count(const earshot_hits *hits) {
    return hits->result->hits->len;
}

const earshot_hit *earshot_hits_at(const earshot_hits *hits, size_t index) {
    return index < hits->result->hits->len ? &hits->hits[index] : NULL;
}

void earshot_hits_free(earshot_hits *hits) {
    if (!hits) return;
    search_result_free(hits->result);
    g_free(hits->hits);
    g_free(hits);
}

/* ---- classify and embed ---- */

earshot_status earshot_embed_file(earshot *e, const char *path, float *out) {
    GError *error = NULL;
    Engine *engine = library_engine(e->library, &error);
    return engine && embedder_run_one(engine, path, &(EmbedOptions){0}, out, &error)
               ? EARSHOT_OK
               : failed(error);
}

earshot_status earshot_embed_text(earshot *e, const char *text, float *out) {
    GError *error = NULL;
    Engine *engine = library_engine(e->library, &error);
    return engine && engine_embed_texts(engine, &text, 1, out, NULL, &error) ? EARSHOT_OK
                                                                             : failed(error);
}

/* labels[count], not NULL-terminated, as labels_new wants them. */
static Labels *make_labels(Engine *engine, const char *const *labels, size_t count,
                           const char *const *templates, GError **error) {
    if (count > LABELS_MAX) {
        error_fail(error, ERR_LIMIT, "more than %d labels", LABELS_MAX);
        return NULL;
    }
    g_autofree const char **list = g_new0(const char *, count + 1);
    for (size_t i = 0; i < count; i++) list[i] = labels[i];
    return labels_new(engine, list, templates, error);
}

earshot_status earshot_classify(earshot *e, const char *path, const char *const *labels,
                                size_t count, const char *const *templates, earshot_label *out) {
    GError *error = NULL;
    Engine *engine = library_engine(e->library, &error);
    g_autoptr(Labels) set = engine ? make_labels(engine, labels, count, templates, &error) : NULL;
    if (!set) return failed(error);
    g_autofree float *vector = g_new(float, (gsize)clap_dim(engine_clap(engine)));
    if (!embedder_run_one(engine, path, &(EmbedOptions){0}, vector, &error)) return failed(error);
    g_autofree LabelScore *scores = g_new(LabelScore, count);
    labels_score(set, vector, scores);
    for (size_t i = 0; i < count; i++)
        out[i] = (earshot_label){.label = (size_t)scores[i].label,
                                 .probability = scores[i].probability,
                                 .cosine = scores[i].cosine};
    return EARSHOT_OK;
}
