/* What the files library*.c share. */
#pragma once
#include "library.h"

struct Library {
    char *where;
    Backend *backend;         /* NULL while library_make looks for the model */
    Library *beside;          /* lends its engine and background; NULL: they are its own */
    char *models_dir, *model; /* `model` as the user named it, or NULL */
    int threads;
    double most_seconds;    /* of a query's files; 0: any */
    GMutex lock;            /* over all below; taken before that of `beside` */
    Engine *engine;         /* NULL until it is needed */
    char *model_name;       /* what a library remembers of it: a name, or an absolute path */
    Background *background; /* NULL until it is needed */
};

/* library_model.c; under the lock. That of `beside` when there is one. */
Engine *library_open_engine(Library *library, GError **error);

/* library_background.c; under the lock. Without an open model: the texts that the library keeps, or
 * NULL without an error. */
Background *library_load_background(Library *library, GError **error);

/* library_edit.c: the name of a field under the one that a user gave it; and whether users may say
 * anything of these. */
const char *edit_field_name(const char *name);
bool edit_check_fields(const Field *fields, int count, GError **error);

/* Sentences about sounds of all kinds. */
extern const char *const background_texts[];
extern const int background_text_count;
