/* A library with its model: the door that the command line, the server and libearshot come through.
 *
 * What is not needed is not opened: a list needs no model, a search by words alone no sound
 * decoder. The model is opened at first use and must be the one the library was made with.
 *
 * Owner: the caller. Thread: searches and reading from any number of threads; changes from one at a
 * time. */
#pragma once
#include "backend.h"
#include "engine.h"
#include "query.h"
#include "search.h"

typedef struct Library Library;

typedef struct {
    const char *models_dir; /* where pulled models live */
    const char *model;      /* as named by the user; NULL: the library's own */
    int threads;            /* 0: one per core */
    double wait;            /* seconds to wait for another writer */
    double most_seconds;    /* of a file that is searched by; 0: no limit */
    /* NULL, or one at the same place that is open already: its engine and what it measures `match`
     * against are used, and `model` and `models_dir` are not looked at. It must outlive this one.
     * So a change to a library that is being read costs an opened store, and no model. */
    Library *beside;
} LibraryOptions;

/* `where`: a directory (later also an address of OpenSearch). */
Library *library_open(const char *where, StoreMode mode, const LibraryOptions *options,
                      GError **error);
bool library_is_there(const char *where);

/* One that is not there yet, when its model can be opened; otherwise nothing is left behind. */
Library *library_make(const char *where, const LibraryOptions *options, GError **error);
void library_close(Library *library);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Library, library_close)

Backend *library_backend(Library *library);
const char *library_name(const Library *library);

/* The engine, opened once. ERR_CONFLICT when the library was made with another model: the message
 * says which, and the command that makes a library with this one. Borrowed. */
Engine *library_engine(Library *library, GError **error);

/* Binds the model that is open to a library that has none yet; `hop` in seconds, 0: the window's
 * length. */
bool library_bind_model(Library *library, double hop, GError **error);

/* What `match` is measured against; made once from the model's own file or its text tower, and kept
 * in the library. Borrowed. */
const Background *library_background(Library *library, GError **error);

/* The unit vector of the query's sum → out[dim]; and where it lies. Files are decoded and embedded
 * whole (the mean of their windows, or the fused vector). */
bool library_query_vector(Library *library, const Query *query, float *out, IndexKind *kind,
                          GError **error);

/* A search from words to hits. options->filter and the rest as search.h has them; MODE_BM25 opens
 * no model. */
SearchResult *library_search(Library *library, const Query *query, const SearchOptions *options,
                             GError **error);

/* More like this file or clip, which itself is left out. */
SearchResult *library_similar(Library *library, const char *what, const SearchOptions *options,
                              GError **error);

/* Brings index files up to date after changes. */
bool library_settle(Library *library, GError **error);
