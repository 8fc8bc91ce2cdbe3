/* The map of a library. See map.h. */
#include "map.h"

#include "error.h"
#include "pca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HELD 0.98 /* of the points lie within the square */

typedef struct {
    int dim;
    GArray *points; /* of MapPoint */
    GArray *rows;   /* of float, [points][dim] */
} Gathering;

static bool gather(void *user, const Clip *clip, GError **error) {
    Gathering *gathering = user;
    MapPoint point = {.id = clip_number_of_id(clip->id), .duration = clip->duration};
    if (!clip->vector) return true;
    point.title = g_strdup(clip_title(clip));
    g_array_append_val(gathering->points, point);
    g_array_append_vals(gathering->rows, clip->vector, (guint)gathering->dim);
    return true;
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* How far from the middle the points lie, but for the farthest. */
static float reach_of(const float *places, guint count) {
    g_autofree float *reach = g_new(float, count);
    for (guint i = 0; i < count; i++)
        reach[i] = MAX(fabsf(places[i * PCA_AXES]), fabsf(places[i * PCA_AXES + 1]));
    qsort(reach, count, sizeof *reach, by_size);
    return reach[(guint)(HELD * (count - 1) + 0.5)];
}

static void place(Gathering *gathering) {
    const guint count = gathering->points->len;
    if (!count) return;
    g_autofree float *places = g_new(float, (gsize)count *PCA_AXES);
    pca_run((float *)(void *)gathering->rows->data, count, gathering->dim, places);
    const float reach = reach_of(places, count), scale = reach > 0 ? 1 / reach : 0;
    for (guint i = 0; i < count; i++) {
        MapPoint *point = &g_array_index(gathering->points, MapPoint, i);
        point->x = CLAMP(places[i * PCA_AXES] * scale, -1, 1);
        point->y = CLAMP(places[i * PCA_AXES + 1] * scale, -1, 1);
    }
}

static bool gather_all(Backend *backend, const Filter *filter, int most, Gathering *gathering,
                       GError **error) {
    const ListRequest request = {
        .filter = filter, .order = ORDER_ID, .n = most, .with_vector = true};
    int64_t total;
    return backend->ops->list(backend, &request, &total, gather, gathering, error);
}

bool library_map(Library *library, const Filter *filter, int most, MapPoint **points, int *count,
                 GError **error) {
    Backend *backend = library_backend(library);
    const StoreModel *model = backend->ops->model(backend);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(float));
    Gathering gathering = {model ? model->dim : 0, g_array_new(FALSE, FALSE, sizeof(MapPoint)),
                           rows};
    bool well = !model || gather_all(backend, filter, most, &gathering, error);
    if (well) place(&gathering);
    *count = (int)gathering.points->len;
    *points = (MapPoint *)(void *)g_array_free(gathering.points, FALSE);
    if (well) return true;
    map_points_free(*points, *count);
    *points = NULL, *count = 0;
    return false;
}

void map_points_free(MapPoint *points, int count) {
    for (int i = 0; i < count; i++) g_free(points[i].title);
    g_free(points);
}
