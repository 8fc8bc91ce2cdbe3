/* earshot search and earshot similar: find by describing, by example, by words. */
#include "app_library.h"
#include "error.h"
#include "hits.h"
#include "sha256.h"

#include <math.h>
#include <string.h>

typedef struct {
    char *mode, *filter, *fusion, *format, *query_id;
    double weight, min_match;
    int n, from;
    gboolean windows, explain, exact, fold_duplicates, null;
} Options;

#define OPTION_DEFAULTS                                                                            \
    { .n = SEARCH_HITS, .weight = SEARCH_WEIGHT }

static const Option options[] = {
    {OPTION_CHOICE, "mode", 0, offsetof(Options, mode), "MODE",
     "hybrid (default): sound and words; vector: sound alone; bm25: words alone",
     .choices = "hybrid|vector|bm25"},
    {OPTION_INT, "limit", 'n', offsetof(Options, n), "N", "hits to show (default: 10)", 1,
     SEARCH_MAX_HITS},
    {OPTION_INT, "from", 0, offsetof(Options, from), "N", "hits to pass over first", 0,
     SEARCH_MAX_HITS - 1},
    {OPTION_TEXT, "filter", 0, offsetof(Options, filter), "EXPR",
     "only clips that fit: 'duration < 30 and tag = \"rain\"'"},
    {OPTION_CHOICE, "fusion", 0, offsetof(Options, fusion), "HOW",
     "how both parts become one order: minmax (default), rrf, or server",
     .choices = "minmax|rrf|server"},
    {OPTION_NUMBER, "weight", 0, offsetof(Options, weight), "W",
     "of the vector part; words get the rest of 1 (default: 0.8)", 0, 1},
    {OPTION_NUMBER, "min-match", 0, offsetof(Options, min_match), "P",
     "drop hits whose match is lower (0 to 1)", 0, 1},
    {OPTION_FLAG, "windows", 0, offsetof(Options, windows), NULL,
     "every window is a hit, not the best one of each clip"},
    {OPTION_FLAG, "explain", 0, offsetof(Options, explain), NULL,
     "say where each hit's score comes from"},
    {OPTION_FLAG, "exact", 0, offsetof(Options, exact), NULL,
     "look at everything, in full precision"},
    {OPTION_FLAG, "fold-duplicates", 0, offsetof(Options, fold_duplicates), NULL,
     "show one of sounds that are nearly the same"},
    {OPTION_CHOICE, "format", 0, offsetof(Options, format), "FORMAT",
     "table (default), paths, json, csv, m3u or trec", .choices = "table|paths|json|csv|m3u|trec"},
    {OPTION_FLAG, "null", '0', offsetof(Options, null), NULL,
     "paths end with NUL, for xargs -0 (means --format paths)"},
    {OPTION_TEXT, "query-id", 0, offsetof(Options, query_id), "ID",
     "the query's name in --format trec (default: 1)"},
    {OPTION_END},
};

static SearchMode mode_of(const char *name) {
    return strcmp(name, "vector") == 0 ? MODE_VECTOR
           : strcmp(name, "bm25") == 0 ? MODE_BM25
                                       : MODE_HYBRID;
}

static Fusion fusion_of(const char *name) {
    if (!name || strcmp(name, "minmax") == 0) return FUSION_MINMAX;
    return strcmp(name, "rrf") == 0 ? FUSION_RRF : FUSION_SERVER;
}

static const char *mode_name(const App *app, const Options *o) {
    bool similar = strcmp(app->command, command_similar.name) == 0;
    return o->mode ? o->mode : similar ? "vector" : "hybrid";
}

/* What --format, --json and -0 come to; NULL when they exclude each other. */
static const char *format_of(const App *app, const Options *o, GError **error) {
    const char *implied = app->common.json ? "json" : o->null ? "paths" : "table";
    const char *format = o->format ? o->format : implied;
    if (app->common.json && strcmp(format, "json") != 0)
        error_fail(error, ERR_USAGE, "--json and --format %s exclude each other", format);
    else if (o->null && strcmp(format, "paths") != 0)
        error_fail(error, ERR_USAGE, "-0 and --format %s exclude each other", format);
    else if (o->windows && strcmp(format, "trec") == 0)
        error_fail(error, ERR_USAGE, "--format trec: a run names each clip once; drop --windows");
    else
        return format;
    return NULL;
}

static bool check_query_id(const char *id, GError **error) {
    if (!id || (*id && !id[strcspn(id, " \t\r\n\v\f")])) return true;
    return error_fail(error, ERR_USAGE, "--query-id: \"%s\": a name without white space", id);
}

static void say_nothing_found(App *app, const Options *o, const SearchResult *result) {
    if (result->hits->len) return;
    if (result->clips == 0)
        app_say(app, "nothing found: the library is empty");
    else if (isfinite(result->nearest) && !o->from)
        app_say(app, "nothing found%s; what came nearest has a match of %.0f %%",
                o->filter ? " that fits the filter" : "", result->nearest * 100);
    else
        app_say(app, "nothing found%s%s", o->filter ? " that fits the filter" : "",
                o->from ? " from there on" : "");
}

/* -- search -- */

static SearchOptions search_options(const App *app, const Options *o, const Filter *filter) {
    return (SearchOptions){.mode = mode_of(mode_name(app, o)),
                           .fusion = fusion_of(o->fusion),
                           .n = o->n,
                           .from = o->from,
                           .weight = o->weight,
                           .min_match = o->min_match,
                           .filter = filter,
                           .windows = o->windows,
                           .explain = o->explain,
                           .exact = o->exact,
                           .fold_duplicates = o->fold_duplicates};
}

static SearchResult *search_words(App *app, Library *library, char **args, const SearchOptions *how,
                                  GError **error) {
    g_autoptr(Query) query = query_parse((const char *const *)args, error);
    return query ? library_search(library, query, how, error) : NULL;
}

/* -- similar -- */

/* One of several sounds as a term of a query: "id:0f3c…" when the library knows it, else the file's
 * path; its id is added to `ids`. NULL: no such sound. */
static char *term_of(App *app, Library *library, const char *named, GString *ids, GError **error) {
    Backend *backend = library_backend(library);
    g_autoptr(Clip) clip = NULL;
    uint64_t number;
    if (g_file_test(named, G_FILE_TEST_IS_REGULAR) && !g_str_has_prefix(named, "id:")) {
        uint8_t hash[CLIP_HASH];
        if (!sha256_file(named, app->stop, hash, error)) return NULL;
        clip = clip_new(hash);
    } else {
        clip = backend->ops->find(backend, named, false, error);
        if (!clip) return NULL;
    }
    g_string_append_printf(ids, "%s\"%s\"", ids->len ? "," : "", clip->id);
    return backend->ops->has(backend, clip->hash, &number) ? g_strconcat("id:", clip->id, NULL)
                                                           : g_canonicalize_filename(named, NULL);
}

/* Like a search for their sum, without them. */
static SearchResult *search_like_all(App *app, Library *library, char **args,
                                     const SearchOptions *how, GError **error) {
    SearchOptions without = *how;
    g_autoptr(GStrvBuilder) terms = g_strv_builder_new();
    g_autoptr(GString) ids = g_string_new(NULL);
    for (char **arg = args; *arg; arg++) {
        g_autofree char *term = term_of(app, library, *arg, ids, error);
        if (!term) return NULL;
        if (arg > args) g_strv_builder_add(terms, "+");
        g_strv_builder_add(terms, term);
    }
    g_autofree char *text =
        how->filter ? g_strdup_printf("(%s) and not id in (%s)", how->filter->text, ids->str)
                    : g_strdup_printf("not id in (%s)", ids->str);
    g_autoptr(Filter) filter = filter_parse(text, NULL, NULL, error);
    without.filter = filter;
    g_auto(GStrv) sum = g_strv_builder_end(terms);
    return filter ? search_words(app, library, sum, &without, error) : NULL;
}

static SearchResult *search_like(App *app, Library *library, char **args, const SearchOptions *how,
                                 GError **error) {
    if (args[1]) return search_like_all(app, library, args, how, error);
    g_autofree char *path =
        g_str_has_prefix(args[0], "id:") ? NULL : g_canonicalize_filename(args[0], NULL);
    return library_similar(library, path ? path : args[0], how, error);
}

/* -- both -- */

typedef SearchResult *(*Find)(App *app, Library *library, char **args, const SearchOptions *how,
                              GError **error);

static bool find_and_print(App *app, const Options *o, char **args, Find find, GError **error) {
    const char *format = format_of(app, o, error);
    if (!format || !check_query_id(o->query_id, error)) return false;
    g_autoptr(Library) library = app_open_library(app, STORE_READ, error);
    g_autoptr(Filter) filter = NULL;
    if (!library || !app_parse_filter(app, library, o->filter, &filter, error)) return false;
    SearchOptions how = search_options(app, o, filter);
    g_autoptr(SearchResult) result = find(app, library, args, &how, error);
    if (!result) return false;
    Backend *backend = library_backend(library);
    const StoreModel *model = backend->ops->model(backend);
    g_autofree char *query = g_strjoinv(" ", args);
    Hits hits = {.app = app,
                 .query = query,
                 .mode = mode_name(app, o),
                 .library = library_name(library),
                 .model = model ? model->model : NULL,
                 .options = &how,
                 .result = result,
                 .query_id = o->query_id ? o->query_id : "1",
                 .path_end = o->null ? 0 : '\n'};
    hits_print(&hits, format);
    say_nothing_found(app, o, result);
    return true;
}

static bool run(App *app, const Command *command, char **argv, Find find, GError **error) {
    Options o = OPTION_DEFAULTS;
    g_auto(GStrv) args = g_strdupv(argv);
    bool well = app_options(app, command, &o, &args, error);
    if (well && !args[1]) well = error_fail(error, ERR_USAGE, "say what to look for");
    well = well && find_and_print(app, &o, args + 1, find, error);
    options_clear(options, &o);
    return well;
}

static bool run_search(App *app, char **argv, GError **error) {
    return run(app, &command_search, argv, search_words, error);
}

static bool run_similar(App *app, char **argv, GError **error) {
    return run(app, &command_similar, argv, search_like, error);
}

#define HELP_OF_FILTERS                                                                            \
    "A filter has fields, = != < <= > >= ~ in, and or not, and parentheses. Fields of every "      \
    "clip:\n"                                                                                      \
    "id, path, name, folder, duration, rate, channels, windows, added, tag; others are what "      \
    "files,\n"                                                                                     \
    "label files and `earshot edit` said. ~ finds with * and ? anywhere in a text; = and ~ fold\n" \
    "case."

const Command command_search = {
    .name = "search",
    .usage = "search QUERY... [OPTION...]",
    .summary = "find sounds by describing them, by example, by words",
    .more =
        "A query is words, an audio file, id:HEX, or a sum of them: dog barking - speech,\n"
        "\"2:rain\" + ./thunder.wav - music. A lone + or - stands between terms, N: weighs one.\n"
        "Words alone count for bm25; the vector part uses all of it.\n\n" HELP_OF_FILTERS,
    .options = options,
    .run = run_search,
};

const Command command_similar = {
    .name = "similar",
    .usage = "similar FILE|id:HEX... [OPTION...]",
    .summary = "more like these sounds, which themselves are left out",
    .more = HELP_OF_FILTERS,
    .options = options,
    .run = run_similar,
};
