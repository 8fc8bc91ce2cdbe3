/* What the library knows: clips, paths, windows, failures.
 *
 * Thread: that of the Store. Callbacks must not change the Store they read. One that returns false
 * ends the loop: with the error it set, or, when it set none, as if there were no more. */
#pragma once
#include "store.h"

typedef enum {
    PATH_UNKNOWN, /* never seen */
    PATH_SAME,    /* known, and the stamp is the same */
    PATH_CHANGED, /* known, another stamp */
    PATH_FAILED,  /* failed with this very stamp */
} PathState;

/* `clip` (may be NULL): the clip it holds, 0 when none. */
PathState store_path_state(Store *store, const char *path, const FileStamp *stamp, int64_t *clip);

#define STORE_VECTOR true /* for `with_vector`: fill Clip.vector as well */

/* NULL with ERR_NOT_FOUND; a prefix that fits several clips is ERR_CONFLICT. */
Clip *store_clip(Store *store, int64_t number, bool with_vector, GError **error);
int64_t store_find_hash(Store *store, const uint8_t hash[CLIP_HASH]); /* 0: not there */
int64_t store_find_id(Store *store, const char *prefix, GError **error);
int64_t store_find_path(Store *store, const char *path, GError **error); /* 0 + ERR_NOT_FOUND */

/* A condition on clips in SQL over the alias `c` of table clip, with its values bound in order.
 * Made by filter_sql. */
typedef struct {
    char *sql;
    GPtrArray *values; /* of StoreValue * */
} StoreWhere;
typedef enum { VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES } ValueKind;
typedef struct {
    ValueKind kind;
    double number;
    GBytes *bytes; /* of a text, too */
} StoreValue;
StoreWhere *store_where_new(const char *sql);
void store_where_bind_number(StoreWhere *where, double number);
void store_where_bind_text(StoreWhere *where, const char *text);
void store_where_free(StoreWhere *where);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreWhere, store_where_free)

/* Clips in the order of their numbers, those of `where` (NULL: all), after number `after`; at most
 * `limit`, all when it is negative; `each` returns false to stop. The Clip is valid during the
 * call. */
typedef bool (*StoreEachClip)(void *user, const Clip *clip, GError **error);
bool store_each_clip(Store *store, const StoreWhere *where, int64_t after, int64_t limit,
                     bool with_vector, StoreEachClip each, void *user, GError **error);

typedef bool (*StoreEachPath)(void *user, const char *path, int64_t clip, GError **error);
bool store_each_path(Store *store, const char *under, StoreEachPath each, void *user,
                     GError **error); /* under a folder; NULL: all */

typedef bool (*StoreEachFailure)(void *user, const char *path, const char *why, GError **error);
bool store_each_failure(Store *store, StoreEachFailure each, void *user, GError **error);

/* Windows above `after`, by number: what a derived index is made of. vector[dim] in halves. */
typedef bool (*StoreEachWindow)(void *user, int64_t number, int64_t clip, double start, double end,
                                const uint16_t *vector, GError **error);
bool store_each_window(Store *store, int64_t after, StoreEachWindow each, void *user,
                       GError **error);

/* Windows of one clip: [clip.windows]; the caller frees. */
ClipWindow *store_windows(Store *store, int64_t clip, int *count, GError **error);
uint16_t *store_vectors(Store *store, int64_t clip, int *count, GError **error); /* [n][dim] */

/* What names a clip and where its windows lie; false: it is not there. */
typedef struct {
    int64_t number;
    uint64_t id; /* the 16 hex digits as a number */
    int64_t first_window;
    int windows;
} ClipKey;
bool store_key(Store *store, int64_t clip, ClipKey *key);
bool store_key_of_id(Store *store, uint64_t id, ClipKey *key);
bool store_key_of_window(Store *store, int64_t window, ClipKey *key, ClipWindow *span);
int64_t store_count(Store *store); /* of clips; far cheaper than store_stats */

/* The clip a window is of, and its span; false: there is no such window. */
bool store_window(Store *store, int64_t window, int64_t *clip, ClipWindow *span);

/* The windows of the clips that `where` names, as `*size` bits from window `*first` on, of which
 * `*count` are set. Words of 64 bits; the caller frees. NULL is an error. */
uint64_t *store_window_set(Store *store, const StoreWhere *where, int64_t *first, uint64_t *size,
                           uint64_t *count, GError **error);

/* Ranges of window numbers that went since `after`, an order of removals; *last takes the newest.
 */
typedef bool (*StoreEachRemoval)(void *user, int64_t first, int64_t count);
bool store_each_removal(Store *store, int64_t after, int64_t *last, StoreEachRemoval each,
                        void *user, GError **error);
bool store_forget_removals(Store *store, int64_t up_to, GError **error);

/* Names of fields that any clip has, sorted; NULL-terminated, the caller's (g_strfreev). */
char **store_field_names(Store *store, GError **error);
