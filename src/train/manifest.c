/* Reading a manifest row by row. See manifest.h. */
#include "manifest.h"

#include "csv.h"
#include "error.h"
#include "file.h"
#include "name_words.h"

#include <string.h>

typedef struct {
    int path, caption, label, tags; /* columns; −1: there is none */
} Columns;

static void clip_free(void *data) {
    ManifestClip *clip = data;
    g_free(clip->path);
    g_free(clip->label);
    g_ptr_array_unref(clip->captions);
    g_ptr_array_unref(clip->keywords);
    g_free(clip);
}

void manifest_free(Manifest *manifest) {
    if (!manifest) return;
    g_free(manifest->path);
    g_ptr_array_unref(manifest->clips);
    g_free(manifest);
}

static int column_of(const GPtrArray *header, const char *const *names) {
    for (int n = 0; names[n]; n++)
        for (guint i = 0; i < header->len; i++)
            if (g_ascii_strcasecmp(header->pdata[i], names[n]) == 0) return (int)i;
    return -1;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The field without blanks at its ends; NULL: empty, or there is no such column. Caller frees. */
static char *field_of(const GPtrArray *row, int column) {
    if (column < 0 || column >= (int)row->len) return NULL;
    char *text = g_strstrip(g_strdup(row->pdata[column]));
    if (*text) return text;
    g_free(text);
    return NULL;
}

typedef struct {
    Manifest *manifest;
    Columns columns;
    const char *folder;
    bool file_words;
    guint fields;      /* of the header */
    GHashTable *known; /* path → ManifestClip */
    gint64 line;
} Reading;

static bool read_header(Reading *r, Csv *csv, GError **error) {
    const char *path = r->manifest->path;
    g_autoptr(GPtrArray) header = csv_next(csv, error);
    if (!header)
        return error && *error ? false : error_fail(error, ERR_FORMAT, "%s: is empty", path);
    r->fields = header->len;
    r->columns = (Columns){
        .path = column_of(header, NAMES("path", "file", "filename")),
        .caption = column_of(header, NAMES("caption", "text")),
        .label = column_of(header, NAMES("label", "class", "category")),
        .tags = column_of(header, NAMES("tags", "keywords")),
    };
    if (r->columns.path < 0)
        return error_fail(error, ERR_FORMAT, "%s: has no column path (or file)", path);
    bool has_texts = r->columns.caption >= 0 || r->columns.label >= 0 || r->columns.tags >= 0;
    return has_texts || r->file_words ||
           error_fail(error, ERR_FORMAT, "%s: has no column caption, label or tags", path);
}

static bool refuse(const Reading *r, const char *what, const char *why, GError **error) {
    return error_fail(error, ERR_FORMAT, "%s:%" G_GINT64_FORMAT ": %s%s", r->manifest->path,
                      r->line, what, why);
}

static ManifestClip *clip_of(Reading *r, const char *name, GError **error) {
    g_autofree char *path = g_canonicalize_filename(name, r->folder);
    ManifestClip *clip = g_hash_table_lookup(r->known, path);
    if (clip) return clip;
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        refuse(r, name, ": no such sound", error);
        return NULL;
    }
    clip = g_new0(ManifestClip, 1);
    clip->path = g_steal_pointer(&path);
    clip->captions = g_ptr_array_new_with_free_func(g_free);
    clip->keywords = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(r->manifest->clips, clip);
    g_hash_table_insert(r->known, clip->path, clip);
    return clip;
}

static bool check_text(const Reading *r, const char *text, GError **error) {
    if (!text) return true;
    if (!g_utf8_validate(text, -1, NULL)) return refuse(r, "the text is not UTF-8", "", error);
    return strlen(text) <= MANIFEST_MAX_CAPTION || refuse(r, "the text is too long", "", error);
}

/* "a", "a and b", "a, b and c" of "a;b;c"; NULL: there is nothing between the ';'. */
static char *tags_joined(const char *tags) {
    g_auto(GStrv) parts = g_strsplit(tags, ";", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    for (int i = 0; parts[i]; i++)
        if (*g_strstrip(parts[i])) g_ptr_array_add(words, parts[i]);
    GString *joined = g_string_new(NULL);
    for (guint i = 0; i < words->len; i++) {
        if (i > 0) g_string_append(joined, i == words->len - 1 ? " and " : ", ");
        g_string_append(joined, words->pdata[i]);
    }
    return g_string_free(joined, words->len == 0);
}

/* "dog bark take" of "DogBark_01-take2.wav"; NULL: nothing but numbers. */
static char *file_words_of(const char *path) {
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *words = name_words(name);
    g_auto(GStrv) parts = g_strsplit(words, " ", -1);
    GString *kept = g_string_new(NULL);
    for (int i = 0; parts[i]; i++)
        if (*parts[i] && !g_unichar_isdigit(g_utf8_get_char(parts[i])))
            g_string_append_printf(kept, kept->len ? " %s" : "%s", parts[i]);
    return g_string_free(kept, kept->len == 0);
}

static bool take_label(const Reading *r, ManifestClip *clip, const char *name, const char *label,
                       GError **error) {
    if (!clip->label) clip->label = g_strdup(label);
    return strcmp(label, clip->label) == 0 ||
           refuse(r, name, ": has another label on an earlier line", error);
}

/* What a row says of its sound; each NULL where it says nothing. */
typedef struct {
    char *caption, *label, *keywords;
} Texts;

static void texts_clear(Texts *texts) {
    g_free(texts->caption);
    g_free(texts->label);
    g_free(texts->keywords);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Texts, texts_clear)

static bool read_texts(const Reading *r, const GPtrArray *row, const char *name, Texts *texts,
                       GError **error) {
    g_autofree char *tags = field_of(row, r->columns.tags);
    texts->caption = field_of(row, r->columns.caption);
    texts->label = field_of(row, r->columns.label);
    if (!check_text(r, texts->caption, error) || !check_text(r, texts->label, error) ||
        !check_text(r, tags, error))
        return false;
    texts->keywords = tags ? tags_joined(tags) : NULL;
    if (texts->caption || texts->label || texts->keywords) return true;
    if (r->file_words) texts->keywords = file_words_of(name);
    return texts->keywords || refuse(r, name,
                                     r->file_words ? ": has no text, and no words in its name"
                                                   : ": has an empty caption, no label and no tags",
                                     error);
}

static bool take_row(Reading *r, const GPtrArray *row, GError **error) {
    g_auto(Texts) texts = {0};
    g_autofree char *name = field_of(row, r->columns.path);
    if (row->len > r->fields)
        return refuse(r, "more fields than the header has; a text with commas wants quotes", "",
                      error);
    if (!name) return refuse(r, "no path", "", error);
    if (!read_texts(r, row, name, &texts, error)) return false;
    ManifestClip *clip = clip_of(r, name, error);
    if (!clip) return false;
    if (texts.caption) g_ptr_array_add(clip->captions, g_steal_pointer(&texts.caption));
    if (texts.keywords) g_ptr_array_add(clip->keywords, g_steal_pointer(&texts.keywords));
    return !texts.label || take_label(r, clip, name, texts.label, error);
}

static bool read_rows(Reading *r, Csv *csv, GError **error) {
    GError *fault = NULL;
    for (;;) {
        g_autoptr(GPtrArray) row = csv_next(csv, &fault);
        if (!row) break;
        r->line = csv_line(csv);
        if (!take_row(r, row, error)) return false;
    }
    if (fault) g_propagate_error(error, fault);
    if (fault) return false;
    return r->manifest->clips->len > 0 ||
           error_fail(error, ERR_FORMAT, "%s: has no rows", r->manifest->path);
}

Manifest *manifest_read(const char *path, bool file_words, GError **error) {
    g_autoptr(GBytes) bytes = file_bytes(path, MANIFEST_MAX_BYTES, error);
    if (!bytes) return NULL;
    gsize len;
    const char *text = g_bytes_get_data(bytes, &len);
    g_autoptr(Csv) csv = csv_new(path, text, len);
    g_autoptr(Manifest) manifest = g_new0(Manifest, 1);
    manifest->path = g_strdup(path);
    manifest->clips = g_ptr_array_new_with_free_func(clip_free);
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *folder = g_canonicalize_filename(dir, NULL);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    Reading reading = {
        .manifest = manifest, .folder = folder, .file_words = file_words, .known = known};
    bool well = read_header(&reading, csv, error) && read_rows(&reading, csv, error);
    return well ? g_steal_pointer(&manifest) : NULL;
}

bool manifest_has_labels(const Manifest *manifest) {
    for (guint i = 0; i < manifest->clips->len; i++)
        if (!((const ManifestClip *)manifest->clips->pdata[i])->label) return false;
    return true;
}

bool manifest_has_captions(const Manifest *manifest) {
    for (guint i = 0; i < manifest->clips->len; i++)
        if (!((const ManifestClip *)manifest->clips->pdata[i])->captions->len) return false;
    return true;
}
