/* Reads a Python pickle as data: the result is a tree of values in which a call is only a name and
 * its arguments. Nothing is called or imported, and a name that is not on the caller's list is
 * refused. Of pickle's operations it knows those that torch.save writes for a dict of tensors
 * (protocols 2 to 4).
 *
 * Owner: the Pickle owns all values. A value can be shared, and a dict can hold itself, so whoever
 * walks the tree must bound its depth. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define PICKLE_MAX_BYTES  (32 << 20)
#define PICKLE_MAX_VALUES 1000000

typedef enum {
    PICKLE_NONE,
    PICKLE_INT,  /* number; booleans too */
    PICKLE_REAL, /* its value is not kept */
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,       /* items: key, value, key, value … */
    PICKLE_NAME,       /* text: "module.name" */
    PICKLE_CALL,       /* items: the name, the tuple of arguments */
    PICKLE_PERSISTENT, /* items: what names an object outside of the pickle */
    PICKLE_MARK        /* never in a result */
} PickleKind;

typedef struct PickleValue PickleValue;
struct PickleValue {
    PickleKind kind;
    int64_t number;
    const char *text;
    GPtrArray *items; /* of PickleValue; NULL in kinds without */
};

typedef struct Pickle Pickle;

/* `names` (NULL at the end): the "module.name"s that may occur. collections.OrderedDict needs no
 * mention: it becomes a dict. `path` is for messages. */
Pickle *pickle_read(const char *path, const uint8_t *data, size_t bytes, const char *const *names,
                    GError **error);
void pickle_free(Pickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pickle, pickle_free)

const PickleValue *pickle_root(const Pickle *pickle);

/* The i-th item, or NULL where there is none or it is of another kind. */
const PickleValue *pickle_item(const PickleValue *value, guint i, PickleKind kind);
