/* Manifests: rows of one sound add up, paths lie beside the manifest, labels and captions are told.
 */
#include "files.h"
#include "manifest.h"

static Manifest *read_text(char **dir, const char *text, GError **error) {
    *dir = files_dir();
    files_put_text(*dir, "a.wav", "x");
    files_put_text(*dir, "b.wav", "x");
    files_put_text(*dir, "m.csv", text);
    g_autofree char *path = g_build_filename(*dir, "m.csv", NULL);
    return manifest_read(path, error);
}

static void rows_of_one_sound_add_up(void) {
    char *dir;
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = read_text(
        &dir, "file,caption,class\na.wav, rain ,weather\na.wav,a storm,\nb.wav,,dog\n", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(m->clips->len, ==, 2);
    const ManifestClip *a = m->clips->pdata[0], *b = m->clips->pdata[1];
    g_autofree char *path = g_build_filename(dir, "a.wav", NULL);
    g_assert_cmpstr(a->path, ==, path);
    g_assert_cmpuint(a->captions->len, ==, 2);
    g_assert_cmpstr(a->captions->pdata[0], ==, "rain");
    g_assert_cmpstr(a->label, ==, "weather");
    g_assert_cmpstr(b->label, ==, "dog");
    g_assert_true(manifest_has_labels(m));
    g_assert_false(manifest_has_captions(m));
    files_remove(dir);
}

static void texts_that_are_none_are_refused(void) {
    static const char *const faults[][2] = {
        {"path,caption\na.wav,\xff\xfe\n", "*m.csv:2: the text is not UTF-8"},
        {"path,caption\n", "*m.csv: has no rows"},
        {"", "*m.csv: is empty"},
        {"path,caption\nb.wav,x\nc.wav,y\n", "*m.csv:3: c.wav: no such sound"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        char *dir;
        GError *error = NULL;
        g_assert_null(read_text(&dir, faults[i][0], &error));
        files_expect_error(&error, faults[i][1]);
        files_remove(dir);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/rows_of_one_sound_add_up", rows_of_one_sound_add_up);
    g_test_add_func("/manifest/texts_that_are_none_are_refused", texts_that_are_none_are_refused);
    return g_test_run();
}
