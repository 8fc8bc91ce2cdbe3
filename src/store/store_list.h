/* Pages of clips in an order that people ask for, and what values a field has in how many clips.
 *
 * Thread: that of the Store; callbacks as store_read.h has them. */
#pragma once
#include "store_read.h"

/* ORDER_ID is no order that means anything: ids are hashes, so the first n are a fair sample, and
 * always the same one. */
typedef enum { ORDER_ADDED, ORDER_TITLE, ORDER_DURATION, ORDER_PATH, ORDER_ID } ClipOrder;

/* Titles are as shown (the file's name where none was said), with case folded; paths are the first
 * of each clip, as bytes. Equal ones come by number, whichever way the order goes. */
typedef struct {
    const StoreWhere *where; /* NULL: all clips */
    ClipOrder order;
    bool falling; /* the newest, the longest … first */
    int from, n;  /* passed over; at most so many */
    bool with_vector;
} StoreList;

/* *total: how many there are on all pages. */
bool store_list(Store *store, const StoreList *list, int64_t *total, StoreEachClip each, void *user,
                GError **error);

typedef bool (*StoreEachFacet)(void *user, const char *value, int64_t count, GError **error);

/* The values of a field among the clips of `where` (NULL: all), at most `n`, those of most clips
 * first, equal ones by value; values that differ in case alone are one. "tags" (or "tag"): tags;
 * "folder": that of the first path; "duration": "<1", "1-5", "5-15", "15-60" and ">60" seconds, in
 * this order, those that there are (5 and 15 are in the longer one, 60 is in the shorter); other
 * names: what counts of what was said. A field that no clip has has no values. */
bool store_facets(Store *store, const char *field, const StoreWhere *where, int n,
                  StoreEachFacet each, void *user, GError **error);
