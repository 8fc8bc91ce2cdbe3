/* What is said of a clip when it is indexed, beside its container's tags: the label file's row and
 * --tag (SOURCE_META). */
#include "error.h"
#include "ingest_private.h"

#include <string.h>

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
