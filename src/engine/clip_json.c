/* Clips and hits as JSON. */
#include "clip_json.h"

#include "json_path.h"
#include "store_words.h"

#include <math.h>
#include <string.h>

static const char *const source_names[] = {
    [SOURCE_FILE] = "file", [SOURCE_META] = "meta", [SOURCE_USER] = "user"};

const char *source_name(Source source) {
    return source_names[source];
}

int source_of_name(const char *name) {
    for (int i = 0; name && i < (int)G_N_ELEMENTS(source_names); i++)
        if (strcmp(source_names[i], name) == 0) return i;
    return -1;
}

static json_t *number_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *valid_string(const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static void set_paths(json_t *object, const Clip *clip) {
    json_t *paths = json_array(), *bytes = json_array();
    bool plain = true;
    for (guint i = 0; i < clip->paths->len; i++) {
        const char *path = ((ClipPath *)clip->paths->pdata[i])->path;
        g_autofree char *coded = g_base64_encode((const guchar *)path, strlen(path));
        plain = plain && g_utf8_validate(path, -1, NULL);
        json_array_append_new(paths, valid_string(path));
        json_array_append_new(bytes, json_string(coded));
    }
    json_object_set_new(object, "paths", paths);
    if (!plain) json_object_set(object, "paths_base64", bytes);
    json_decref(bytes);
}

static json_t *tags_json(const Clip *clip) {
    json_t *tags = json_array();
    for (guint i = 0; i < clip->tags->len; i++)
        json_array_append_new(tags, valid_string(clip->tags->pdata[i]));
    return tags;
}

/* Fields come by name, then source: of each name the last one counts. */
static json_t *fields_json(const Clip *clip) {
    json_t *fields = json_object();
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        const Field *next = i + 1 < clip->fields->len ? clip->fields->pdata[i + 1] : NULL;
        bool counts = !next || g_ascii_strcasecmp(next->name, field->name) != 0;
        if (counts && field->value && g_ascii_strcasecmp(field->name, FIELD_TAGS) != 0)
            json_object_set_new(fields, field->name, valid_string(field->value));
    }
    return fields;
}

static json_t *time_json(int64_t microseconds) {
    g_autoptr(GDateTime) second = g_date_time_new_from_unix_utc(microseconds / G_USEC_PER_SEC);
    g_autoptr(GDateTime) time =
        second ? g_date_time_add(second, microseconds % G_USEC_PER_SEC) : NULL;
    g_autofree char *text = time ? g_date_time_format_iso8601(time) : NULL;
    return text ? json_string(text) : json_null();
}

json_t *clip_json(const Clip *clip) {
    json_t *object = json_pack("{s:s}", "id", clip->id);
    json_set_path(object, clip_path(clip));
    set_paths(object, clip);
    json_object_set_new(object, "title", valid_string(clip_title(clip)));
    json_object_set_new(object, "duration", number_or_null(clip->duration));
    json_object_set_new(object, "tags", tags_json(clip));
    json_object_set_new(object, "fields", fields_json(clip));
    json_object_set_new(object, "windows", json_integer(clip->windows));
    json_object_set_new(object, "added", time_json(clip->added));
    return object;
}

json_t *hit_json(const SearchHit *hit) {
    json_t *object = json_pack("{s:i, s:s}", "rank", hit->rank, "id", hit->clip->id);
    json_set_path(object, clip_path(hit->clip));
    json_object_set_new(object, "title", valid_string(clip_title(hit->clip)));
    json_object_set_new(object, "score", number_or_null(hit->score));
    json_object_set_new(object, "match", number_or_null(hit->match));
    json_object_set_new(object, "cosine", number_or_null(hit->cosine));
    json_object_set_new(object, "bm25", number_or_null(hit->bm25));
    json_object_set_new(object, "start", number_or_null(hit->span.start));
    json_object_set_new(object, "end", number_or_null(hit->span.end));
    json_object_set_new(object, "duration", number_or_null(hit->clip->duration));
    json_object_set_new(object, "tags", tags_json(hit->clip));
    json_object_set_new(object, "fields", fields_json(hit->clip));
    if (!hit->folded) return object;
    json_t *folded = json_array();
    for (guint i = 0; i < hit->folded->len; i++)
        json_array_append_new(folded, json_string(hit->folded->pdata[i]));
    json_object_set_new(object, "duplicates", folded);
    return object;
}

static json_t *part_json(const Fused *parts, int which) {
    int rank = parts->rank[which];
    return json_pack("{s:o, s:o}", "rank", rank ? json_integer(rank) : json_null(), "part",
                     number_or_null(parts->part[which]));
}

json_t *hit_explanation_json(const SearchHit *hit) {
    json_t *vector = part_json(&hit->parts, 0), *words = part_json(&hit->parts, 1);
    if (hit->columns) {
        json_t *columns = json_object();
        for (int i = 0; i < STORE_WORD_COLUMNS; i++)
            if (hit->columns[i] > 0)
                json_object_set_new(columns, store_word_columns[i], json_real(hit->columns[i]));
        json_object_set_new(words, "columns", columns);
    }
    return json_pack("{s:o, s:o}", "vector", vector, "bm25", words);
}

static json_t *hits_json(const GPtrArray *hits, bool explain) {
    json_t *list = json_array();
    for (guint i = 0; i < hits->len; i++) {
        json_t *hit = hit_json(hits->pdata[i]);
        if (explain) json_object_set_new(hit, "explain", hit_explanation_json(hits->pdata[i]));
        json_array_append_new(list, hit);
    }
    return list;
}

json_t *search_json(const SearchResult *result, const char *query, const char *mode,
                    const char *model, const char *library, bool explain) {
    return json_pack("{s:o, s:s, s:o, s:o, s:I, s:f, s:o, s:o}", "query", valid_string(query),
                     "mode", mode, "model", model ? valid_string(model) : json_null(), "library",
                     valid_string(library), "clips", (json_int_t)result->clips, "seconds",
                     result->seconds, "nearest", number_or_null(result->nearest), "hits",
                     hits_json(result->hits, explain));
}
