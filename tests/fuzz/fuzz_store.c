/* Opens, reads, searches and checks a library with damaged bytes. The input is what is damaged:
 * three bytes a place (high bits first), one byte to put there, and so on; bit 23 of a place means
 * near the beginning of a page, where its structure lies. */
#include "store_care.h"
#include "store_words.h"
#include "store_write.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIM 4

static char *dir, *file, *whole; /* the library, and its bytes when it was whole */
static gsize whole_len;

static void remove_all(void) {
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *path = g_strconcat(file, endings[i], NULL);
        g_unlink(path);
    }
    g_autofree char *lock = g_build_filename(dir, "writer.lock", NULL);
    g_unlink(lock);
    g_rmdir(dir);
}

static void fill(Store *store) {
    const StoreModel model = {(char *)"builtin", (char *)"00", DIM, 10, 10};
    const ClipWindow windows[2] = {{0, 10}, {10, 20}};
    const uint16_t vectors[2 * DIM] = {0x3800, 0, 0x3800};
    g_assert_true(store_set_model(store, &model, NULL));
    for (int i = 1; i <= 40; i++) {
        g_autoptr(Clip) clip = clip_new((uint8_t[CLIP_HASH]){(uint8_t)i, 7});
        g_autofree char *path = g_strdup_printf("/rain/Sound_%d.wav", i);
        clip->windows = 2;
        clip_add_path(clip, path, &(FileStamp){i, i, i});
        clip_add_tag(clip, "rain;wind");
        clip_set_field(clip, "title", "Heavy rain", SOURCE_USER, NULL);
        g_assert_true(store_add_clip(store, clip, windows, vectors, vectors, NULL));
    }
}

static void start(void) {
    dir = g_dir_make_tmp("earshot-fuzz-XXXXXX", NULL);
    file = g_build_filename(dir, STORE_FILE, NULL);
    Store *store = store_open(dir, STORE_CREATE, 0, NULL);
    fill(store);
    store_close(store);
    g_assert_true(g_file_get_contents(file, &whole, &whole_len, NULL));
    atexit(remove_all);
}

static void write_damaged(const uint8_t *data, size_t size) {
    g_autofree char *bytes = g_memdup2(whole, whole_len);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        gsize at = (gsize)(data[i] & 0x7F) << 16 | (gsize)data[i + 1] << 8 | data[i + 2];
        if (data[i] & 0x80) at = (at >> 8) * 4096 + (at & 0xFF);
        bytes[at % whole_len] = (char)data[i + 3];
    }
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    g_assert_cmpint(write(fd, bytes, whole_len), ==, (gssize)whole_len);
    close(fd);
}

static bool see_clip(void *user, const Clip *clip, GError **error) {
    int count;
    g_free(store_windows(user, clip->number, &count, NULL));
    g_free(store_vectors(user, clip->number, &count, NULL));
    return true;
}

static bool see_window(void *user, int64_t number, int64_t clip, double from, double to,
                       const uint16_t *vector, GError **error) {
    return vector[DIM - 1] != 1;
}

static void read_all(Store *store) {
    int64_t first;
    uint64_t size, count;
    store_each_clip(store, NULL, 0, 1000, true, see_clip, store, NULL);
    store_each_window(store, 0, see_window, NULL, NULL);
    g_free(store_window_set(store, NULL, &first, &size, &count, NULL));
    g_strfreev(store_field_names(store, NULL));
    GArray *hits = store_search_words(store, "heavy rain 7", NULL, 5, NULL);
    if (hits) g_array_unref(hits);
    GPtrArray *checks = store_check(store, NULL);
    if (checks) g_ptr_array_unref(checks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!dir) start();
    write_damaged(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(dir, STORE_READ, 0, &error);
    if (store) read_all(store);
    g_assert_true(store || error);
    return 0;
}
