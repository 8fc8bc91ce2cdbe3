/* Opening a library, and what is opened later, when it is needed. The model is library_model.c's,
 * queries are library_query.c's. */
#include "library.h"

#include "error.h"
#include "library_private.h"
#include "local.h"

#include <string.h>

static Library *library_new(const char *where, const LibraryOptions *options) {
    Library *library = g_new0(Library, 1);
    g_mutex_init(&library->lock);
    library->where = g_strdup(where);
    library->models_dir = g_strdup(options->models_dir);
    library->model = g_strdup(options->model);
    library->threads = options->threads;
    library->most_seconds = options->most_seconds;
    library->beside = options->beside;
    return library;
}

static bool open_backend(Library *library, StoreMode mode, double wait, GError **error) {
    library->backend = local_open(library->where, mode, wait, error);
    return library->backend != NULL;
}

Library *library_open(const char *where, StoreMode mode, const LibraryOptions *options,
                      GError **error) {
    g_autoptr(Library) library = library_new(where, options);
    return open_backend(library, mode, options->wait, error) ? g_steal_pointer(&library) : NULL;
}

bool library_is_there(const char *where) {
    g_autofree char *file = g_build_filename(where, STORE_FILE, NULL);
    return g_file_test(file, G_FILE_TEST_EXISTS);
}

static void close_engine(Library *library) {
    Engine *engine = g_steal_pointer(&library->engine);
    if (!library->beside) engine_close(engine);
}

Library *library_make(const char *where, const LibraryOptions *options, GError **error) {
    g_autoptr(Library) library = library_new(where, options);
    if (!library_engine(library, error) ||
        !open_backend(library, STORE_CREATE, options->wait, error))
        return NULL;
    /* Another process was faster: the model is opened again, to be compared with that one's. */
    if (library->backend->ops->model(library->backend)) close_engine(library);
    return g_steal_pointer(&library);
}

void library_close(Library *library) {
    if (!library) return;
    match_background_free(library->background);
    close_engine(library);
    backend_close(library->backend);
    g_mutex_clear(&library->lock);
    g_free(library->where);
    g_free(library->models_dir);
    g_free(library->model);
    g_free(library->model_name);
    g_free(library);
}

Backend *library_backend(Library *library) {
    return library->backend;
}

const char *library_name(const Library *library) {
    return library->backend ? library->backend->ops->name(library->backend) : library->where;
}

Engine *library_engine(Library *library, GError **error) {
    g_mutex_lock(&library->lock);
    if (!library->engine) library->engine = library_open_engine(library, error);
    Engine *engine = library->engine;
    g_mutex_unlock(&library->lock);
    return engine;
}

const Background *library_background(Library *library, GError **error) {
    if (!library_engine(library, error)) return NULL;
    if (library->beside) return library_background(library->beside, error);
    g_mutex_lock(&library->lock);
    if (!library->background) library->background = library_load_background(library, error);
    const Background *background = library->background;
    g_mutex_unlock(&library->lock);
    return background;
}

static bool settle_with(Library *library, const Background *background, GError **error) {
    return library->backend->ops->settle(library->backend, background ? background->text : NULL,
                                         background ? background->texts : 0, library->threads,
                                         error);
}

/* Be it another library's. */
static bool has_engine(Library *library) {
    g_mutex_lock(&library->lock);
    bool open = library->engine != NULL;
    g_mutex_unlock(&library->lock);
    return open || (library->beside && has_engine(library->beside));
}

/* A model that is open is used, to have texts; none is opened, for what only removes needs none. */
bool library_settle(Library *library, GError **error) {
    bool bound = library->backend->ops->model(library->backend) != NULL;
    bool open = has_engine(library);
    g_mutex_lock(&library->lock);
    Background *kept = bound && !open ? library_load_background(library, NULL) : NULL;
    g_mutex_unlock(&library->lock);
    if (open) {
        const Background *whole = library_background(library, error);
        return whole && settle_with(library, whole, error);
    }
    bool settled = settle_with(library, kept, error);
    match_background_free(kept);
    return settled;
}
