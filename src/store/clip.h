/* A clip as the library knows it: one sound's content, under all its paths, with what is said of
 * it.
 *
 * Values have a source, and the highest one that speaks wins: what the file's own tags say, what a
 * label file says, what the user said. A field is text; one that reads as a number can be compared
 * as one.
 *
 * Owner: whoever made it; it owns all it points at. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIP_HASH        32    /* bytes of a SHA-256 */
#define CLIP_ID          16    /* hex digits of it that name the clip */
#define CLIP_MAX_FIELDS  256   /* of one clip */
#define CLIP_MAX_NAME    64    /* bytes of a field's name */
#define CLIP_MAX_VALUE   65536 /* bytes of a field's value; the rest is cut */
#define CLIP_MAX_TAGS    256
#define CLIP_MAX_WINDOWS 1000000

typedef enum { SOURCE_FILE, SOURCE_META, SOURCE_USER } Source;

/* The fields that BM25 reads, and the one that is a list. Other names are the user's own. */
#define FIELD_TITLE       "title"
#define FIELD_TAGS        "tags" /* a list, parted by ';' */
#define FIELD_DESCRIPTION "description"
#define FIELD_ARTIST      "artist"
#define FIELD_ALBUM       "album"
#define FIELD_GENRE       "genre"

typedef struct {
    char *name;
    char *value; /* NULL: said to have none (hides what lower sources say) */
    Source source;
} Field;

typedef struct {
    double start, end; /* seconds of the clip */
} ClipWindow;

/* What stat said of a path when it was last read. Any difference means: look again. */
typedef struct {
    int64_t size, mtime, ctime; /* bytes; nanoseconds since 1970 */
} FileStamp;

typedef struct {
    char *path; /* absolute bytes */
    FileStamp stamp;
} ClipPath;

typedef struct {
    int64_t number; /* in this library; 0: not stored yet */
    uint8_t hash[CLIP_HASH];
    char id[CLIP_ID + 1];
    double duration; /* seconds */
    int rate, channels;
    int64_t added;        /* microseconds since 1970 */
    GPtrArray *paths;     /* of ClipPath *, the oldest first */
    GPtrArray *fields;    /* of Field *, all that is said; by name, then source; "tags", too */
    GPtrArray *tags;      /* of char *, those that count, in order of their saying */
    int64_t first_window; /* its windows' numbers run from here, one by one */
    int windows;
    float *vector; /* [dim] of the whole clip, a unit vector; NULL unless asked for */
    char *name;    /* of the first path's file, printable, without its ending; for clip_title */
} Clip;

Clip *clip_new(const uint8_t hash[CLIP_HASH]);
void clip_free(Clip *clip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clip, clip_free)

void clip_add_path(Clip *clip, const char *path, const FileStamp *stamp);
/* `value` is made UTF-8, cut to its limit, and stripped of blanks at its ends; an empty one is
 * NULL. Names compare without case. Over CLIP_MAX_FIELDS or a name that is none
 * ([A-Za-z_][A-Za-z0-9_.-]*, CLIP_MAX_NAME): ERR_LIMIT or ERR_USAGE. "tags" may be set too, for
 * store_add_clip. */
bool clip_set_field(Clip *clip, const char *name, const char *value, Source source, GError **error);

/* A ';' in it parts tags. One that is there already, in any case, is not added again. */
void clip_add_tag(Clip *clip, const char *tag);

/* The rules of clip_set_field, for values on their way into a library. The caller frees. */
bool clip_check_name(const char *name, GError **error);
char *clip_clean_value(const char *value);

/* The value that counts, or NULL. Borrowed. */
const char *clip_field(const Clip *clip, const char *name);

/* Its title; else the file's name without its ending. Borrowed from the clip; never NULL. */
const char *clip_title(const Clip *clip);

/* The first path; "" when it has none. */
const char *clip_path(const Clip *clip);

/* "0f3c…" (hex digits in either case, at least 4 of them, up to 64) → bytes for a prefix search;
 * false when it is none. */
bool clip_id_parse(const char *text, char lower[2 * CLIP_HASH + 1]);
