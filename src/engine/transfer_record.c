/* Lines of an export → clips. Everything is checked here, so that what is added is as if it had
 * been made by the model. */
#include "transfer_record.h"

#include "clip_json.h"
#include "error.h"
#include "vec.h"

#include <math.h>
#include <string.h>

#define MAX_SECONDS 1e9  /* of a sound: 30 years */
#define UNIT_SLACK  0.02 /* how far the length of a vector may be from 1: halves are coarse */

void record_free(Record *record) {
    if (!record) return;
    clip_free(record->clip);
    g_free(record->model.model);
    g_free(record->model.model_sha256);
    g_free(record->spans);
    g_free(record->vectors);
    g_free(record->clip_vector);
    g_free(record);
}

static bool parse_hash(json_t *line, uint8_t hash[CLIP_HASH], GError **error) {
    const char *hex = json_string_value(json_object_get(line, "sha256"));
    if (!hex || strlen(hex) != 2 * CLIP_HASH || strspn(hex, "0123456789abcdef") != 2 * CLIP_HASH)
        return error_fail(error, ERR_FORMAT, "no \"sha256\" of 64 hex digits");
    for (int i = 0; i < CLIP_HASH; i++)
        hash[i] =
            (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) * 16 + g_ascii_xdigit_value(hex[2 * i + 1]));
    return true;
}

/* Paths */

static FileStamp stamp_at(json_t *stamps, size_t i) {
    json_t *stamp = json_array_get(stamps, i);
    return (FileStamp){json_integer_value(json_object_get(stamp, "size")),
                       json_integer_value(json_object_get(stamp, "mtime")),
                       json_integer_value(json_object_get(stamp, "ctime"))};
}

/* The bytes of a path; NULL when it is none. The caller frees. */
static char *path_bytes(json_t *value, bool base64) {
    const char *text = json_string_value(value);
    gsize len = text ? strlen(text) : 0;
    char *path = !text ? NULL : base64 ? (char *)g_base64_decode(text, &len) : g_strdup(text);
    if (path && path[0] == '/' && strnlen(path, len) == len) return path;
    g_free(path);
    return NULL;
}

static bool parse_paths(json_t *line, Clip *clip, GError **error) {
    json_t *coded = json_object_get(line, "paths_base64");
    json_t *paths = coded ? coded : json_object_get(line, "paths");
    json_t *stamps = json_object_get(line, "stamps"), *value;
    size_t i;
    if (json_array_size(paths) == 0) return error_fail(error, ERR_FORMAT, "no \"paths\"");
    json_array_foreach(paths, i, value) {
        g_autofree char *path = path_bytes(value, coded != NULL);
        FileStamp stamp = stamp_at(stamps, i);
        if (!path) return error_fail(error, ERR_FORMAT, "\"paths\": %zu: no absolute path", i);
        clip_add_path(clip, path, &stamp);
    }
    return true;
}

/* Fields */

static bool parse_said(json_t *said, Clip *clip, GError **error) {
    size_t i;
    json_t *row;
    json_array_foreach(said, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        int source = source_of_name(json_string_value(json_object_get(row, "source")));
        if (!name || source < 0)
            return error_fail(error, ERR_FORMAT, "\"said\": %zu: no name or no source", i);
        if (!clip_set_field(clip, name, json_string_value(json_object_get(row, "value")),
                            (Source)source, error))
            return false;
    }
    return true;
}

/* Text as it is, numbers and such as JSON writes them; the caller frees. NULL: null. */
static char *value_text(json_t *value) {
    if (json_is_null(value)) return NULL;
    if (json_is_string(value)) return g_strdup(json_string_value(value));
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *text = g_strdup(dumped);
    free(dumped);
    return text;
}

/* Lines that nobody signed: what they say counts as the user's. */
static bool parse_unsigned(json_t *line, Clip *clip, GError **error) {
    size_t i;
    const char *name;
    json_t *value;
    g_autoptr(GString) tags = g_string_new(NULL);
    json_object_foreach(json_object_get(line, "fields"), name, value) {
        g_autofree char *text = value_text(value);
        if (!clip_set_field(clip, name, text, SOURCE_USER, error)) return false;
    }
    json_array_foreach(json_object_get(line, "tags"), i, value)
        if (json_is_string(value)) g_string_append_printf(tags, "%s;", json_string_value(value));
    return !tags->len || clip_set_field(clip, FIELD_TAGS, tags->str, SOURCE_USER, error);
}

static bool parse_facts(json_t *line, Clip *clip, GError **error) {
    double duration = json_number_value(json_object_get(line, "duration"));
    json_int_t rate = json_integer_value(json_object_get(line, "rate"));
    json_int_t channels = json_integer_value(json_object_get(line, "channels"));
    const char *added = json_string_value(json_object_get(line, "added"));
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = added ? g_date_time_new_from_iso8601(added, utc) : NULL;
    if (!(duration >= 0 && duration <= MAX_SECONDS))
        return error_fail(error, ERR_FORMAT, "\"duration\": not a length");
    if (rate < 0 || rate > G_MAXINT || channels < 0 || channels > G_MAXINT)
        return error_fail(error, ERR_FORMAT, "\"rate\" or \"channels\": out of range");
    clip->duration = duration;
    clip->rate = (int)rate;
    clip->channels = (int)channels;
    clip->added =
        time ? g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time)
             : g_get_real_time();
    return true;
}

/* Vectors */

/* numbers[dim] of a unit vector → halves. */
static bool parse_vector(json_t *numbers, int dim, uint16_t *halves, GError **error) {
    g_autofree float *vector = g_new(float, dim);
    double length = 0;
    if (json_array_size(numbers) != (size_t)dim)
        return error_fail(error, ERR_FORMAT, "an \"embedding\" that has not %d numbers", dim);
    for (int i = 0; i < dim; i++) {
        json_t *number = json_array_get(numbers, (size_t)i);
        vector[i] = (float)json_number_value(number);
        length += (double)vector[i] * (double)vector[i];
        if (!json_is_number(number))
            return error_fail(error, ERR_FORMAT, "an \"embedding\" of other things than numbers");
    }
    if (!(fabs(sqrt(length) - 1) <= UNIT_SLACK))
        return error_fail(error, ERR_FORMAT, "an \"embedding\" whose length is not 1");
    vec_to_half(vector, halves, (size_t)dim);
    return true;
}

/* The mean of the windows, normalised, where the line does not say. */
static void mean_vector(Record *record) {
    size_t dim = (size_t)record->dim;
    g_autofree float *sum = g_new0(float, dim), *row = g_new(float, dim);
    for (int w = 0; w < record->clip->windows; w++) {
        vec_from_half(record->vectors + (size_t)w * dim, row, dim);
        for (size_t i = 0; i < dim; i++) sum[i] += row[i];
    }
    vec_normalise(sum, dim);
    vec_to_half(sum, record->clip_vector, dim);
}

static bool parse_window(Record *record, json_t *row, size_t w, GError **error) {
    ClipWindow *span = &record->spans[w];
    span->start = json_number_value(json_object_get(row, "start"));
    span->end = json_number_value(json_object_get(row, "end"));
    if (!(span->start >= 0 && span->end >= span->start && span->end <= MAX_SECONDS))
        return error_fail(error, ERR_FORMAT, "\"vectors\": %zu: no start and end", w);
    return parse_vector(json_object_get(row, "embedding"), record->dim,
                        record->vectors + w * (size_t)record->dim, error);
}

static bool parse_vectors(Record *record, json_t *line, json_t *rows, GError **error) {
    size_t w, count = json_array_size(rows);
    json_t *row, *embedding = json_object_get(line, "embedding");
    size_t dim = json_array_size(json_object_get(json_array_get(rows, 0), "embedding"));
    if (count == 0 || count > CLIP_MAX_WINDOWS || dim == 0 || dim > RECORD_MAX_DIM)
        return error_fail(error, ERR_FORMAT, "\"vectors\": %zu of %zu numbers", count, dim);
    record->dim = (int)dim;
    record->clip->windows = (int)count;
    record->spans = g_new(ClipWindow, count);
    record->vectors = g_new(uint16_t, count * dim);
    record->clip_vector = g_new(uint16_t, dim);
    record->bytes += count * (dim * sizeof(uint16_t) + sizeof(ClipWindow));
    record->has_windows = true;
    json_array_foreach(rows, w, row)
        if (!parse_window(record, row, w, error)) return false;
    if (embedding) return parse_vector(embedding, (int)dim, record->clip_vector, error);
    mean_vector(record);
    return true;
}

static bool parse_model(Record *record, json_t *model, GError **error) {
    const char *name = json_string_value(json_object_get(model, "name"));
    const char *sha256 = json_string_value(json_object_get(model, "sha256"));
    json_int_t dim = json_integer_value(json_object_get(model, "dim"));
    double window = json_number_value(json_object_get(model, "window"));
    double hop = json_number_value(json_object_get(model, "hop"));
    bool sound = name && *name && sha256 && dim == record->dim && window > 0 && hop > 0 &&
                 isfinite(window) && isfinite(hop);
    if (!sound) return error_fail(error, ERR_FORMAT, "\"model\": not a model of these vectors");
    record->model = (StoreModel){.model = g_strdup(name),
                                 .model_sha256 = g_strdup(sha256),
                                 .dim = (int)dim,
                                 .window = window,
                                 .hop = hop};
    record->has_model = true;
    return true;
}

static bool fill(Record *record, json_t *line, GError **error) {
    json_t *said = json_object_get(line, "said"), *vectors = json_object_get(line, "vectors");
    json_t *model = json_object_get(line, "model");
    return parse_facts(line, record->clip, error) && parse_paths(line, record->clip, error) &&
           (said ? parse_said(said, record->clip, error)
                 : parse_unsigned(line, record->clip, error)) &&
           (!vectors || parse_vectors(record, line, vectors, error)) &&
           (!vectors || !model || parse_model(record, model, error));
}

Record *record_parse(const char *text, gsize len, GError **error) {
    uint8_t hash[CLIP_HASH];
    json_error_t fault;
    json_t *line = json_loadb(text, len, 0, &fault);
    g_autoptr(Record) record = NULL;
    if (!line)
        error_fail(error, ERR_FORMAT, "not JSON: %s", fault.text);
    else if (!json_is_object(line))
        error_fail(error, ERR_FORMAT, "not a JSON object");
    else if (parse_hash(line, hash, error)) {
        record = g_new0(Record, 1);
        record->clip = clip_new(hash);
        record->bytes = sizeof *record + len / 8;
        if (!fill(record, line, error)) g_clear_pointer(&record, record_free);
    }
    json_decref(line);
    return g_steal_pointer(&record);
}
