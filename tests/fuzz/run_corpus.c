/* Runs every file of a corpus through a fuzz target once, so that what fuzzing found stays found in
 * every build. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(argc > 1 ? argv[1] : ".", 0, &error);
    if (!dir) g_error("%s", error->message);
    int count = 0;
    for (const char *name; (name = g_dir_read_name(dir)); count++) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autofree char *data = NULL;
        gsize size;
        if (!g_file_get_contents(path, &data, &size, &error)) g_error("%s", error->message);
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        printf("ok %d - %s\n", count + 1, name);
    }
    if (count == 0) printf("not ok 1 - %s is empty\n", argv[1]);
    printf("1..%d\n", MAX(count, 1));
    return count == 0;
}
