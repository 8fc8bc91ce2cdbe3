/* Walking folders: each is opened, listed, its files stat'ed by name, closed, and then gone through
 * in order, so that depth costs no descriptors. */
#include "walk.h"

#include "error.h"
#include "sound_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    dev_t device;
    ino_t inode;
} Visited;

struct Walk {
    WalkOptions options;
    WalkListener listener;
    GHashTable *visited; /* of Visited *: folders */
    GHashTable *named;   /* of char *: files that were roots */
    GPtrArray *linked;   /* of char *: folders to read when the real ones are done */
    const char *root;    /* of the walk that runs */
};

typedef struct {
    char *name;
    bool is_folder, is_link;
    FileStamp stamp;
} Entry;

static guint visited_hash(gconstpointer key) {
    const Visited *v = key;
    return (guint)(v->inode * 2654435761U) ^ (guint)v->device;
}

static gboolean visited_equal(gconstpointer a, gconstpointer b) {
    const Visited *x = a, *y = b;
    return x->device == y->device && x->inode == y->inode;
}

Walk *walk_new(const WalkOptions *options, const WalkListener *listener) {
    Walk *walk = g_new0(Walk, 1);
    walk->options = *options;
    walk->listener = *listener;
    walk->visited = g_hash_table_new_full(visited_hash, visited_equal, g_free, NULL);
    walk->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    walk->linked = g_ptr_array_new_with_free_func(g_free);
    return walk;
}

void walk_free(Walk *walk) {
    if (!walk) return;
    g_hash_table_unref(walk->visited);
    g_hash_table_unref(walk->named);
    g_ptr_array_unref(walk->linked);
    g_free(walk);
}

/* -- which files count -- */

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool fits(const char *glob, const char *relative) {
    return fnmatch(glob, relative, 0) == 0 || fnmatch(glob, name_of(relative), 0) == 0;
}

/* "GLOB/", without its slash, against the folders above what lies there. */
static bool is_below(const char *glob, const char *relative) {
    g_autofree char *folder = g_strndup(glob, strlen(glob) - 1);
    g_autofree char *part = g_strdup(relative);
    for (char *slash; (slash = strrchr(part, '/'));) {
        *slash = 0;
        if (fits(folder, part)) return true;
    }
    return false;
}

static bool any_fits(const char *const *globs, const char *relative) {
    for (; globs && *globs; globs++)
        if (g_str_has_suffix(*globs, "/") ? is_below(*globs, relative) : fits(*globs, relative))
            return true;
    return false;
}

/* FNV-1a: the same on every machine that holds a shard. */
static bool in_shard(const Walk *walk, const char *relative) {
    guint64 hash = 14695981039346656037ULL;
    if (walk->options.shards <= 1) return true;
    for (const char *at = relative; *at; at++) hash = (hash ^ (guchar)*at) * 1099511628211ULL;
    hash ^= hash >> 32;
    return (int)(hash % (guint)walk->options.shards) == walk->options.shard - 1;
}

/* With a slash, so that globs of folders take it for one. */
static bool is_wanted_folder(const Walk *walk, const char *relative) {
    g_autofree char *inside = g_strconcat(relative, "/", NULL);
    return name_of(relative)[0] != '.' && !any_fits(walk->options.exclude, relative) &&
           !any_fits(walk->options.exclude, inside);
}

static bool is_wanted_file(const Walk *walk, const char *relative) {
    const char *name = name_of(relative);
    return name[0] != '.' && is_sound_name(name) && in_shard(walk, relative) &&
           (!walk->options.include || any_fits(walk->options.include, relative)) &&
           !any_fits(walk->options.exclude, relative);
}

const char *walk_relative(const char *root, const char *path) {
    gsize len = strlen(root);
    if (strncmp(root, path, len) != 0) return NULL;
    if (len && root[len - 1] == '/') return path + len;
    return path[len] == '/' ? path + len + 1 : NULL;
}

static bool parents_are_wanted(const Walk *walk, const char *relative) {
    g_autofree char *part = g_strdup(relative);
    for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (!is_wanted_folder(walk, part)) return false;
        *slash = '/';
    }
    return true;
}

bool walk_wants(const Walk *walk, const char *root, const char *path) {
    const char *relative = walk_relative(root, path);
    if (!relative) return strcmp(root, path) == 0;
    return parents_are_wanted(walk, relative) && is_wanted_file(walk, relative);
}

/* -- looking -- */

static FileStamp stamp_of(const struct stat *st) {
    return (FileStamp){
        .size = st->st_size,
        .mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

bool walk_stamp(const char *path, FileStamp *stamp) {
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *stamp = stamp_of(&st);
    return true;
}

bool walk_is_gone(const char *path) {
    struct stat st;
    return stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void fault_errno(const Walk *walk, const char *path, int number) {
    g_autoptr(GError) error = NULL;
    error_fail_errno(&error, path, number);
    walk->listener.fault(walk->listener.user, path, error);
}

static void fault_kind(const Walk *walk, const char *path) {
    g_autoptr(GError) error = NULL;
    error_fail(&error, ERR_UNSUPPORTED, "%s: is not a regular file", path);
    walk->listener.fault(walk->listener.user, path, error);
}

static void entry_free(gpointer data) {
    Entry *entry = data;
    g_free(entry->name);
    g_free(entry);
}

static int by_name(gconstpointer a, gconstpointer b) {
    return strcmp((*(Entry *const *)a)->name, (*(Entry *const *)b)->name);
}

static char *join(const char *folder, const char *name) {
    bool slash = g_str_has_suffix(folder, "/");
    return g_strconcat(folder, slash ? "" : "/", name, NULL);
}

/* An entry that may count, or NULL: one stat at most, none where its name tells. */
static Entry *look(Walk *walk, int dir, const char *folder, const struct dirent *found) {
    if (found->d_name[0] == '.') return NULL;
    g_autofree char *path = join(folder, found->d_name);
    const char *relative = walk_relative(walk->root, path);
    bool sound = is_wanted_file(walk, relative);
    if (found->d_type == DT_REG && !sound) return NULL;
    struct stat st;
    if (fstatat(dir, found->d_name, &st, 0) != 0) {
        if (sound) fault_errno(walk, path, errno);
        return NULL;
    }
    bool is_folder = S_ISDIR(st.st_mode);
    if (is_folder ? !is_wanted_folder(walk, relative) : !sound) return NULL;
    if (!is_folder && !S_ISREG(st.st_mode)) {
        fault_kind(walk, path);
        return NULL;
    }
    Entry *entry = g_new0(Entry, 1);
    entry->name = g_strdup(found->d_name);
    entry->is_folder = is_folder;
    entry->is_link = found->d_type == DT_LNK;
    entry->stamp = stamp_of(&st);
    return entry;
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* *any: the folder holds something, be it wanted or not. */
static GPtrArray *list(Walk *walk, const char *folder, DIR *dir, bool *any) {
    GPtrArray *entries = g_ptr_array_new_with_free_func(entry_free);
    struct dirent *found;
    *any = false;
    for (errno = 0; (found = readdir(dir)); errno = 0) {
        if (!is_dots(found->d_name)) *any = true;
        Entry *entry = look(walk, dirfd(dir), folder, found);
        if (entry) g_ptr_array_add(entries, entry);
    }
    if (errno) fault_errno(walk, folder, errno);
    g_ptr_array_sort(entries, by_name);
    return entries;
}

/* -- going through -- */

static bool is_new_folder(Walk *walk, int dir) {
    struct stat st;
    if (fstat(dir, &st) != 0) return false;
    Visited here = {st.st_dev, st.st_ino};
    return g_hash_table_add(walk->visited, g_memdup2(&here, sizeof here));
}

static DIR *open_folder(Walk *walk, const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) {
        fault_errno(walk, folder, errno);
        return NULL;
    }
    if (is_new_folder(walk, dirfd(dir))) return dir;
    closedir(dir);
    return NULL;
}

static bool read_folder(Walk *walk, const char *folder, bool *any);

static bool go_into(Walk *walk, const char *folder, const Entry *entry) {
    bool any;
    g_autofree char *path = join(folder, entry->name);
    if (entry->is_folder && entry->is_link)
        g_ptr_array_add(walk->linked, g_steal_pointer(&path));
    else if (entry->is_folder)
        return read_folder(walk, path, &any);
    else if (!g_hash_table_contains(walk->named, path))
        return walk->listener.file(walk->listener.user, path, walk_relative(walk->root, path),
                                   &entry->stamp);
    return true;
}

static bool read_folder(Walk *walk, const char *folder, bool *any) {
    *any = true; /* as far as is known */
    DIR *dir = open_folder(walk, folder);
    if (!dir) return true;
    if (walk->listener.folder) walk->listener.folder(walk->listener.user, folder);
    g_autoptr(GPtrArray) entries = list(walk, folder, dir, any);
    closedir(dir);
    for (guint i = 0; i < entries->len; i++)
        if (!go_into(walk, folder, entries->pdata[i])) return false;
    return true;
}

/* Links met on the way through linked folders come behind them. */
static bool read_linked(Walk *walk) {
    bool any;
    for (guint i = 0; i < walk->linked->len; i++)
        if (!read_folder(walk, walk->linked->pdata[i], &any)) return false;
    g_ptr_array_set_size(walk->linked, 0);
    return true;
}

static bool named_file(Walk *walk, const char *path, const struct stat *st) {
    FileStamp stamp = stamp_of(st);
    bool again = !g_hash_table_add(walk->named, g_strdup(path));
    if (!S_ISREG(st->st_mode)) fault_kind(walk, path);
    if (again || !S_ISREG(st->st_mode) || !in_shard(walk, name_of(path))) return true;
    return walk->listener.file(walk->listener.user, path, name_of(path), &stamp);
}

bool walk_root(Walk *walk, const char *root, bool *empty) {
    struct stat st;
    bool any = true, well = true;
    walk->root = root;
    if (stat(root, &st) != 0)
        fault_errno(walk, root, errno);
    else if (S_ISDIR(st.st_mode))
        well = read_folder(walk, root, &any) && read_linked(walk);
    else
        well = named_file(walk, root, &st);
    if (empty) *empty = !any;
    return well;
}

bool walk_below(Walk *walk, const char *root, const char *folder) {
    bool any;
    const char *relative = walk_relative(root, folder);
    bool wanted = relative ? parents_are_wanted(walk, relative) && is_wanted_folder(walk, relative)
                           : strcmp(root, folder) == 0;
    walk->root = root;
    if (!wanted) return true;
    return read_folder(walk, folder, &any) && read_linked(walk);
}
