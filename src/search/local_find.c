/* Finding in a local library: vectors through the index, words through the store. */
#include "local_private.h"
#include "store_words.h"

#include "error.h"

#include <string.h>

#define LONG_CLIP 64 /* windows */

/* -- sets of windows -- */

/* The windows that may be found, as bits of our own; `set.bits` NULL: all. */
typedef struct {
    IndexSet set;
    uint64_t *bits;
} Allowed;

static bool allow_filter(Store *store, const StoreWhere *where, Allowed *allowed, GError **error) {
    if (!where) return true;
    IndexSet *set = &allowed->set;
    GError *wrong = NULL;
    allowed->bits = store_window_set(store, where, &set->first, &set->size, &set->count, &wrong);
    set->bits = allowed->bits;
    if (wrong) g_propagate_error(error, wrong);
    return !wrong;
}

static void allow_all(Allowed *allowed, int64_t last) {
    uint64_t size = (uint64_t)last + 1, words = size / 64 + 1;
    allowed->bits = g_new(uint64_t, words);
    memset(allowed->bits, 0xff, words * sizeof *allowed->bits);
    allowed->set = (IndexSet){.first = 0, .size = size, .count = size, .bits = allowed->bits};
}

static void forbid(Allowed *allowed, int64_t first, int count) {
    IndexSet *set = &allowed->set;
    for (int64_t id = first; id < first + count; id++) {
        uint64_t bit = (uint64_t)(id - set->first), mask = 1ull << (bit % 64);
        if (id < set->first || bit >= set->size || !(allowed->bits[bit / 64] & mask)) continue;
        allowed->bits[bit / 64] &= ~mask;
        set->count--;
    }
}

/* -- the vector part -- */

typedef struct {
    Local *local;
    Reader *reader;
    const CandidateRequest *request;
    Allowed allowed;
    GArray *found;       /* of WindowHit */
    bool fold;           /* into clips */
    int64_t count;       /* of clips in the library */
    GHashTable *seen;    /* when folded: numbers of the clips that were found … */
    GHashTable *covered; /* … and windows of those that are not long */
    GArray *keys;        /* of ClipKey: those clips */
    IndexHit *hits;      /* room for k */
    int k;
} Finding;

static int by_cosine(gconstpointer a, gconstpointer b) {
    const WindowHit *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->span.start > y->span.start) - (x->span.start < y->span.start);
}

static int search_index(Finding *finding) {
    const CandidateRequest *request = finding->request;
    const IndexQuery how = {finding->k, request->kind, request->exact,
                            finding->allowed.bits ? &finding->allowed.set : NULL};
    finding->hits = g_renew(IndexHit, finding->hits, finding->k);
    return index_search(finding->local->index, finding->reader->scratch, request->vector, &how,
                        finding->hits);
}

/* Its other windows need not be looked up. False: it was seen before. */
static bool see_clip(Finding *finding, const ClipKey *key) {
    if (!g_hash_table_add(finding->seen, GSIZE_TO_POINTER(key->number))) return false;
    g_array_append_vals(finding->keys, key, 1);
    if (key->windows > LONG_CLIP) return true;
    for (int64_t id = key->first_window; id < key->first_window + key->windows; id++)
        g_hash_table_add(finding->covered, GSIZE_TO_POINTER(id));
    return true;
}

static void take_hits(Finding *finding, int count) {
    for (int i = 0; i < count; i++) {
        const IndexHit *hit = &finding->hits[i];
        KnownWindow known;
        if (g_hash_table_contains(finding->covered, GSIZE_TO_POINTER(hit->id)) ||
            !local_known_window(finding->local, finding->reader->store, hit->id, &known))
            continue;
        if (finding->fold && !see_clip(finding, &known.key)) continue;
        WindowHit found = {known.key.id, hit->id, known.span, hit->cosine};
        g_array_append_val(finding->found, found);
    }
}

/* Another round does not look at clips that were found. */
static void forbid_found(Finding *finding) {
    if (!finding->allowed.bits) allow_all(&finding->allowed, index_last_id(finding->local->index));
    for (guint i = 0; i < finding->keys->len; i++) {
        const ClipKey *key = &g_array_index(finding->keys, ClipKey, i);
        forbid(&finding->allowed, key->first_window, key->windows);
    }
}

/* Windows of long clips crowd each other: rounds, each twice as wide, until there are clips enough
 * or all were seen. */
static void find_clips(Finding *finding) {
    for (;;) {
        guint before = finding->found->len;
        int got = search_index(finding);
        take_hits(finding, got);
        bool all_seen = got < finding->k || finding->found->len == before;
        if (finding->found->len >= (guint)finding->request->most || all_seen) return;
        forbid_found(finding);
        finding->k = MIN(2 * finding->k, INDEX_MAX_K);
    }
}

static int first_k(const Finding *finding) {
    const CandidateRequest *request = finding->request;
    double windows = (double)index_rows(finding->local->index) / (double)MAX(finding->count, 1);
    return (int)CLAMP(request->most * CLAMP(windows, 1, 4), 1, INDEX_MAX_K);
}

/* The index is held. */
static void find(Finding *finding) {
    const CandidateRequest *request = finding->request;
    finding->seen = g_hash_table_new(NULL, NULL);
    finding->covered = g_hash_table_new(NULL, NULL);
    finding->keys = g_array_new(FALSE, FALSE, sizeof(ClipKey));
    finding->k = finding->fold ? first_k(finding) : MIN(request->most, INDEX_MAX_K);
    if (finding->fold)
        find_clips(finding);
    else
        take_hits(finding, search_index(finding));
    g_array_sort(finding->found, by_cosine);
    if (finding->found->len > (guint)request->most)
        g_array_set_size(finding->found, (guint)request->most);
    g_hash_table_unref(finding->seen);
    g_hash_table_unref(finding->covered);
    g_array_unref(finding->keys);
    g_free(finding->hits);
}

static bool find_vectors(Local *local, Reader *reader, const CandidateRequest *request,
                         const StoreWhere *where, bool fold, GArray **out, GError **error) {
    for (;;) {
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(WindowHit));
        Finding finding = {.local = local,
                           .reader = reader,
                           .request = request,
                           .found = found,
                           .fold = fold,
                           .count = local_count(&local->backend)};
        if (!local_index_begin(local, error)) return false;
        bool ok = allow_filter(reader->store, where, &finding.allowed, error);
        if (ok && local->index && (!where || finding.allowed.set.count)) find(&finding);
        g_free(finding.allowed.bits);
        if (!local_index_end(local)) continue;
        if (ok) *out = g_steal_pointer(&found);
        return ok;
    }
}

/* -- the part of words -- */

static bool find_words(Local *local, Store *store, const CandidateRequest *request,
                       const StoreWhere *where, GArray **out, GError **error) {
    g_autoptr(GArray) hits = store_search_words(store, request->words, where, request->most, error);
    if (!hits) return false;
    *out = g_array_new(FALSE, FALSE, sizeof(Candidate));
    for (guint i = 0; i < hits->len; i++) {
        const StoreHit *hit = &g_array_index(hits, StoreHit, i);
        Candidate candidate = {0, hit->score};
        if (local_known_id(local, store, hit->clip, &candidate.id))
            g_array_append_val(*out, candidate);
    }
    g_array_sort(*out, candidate_order);
    return true;
}

/* -- the face -- */

bool local_candidates(Backend *backend, const CandidateRequest *request, Candidates *out,
                      GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    if (!reader) return false;
    *out = (Candidates){0};
    g_autoptr(StoreWhere) where = request->filter ? filter_where(request->filter) : NULL;
    bool ok =
        local_is_counted(local, error) &&
        (!request->vector ||
         find_vectors(local, reader, request, where, true, &out->vector, error)) &&
        (!request->words || find_words(local, reader->store, request, where, &out->words, error));
    ok = local_return(local, reader, ok, error);
    if (!ok) candidates_clear(out);
    return ok;
}

GArray *local_windows(Backend *backend, const CandidateRequest *request, GError **error) {
    Local *local = (Local *)backend;
    GArray *found = NULL;
    Reader *reader = local_lease(local, error);
    if (!reader) return NULL;
    g_autoptr(StoreWhere) where = request->filter ? filter_where(request->filter) : NULL;
    bool ok = local_is_counted(local, error) &&
              find_vectors(local, reader, request, where, false, &found, error);
    if (!local_return(local, reader, ok, error)) g_clear_pointer(&found, g_array_unref);
    return found;
}

static void find_best(Local *local, Store *store, const float *vector, uint64_t clip,
                      WindowHit *out) {
    ClipKey key;
    KnownWindow known;
    *out = (WindowHit){.clip = clip, .cosine = -2};
    if (!local->index || !store_key_of_id(store, clip, &key) || key.windows < 1) return;
    g_autofree float *cosines = g_new(float, key.windows);
    index_cosines(local->index, vector, key.first_window, key.windows, cosines);
    int best = 0;
    for (int i = 1; i < key.windows; i++)
        if (cosines[i] > cosines[best]) best = i;
    if (cosines[best] < -1.5f || /* not there */
        !local_known_window(local, store, key.first_window + best, &known))
        return;
    *out = (WindowHit){clip, key.first_window + best, known.span, cosines[best]};
}

bool local_best_windows(Backend *backend, const float *vector, const uint64_t *clips, int count,
                        WindowHit *out, GError **error) {
    Local *local = (Local *)backend;
    Reader *reader = local_lease(local, error);
    bool ok = reader != NULL, settled = false;
    while (ok && !settled) {
        ok = local_index_begin(local, error);
        if (!ok) break;
        for (int i = 0; i < count; i++) find_best(local, reader->store, vector, clips[i], &out[i]);
        settled = local_index_end(local);
    }
    return local_return(local, reader, ok, error);
}

int local_sample(Backend *backend, const float *vector, int count, float *out) {
    Local *local = (Local *)backend;
    for (;;) {
        if (!local_index_begin(local, NULL)) return 0;
        int got = local->index ? index_sample(local->index, vector, count, out) : 0;
        if (local_index_end(local)) return got;
    }
}

bool local_row(Backend *backend, const WindowHit *hit, float *out, GError **error) {
    Local *local = (Local *)backend;
    for (;;) {
        if (!local_index_begin(local, error)) return false;
        bool found = local->index && index_row(local->index, hit->window, out);
        if (!local_index_end(local)) continue;
        return found || error_fail(error, ERR_NOT_FOUND, "%s: window %" G_GINT64_FORMAT " is gone",
                                   local->dir, hit->window);
    }
}

bool local_score_words(Backend *backend, const char *words, const uint64_t *clips, int count,
                       double *columns, GError **error) {
    Local *local = (Local *)backend;
    g_autofree StoreHit *hits = g_new0(StoreHit, MAX(count, 1));
    Reader *reader = local_lease(local, error);
    if (!reader) return false;
    for (int i = 0; i < count; i++) {
        ClipKey key = {0};
        store_key_of_id(reader->store, clips[i], &key);
        hits[i].clip = key.number; /* 0: no such clip, which scores nothing */
    }
    bool ok = store_score_words(reader->store, words, hits, count, columns, error);
    return local_return(local, reader, ok, error);
}
