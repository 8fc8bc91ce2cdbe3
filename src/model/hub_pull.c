/* One pull, from the hub's answer to the rename that makes the model appear.
 *
 * A kill at any instant leaves OWNER--NAME.partial; what is whole in it is checked against the
 * hub's hash again before it is believed, so that nothing depends on how the last pull ended. */
#include "hub.h"

#include "error.h"
#include "file.h"
#include "http.h"
#include "http_url.h"
#include "hub_answer.h"
#include "si.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct {
    const HubOptions *options;
    char *repo, *endpoint;
    char *dir, *partial; /* where the model will be, and is until then */
    int lock;
    Http *http;
    HubAnswer *answer;
    const HubFile *file; /* being fetched */
    uint64_t before;     /* bytes of the files before it */
    HubProgress progress;
    void *user;
} Pull;

/* One pull of a model at a time. The lock file stays: to remove it would let two hold "the" lock.
 */
static bool take_lock(Pull *p, GError **error) {
    g_autofree char *folder = g_path_get_basename(p->dir);
    g_autofree char *name = g_strconcat(".", folder, ".lock", NULL);
    g_autofree char *path = g_build_filename(p->options->models_dir, name, NULL);
    if (g_mkdir_with_parents(p->options->models_dir, 0755) < 0)
        return error_fail_errno(error, p->options->models_dir, errno);
    p->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (p->lock < 0) return error_fail_errno(error, path, errno);
    if (flock(p->lock, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return error_fail_errno(error, path, errno);
    return error_fail(error, ERR_CONFLICT, "%s: another pull of this model is under way", p->dir);
}

/* The hub answers 401 for what does not exist, too. */
static void explain_denial(GError **error) {
    if (!error || !g_error_matches(*error, EARSHOT_ERROR, ERR_DENIED)) return;
    g_autofree char *said = g_strdup((*error)->message);
    g_clear_error(error);
    error_fail(error, ERR_DENIED, "%s: the hub knows no such model, or it wants a token", said);
}

static bool ask_hub(Pull *p, GError **error) {
    const char *revision = p->options->revision ? p->options->revision : "main";
    g_autofree char *escaped = g_uri_escape_string(revision, NULL, FALSE);
    g_autofree char *url =
        g_strdup_printf("%s/api/models/%s/revision/%s?blobs=true", p->endpoint, p->repo, escaped);
    g_autoptr(GBytes) body = http_get(p->http, url, HUB_MAX_ANSWER, error);
    if (!body) explain_denial(error);
    if (!body) return false;
    gsize len;
    const char *json = g_bytes_get_data(body, &len);
    p->answer = hub_answer_parse(json ? json : "", len, p->repo, error);
    return p->answer != NULL;
}

/* The model's folder is there already: is it what was asked for? */
static HubPull judge_installed(Pull *p, GError **error) {
    g_auto(HubSource) source = {0};
    g_autoptr(GError) unreadable = NULL;
    if (!hub_source_read(p->dir, &source, &unreadable)) {
        error_fail(error, ERR_CONFLICT, "%s: is there, but not from a pull; move it away first",
                   p->dir);
        return HUB_FAILED;
    }
    const char *wanted = p->options->revision;
    if (!wanted || strcmp(wanted, source.revision) == 0) return HUB_WAS_THERE;
    if (!ask_hub(p, error)) return HUB_FAILED;
    if (strcmp(p->answer->commit, source.revision) == 0) return HUB_WAS_THERE;
    error_fail(error, ERR_CONFLICT, "%s: holds commit %s; move it away to pull %s", p->dir,
               source.revision, p->answer->commit);
    return HUB_FAILED;
}

static bool write_source(Pull *p, GError **error) {
    json_auto_t *files = json_array();
    for (guint i = 0; i < p->answer->files->len; i++) {
        const HubFile *file = g_ptr_array_index(p->answer->files, i);
        bool large = file->sha256[0] != 0;
        json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", file->name, "size",
                                               (json_int_t)file->size, large ? "sha256" : "blob",
                                               large ? file->sha256 : file->blob));
    }
    g_autofree char *endpoint = http_url_shown(p->endpoint);
    json_auto_t *root = json_pack("{s:s, s:s, s:s, s:O}", "endpoint", endpoint, "repo", p->repo,
                                  "revision", p->answer->commit, "files", files);
    g_autofree char *path = g_build_filename(p->partial, "source.json", NULL);
    return json_dump_file(root, path, JSON_INDENT(1)) == 0 || error_fail_errno(error, path, errno);
}

/* Files of another commit are of no use to this one. */
static void empty_partial(Pull *p) {
    g_autoptr(GDir) dir = g_dir_open(p->partial, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(p->partial, name, NULL);
        g_unlink(path);
    }
}

static bool open_partial(Pull *p, GError **error) {
    g_auto(HubSource) source = {0};
    if (g_mkdir(p->partial, 0755) < 0 && errno != EEXIST)
        return error_fail_errno(error, p->partial, errno);
    bool same = hub_source_read(p->partial, &source, NULL) &&
                strcmp(source.revision, p->answer->commit) == 0;
    if (!same) empty_partial(p);
    return write_source(p, error);
}

static uint64_t bytes_at(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t bytes_there(Pull *p, const HubFile *file) {
    g_autofree char *path = g_build_filename(p->partial, file->name, NULL);
    g_autofree char *part = g_strconcat(path, ".part", NULL);
    return MIN(file->size, bytes_at(path) + bytes_at(part));
}

static bool check_space(Pull *p, GError **error) {
    struct statvfs disk;
    uint64_t needed = p->answer->bytes;
    for (guint i = 0; i < p->answer->files->len; i++)
        needed -= bytes_there(p, g_ptr_array_index(p->answer->files, i));
    if (statvfs(p->partial, &disk) < 0) return error_fail_errno(error, p->partial, errno);
    uint64_t space = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (needed <= space) return true;
    g_autofree char *want = si_bytes(needed), *have = si_bytes(space);
    return error_fail(error, ERR_IO, "%s: %s are needed, %s are free", p->options->models_dir, want,
                      have);
}

/* The hash that the hub gives for these bytes: SHA-256 as they are, or git's SHA-1 of them as a
 * blob. */
static bool hash_matches(const char *path, const HubFile *file) {
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, NULL);
    if (!map || g_mapped_file_get_length(map) != file->size) return false;
    bool large = file->sha256[0] != 0;
    g_autoptr(GChecksum) sum = g_checksum_new(large ? G_CHECKSUM_SHA256 : G_CHECKSUM_SHA1);
    g_autofree char *head = g_strdup_printf("blob %" G_GUINT64_FORMAT, file->size);
    if (!large) g_checksum_update(sum, (const guchar *)head, (gssize)strlen(head) + 1);
    const guchar *bytes = (const guchar *)g_mapped_file_get_contents(map);
    if (bytes) g_checksum_update(sum, bytes, (gssize)file->size);
    return strcmp(g_checksum_get_string(sum), large ? file->sha256 : file->blob) == 0;
}

static bool on_bytes(void *user, uint64_t done, uint64_t total) {
    Pull *p = user;
    return !p->progress || p->progress(p->user, p->file->name, p->before + done, p->answer->bytes);
}

static bool fetch(Pull *p, GError **error) {
    const HubFile *file = p->file;
    g_autofree char *path = g_build_filename(p->partial, file->name, NULL);
    if (hash_matches(path, file)) return true;
    g_autofree char *url =
        g_strdup_printf("%s/%s/resolve/%s/%s", p->endpoint, p->repo, p->answer->commit, file->name);
    const char *sha256 = file->sha256[0] ? file->sha256 : NULL;
    if (!http_download(p->http, url, path, file->size, sha256, file->size, on_bytes, p, error)) {
        explain_denial(error);
        return false;
    }
    if (sha256 || hash_matches(path, file)) return true;
    g_unlink(path);
    g_autofree char *shown = http_url_shown(url);
    return error_fail(error, ERR_FORMAT,
                      "%s: its hash is not the one the hub gives; the download is removed", shown);
}

static bool fetch_all(Pull *p, GError **error) {
    for (guint i = 0; i < p->answer->files->len; i++) {
        p->file = g_ptr_array_index(p->answer->files, i);
        if (!fetch(p, error)) return false;
        p->before += p->file->size;
    }
    return true;
}

/* The one instant in which the model appears. */
static bool install(Pull *p, GError **error) {
    if (!file_sync_dir(p->partial, error)) return false;
    if (rename(p->partial, p->dir) < 0) return error_fail_errno(error, p->dir, errno);
    return file_sync_dir(p->options->models_dir, error);
}

static HubPull pull(Pull *p, GError **error) {
    if (!take_lock(p, error)) return HUB_FAILED;
    if (g_file_test(p->dir, G_FILE_TEST_EXISTS)) return judge_installed(p, error);
    bool ok = ask_hub(p, error) && open_partial(p, error) && check_space(p, error) &&
              fetch_all(p, error) && install(p, error);
    return ok ? HUB_PULLED : HUB_FAILED;
}

static char *without_slash(const char *endpoint) {
    char *copy = g_strdup(endpoint && *endpoint ? endpoint : HUB_ENDPOINT);
    size_t len = strlen(copy);
    while (len > 0 && copy[len - 1] == '/') copy[--len] = 0;
    return copy;
}

static void pull_clear(Pull *p) {
    if (p->lock >= 0) close(p->lock);
    hub_answer_free(p->answer);
    http_free(p->http);
    g_free(p->partial);
    g_free(p->dir);
    g_free(p->endpoint);
    g_free(p->repo);
}

HubPull hub_pull(const HubOptions *options, const char *name, HubProgress progress, void *user,
                 GError **error) {
    Pull p = {.options = options, .lock = -1, .progress = progress, .user = user};
    p.repo = hub_repo(name);
    if (!p.repo) {
        error_fail(error, ERR_USAGE, "%s: is neither a known model's name nor OWNER/NAME", name);
        return HUB_FAILED;
    }
    p.endpoint = without_slash(options->endpoint);
    p.dir = hub_dir(options->models_dir, p.repo);
    p.partial = g_strconcat(p.dir, ".partial", NULL);
    p.http =
        http_new(&(HttpOptions){.bearer = options->token, .retry_wait_ms = options->retry_wait_ms});
    HubPull result = pull(&p, error);
    pull_clear(&p);
    return result;
}
