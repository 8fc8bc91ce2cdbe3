/* Which model a library has. A library remembers the model's name and the SHA-256 of its weights:
 * other weights are another model, even of equal shape. Hashing 600 MB at every start would take
 * half a second, so the hash is kept in the library together with the weights' size, times and
 * inode, and computed again only when one of these differs. */
#include "library.h"

#include "error.h"
#include "hub.h"
#include "library_private.h"

#include <math.h>
#include <string.h>

#define STAMP_KEY     "model.stamp" /* "SHA256 STAMP" */
#define DEFAULT_MODEL "builtin"

/* NULL: nothing is kept, or of other weights. */
static char *kept_hash(Library *library, const char *stamp) {
    g_autoptr(GBytes) kept = library->backend->ops->get(library->backend, STAMP_KEY, NULL);
    gsize len = 0, hex = 64, stamp_len = strlen(stamp);
    const char *text = kept ? g_bytes_get_data(kept, &len) : NULL;
    bool fits = len == hex + 1 + stamp_len && text[hex] == ' ' &&
                memcmp(text + hex + 1, stamp, stamp_len) == 0;
    return fits ? g_strndup(text, hex) : NULL;
}

static char *weights_hash(Library *library, const Clap *clap) {
    g_autofree char *stamp = clap_weights_stamp(clap);
    char *kept = kept_hash(library, stamp);
    return kept ? kept : g_strdup(clap_weights_sha256(clap));
}

/* Nothing is written when it is known already. */
static bool remember_hash(Library *library, const Clap *clap, const char *hash, GError **error) {
    g_autofree char *stamp = clap_weights_stamp(clap);
    g_autofree char *kept = kept_hash(library, stamp);
    if (kept) return true;
    g_autofree char *text = g_strdup_printf("%s %s", hash, stamp);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    return library->backend->ops->put(library->backend, STAMP_KEY, bytes, error);
}

/* The model with the name that is to be opened was not found; the library's own may have moved. */
static void explain_missing(const Library *library, const char *name, const StoreModel *own,
                            GError **error, GError *why) {
    if (!own && !library->model)
        error_fail(error, ERR_USAGE,
                   "%s: a new library needs a model: name one with -m (earshot model list)",
                   library_name(library));
    else if (own && !library->model)
        error_fail(error, why->code, "%s (the model of %s; if it was moved, name it with -m)",
                   why->message, library_name(library));
    else
        g_propagate_error(error, g_error_copy(why));
    g_error_free(why);
}

static char *find_model(Library *library, const StoreModel *own, GError **error) {
    GError *why = NULL;
    const char *name = library->model ? library->model : own ? own->model : DEFAULT_MODEL;
    char *dir = hub_find(library->models_dir, name, &why);
    if (!dir) {
        explain_missing(library, name, own, error, why);
        return NULL;
    }
    bool is_path = strcmp(dir, name) == 0;
    g_free(library->model_name);
    library->model_name = is_path ? g_canonicalize_filename(dir, NULL) : g_strdup(name);
    return dir;
}

static bool check_same(Library *library, const Engine *engine, const StoreModel *own,
                       GError **error) {
    g_autofree char *hash = weights_hash(library, engine_clap(engine));
    int dim = clap_dim(engine_clap(engine));
    if (strcmp(hash, own->model_sha256) == 0 && dim == own->dim) return true;
    return error_fail(
        error, ERR_CONFLICT,
        "%s: was made with the model %s (%.12s), and %s is another one (%.12s); for a "
        "library of its own: earshot -L OTHER -m %s index PATH...",
        library_name(library), own->model, own->model_sha256, library->model_name, hash,
        library->model_name);
}

/* The other one's engine, when its weights are those that this library was made with; whether they
 * are is asked here, for the library may be another one than it was when that was opened. */
static Engine *borrow_engine(Library *library, const StoreModel *own, GError **error) {
    Library *beside = library->beside;
    Engine *engine = library_engine(beside, error);
    if (!engine) return NULL;
    g_mutex_lock(&beside->lock);
    g_free(library->model_name);
    library->model_name = g_strdup(beside->model_name);
    g_mutex_unlock(&beside->lock);
    return !own || check_same(library, engine, own, error) ? engine : NULL;
}

Engine *library_open_engine(Library *library, GError **error) {
    Backend *backend = library->backend;
    const StoreModel *own = backend ? backend->ops->model(backend) : NULL;
    if (library->beside) return borrow_engine(library, own, error);
    g_autofree char *dir = find_model(library, own, error);
    if (!dir) return NULL;
    g_autoptr(Engine) engine = engine_open(dir, library->threads, error);
    if (!engine || (own && !check_same(library, engine, own, error))) return NULL;
    return g_steal_pointer(&engine);
}

/* Hops closer than a millisecond are the same one. */
static bool check_hop(Library *library, const StoreModel *own, double hop, GError **error) {
    if (hop <= 0 || fabs(hop - own->hop) < 0.001) return true;
    return error_fail(error, ERR_CONFLICT,
                      "%s: has a window every %g s, not every %g s; for a library of its own: "
                      "earshot -L OTHER index --hop %g PATH...",
                      library_name(library), own->hop, hop, hop);
}

bool library_bind_model(Library *library, double hop, GError **error) {
    Engine *engine = library_engine(library, error);
    if (!engine) return false;
    Backend *backend = library->backend;
    const StoreModel *own = backend->ops->model(backend);
    g_autofree char *hash = weights_hash(library, engine_clap(engine));
    if (!*hash)
        return error_fail(error, ERR_IO, "%s: the weights cannot be read", engine_dir(engine));
    if (own && !check_hop(library, own, hop, error)) return false;
    StoreModel model = {
        .model = library->model_name,
        .model_sha256 = hash,
        .dim = clap_dim(engine_clap(engine)),
        .window = engine_window_seconds(engine),
        .hop = hop > 0 ? hop : engine_window_seconds(engine),
    };
    if (!own && !backend->ops->set_model(backend, &model, error)) return false;
    return remember_hash(library, engine_clap(engine), hash, error);
}
