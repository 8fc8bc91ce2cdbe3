/* A library as points in a plane: near sounds lie near each other, as far as two dimensions can
 * show it (principal components of the clips' vectors).
 *
 * Thread: any. */
#pragma once
#include "library.h"

#define MAP_MOST 20000 /* clips, unless someone wants fewer */

typedef struct {
    uint64_t id;
    char *title; /* as shown */
    double duration;
    float x, y; /* in [−1, 1] */
} MapPoint;

/* The clips of `filter` (NULL: all) that have a vector; of more than `most` a sample that is the
 * same each time. Both axes have one scale: a square that holds 98 % of the points; what lies
 * beyond is put on its edge. Several clips of one sound each are points. The caller frees with
 * map_points_free. */
bool library_map(Library *library, const Filter *filter, int most, MapPoint **points, int *count,
                 GError **error);
void map_points_free(MapPoint *points, int count);
