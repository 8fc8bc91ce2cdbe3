/* What is said of a clip when it is indexed: its container's tags (SOURCE_FILE), the label file's
 * row and --tag (SOURCE_META). */
#include "error.h"
#include "ingest_private.h"

#include <string.h>

/* Tags of containers that tell of the container, not of the sound. */
static const char *const noise[] = {
    "encoder",  "encoder_options", "handler_name",      "vendor_id",       "major_brand",
    "duration", "minor_version",   "compatible_brands", "duration-eng",    "bps",
    "bps-eng",  "language",        "number_of_frames",  "number_of_bytes", "tags",
};

static bool is_noise(const char *key) {
    for (gsize i = 0; i < G_N_ELEMENTS(noise); i++)
        if (strcmp(key, noise[i]) == 0) return true;
    return g_str_has_prefix(key, "_statistics");
}

/* A field over the limits is left out: the file is no worse for it. */
static void set_tag(Clip *clip, const char *key, const char *value) {
    g_autofree char *name = is_noise(key) ? NULL : meta_field_name(key);
    if (name && *value) clip_set_field(clip, name, value, SOURCE_FILE, NULL);
}

void ingest_set_tags(Clip *clip, GHashTable *tags) {
    GHashTableIter each;
    gpointer key, value;
    if (!tags) return;
    g_hash_table_iter_init(&each, tags);
    while (g_hash_table_iter_next(&each, &key, &value))
        if (strcmp(key, "comment") != 0) set_tag(clip, key, value);
    const char *comment = g_hash_table_lookup(tags, "comment");
    bool described = g_hash_table_contains(tags, FIELD_DESCRIPTION);
    if (comment) set_tag(clip, described ? "comment" : FIELD_DESCRIPTION, comment);
}

/* -- label file and --tag -- */

static void add_all(GPtrArray *tags, const char *const *more) {
    for (; more && *more; more++)
        if (**more && !g_ptr_array_find_with_equal_func(tags, *more, g_str_equal, NULL))
            g_ptr_array_add(tags, g_strdup(*more));
}

/* What label files and --tag said before; NULL: nothing. */
static const char *said(const Clip *clip, const char *name) {
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        if (field->source == SOURCE_META && g_ascii_strcasecmp(field->name, name) == 0)
            return field->value;
    }
    return NULL;
}

/* Parted by ';'; NULL: nothing is said of tags. A label file replaces what was said, --tag adds to
 * it. */
static char *wanted_tags(const Ingest *ingest, const MetaRow *row, const Clip *there) {
    const char *const *given = ingest->options->tags;
    if (!(given && *given) && !(row && row->tags)) return NULL;
    const char *base = row && row->tags ? row->tags : said(there, FIELD_TAGS);
    g_auto(GStrv) parts = g_strsplit(base ? base : "", ";", -1);
    g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);
    add_all(tags, (const char *const *)parts);
    add_all(tags, given);
    g_ptr_array_add(tags, NULL);
    return g_strjoinv(";", (char **)tags->pdata);
}

/* The CSV of an export calls a clip without a title by its file's name. */
static bool is_name(const Clip *clip, const Field *field) {
    return strcmp(field->name, FIELD_TITLE) == 0 && !clip_field(clip, FIELD_TITLE) &&
           g_strcmp0(field->value, clip->name) == 0;
}

static void add_news(GArray *fields, const Clip *clip, Field field) {
    if (!is_name(clip, &field) && g_strcmp0(said(clip, field.name), field.value) != 0)
        g_array_append_val(fields, field);
}

/* Only what differs is written, so that a run over known files changes nothing. */
bool ingest_label_clip(Ingest *ingest, const Clip *clip, const char *path, GError **error) {
    const MetaRow *row = ingest->meta ? meta_find(ingest->meta, path) : NULL;
    g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
    g_autofree char *tags = wanted_tags(ingest, row, clip);
    for (int i = 0; row && i < row->count; i++) add_news(fields, clip, row->fields[i]);
    if (tags) add_news(fields, clip, (Field){(char *)FIELD_TAGS, tags, SOURCE_META});
    if (!fields->len) return true;
    return ingest->ops->set_fields(ingest->backend, clip_number_of_id(clip->id),
                                   (const Field *)fields->data, (int)fields->len, error);
}

bool ingest_label(Ingest *ingest, uint64_t clip, const char *path, GError **error) {
    bool any = ingest->meta || (ingest->options->tags && *ingest->options->tags);
    if (!any) return true;
    g_autoptr(Clip) there = ingest->ops->clip(ingest->backend, clip, false, error);
    return there && ingest_label_clip(ingest, there, path, error);
}
