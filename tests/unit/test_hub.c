/* Models by name, and pulling them from a hub of the test's own, which keeps faults ready. */
#include "error.h"
#include "files.h"
#include "hub.h"
#include "hub_answer.h"
#include "loopback.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#define REPO    "laion/clap-htsat-unfused"
#define FOLDER  "laion--clap-htsat-unfused"
#define COMMIT  "0123456789abcdef0123456789abcdef01234567"
#define COMMIT2 "89abcdef0123456789abcdef0123456789abcdef"
#define WEIGHTS 200000

/* ---- a folder of models for each test ---- */

typedef struct {
    char *models; /* does not exist yet */
} Place;

static void place_up(Place *place, const void *unused) {
    g_autofree char *top = files_dir();
    place->models = g_build_filename(top, "models", NULL);
}

static void place_down(Place *place, const void *unused) {
    files_remove(g_path_get_dirname(place->models));
    g_free(place->models);
}

static char *at(const Place *place, const char *folder, const char *file) {
    return g_build_filename(place->models, folder, file, NULL);
}

static bool there(const Place *place, const char *folder, const char *file) {
    g_autofree char *path = at(place, folder, file);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void put(const Place *place, const char *folder, const char *file, const char *text) {
    g_autofree char *path = at(place, folder, file);
    g_autofree char *dir = g_path_get_dirname(path);
    g_mkdir_with_parents(dir, 0755);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* ---- names ---- */

static void names_mean_repositories(void) {
    g_autofree char *by_short = hub_repo("larger_clap_general");
    g_autofree char *by_repo = hub_repo("someone/some.clap_v1-2");
    g_assert_cmpstr(by_short, ==, "laion/larger_clap_general");
    g_assert_cmpstr(by_repo, ==, "someone/some.clap_v1-2");
}

static void names_that_could_be_paths_are_no_repositories(void) {
    const char *names[] = {"",       "x",      "../x",   "a/..",        "a/b/c",
                           "/a/b",   "a/",     "/a",     ".a/b",        "a/.b",
                           "a--b/c", "a/b--c", "-a/b",   "a/b c",       "a/b\n",
                           "a\\/b",  "a/b%2f", "a/b..c", "a/b.partial", "a/\xc3\xa4"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *repo = hub_repo(names[i]);
        g_assert_cmpstr(repo, ==, NULL);
    }
}

static void known_models_have_names_and_sizes(void) {
    int count;
    const HubModel *models = hub_known(&count);
    g_assert_cmpint(count, ==, 5);
    for (int i = 0; i < count; i++) {
        g_autofree char *repo = hub_repo(models[i].repo);
        g_assert_cmpstr(repo, ==, models[i].repo);
        g_assert_cmpint(models[i].parameters, >, 150000000);
        g_assert_cmpint(models[i].dim, ==, 512);
        g_assert_true(*models[i].licence && *models[i].purpose);
    }
}

static void assert_found(const Place *place, const char *name, const char *folder) {
    g_autoptr(GError) error = NULL;
    g_autofree char *found = hub_find(place->models, name, &error);
    g_autofree char *expected = g_build_filename(place->models, folder, NULL);
    g_assert_no_error(error);
    g_assert_cmpstr(found, ==, expected);
}

static void installed_models_are_found_by_every_name(Place *place, const void *unused) {
    put(place, FOLDER, "config.json", "{}");
    put(place, "mine", "config.json", "{}");
    g_autofree char *path = g_build_filename(place->models, "mine", NULL);
    assert_found(place, "clap-htsat-unfused", FOLDER);
    assert_found(place, REPO, FOLDER);
    assert_found(place, FOLDER, FOLDER);
    assert_found(place, "mine", "mine");
    assert_found(place, path, "mine");
}

static void assert_not_found(const Place *place, const char *name, const char *words) {
    g_autoptr(GError) error = NULL;
    g_autofree char *found = hub_find(place->models, name, &error);
    g_assert_null(found);
    g_assert_error(error, EARSHOT_ERROR, ERR_NOT_FOUND);
    g_assert_true(g_str_has_prefix(error->message, name));
    g_assert_nonnull(strstr(error->message, words));
}

static void what_is_not_found_says_how_to_get_it(Place *place, const void *unused) {
    put(place, "half.partial", "config.json", "{}");
    put(place, "empty", "notes.txt", "");
    g_autofree char *empty = g_build_filename(place->models, "empty", NULL);
    assert_not_found(place, "clap-htsat-unfused", "earshot model pull clap-htsat-unfused");
    assert_not_found(place, "no/such", "earshot model pull no/such");
    assert_not_found(place, "half.partial", "model list");
    assert_not_found(place, "../nowhere", "model list");
    assert_not_found(place, "", "model list");
    assert_not_found(place, empty, "no config.json");
}

static void installed_models_are_listed_in_order(Place *place, const void *unused) {
    g_auto(GStrv) none = hub_installed(place->models);
    g_assert_cmpuint(g_strv_length(none), ==, 0);
    put(place, FOLDER, "config.json", "{}");
    put(place, FOLDER ".partial", "config.json", "{}");
    put(place, "a", "config.json", "{}");
    put(place, "z", "notes.txt", "");
    put(place, ".hidden", "config.json", "{}");
    g_auto(GStrv) names = hub_installed(place->models);
    g_autofree char *all = g_strjoinv(" ", names);
    g_assert_cmpstr(all, ==, "a " REPO);
}

static void assert_builtin(const char *top, const char *program, const char *model) {
    g_autofree char *path = g_build_filename(top, program, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *expected = model ? g_build_filename(top, model, NULL) : NULL;
    g_mkdir_with_parents(folder, 0755);
    g_autofree char *found = hub_builtin_dir_of(path);
    g_assert_cmpstr(found, ==, expected);
}

static void the_model_that_came_with_the_program_lies_beside_it(Place *place, const void *unused) {
    g_autofree char *top = g_path_get_dirname(place->models);
    assert_builtin(top, "build/earshot", NULL);
    put(place, "builtin", "notes.txt", "");
    assert_builtin(top, "build/earshot", NULL);
    put(place, "builtin", "config.json", "{}");
    assert_builtin(top, "build/earshot", "models/builtin");
    put(place, "../share/earshot/models/builtin", "config.json", "{}");
    assert_builtin(top, "bin/earshot", "share/earshot/models/builtin");
}

/* ---- the hub's answer ---- */

/* Entries of a listing; each brings its comma, so that they can stand in a row. */
#define SHA256 "\"0000000000000000000000000000000000000000000000000000000000000001\""
#define LARGE(name, size)                                                                          \
    ",{\"rfilename\":\"" name "\",\"size\":" size ",\"lfs\":{\"sha256\":" SHA256 "}}"
#define SMALL(name)  ",{\"rfilename\":\"" name "\",\"size\":2,\"blobId\":\"" COMMIT "\"}"
#define BASIS        SMALL("config.json") SMALL("merges.txt") SMALL("vocab.json")
#define INDEX        SMALL("model.safetensors.index.json")
#define ANSWER(list) "{\"sha\":\"" COMMIT "\",\"siblings\":[null" list "]}"

/* Names of the files chosen, with spaces between. */
static char *chosen(const char *json) {
    g_autoptr(GError) error = NULL;
    g_autoptr(HubAnswer) answer = hub_answer_parse(json, strlen(json), REPO, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(answer->commit, ==, COMMIT);
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < answer->files->len; i++) {
        const HubFile *file = g_ptr_array_index(answer->files, i);
        g_string_append_printf(names, "%s%s", i ? " " : "", file->name);
    }
    return g_string_free(names, FALSE);
}

static void only_what_a_clap_needs_is_chosen(void) {
    const struct {
        const char *json, *names;
    } rows[] = {
        {ANSWER(BASIS LARGE("model.safetensors", "9") LARGE("pytorch_model.bin", "9")
                    SMALL("train.py") SMALL(".gitattributes")),
         "config.json vocab.json merges.txt model.safetensors"},
        {ANSWER(BASIS LARGE("pytorch_model.bin", "9")),
         "config.json vocab.json merges.txt pytorch_model.bin"},
        {ANSWER(SMALL("config.json") SMALL("processor_config.json") SMALL("tokenizer.json")
                    SMALL("README.md") LARGE("model.safetensors", "9")),
         "config.json processor_config.json tokenizer.json README.md model.safetensors"},
        {ANSWER(BASIS LARGE("model-00002-of-00002.safetensors", "9") LARGE(
             "model-00001-of-00002.safetensors", "9") INDEX LARGE("pytorch_model.bin", "9")),
         "config.json vocab.json merges.txt model.safetensors.index.json "
         "model-00001-of-00002.safetensors model-00002-of-00002.safetensors"},
        {ANSWER(BASIS LARGE("pytorch_model-00001-of-00001.bin", "9")
                    SMALL("pytorch_model.bin.index.json") LARGE("pytorch_model-1-of-1.bin", "9")),
         "config.json vocab.json merges.txt pytorch_model.bin.index.json "
         "pytorch_model-00001-of-00001.bin"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *names = chosen(rows[i].json);
        g_assert_cmpstr(names, ==, rows[i].names);
    }
}

#define HOSTILE                                                                                    \
    SMALL("../config.json")                                                                        \
    SMALL("/etc/passwd")                                                                           \
    SMALL("sub/config.json")                                                                       \
    SMALL("..")                                                                                    \
    SMALL("")                                                                                      \
    SMALL("config.json\\n")                                                                        \
    LARGE("../model-00001-of-00002.safetensors", "9")                                              \
    LARGE("model-00001-of-00002.safetensors/../../x", "9")

static void hostile_file_names_are_never_chosen(void) {
    g_autofree char *whole = chosen(ANSWER(BASIS LARGE("model.safetensors", "9") HOSTILE));
    g_assert_cmpstr(whole, ==, "config.json vocab.json merges.txt model.safetensors");
    g_autofree char *shards = chosen(ANSWER(BASIS INDEX HOSTILE));
    g_assert_cmpstr(shards, ==, "config.json vocab.json merges.txt model.safetensors.index.json");
}

static void wrong_answers_are_refused(void) {
    const struct {
        const char *json;
        ErrorCode code;
        const char *words;
    } rows[] = {
        {"", ERR_FORMAT, "not JSON"},
        {"<html>", ERR_FORMAT, "not JSON"},
        {"[1,2", ERR_FORMAT, "not JSON"},
        {"[]", ERR_FORMAT, "does not describe"},
        {"{}", ERR_FORMAT, "does not describe"},
        {"{\"sha\":\"main\",\"siblings\":[]}", ERR_FORMAT, "does not describe"},
        {"{\"sha\":\"" COMMIT "\",\"siblings\":3}", ERR_FORMAT, "does not describe"},
        {"{\"sha\":7,\"siblings\":[]}", ERR_FORMAT, "does not describe"},
        {ANSWER(""), ERR_UNSUPPORTED, "no config.json"},
        {ANSWER(",1,null,[],\"config.json\""), ERR_UNSUPPORTED, "no config.json"},
        {ANSWER(SMALL("config.json")), ERR_UNSUPPORTED, "tokenizer.json"},
        {ANSWER(BASIS), ERR_UNSUPPORTED, "neither model.safetensors nor"},
        {ANSWER(BASIS SMALL("config.json")), ERR_FORMAT, "config.json twice"},
        {ANSWER(BASIS LARGE("model.safetensors", "-1")), ERR_FORMAT, "no size for model.saf"},
        {ANSWER(BASIS LARGE("model.safetensors", "1.5")), ERR_FORMAT, "no size for model.saf"},
        {ANSWER(BASIS LARGE("model.safetensors", "16000000001")), ERR_LIMIT, "more than"},
        {ANSWER(BASIS LARGE("README.md", "64000001")), ERR_LIMIT, "README.md has 64000001"},
        {ANSWER(BASIS ",{\"rfilename\":\"model.safetensors\",\"size\":1}"), ERR_FORMAT, "no hash"},
        {ANSWER(BASIS ",{\"rfilename\":\"model.safetensors\",\"size\":1,\"blobId\":\"" COMMIT
                      "\",\"lfs\":{}}"),
         ERR_FORMAT, "no hash"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(hub_answer_parse(rows[i].json, strlen(rows[i].json), REPO, &error));
        g_assert_error(error, EARSHOT_ERROR, (int)rows[i].code);
        g_assert_true(g_str_has_prefix(error->message, REPO ": "));
        g_assert_nonnull(strstr(error->message, rows[i].words));
    }
}

static char *answer_of_shards(int count) {
    g_autoptr(GString) list = g_string_new(BASIS INDEX);
    for (int i = 1; i <= count; i++)
        g_string_append_printf(list,
                               ",{\"rfilename\":\"model-%05d-of-%05d.safetensors\",\"size\":"
                               "16000000000,\"lfs\":{\"sha256\":" SHA256 "}}",
                               i, count);
    return g_strdup_printf("{\"sha\":\"" COMMIT "\",\"siblings\":[null%s]}", list->str);
}

static void too_many_files_are_refused(void) {
    g_autofree char *json = answer_of_shards(HUB_MAX_FILES);
    g_autoptr(GError) error = NULL;
    g_assert_null(hub_answer_parse(json, strlen(json), REPO, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
}

/* ---- a hub ---- */

typedef struct {
    Served config, merges, vocab, weights;
    const char *commit, *listing; /* listing: said instead of the true one */
    int status;                   /* said to every request, when it is not 0 */
    Loopback *cdn;                /* weights are redirected there; NULL: served here */
} Hub;

static char weights[WEIGHTS];

static Served *hub_file(Hub *hub, const char *name) {
    const struct {
        const char *name;
        Served *file;
    } files[] = {{"config.json", &hub->config},
                 {"merges.txt", &hub->merges},
                 {"vocab.json", &hub->vocab},
                 {"model.safetensors", &hub->weights}};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (strcmp(files[i].name, name) == 0) return files[i].file;
    return NULL;
}

static void list_file(GString *out, const char *name, const Served *file, bool large) {
    g_autoptr(GChecksum) blob = g_checksum_new(G_CHECKSUM_SHA1);
    g_autofree char *head = g_strdup_printf("blob %zu", file->len);
    g_checksum_update(blob, (const guchar *)head, (gssize)strlen(head) + 1);
    g_checksum_update(blob, (const guchar *)file->data, (gssize)file->len);
    g_autofree char *sha256 =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)file->data, file->len);
    g_string_append_printf(out, "%s{\"rfilename\":\"%s\",\"size\":%zu,\"blobId\":\"%s\"",
                           out->len ? "," : "", name, file->len, g_checksum_get_string(blob));
    if (large) g_string_append_printf(out, ",\"lfs\":{\"sha256\":\"%s\"}", sha256);
    g_string_append(out, "}");
}

static char *list_of(const Hub *hub) {
    g_autoptr(GString) list = g_string_new(NULL);
    list_file(list, "config.json", &hub->config, false);
    list_file(list, "merges.txt", &hub->merges, false);
    list_file(list, "vocab.json", &hub->vocab, false);
    list_file(list, "model.safetensors", &hub->weights, true);
    return g_strdup_printf("{\"sha\":\"%s\",\"siblings\":[%s]}", hub->commit, list->str);
}

static void answer_listing(const Hub *hub, GIOStream *peer) {
    g_autofree char *list = hub->listing ? g_strdup(hub->listing) : list_of(hub);
    loopback_answer(peer, 200, "", list, strlen(list));
}

static void hub_handler(const Asked *asked, int number, GIOStream *peer, void *user) {
    Hub *hub = user;
    g_autofree char *files = g_strdup_printf("/" REPO "/resolve/%s/", hub->commit);
    const char *name = asked->target + strlen(files);
    bool is_file = g_str_has_prefix(asked->target, files);
    if (hub->status)
        loopback_answer(peer, hub->status, "", "no", 2);
    else if (g_str_has_prefix(asked->target, "/api/models/" REPO "/revision/"))
        answer_listing(hub, peer);
    else if (is_file && hub->cdn && hub_file(hub, name) == &hub->weights) {
        g_autofree char *to = loopback_url(hub->cdn, "/weights?signature=1");
        loopback_redirect(peer, to);
    } else if (is_file && hub_file(hub, name))
        serve_file(hub_file(hub, name), asked, peer);
    else
        loopback_answer(peer, 404, "", "no", 2);
}

static Hub hub_new(void) {
    return (Hub){.config = {.data = "{\"a\":1}", .len = 7},
                 .merges = {.data = "a b\n", .len = 4},
                 .vocab = {.data = "{}", .len = 2},
                 .weights = {.data = weights, .len = WEIGHTS, .etag = "\"w\""},
                 .commit = COMMIT};
}

static HubPull pull_with(const Place *place, Loopback *server, HubOptions options,
                         HubProgress progress, void *user, GError **error) {
    g_autofree char *endpoint = loopback_url(server, "/");
    options.models_dir = place->models;
    options.endpoint = endpoint;
    options.retry_wait_ms = 1;
    return hub_pull(&options, "clap-htsat-unfused", progress, user, error);
}

static HubPull pull(const Place *place, Loopback *server, GError **error) {
    return pull_with(place, server, (HubOptions){0}, NULL, NULL, error);
}

static void assert_installed(const Place *place) {
    g_autofree char *path = at(place, FOLDER, "model.safetensors");
    g_autofree char *config = at(place, FOLDER, "config.json");
    g_autofree char *found = NULL, *text = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &found, &len, NULL));
    g_assert_cmpmem(found, len, weights, WEIGHTS);
    g_assert_true(g_file_get_contents(config, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "{\"a\":1}");
    g_assert_false(there(place, FOLDER ".partial", ""));
}

static void expect_failure(const Place *place, Loopback *server, ErrorCode code,
                           const char *words) {
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(pull(place, server, &error), ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, (int)code);
    g_assert_null(strchr(error->message, '\n'));
    g_assert_nonnull(strstr(error->message, words));
    g_assert_false(there(place, FOLDER, ""));
}

static void a_model_arrives_whole(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(pull(place, server, &error), ==, HUB_PULLED);
    g_assert_no_error(error);
    assert_installed(place);
    g_autofree char *dir = g_build_filename(place->models, FOLDER, NULL);
    g_auto(HubSource) source = {0};
    g_assert_true(hub_source_read(dir, &source, &error));
    g_assert_cmpstr(source.repo, ==, REPO);
    g_assert_cmpstr(source.revision, ==, COMMIT);
}

static void a_model_that_is_there_is_not_fetched_again(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    int asked = loopback_count(server);
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_WAS_THERE);
    HubOptions by_commit = {.revision = COMMIT};
    g_assert_cmpint(pull_with(place, server, by_commit, NULL, NULL, NULL), ==, HUB_WAS_THERE);
    g_assert_cmpint(loopback_count(server), ==, asked);
    HubOptions by_branch = {.revision = "main"};
    g_assert_cmpint(pull_with(place, server, by_branch, NULL, NULL, NULL), ==, HUB_WAS_THERE);
    g_assert_cmpint(loopback_count(server), ==, asked + 1);
}

static void all_files_are_of_the_commit_named_first(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    HubOptions options = {.revision = "refs/pr/1"};
    g_assert_cmpint(pull_with(place, server, options, NULL, NULL, NULL), ==, HUB_PULLED);
    g_assert_cmpstr(loopback_asked(server, 1)->target, ==,
                    "/api/models/" REPO "/revision/refs%2Fpr%2F1?blobs=true");
    g_assert_cmpint(loopback_count(server), ==, 5);
    for (int i = 2; i <= 5; i++)
        g_assert_true(
            g_str_has_prefix(loopback_asked(server, i)->target, "/" REPO "/resolve/" COMMIT "/"));
}

static void serve(const Asked *asked, int number, GIOStream *peer, void *user) {
    serve_file(user, asked, peer);
}

static void the_token_is_shown_to_the_hub_alone(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) cdn = loopback_new(serve, &hub.weights);
    hub.cdn = cdn;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    HubOptions options = {.token = "hf_secret"};
    g_assert_cmpint(pull_with(place, server, options, NULL, NULL, NULL), ==, HUB_PULLED);
    assert_installed(place);
    for (int i = 1; i <= loopback_count(server); i++)
        g_assert_cmpstr(asked_header(loopback_asked(server, i), "authorization"), ==,
                        "Bearer hf_secret");
    g_assert_cmpstr(asked_header(loopback_asked(cdn, 1), "authorization"), ==, "");
}

static void a_cut_pull_is_continued_by_the_next(Place *place, const void *unused) {
    Hub hub = hub_new();
    hub.weights.cut_after = 1000;
    g_autoptr(Loopback) broken = loopback_new(hub_handler, &hub);
    expect_failure(place, broken, ERR_NET, "model.safetensors");
    g_assert_true(there(place, FOLDER ".partial", "model.safetensors.part"));
    hub.weights.cut_after = 0;
    g_autoptr(Loopback) mended = loopback_new(hub_handler, &hub);
    g_assert_cmpint(pull(place, mended, NULL), ==, HUB_PULLED);
    g_assert_cmpint(loopback_count(mended), ==, 2); /* the listing and the rest of the weights */
    g_assert_cmpstr(asked_header(loopback_asked(mended, 2), "range"), ==, "bytes=6000-");
    assert_installed(place);
}

typedef struct {
    uint64_t stop_at, last, total;
    bool fell;
} Seen;

static bool watch(void *user, const char *file, uint64_t done, uint64_t total) {
    Seen *seen = user;
    seen->fell |= done < seen->last;
    seen->last = done;
    seen->total = total;
    return done < seen->stop_at;
}

static void progress_rises_over_all_files(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    Seen seen = {.stop_at = UINT64_MAX};
    g_assert_cmpint(pull_with(place, server, (HubOptions){0}, watch, &seen, NULL), ==, HUB_PULLED);
    g_assert_cmpuint(seen.last, ==, WEIGHTS + 7 + 4 + 2);
    g_assert_cmpuint(seen.total, ==, seen.last);
    g_assert_false(seen.fell);
}

static void a_stopped_pull_is_continued_by_the_next(Place *place, const void *unused) {
    Hub hub = hub_new();
    hub.weights.cut_after = 1000;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_autoptr(GError) error = NULL;
    Seen seen = {.stop_at = 1000};
    HubPull result = pull_with(place, server, (HubOptions){0}, watch, &seen, &error);
    g_assert_cmpint(result, ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, ERR_CANCELLED);
    g_assert_false(there(place, FOLDER, ""));
    hub.weights.cut_after = 0;
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    assert_installed(place);
}

static void wrong_bytes_are_never_installed(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autofree char *truth = list_of(&hub);
    hub.listing = truth;
    hub.vocab.data = "[]";
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_FORMAT, "vocab.json: its hash");
    hub.vocab.data = "{}";
    g_autofree char *other = g_memdup2(weights, WEIGHTS);
    other[WEIGHTS - 1] ^= 1;
    hub.weights.data = other;
    expect_failure(place, server, ERR_FORMAT, "sha256 is");
    hub.weights.data = weights;
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    assert_installed(place);
}

static void a_password_in_the_endpoint_is_used_but_never_shown_nor_kept(Place *place,
                                                                        const void *unused) {
    Hub hub = hub_new();
    g_autofree char *truth = list_of(&hub);
    hub.listing = truth;
    hub.vocab.data = "[]";
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_autofree char *endpoint = g_strdup_printf("http://me:secret@127.0.0.1:%d", server->port);
    HubOptions options = {.models_dir = place->models, .endpoint = endpoint, .retry_wait_ms = 1};
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(hub_pull(&options, REPO, NULL, NULL, &error), ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, ERR_FORMAT);
    g_assert_null(strstr(error->message, "secret"));
    g_assert_nonnull(strstr(error->message, "vocab.json: its hash"));
    g_assert_true(
        g_str_has_prefix(asked_header(loopback_asked(server, 1), "authorization"), "Basic "));
    g_autofree char *path = at(place, FOLDER ".partial", "source.json");
    g_autofree char *kept = NULL;
    g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
    g_assert_null(strstr(kept, "secret"));
}

static void whole_files_of_an_earlier_pull_are_checked_again(Place *place, const void *unused) {
    Hub hub = hub_new();
    hub.weights.cut_after = 1000;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_NET, "model.safetensors");
    put(place, FOLDER ".partial", "config.json", "{\"a\":2}");
    hub.weights.cut_after = 0;
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    assert_installed(place);
}

static void commits_are_not_mixed(Place *place, const void *unused) {
    Hub hub = hub_new();
    hub.weights.cut_after = 1000;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_NET, "model.safetensors");
    put(place, FOLDER ".partial", "tokenizer.json", "of the first commit alone");
    hub.weights.cut_after = 0;
    hub.commit = COMMIT2;
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    assert_installed(place);
    g_assert_false(there(place, FOLDER, "tokenizer.json"));
}

static void statuses_of_the_hub_become_errors(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    hub.status = 404;
    expect_failure(place, server, ERR_NOT_FOUND, "/api/models/" REPO);
    hub.status = 401;
    expect_failure(place, server, ERR_DENIED, "or it wants a token");
    hub.status = 503;
    expect_failure(place, server, ERR_NET, "503");
}

static void garbage_is_no_listing(Place *place, const void *unused) {
    Hub hub = hub_new();
    hub.listing = "<html>\n<body>maintenance";
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_FORMAT, "not JSON");
}

static void a_listing_of_absurd_length_is_refused(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autofree char *spaces = g_strnfill(HUB_MAX_ANSWER + 1, ' ');
    hub.listing = spaces;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_LIMIT, "more than 8388608 bytes");
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* A file that may not grow stands for a disk that is full. */
static void a_full_disk_keeps_what_is_there(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(100000);
    expect_failure(place, server, ERR_IO, "model.safetensors.part: File too large");
    limit_files(RLIM_INFINITY);
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    g_assert_cmpstr(asked_header(loopback_asked(server, loopback_count(server)), "range"), ==,
                    "bytes=100000-");
    assert_installed(place);
}

static void a_disk_that_is_too_small_is_named_before_anything_is_fetched(Place *place,
                                                                         const void *unused) {
    Hub hub = hub_new();
    g_autofree char *huge = answer_of_shards(1000); /* 16 TB */
    hub.listing = huge;
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    expect_failure(place, server, ERR_IO, "16.0 TB are needed");
    g_assert_cmpint(loopback_count(server), ==, 1);
}

static void two_pulls_of_a_model_exclude_each_other(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    put(place, "." FOLDER ".lock", "", "");
    g_autofree char *path = g_build_filename(place->models, "." FOLDER ".lock", NULL);
    int other = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(flock(other, LOCK_EX), ==, 0);
    expect_failure(place, server, ERR_CONFLICT, "another pull");
    g_assert_cmpint(loopback_count(server), ==, 0);
    close(other);
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
}

static void another_revision_is_not_put_over_the_first(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_autoptr(GError) error = NULL;
    HubOptions options = {.revision = "v2"};
    g_assert_cmpint(pull(place, server, NULL), ==, HUB_PULLED);
    hub.commit = COMMIT2;
    g_assert_cmpint(pull_with(place, server, options, NULL, NULL, &error), ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    assert_installed(place);
}

static void a_folder_put_there_by_hand_is_left_alone(Place *place, const void *unused) {
    Hub hub = hub_new();
    g_autoptr(Loopback) server = loopback_new(hub_handler, &hub);
    g_autoptr(GError) error = NULL;
    put(place, FOLDER, "config.json", "mine");
    g_assert_cmpint(pull(place, server, &error), ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, ERR_CONFLICT);
    g_assert_cmpint(loopback_count(server), ==, 0);
}

static void names_that_are_no_models_are_not_asked_for(Place *place, const void *unused) {
    g_autoptr(GError) error = NULL;
    HubOptions options = {.models_dir = place->models, .endpoint = "http://127.0.0.1:1"};
    g_assert_cmpint(hub_pull(&options, "../../etc", NULL, NULL, &error), ==, HUB_FAILED);
    g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    g_assert_false(g_file_test(place->models, G_FILE_TEST_EXISTS));
}

static void prepare(void) {
    guint32 x = 7;
    for (int i = 0; i < WEIGHTS; i++) {
        x = x * 1664525u + 1013904223u;
        weights[i] = (char)(x >> 24);
    }
    loopback_without_proxies();
}

#define ADD(group, name) g_test_add_func("/hub/" group "/" #name, name)
#define ADD_IN_PLACE(group, name)                                                                  \
    g_test_add("/hub/" group "/" #name, Place, NULL, place_up, name, place_down)

static void add_names_and_answers(void) {
    ADD("name", names_mean_repositories);
    ADD("name", names_that_could_be_paths_are_no_repositories);
    ADD("name", known_models_have_names_and_sizes);
    ADD_IN_PLACE("name", installed_models_are_found_by_every_name);
    ADD_IN_PLACE("name", what_is_not_found_says_how_to_get_it);
    ADD_IN_PLACE("name", installed_models_are_listed_in_order);
    ADD_IN_PLACE("name", the_model_that_came_with_the_program_lies_beside_it);
    ADD("answer", only_what_a_clap_needs_is_chosen);
    ADD("answer", hostile_file_names_are_never_chosen);
    ADD("answer", wrong_answers_are_refused);
    ADD("answer", too_many_files_are_refused);
}

static void add_pulls(void) {
    ADD_IN_PLACE("pull", a_model_arrives_whole);
    ADD_IN_PLACE("pull", a_model_that_is_there_is_not_fetched_again);
    ADD_IN_PLACE("pull", all_files_are_of_the_commit_named_first);
    ADD_IN_PLACE("pull", the_token_is_shown_to_the_hub_alone);
    ADD_IN_PLACE("pull", a_cut_pull_is_continued_by_the_next);
    ADD_IN_PLACE("pull", progress_rises_over_all_files);
    ADD_IN_PLACE("pull", a_stopped_pull_is_continued_by_the_next);
    ADD_IN_PLACE("pull", wrong_bytes_are_never_installed);
    ADD_IN_PLACE("pull", a_password_in_the_endpoint_is_used_but_never_shown_nor_kept);
    ADD_IN_PLACE("pull", whole_files_of_an_earlier_pull_are_checked_again);
    ADD_IN_PLACE("pull", commits_are_not_mixed);
    ADD_IN_PLACE("pull", statuses_of_the_hub_become_errors);
    ADD_IN_PLACE("pull", garbage_is_no_listing);
    ADD_IN_PLACE("pull", a_listing_of_absurd_length_is_refused);
    ADD_IN_PLACE("pull", a_full_disk_keeps_what_is_there);
    ADD_IN_PLACE("pull", a_disk_that_is_too_small_is_named_before_anything_is_fetched);
    ADD_IN_PLACE("pull", two_pulls_of_a_model_exclude_each_other);
    ADD_IN_PLACE("pull", another_revision_is_not_put_over_the_first);
    ADD_IN_PLACE("pull", a_folder_put_there_by_hand_is_left_alone);
    ADD_IN_PLACE("pull", names_that_are_no_models_are_not_asked_for);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    prepare();
    add_names_and_answers();
    add_pulls();
    return g_test_run();
}
