/* Building clips, and the rules of names and values that hold wherever they come from. */
#include "clip.h"

#include "error.h"

#include <string.h>

static void path_free(void *path) {
    g_free(((ClipPath *)path)->path);
    g_free(path);
}

static void field_free(void *field) {
    g_free(((Field *)field)->name);
    g_free(((Field *)field)->value);
    g_free(field);
}

Clip *clip_new(const uint8_t hash[CLIP_HASH]) {
    Clip *clip = g_new0(Clip, 1);
    memcpy(clip->hash, hash, CLIP_HASH);
    for (int i = 0; i < CLIP_ID / 2; i++) g_snprintf(clip->id + 2 * i, 3, "%02x", hash[i]);
    clip->paths = g_ptr_array_new_with_free_func(path_free);
    clip->fields = g_ptr_array_new_with_free_func(field_free);
    clip->tags = g_ptr_array_new_with_free_func(g_free);
    return clip;
}

void clip_free(Clip *clip) {
    if (!clip) return;
    g_ptr_array_unref(clip->paths);
    g_ptr_array_unref(clip->fields);
    g_ptr_array_unref(clip->tags);
    g_free(clip->vector);
    g_free(clip->name);
    g_free(clip);
}

static char *name_without_ending(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = error_printable(slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name) *dot = 0;
    return name;
}

void clip_add_path(Clip *clip, const char *path, const FileStamp *stamp) {
    ClipPath *added = g_new(ClipPath, 1);
    *added = (ClipPath){g_strdup(path), *stamp};
    g_ptr_array_add(clip->paths, added);
    if (!clip->name) clip->name = name_without_ending(path);
}

static bool is_name(const char *name) {
    size_t len = strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.-");
    return len && !name[len] && (g_ascii_isalpha(name[0]) || name[0] == '_');
}

bool clip_check_name(const char *name, GError **error) {
    if (!is_name(name))
        return error_fail(error, ERR_USAGE,
                          "%s: is no name of a field (letters, digits, '_', '.', '-')", name);
    if (strlen(name) > CLIP_MAX_NAME)
        return error_fail(error, ERR_LIMIT, "%s: the name is longer than %d bytes", name,
                          CLIP_MAX_NAME);
    return true;
}

/* The longest beginning of at most CLIP_MAX_VALUE bytes that ends with a whole character. */
static size_t length_to_keep(const char *value) {
    size_t len = strnlen(value, CLIP_MAX_VALUE + 1);
    if (len <= CLIP_MAX_VALUE) return len;
    len = CLIP_MAX_VALUE;
    while (len && (value[len] & 0xC0) == 0x80) len--;
    return len;
}

char *clip_clean_value(const char *value) {
    if (!value) return NULL;
    g_autofree char *start = g_strndup(value, length_to_keep(value));
    char *clean = g_strstrip(g_utf8_make_valid(start, -1));
    clean[length_to_keep(clean)] = 0; /* replacing broken bytes makes it longer */
    if (*clean) return clean;
    g_free(clean);
    return NULL;
}

static int compare(const Field *a, const char *name, Source source) {
    int order = g_ascii_strcasecmp(a->name, name);
    return order ? order : (int)a->source - (int)source;
}

bool clip_set_field(Clip *clip, const char *name, const char *value, Source source,
                    GError **error) {
    if (!clip_check_name(name, error)) return false;
    guint at = 0;
    while (at < clip->fields->len && compare(clip->fields->pdata[at], name, source) < 0) at++;
    if (at < clip->fields->len && compare(clip->fields->pdata[at], name, source) == 0) {
        Field *field = clip->fields->pdata[at];
        g_free(field->value);
        field->value = clip_clean_value(value);
        return true;
    }
    if (clip->fields->len >= CLIP_MAX_FIELDS && g_ascii_strcasecmp(name, FIELD_TAGS) != 0)
        return error_fail(error, ERR_LIMIT, "%s: the clip has %d fields already", name,
                          CLIP_MAX_FIELDS);
    Field *field = g_new(Field, 1);
    *field = (Field){g_strdup(name), clip_clean_value(value), source};
    g_ptr_array_insert(clip->fields, (int)at, field);
    return true;
}

static bool has_tag(const Clip *clip, const char *tag) {
    g_autofree char *wanted = g_utf8_casefold(tag, -1);
    for (guint i = 0; i < clip->tags->len; i++) {
        g_autofree char *folded = g_utf8_casefold(clip->tags->pdata[i], -1);
        if (!strcmp(folded, wanted)) return true;
    }
    return false;
}

void clip_add_tag(Clip *clip, const char *tag) {
    g_auto(GStrv) parts = g_strsplit(tag, ";", CLIP_MAX_TAGS + 1);
    for (int i = 0; parts[i] && i < CLIP_MAX_TAGS; i++) {
        g_autofree char *clean = clip_clean_value(parts[i]);
        if (clean && clip->tags->len < CLIP_MAX_TAGS && !has_tag(clip, clean))
            g_ptr_array_add(clip->tags, g_steal_pointer(&clean));
    }
}

const char *clip_field(const Clip *clip, const char *name) {
    const Field *found = NULL;
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        if (!g_ascii_strcasecmp(field->name, name)) found = field; /* the highest source is last */
    }
    return found ? found->value : NULL;
}

const char *clip_title(const Clip *clip) {
    const char *title = clip_field(clip, FIELD_TITLE);
    return title ? title : clip->name ? clip->name : "";
}

const char *clip_path(const Clip *clip) {
    return clip->paths->len ? ((ClipPath *)clip->paths->pdata[0])->path : "";
}

bool clip_id_parse(const char *text, char lower[2 * CLIP_HASH + 1]) {
    size_t len = strspn(text, "0123456789abcdefABCDEF");
    if (text[len] || len < 4 || len > 2 * CLIP_HASH) return false;
    for (size_t i = 0; i <= len; i++) lower[i] = g_ascii_tolower(text[i]);
    return true;
}
