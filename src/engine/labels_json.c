/* Labels as JSON. */
#include "labels_json.h"

#include "json_path.h"

static void score(const void *self, const float *vector, LabelScore *scores) {
    labels_score(self, vector, scores);
}

static const char *name(const void *self, int label) {
    return labels_name(self, label);
}

Labeller labels_labeller(const Labels *labels) {
    return (Labeller){score, name, labels, labels_count(labels), labels_dim(labels)};
}

static json_t *scores_json(const Labeller *by, const float *vector, int top) {
    g_autofree LabelScore *scores = g_new(LabelScore, MAX(by->count, 1));
    json_t *list = json_array();
    by->score(by->self, vector, scores);
    for (int i = 0; i < MIN(top, by->count); i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "label",
                                              by->name(by->self, scores[i].label), "probability",
                                              (double)scores[i].probability, "cosine",
                                              (double)scores[i].cosine));
    return list;
}

json_t *classified_json(const Labeller *labeller, const EmbeddedFile *file, int top, bool windows) {
    json_t *row = json_object(), *list = json_array();
    json_set_path(row, file->path);
    json_object_set_new(row, "labels", scores_json(labeller, file->clip, top));
    for (int w = 0; windows && w < file->windows; w++) {
        const float *vector = file->vectors + (gsize)w * (gsize)labeller->dim;
        json_array_append_new(list, json_pack("{s:f, s:f, s:o}", "start", file->spans[w].start,
                                              "end", file->spans[w].end, "labels",
                                              scores_json(labeller, vector, top)));
    }
    json_object_set_new(row, "windows", list);
    return row;
}
