/* Walking folders: which files count, in which order, and what does not stop it. */
#include "walk.h"

#include "files.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *dir;
    GString *found, *folders, *faults; /* names below the folder, each with a blank behind it */
} Tree;

static Tree tree_new(void) {
    return (Tree){files_dir(), g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
}

static void tree_free(Tree *tree) {
    files_remove(tree->dir);
    g_string_free(tree->found, TRUE);
    g_string_free(tree->folders, TRUE);
    g_string_free(tree->faults, TRUE);
}

/* "a/b/c.wav": with the folders that it needs. */
static void put(const Tree *tree, const char *name) {
    g_autofree char *path = g_build_filename(tree->dir, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    files_put_text(tree->dir, name, "x");
}

static void put_link(const Tree *tree, const char *to, const char *name) {
    g_autofree char *path = g_build_filename(tree->dir, name, NULL);
    g_assert_cmpint(symlink(to, path), ==, 0);
}

static bool on_file(void *user, const char *path, const char *relative, const FileStamp *stamp) {
    Tree *tree = user;
    FileStamp now;
    g_assert_true(walk_stamp(path, &now));
    g_assert_cmpmem(&now, sizeof now, stamp, sizeof *stamp);
    g_assert_true(g_str_has_suffix(path, relative));
    g_string_append_printf(tree->found, "%s ", path + strlen(tree->dir) + 1);
    return true;
}

static void on_folder(void *user, const char *path) {
    Tree *tree = user;
    g_string_append_printf(tree->folders, "%s ", path + strlen(tree->dir));
}

static void on_fault(void *user, const char *path, const GError *error) {
    Tree *tree = user;
    g_assert_true(g_str_has_prefix(error->message, path));
    g_string_append_printf(tree->faults, "%s ", path + strlen(tree->dir) + 1);
}

static void walk_names(Tree *tree, const WalkOptions *options, const char *const *names) {
    WalkListener listener = {on_file, on_folder, on_fault, tree};
    g_autoptr(Walk) walk = walk_new(options, &listener);
    g_string_truncate(tree->found, 0);
    for (; *names; names++) {
        g_autofree char *root = g_build_filename(tree->dir, *names, NULL);
        if (g_str_has_suffix(root, "/")) root[strlen(root) - 1] = 0;
        g_assert_true(walk_root(walk, root, NULL));
    }
}

static void expect(Tree *tree, const WalkOptions *options, const char *found) {
    walk_names(tree, options, (const char *const[]){"", NULL});
    g_assert_cmpstr(tree->found->str, ==, found);
}

static void sounds_come_in_the_order_of_their_bytes(void) {
    Tree tree = tree_new();
    const char *const names[] = {"b.wav", "a/z.flac", "a/B.OPUS", "a.mp3", "c.txt", "README", "d"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) put(&tree, names[i]);
    expect(&tree, &(WalkOptions){0}, "a/B.OPUS a/z.flac a.mp3 b.wav ");
    g_assert_cmpstr(tree.faults->str, ==, "");
    tree_free(&tree);
}

static void hidden_ones_are_passed_over_unless_named(void) {
    Tree tree = tree_new();
    put(&tree, ".h.wav"), put(&tree, ".git/a.wav"), put(&tree, "b.wav"), put(&tree, "note.txt");
    expect(&tree, &(WalkOptions){0}, "b.wav ");
    walk_names(&tree, &(WalkOptions){0}, (const char *const[]){".h.wav", ".git", "note.txt", NULL});
    g_assert_cmpstr(tree.found->str, ==, ".h.wav .git/a.wav note.txt ");
    tree_free(&tree);
}

static void links_are_followed_and_loops_end(void) {
    Tree tree = tree_new();
    put(&tree, "real/x.wav"), put(&tree, "z/deep/y.wav");
    put_link(&tree, "z", "alias");
    put_link(&tree, "..", "z/deep/up");
    put_link(&tree, ".", "self");
    put_link(&tree, "real/x.wav", "x2.wav");
    put_link(&tree, "nowhere", "gone.wav");
    expect(&tree, &(WalkOptions){0}, "real/x.wav x2.wav z/deep/y.wav ");
    g_assert_cmpstr(tree.faults->str, ==, "gone.wav ");
    tree_free(&tree);
}

static void a_folder_that_is_only_linked_is_read_once(void) {
    Tree tree = tree_new();
    put(&tree, "out/a.wav"), put(&tree, "in/b.wav");
    put_link(&tree, "../out", "in/one");
    put_link(&tree, "../out", "in/two");
    walk_names(&tree, &(WalkOptions){0}, (const char *const[]){"in", NULL});
    g_assert_cmpstr(tree.found->str, ==, "in/b.wav in/one/a.wav ");
    tree_free(&tree);
}

static void globs_fit_names_and_paths(void) {
    Tree tree = tree_new();
    put(&tree, "dog/a.wav"), put(&tree, "dog/b.mp3"), put(&tree, "cat/a.wav"), put(&tree, "a.txt");
    const char *const wav[] = {"*.wav", NULL}, *const dog[] = {"dog/*", NULL};
    const char *const folder[] = {"cat", NULL}, *const all[] = {"a.*", NULL};
    expect(&tree, &(WalkOptions){.include = wav}, "cat/a.wav dog/a.wav ");
    expect(&tree, &(WalkOptions){.include = dog}, "dog/a.wav dog/b.mp3 ");
    expect(&tree, &(WalkOptions){.exclude = folder}, "dog/a.wav dog/b.mp3 ");
    expect(&tree, &(WalkOptions){.include = dog, .exclude = wav}, "dog/b.mp3 ");
    expect(&tree, &(WalkOptions){.include = all}, "cat/a.wav dog/a.wav ");
    tree_free(&tree);
}

static void a_glob_with_a_slash_at_its_end_is_a_folder_and_all_in_it(void) {
    Tree tree = tree_new();
    put(&tree, "cat/a.wav"), put(&tree, "dog/cat/deep/b.wav"), put(&tree, "dog/cat.wav");
    const char *const cat[] = {"cat/", NULL}, *const deep[] = {"dog/c*/", NULL};
    expect(&tree, &(WalkOptions){.exclude = cat}, "dog/cat.wav ");
    expect(&tree, &(WalkOptions){.include = cat}, "cat/a.wav dog/cat/deep/b.wav ");
    expect(&tree, &(WalkOptions){.include = deep}, "dog/cat/deep/b.wav ");
    tree_free(&tree);
}

static void shards_part_the_files(void) {
    Tree tree = tree_new();
    int sum = 0;
    for (int i = 0; i < 60; i++) {
        g_autofree char *name = g_strdup_printf("%d.wav", i);
        put(&tree, name);
    }
    for (int shard = 1; shard <= 3; shard++) {
        g_autofree char *first = NULL;
        walk_names(&tree, &(WalkOptions){.shard = shard, .shards = 3},
                   (const char *const[]){"", NULL});
        g_auto(GStrv) names = g_strsplit(tree.found->str, " ", -1);
        int count = (int)g_strv_length(names) - 1;
        g_assert_cmpint(count, >, 5);
        sum += count;
    }
    g_assert_cmpint(sum, ==, 60);
    tree_free(&tree);
}

static void names_are_bytes(void) {
    Tree tree = tree_new();
    put(&tree, "\xFF\xFE.wav"), put(&tree, "new\nline.wav"), put(&tree, " .wav");
    expect(&tree, &(WalkOptions){0}, " .wav new\nline.wav \xFF\xFE.wav ");
    tree_free(&tree);
}

static void what_is_no_regular_file_is_a_fault(void) {
    Tree tree = tree_new();
    g_autofree char *fifo = g_build_filename(tree.dir, "pipe.wav", NULL);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    put(&tree, "z.wav");
    expect(&tree, &(WalkOptions){0}, "z.wav ");
    g_assert_cmpstr(tree.faults->str, ==, "pipe.wav ");
    walk_names(&tree, &(WalkOptions){0}, (const char *const[]){"not-there", NULL});
    g_assert_cmpstr(tree.faults->str, ==, "pipe.wav not-there ");
    tree_free(&tree);
}

static void a_named_file_does_not_come_again_from_its_folder(void) {
    Tree tree = tree_new();
    put(&tree, "a.wav"), put(&tree, "b.wav");
    walk_names(&tree, &(WalkOptions){0}, (const char *const[]){"b.wav", "b.wav", "", "", NULL});
    g_assert_cmpstr(tree.found->str, ==, "b.wav a.wav ");
    tree_free(&tree);
}

static void an_empty_root_is_said_to_be(void) {
    Tree tree = tree_new();
    WalkListener listener = {on_file, on_folder, on_fault, &tree};
    g_autoptr(Walk) walk = walk_new(&(WalkOptions){0}, &listener);
    bool empty = false;
    g_assert_true(walk_root(walk, tree.dir, &empty));
    g_assert_true(empty);
    put(&tree, "note.txt");
    g_autoptr(Walk) again = walk_new(&(WalkOptions){0}, &listener);
    g_assert_true(walk_root(again, tree.dir, &empty));
    g_assert_false(empty);
    tree_free(&tree);
}

static void a_watcher_can_ask_of_one_path(void) {
    WalkListener listener = {on_file, NULL, on_fault, NULL};
    const char *const none[] = {"tmp", NULL};
    g_autoptr(Walk) walk = walk_new(&(WalkOptions){.exclude = none}, &listener);
    g_assert_true(walk_wants(walk, "/r", "/r/a/b.wav"));
    g_assert_true(walk_wants(walk, "/", "/a/b.wav"));
    g_assert_true(walk_wants(walk, "/r/x.dat", "/r/x.dat"));
    g_assert_false(walk_wants(walk, "/r", "/rr/a.wav"));
    g_assert_false(walk_wants(walk, "/r", "/r/.a/b.wav"));
    g_assert_false(walk_wants(walk, "/r", "/r/tmp/b.wav"));
    g_assert_false(walk_wants(walk, "/r", "/r/b.txt"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/walk/sounds_come_in_the_order_of_their_bytes",
                    sounds_come_in_the_order_of_their_bytes);
    g_test_add_func("/walk/hidden_ones_are_passed_over_unless_named",
                    hidden_ones_are_passed_over_unless_named);
    g_test_add_func("/walk/links_are_followed_and_loops_end", links_are_followed_and_loops_end);
    g_test_add_func("/walk/a_folder_that_is_only_linked_is_read_once",
                    a_folder_that_is_only_linked_is_read_once);
    g_test_add_func("/walk/globs_fit_names_and_paths", globs_fit_names_and_paths);
    g_test_add_func("/walk/a_glob_with_a_slash_at_its_end_is_a_folder_and_all_in_it",
                    a_glob_with_a_slash_at_its_end_is_a_folder_and_all_in_it);
    g_test_add_func("/walk/shards_part_the_files", shards_part_the_files);
    g_test_add_func("/walk/names_are_bytes", names_are_bytes);
    g_test_add_func("/walk/what_is_no_regular_file_is_a_fault", what_is_no_regular_file_is_a_fault);
    g_test_add_func("/walk/a_named_file_does_not_come_again_from_its_folder",
                    a_named_file_does_not_come_again_from_its_folder);
    g_test_add_func("/walk/an_empty_root_is_said_to_be", an_empty_root_is_said_to_be);
    g_test_add_func("/walk/a_watcher_can_ask_of_one_path", a_watcher_can_ask_of_one_path);
    return g_test_run();
}
