/* Conditions on clips:
 *
 *     duration < 30 and tag = "rain" and not path ~ "old" and artist in ("A","B")
 *
 * fields, = != < <= > >= ~ in, and or not, parentheses; precedence not, and, or. A value is a
 * number, a string in single or double quotes (backslash quotes), or a bare word. `~` matches with
 * * and ? anywhere in a text, case folded; `=` on text folds case as well; `tag` (or `tags`) is
 * true when any tag fits, `path` when any path does. Fields of every clip: id, path, name, folder,
 * title (as shown: the file's name where none was said), duration, rate, channels, windows, added
 * (RFC 3339 or a date). Others are what users and files said; comparing with a number compares as
 * numbers. A clip without the field fits `!=` and nothing else.
 *
 * Values go to the database bound, never as SQL. Owner: the caller. Thread: any. */
#pragma once
#include "store_read.h"

#define FILTER_MAX_BYTES 16384
#define FILTER_MAX_DEPTH 12 /* SQLite's parser has no room for more */
#define FILTER_MAX_NODES 1024

typedef enum { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TEST } FilterKind;
typedef enum { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_LIKE, OP_IN } FilterOp;

typedef struct {
    char *text;
    bool is_number;
    double number;
} FilterValue;

/* The tree is open, so that each backend writes it in its own language. */
typedef struct FilterNode FilterNode;
struct FilterNode {
    FilterKind kind;
    FilterNode *left, *right; /* of and, or; `left` alone of not */
    char *field;              /* of a test, lower case, "tags" as "tag" */
    FilterOp op;
    GPtrArray *values; /* of FilterValue *; one, but for in */
};

typedef struct {
    FilterNode *root;
    char *text;
} Filter;

/* `fields`: names that clips have beyond those of every clip (NULL-terminated; NULL: any name is
 * taken). ERR_USAGE; *place (may be NULL) is the byte of `text` at which it is wrong. */
Filter *filter_parse(const char *text, const char *const *fields, size_t *place, GError **error);
void filter_free(Filter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Filter, filter_free)

/* A date or an RFC 3339 time → the span it names, in microseconds since 1970: a day, a second, or
 * one microsecond when it has a fraction; UTC unless it says otherwise. */
bool filter_time(const char *text, int64_t *from, int64_t *to);

/* As SQL over the store's tables. */
StoreWhere *filter_where(const Filter *filter);
