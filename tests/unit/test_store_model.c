/* Random changes against a plain model in memory: paths that hold contents, and what was said of
 * each content. The library agrees after every few steps, also when opened again. */
#include "library.h"
#include "store_care.h"
#include "store_read.h"

#define PATHS    25
#define CONTENTS 20
#define STEPS    1500

typedef struct {
    int content; /* 0: none */
    FileStamp stamp;
} ModelPath;

typedef struct {
    ModelPath paths[PATHS];
    int windows[CONTENTS + 1]; /* -1: not there */
    int said[CONTENTS + 1][3]; /* a number for each source; 0 none said, -1 said to have none */
    int64_t last_window;
} Model;

static char *path_of(int i) {
    return g_strdup_printf("/f%d/Sound_%d.wav", i % 3, i);
}

static int64_t clip_of(Store *store, int content) {
    const uint8_t hash[CLIP_HASH] = {0, 0, 0, (uint8_t)content};
    return store_find_hash(store, hash);
}

static bool has_path(const Model *model, int content) {
    for (int i = 0; i < PATHS; i++)
        if (model->paths[i].content == content) return true;
    return false;
}

/* A path leaves its content; what the user said goes to the heir. */
static void leave(Model *model, int path, int heir) {
    const int content = model->paths[path].content;
    if (!content || content == heir) return;
    model->paths[path].content = 0;
    if (has_path(model, content)) return;
    model->windows[content] = -1;
    if (heir && !model->said[heir][SOURCE_USER])
        model->said[heir][SOURCE_USER] = model->said[content][SOURCE_USER];
    memset(model->said[content], 0, sizeof model->said[content]);
}

static void put(Store *store, Model *model, int path, int content) {
    GError *error = NULL;
    g_autofree char *name = path_of(path);
    const unsigned r = (unsigned)g_test_rand_int_range(1, 1 << 20);
    const FileStamp stamp = {r, r + 1, r + 2};
    int64_t clip = clip_of(store, content);
    g_assert_cmpint(clip != 0, ==, model->windows[content] >= 0);
    if (clip)
        store_set_path(store, clip, name, &stamp, &error);
    else {
        g_autoptr(Clip) new = library_clip((unsigned)content, NULL);
        const int windows = g_test_rand_int_range(0, 5);
        clip_add_path(new, name, &stamp);
        library_add(store, new, (unsigned)content, windows, &error);
        g_assert_cmpint(new->first_window, ==, windows ? model->last_window + 1 : 0);
        model->windows[content] = windows;
        model->last_window += windows;
    }
    g_assert_no_error(error);
    leave(model, path, content);
    model->paths[path] = (ModelPath){content, stamp};
}

static void say(Store *store, Model *model, int content) {
    GError *error = NULL;
    const int64_t clip = clip_of(store, content);
    if (!clip) return;
    const Source source = (Source)g_test_rand_int_range(SOURCE_FILE, SOURCE_USER + 1);
    const int number = g_test_rand_int_range(-1, 50);
    g_autofree char *value = number > 0 ? g_strdup_printf("v%d", number) : NULL;
    Field field = {(char *)"title", value, source};
    if (number)
        store_set_fields(store, clip, &field, 1, &error);
    else
        store_unset_field(store, clip, "title", source, &error);
    g_assert_no_error(error);
    model->said[content][source] = number;
}

static void drop_path(Store *store, Model *model, int path) {
    GError *error = NULL;
    g_autofree char *name = path_of(path);
    g_assert_cmpint(store_remove_path(store, name, &error), ==, model->paths[path].content != 0);
    g_assert_no_error(error);
    leave(model, path, 0);
}

static void drop_clip(Store *store, Model *model, int content) {
    const int64_t clip = clip_of(store, content);
    if (!clip) return;
    g_assert_true(store_remove_clip(store, clip, NULL));
    for (int i = 0; i < PATHS; i++)
        if (model->paths[i].content == content) leave(model, i, 0);
}

static void step(Store *store, Model *model) {
    const int path = g_test_rand_int_range(0, PATHS);
    const int content = g_test_rand_int_range(1, CONTENTS + 1);
    const int what = g_test_rand_int_range(0, 10);
    if (what < 5)
        put(store, model, path, content);
    else if (what < 8)
        say(store, model, content);
    else if (what < 9)
        drop_path(store, model, path);
    else
        drop_clip(store, model, content);
}

static const char *expected_title(const Model *model, int content, char out[16]) {
    for (int source = SOURCE_USER; source >= SOURCE_FILE; source--) {
        const int said = model->said[content][source];
        if (said < 0) return NULL;
        if (said) {
            g_snprintf(out, 16, "v%d", said);
            return out;
        }
    }
    return NULL;
}

static void compare_clip(Store *store, const Model *model, int content, int64_t number) {
    char title[16];
    g_autoptr(Clip) clip = store_clip(store, number, STORE_VECTOR, NULL);
    g_assert_nonnull(clip);
    g_assert_cmpint(clip->windows, ==, model->windows[content]);
    g_assert_cmpstr(clip_field(clip, "title"), ==, expected_title(model, content, title));
    int count;
    g_autofree uint16_t *vectors = store_vectors(store, number, &count, NULL);
    g_assert_cmpint(count, ==, clip->windows);
    for (int i = 0; i < count * LIBRARY_DIM; i++)
        g_assert_cmpuint(vectors[i], ==,
                         library_value((unsigned)content, i / LIBRARY_DIM, i % LIBRARY_DIM));
}

static void compare(Store *store, const Model *model) {
    StoreStats stats;
    int clips = 0, paths = 0, windows = 0;
    for (int i = 0; i < PATHS; i++) {
        g_autofree char *name = path_of(i);
        const int content = model->paths[i].content;
        int64_t clip;
        g_assert_cmpint(store_path_state(store, name, &model->paths[i].stamp, &clip), ==,
                        content ? PATH_SAME : PATH_UNKNOWN);
        g_assert_cmpint(clip, ==, content ? clip_of(store, content) : 0);
        paths += content != 0;
    }
    for (int content = 1; content <= CONTENTS; content++) {
        const int64_t number = clip_of(store, content);
        g_assert_cmpint(number != 0, ==, model->windows[content] >= 0);
        if (!number) continue;
        compare_clip(store, model, content, number);
        clips++;
        windows += model->windows[content];
    }
    g_assert_true(store_stats(store, &stats, NULL));
    g_assert_cmpint(stats.clips, ==, clips);
    g_assert_cmpint(stats.paths, ==, paths);
    g_assert_cmpint(stats.windows, ==, windows);
    g_assert_cmpint(stats.last_window, ==, model->last_window);
}

static void check(Store *store) {
    g_autoptr(GPtrArray) checks = store_check(store, NULL);
    for (guint i = 0; i < checks->len; i++) {
        StoreCheck *one = checks->pdata[i];
        if (!one->ok) g_error("%s: %s", one->name, one->detail);
    }
}

static void the_library_agrees_with_a_plain_model(void) {
    char *dir = library_dir();
    Store *store = library_new(dir);
    Model model = {0};
    for (int i = 0; i <= CONTENTS; i++) model.windows[i] = -1;
    for (int i = 0; i < STEPS; i++) {
        const Model before = model;
        const bool together = i % 100 == 50, keep = g_test_rand_bit();
        if (together) g_assert_true(store_begin(store, NULL));
        for (int j = together ? 10 : 1; j > 0; j--) step(store, &model);
        if (together) g_assert_true(store_end(store, keep, NULL));
        if (together && !keep) model = before;
        if (i % 20 == 0 || together) compare(store, &model);
        if (i % 250 != 0) continue;
        check(store);
        store_close(store);
        store = store_open(dir, STORE_WRITE, 0, NULL);
        compare(store, &model);
    }
    check(store);
    store_close(store);
    library_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store_model/the_library_agrees_with_a_plain_model",
                    the_library_agrees_with_a_plain_model);
    return g_test_run();
}
