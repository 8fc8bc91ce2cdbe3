/* Clips made of embedded files. */
#include "embedded.h"

#include "meta.h"
#include "vec.h"

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

static void set_tags(Clip *clip, GHashTable *tags) {
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

Clip *embedded_clip(const uint8_t hash[CLIP_HASH], const char *path, const FileStamp *stamp) {
    Clip *clip = clip_new(hash);
    clip_add_path(clip, path, stamp);
    return clip;
}

static ClipWindow *windows_of(const EmbeddedFile *file) {
    ClipWindow *windows = g_new(ClipWindow, MAX(file->windows, 1));
    for (int w = 0; w < file->windows; w++)
        windows[w] = (ClipWindow){file->spans[w].start, file->spans[w].end};
    return windows;
}

static uint16_t *halves(const float *vectors, gsize count) {
    uint16_t *made = g_new(uint16_t, MAX(count, 1));
    vec_to_half(vectors, made, count);
    return made;
}

bool embedded_add(Backend *backend, Clip *clip, const EmbeddedFile *file, GError **error) {
    gsize dim = (gsize)backend->ops->model(backend)->dim;
    clip->duration = file->seconds;
    clip->rate = file->rate;
    clip->channels = file->channels;
    clip->windows = file->windows;
    set_tags(clip, file->tags);
    g_autofree ClipWindow *windows = windows_of(file);
    g_autofree uint16_t *vectors = halves(file->vectors, (gsize)file->windows * dim);
    g_autofree uint16_t *whole = halves(file->clip, dim);
    return backend->ops->add_clip(backend, clip, windows, vectors, whole, error);
}
