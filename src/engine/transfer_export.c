/* A library as JSON Lines or CSV, clip by clip, in memory that does not grow with a clip's length.
 */
#include "clip_json.h"
#include "csv_write.h"
#include "error.h"
#include "json_path.h"
#include "sha256.h"
#include "transfer.h"
#include "vec.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Backend *backend;
    const ExportOptions *options;
    FILE *out;
    char **fields; /* columns of CSV that the user's fields make */
} Export;

static const char *const csv_columns[] = {"id",       "path",    "title", "tags",
                                          "duration", "windows", "added"};

static bool may_go_on(const Export *export, GError **error) {
    if (export->options->stop && g_atomic_int_get(export->options->stop))
        return error_fail(error, ERR_CANCELLED, "interrupted");
    return !ferror(export->out) || error_fail(error, ERR_IO, "the output takes no more");
}

/* JSON Lines */

static json_t *said_json(const Clip *clip) {
    json_t *said = json_array();
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        json_array_append_new(said, json_pack("{s:s, s:s?, s:s}", "name", field->name, "value",
                                              field->value, "source", source_name(field->source)));
    }
    return said;
}

static json_t *stamps_json(const Clip *clip) {
    json_t *stamps = json_array();
    for (guint i = 0; i < clip->paths->len; i++) {
        const FileStamp *stamp = &((const ClipPath *)clip->paths->pdata[i])->stamp;
        json_array_append_new(stamps, json_pack("{s:I, s:I, s:I}", "size", (json_int_t)stamp->size,
                                                "mtime", (json_int_t)stamp->mtime, "ctime",
                                                (json_int_t)stamp->ctime));
    }
    return stamps;
}

static json_t *whole_clip_json(const Clip *clip) {
    char hex[2 * SHA256_BYTES + 1];
    json_t *object = clip_json(clip);
    sha256_hex(clip->hash, hex);
    json_object_set_new(object, "sha256", json_string(hex));
    json_object_set_new(object, "rate", json_integer(clip->rate));
    json_object_set_new(object, "channels", json_integer(clip->channels));
    json_object_set_new(object, "said", said_json(clip));
    json_object_set_new(object, "stamps", stamps_json(clip));
    return object;
}

static json_t *model_json(const StoreModel *model) {
    g_autofree char *name = g_utf8_make_valid(model->model, -1);
    return json_pack("{s:s, s:s, s:i, s:f, s:f}", "name", name, "sha256", model->model_sha256,
                     "dim", model->dim, "window", model->window, "hop", model->hop);
}

/* The object's members without the brace that closes it. */
static void put_open_object(FILE *out, json_t *object) {
    char *text = json_dumps(object, JSON_FLOATS);
    fwrite(text, 1, strlen(text) - 1, out);
    free(text);
}

/* Window by window: the vectors of a day of sound are never all in a JSON document. */
static void put_windows(FILE *out, const ClipWindow *spans, const uint16_t *halves, int count,
                        int dim) {
    g_autofree float *vector = g_new(float, dim);
    fputs(",\"vectors\":[", out);
    for (int w = 0; w < count; w++) {
        vec_from_half(halves + (size_t)w * (size_t)dim, vector, (size_t)dim);
        json_t *row = json_pack("{s:f, s:f, s:o}", "start", spans[w].start, "end", spans[w].end,
                                "embedding", json_floats(vector, dim));
        if (w) fputc(',', out);
        json_dumpf(row, out, JSON_FLOATS);
        json_decref(row);
    }
    fputs("]}\n", out);
}

static bool put_with_vectors(Export *export, json_t *object, const Clip *clip, GError **error) {
    Backend *backend = export->backend;
    const StoreModel *model = backend->ops->model(backend);
    g_autofree ClipWindow *spans = NULL;
    g_autofree uint16_t *halves = NULL;
    if (!backend->ops->vectors(backend, clip, &spans, &halves, error)) return false;
    json_object_set_new(object, "model", model_json(model));
    if (clip->vector)
        json_object_set_new(object, "embedding", json_floats(clip->vector, model->dim));
    put_open_object(export->out, object);
    put_windows(export->out, spans, halves, clip->windows, model->dim);
    return true;
}

/* A repair can lose the model, and with it the vectors, which the next index makes anew. */
static bool has_vectors(const Export *export) {
    return export->options->vectors && export->backend->ops->model(export->backend);
}

static bool put_line(void *user, const Clip *clip, GError **error) {
    Export *export = user;
    bool well = true;
    json_t *object = whole_clip_json(clip);
    if (has_vectors(export))
        well = put_with_vectors(export, object, clip, error);
    else {
        json_dumpf(object, export->out, JSON_FLOATS);
        fputc('\n', export->out);
    }
    json_decref(object);
    return well && may_go_on(export, error);
}

/* CSV */

static bool is_column(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(csv_columns); i++)
        if (g_ascii_strcasecmp(csv_columns[i], name) == 0) return true;
    return false;
}

/* The header; the fields that are columns of their own are left in export->fields. */
static bool put_header(Export *export, GError **error) {
    g_auto(GStrv) names = export->backend->ops->field_names(export->backend, error);
    g_autoptr(GStrvBuilder) fields = g_strv_builder_new();
    g_autoptr(GPtrArray) header = g_ptr_array_new();
    if (!names) return false;
    for (gsize i = 0; i < G_N_ELEMENTS(csv_columns); i++)
        g_ptr_array_add(header, (char *)csv_columns[i]);
    for (char **name = names; *name; name++) {
        if (is_column(*name)) continue;
        g_strv_builder_add(fields, *name);
        g_ptr_array_add(header, *name);
    }
    csv_write_row(export->out, (const char *const *)header->pdata, (int)header->len);
    export->fields = g_strv_builder_end(fields);
    return true;
}

static bool put_row(void *user, const Clip *clip, GError **error) {
    Export *export = user;
    json_t *object = clip_json(clip);
    g_autofree char *duration = g_strdup_printf("%.9g", clip->duration);
    g_autofree char *windows = g_strdup_printf("%d", clip->windows);
    g_autoptr(GPtrArray) row = g_ptr_array_new();
    g_autoptr(GString) tags = g_string_new(NULL);
    for (guint i = 0; i < clip->tags->len; i++)
        g_string_append_printf(tags, "%s%s", i ? ";" : "", (char *)clip->tags->pdata[i]);
    const char *const first[] = {clip->id,
                                 clip_path(clip),
                                 clip_title(clip),
                                 tags->str,
                                 duration,
                                 windows,
                                 json_string_value(json_object_get(object, "added"))};
    for (gsize i = 0; i < G_N_ELEMENTS(first); i++) g_ptr_array_add(row, (char *)first[i]);
    for (char **name = export->fields; *name; name++)
        g_ptr_array_add(row, (char *)clip_field(clip, *name));
    csv_write_row(export->out, (const char *const *)row->pdata, (int)row->len);
    json_decref(object);
    return may_go_on(export, error);
}

bool export_run(Library *library, const ExportOptions *options, FILE *out, GError **error) {
    Backend *backend = library_backend(library);
    Export export = {.backend = backend, .options = options, .out = out};
    if (options->csv && !put_header(&export, error)) return false;
    bool done = backend->ops->each_clip(backend, options->filter, options->vectors,
                                        options->csv ? put_row : put_line, &export, error);
    g_strfreev(export.fields);
    return done;
}
