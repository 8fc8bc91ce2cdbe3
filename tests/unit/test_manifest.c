/* Manifests: rows of one sound add up, paths lie beside the manifest, labels, captions and keywords
 * are told. */
#include "files.h"
#include "manifest.h"

static Manifest *read_text(char **dir, const char *text, bool file_words, GError **error) {
    *dir = files_dir();
    files_put_text(*dir, "a.wav", "x");
    files_put_text(*dir, "b.wav", "x");
    files_put_text(*dir, "m.csv", text);
    g_autofree char *path = g_build_filename(*dir, "m.csv", NULL);
    return manifest_read(path, file_words, error);
}

static void rows_of_one_sound_add_up(void) {
    char *dir;
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = read_text(
        &dir, "file,caption,class\na.wav, rain ,weather\n./x/../a.wav,a storm,\nb.wav,,dog\n",
        false, &error);
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
        {"path,tags\na.wav, ;; \n", "*m.csv:2: a.wav: has an empty caption, no label and no tags"},
        {"path,tags\na.wav,\xff\n", "*m.csv:2: the text is not UTF-8"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        char *dir;
        GError *error = NULL;
        g_assert_null(read_text(&dir, faults[i][0], false, &error));
        files_expect_error(&error, faults[i][1]);
        files_remove(dir);
    }
}

static void tags_become_keywords(void) {
    char *dir;
    g_autoptr(GError) error = NULL;
    g_autoptr(Manifest) m = read_text(
        &dir, "path,label,Keywords\na.wav,rain,roof; tin ;;gutter\nb.wav,,drip\na.wav,,indoors\n",
        false, &error);
    g_assert_no_error(error);
    const ManifestClip *a = m->clips->pdata[0], *b = m->clips->pdata[1];
    g_assert_cmpstr(a->label, ==, "rain");
    g_assert_cmpuint(a->keywords->len, ==, 2);
    g_assert_cmpstr(a->keywords->pdata[0], ==, "roof, tin and gutter");
    g_assert_cmpstr(a->keywords->pdata[1], ==, "indoors");
    g_assert_cmpuint(a->captions->len, ==, 0);
    g_assert_cmpstr(b->keywords->pdata[0], ==, "drip");
    files_remove(dir);
}

static void words_of_names_stand_where_there_is_no_text(void) {
    char *dir = files_dir();
    g_autoptr(GError) error = NULL;
    files_put_text(dir, "DogBark_01-take2.wav", "x");
    files_put_text(dir, "0001.wav", "x");
    files_put_text(dir, "m.csv", "path,caption\nDogBark_01-take2.wav,\n0001.wav,a cat\n");
    files_put_text(dir, "bad.csv", "path\n0001.wav\n");
    g_autofree char *path = g_build_filename(dir, "m.csv", NULL);
    g_autofree char *bad = g_build_filename(dir, "bad.csv", NULL);
    g_autoptr(Manifest) m = manifest_read(path, true, &error);
    g_assert_no_error(error);
    const ManifestClip *dog = m->clips->pdata[0], *cat = m->clips->pdata[1];
    g_assert_cmpstr(dog->keywords->pdata[0], ==, "dog bark take");
    g_assert_cmpuint(cat->keywords->len, ==, 0);
    g_assert_null(manifest_read(bad, true, &error));
    files_expect_error(&error, "*bad.csv:2: 0001.wav: has no text, and no words in its name");
    files_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/rows_of_one_sound_add_up", rows_of_one_sound_add_up);
    g_test_add_func("/manifest/texts_that_are_none_are_refused", texts_that_are_none_are_refused);
    g_test_add_func("/manifest/tags_become_keywords", tags_become_keywords);
    g_test_add_func("/manifest/words_of_names_stand_where_there_is_no_text",
                    words_of_names_stand_where_there_is_no_text);
    return g_test_run();
}
