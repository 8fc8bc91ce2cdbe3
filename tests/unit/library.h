/* Libraries to test with: a folder of its own under the temporary one, clips made of a number, and
 * vectors that tell which window they are of. */
#pragma once
#include "store_write.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#define LIBRARY_DIM 8

static inline char *library_dir(void) {
    GError *error = NULL;
    char *dir = g_dir_make_tmp("earshot-store-XXXXXX", &error);
    g_assert_no_error(error);
    return dir;
}

static inline void library_remove(char *dir) {
    GDir *open = g_dir_open(dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(open));) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_remove(path);
    }
    g_dir_close(open);
    g_rmdir(dir);
    g_free(dir);
}

static inline Store *library_new(const char *dir) {
    GError *error = NULL;
    Store *store = store_open(dir, STORE_CREATE, 0, &error);
    g_assert_no_error(error);
    StoreModel model = {(char *)"builtin", (char *)"00", LIBRARY_DIM, 10, 10};
    g_assert_true(store_set_model(store, &model, &error));
    return store;
}

static inline Clip *library_clip(unsigned content, const char *path) {
    uint8_t hash[CLIP_HASH] = {0};
    for (int i = 0; i < 4; i++) hash[i] = (uint8_t)(content >> (24 - 8 * i));
    Clip *clip = clip_new(hash);
    clip->duration = 1 + content % 60;
    clip->rate = 48000;
    clip->channels = 1;
    FileStamp stamp = {content, 1000 + content, 2000 + content};
    if (path) clip_add_path(clip, path, &stamp);
    return clip;
}

/* What the vector of window `place` of a clip looks like. */
static inline uint16_t library_value(unsigned content, int place, int at) {
    return (uint16_t)(0x3800 + (content * 7 + (unsigned)place * 3 + (unsigned)at) % 1024);
}

static inline bool library_add(Store *store, Clip *clip, unsigned content, int windows,
                               GError **error) {
    g_autofree ClipWindow *spans = g_new0(ClipWindow, windows + 1);
    g_autofree uint16_t *vectors = g_new0(uint16_t, (windows + 1) * LIBRARY_DIM);
    for (int i = 0; i < windows; i++) {
        spans[i] = (ClipWindow){10.0 * i, 10.0 * i + 10};
        for (int j = 0; j < LIBRARY_DIM; j++)
            vectors[i * LIBRARY_DIM + j] = library_value(content, i, j);
    }
    clip->windows = windows;
    return store_add_clip(store, clip, spans, vectors, vectors, error);
}

/* Adds a clip of that content under the path → its number. */
static inline int64_t library_put(Store *store, unsigned content, const char *path, int windows) {
    GError *error = NULL;
    g_autoptr(Clip) clip = library_clip(content, path);
    library_add(store, clip, content, windows, &error);
    g_assert_no_error(error);
    return clip->number;
}
