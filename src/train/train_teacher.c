/* A teacher's vectors: FILE.safetensors with a tensor "vectors" (or "texts") [n][dim], and FILE.txt
 * with n lines, each a text or a sound's path, relative to that file. See train_private.h. */
#include "error.h"
#include "file.h"
#include "safetensors.h"
#include "train_private.h"
#include "widen.h"

#include "nn_norm.h"

#include <string.h>

#define MAX_LINES ((gsize)1 << 30) /* bytes of the text file */
#define MAX_ROWS  10000000

static char *lines_path(const char *path) {
    gsize len = strlen(path), ending = strlen(".safetensors");
    bool ends = g_str_has_suffix(path, ".safetensors");
    g_autofree char *stem = g_strndup(path, ends ? len - ending : len);
    return g_strconcat(stem, ".txt", NULL);
}

/* Lines that are paths become absolute, as a manifest's are. */
static void make_absolute(Teacher *teacher, const char *lines) {
    g_autofree char *dir = g_path_get_dirname(lines);
    g_autofree char *folder = g_canonicalize_filename(dir, NULL);
    for (char **key = teacher->keys; *key; key++) {
        char *path = g_canonicalize_filename(*key, folder);
        g_free(*key);
        *key = path;
    }
}

static bool read_keys(Teacher *teacher, const char *path, bool of_sounds, GError **error) {
    const char *lines = teacher->lines = lines_path(path);
    g_autoptr(GBytes) bytes = file_bytes(lines, MAX_LINES, error);
    if (!bytes) return false;
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    g_autofree char *text = g_strndup(data ? data : "", len);
    if (!g_utf8_validate(text, -1, NULL))
        return error_fail(error, ERR_FORMAT, "%s: is not UTF-8 text", lines);
    if (g_str_has_suffix(text, "\n")) text[strlen(text) - 1] = 0;
    teacher->keys = g_strsplit(text, "\n", -1);
    guint count = g_strv_length(teacher->keys);
    for (guint i = 0; i < count; i++)
        if (!*g_strchomp(teacher->keys[i]))
            return error_fail(error, ERR_FORMAT, "%s:%u: is empty", lines, i + 1);
    if (of_sounds) make_absolute(teacher, lines);
    teacher->number = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < count; i++)
        g_hash_table_insert(teacher->number, teacher->keys[i], GINT_TO_POINTER((int)i + 1));
    return count == (guint)teacher->count ||
           error_fail(error, ERR_FORMAT, "%s: has %u lines for %d vectors", lines, count,
                      teacher->count);
}

static bool read_vectors(Teacher *teacher, const char *path, GError **error) {
    g_autoptr(Safetensors) file = safetensors_open(path, error);
    if (!file) return false;
    const Tensor *tensor = safetensors_find(file, "vectors");
    if (!tensor) tensor = safetensors_find(file, "texts");
    if (!tensor || !widen_handles(tensor->type) || tensor->rank != 2 || tensor->shape[0] < 1 ||
        tensor->shape[0] > MAX_ROWS)
        return error_fail(error, ERR_FORMAT, "%s: has no tensor \"vectors\" of floats [n][dim]",
                          path);
    teacher->count = (int)tensor->shape[0];
    teacher->dim = (int)tensor->shape[1];
    teacher->vectors = g_new(float, tensor->shape[0] * tensor->shape[1]);
    widen(tensor, NULL, teacher->vectors);
    for (int i = 0; i < teacher->count; i++)
        nn_l2_normalise(teacher->vectors + (gsize)i * (gsize)teacher->dim, teacher->dim);
    return true;
}

Teacher *teacher_read(const char *path, bool of_sounds, GError **error) {
    Teacher *teacher = g_new0(Teacher, 1);
    if (read_vectors(teacher, path, error) && read_keys(teacher, path, of_sounds, error))
        return teacher;
    teacher_free(teacher);
    return NULL;
}

void teacher_free(Teacher *teacher) {
    if (!teacher) return;
    if (teacher->number) g_hash_table_destroy(teacher->number);
    g_strfreev(teacher->keys);
    g_free(teacher->lines);
    g_free(teacher->vectors);
    g_free(teacher);
}

const float *teacher_vector(const Teacher *teacher, const char *key) {
    int number = GPOINTER_TO_INT(g_hash_table_lookup(teacher->number, key));
    return number ? teacher->vectors + (gsize)(number - 1) * (gsize)teacher->dim : NULL;
}
