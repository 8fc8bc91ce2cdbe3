/* Models by name: the list of those we know, those on this machine, and how one gets here from the
 * Hugging Face hub or a mirror of it.
 *
 * A model is installed as MODELS_DIR/OWNER--NAME, in Hugging Face layout, with a source.json that
 * says where it came from. A folder put there by hand under any other plain name is a model of that
 * name. A pull works in OWNER--NAME.partial, which becomes the model by one rename when every file
 * is there and matches the hub's hash; a killed pull is continued by the same call. All files are
 * of the one commit that the hub named first, so that a branch that moves cannot mix versions.
 *
 * Nothing the hub says is trusted: names are matched against those wanted, sizes against the limits
 * below.
 *
 * Owner: the caller of everything returned. Thread: any; pulls of one model exclude each other by a
 * lock on MODELS_DIR/.OWNER--NAME.lock, between processes, too. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define HUB_ENDPOINT    "https://huggingface.co"
#define HUB_MAX_ANSWER  (8 << 20)   /* bytes of the hub's description of a model */
#define HUB_MAX_FILES   1024        /* of one model */
#define HUB_MAX_WEIGHTS 16000000000 /* bytes of one file of weights */
#define HUB_MAX_SMALL   64000000    /* bytes of any other file */
#define HUB_MAX_NAME    96          /* of an owner, and of a model */
#define HUB_BUILTIN     "builtin"   /* the name of the model that comes with the program */

/* A checkpoint that is known to fit. `licence` is what its model card states. */
typedef struct {
    const char *repo; /* "laion/clap-htsat-unfused"; its short name is what follows the slash */
    int64_t parameters;
    int dim;
    const char *licence, *purpose;
    const char *note; /* "" or a warning */
} HubModel;

const HubModel *hub_known(int *count);

/* What `name` means: the repository of a known short name, or OWNER/NAME itself; NULL when it is
 * neither. Caller frees. */
char *hub_repo(const char *name);

/* Names of the models in `models_dir`, sorted: OWNER/NAME of those pulled, plain names of others.
 * Empty when there is no such folder. Caller frees with g_strfreev. */
char **hub_installed(const char *models_dir);

/* The folder that `name` stands for: a path to a folder in Hugging Face layout, a known short name,
 * OWNER/NAME, the plain name of a folder in `models_dir`, or HUB_BUILTIN. ERR_NOT_FOUND says how to
 * get it. Caller frees. */
char *hub_find(const char *models_dir, const char *name, GError **error);

/* Where the model is that came with the program: beside a program at `program` (in
 * ../share/earshot/models when it is installed, in ../models when it was built from source).
 * hub_builtin_dir looks beside the program that runs, then where this build installs it. NULL when
 * there is none. Caller frees. */
char *hub_builtin_dir(void);
char *hub_builtin_dir_of(const char *program);

typedef struct {
    const char *models_dir; /* made when it is not there */
    const char *endpoint;   /* NULL: HUB_ENDPOINT; a password in it is never shown nor kept */
    const char *token;      /* NULL: none; shown to the endpoint's host alone */
    const char *revision;   /* branch, tag or commit; NULL: "main" */
    int retry_wait_ms;      /* as in HttpOptions */
} HubOptions;

typedef enum { HUB_FAILED, HUB_PULLED, HUB_WAS_THERE } HubPull;

/* `file` is being fetched; done and total are bytes of the whole model. False stops the pull
 * (ERR_CANCELLED), to be continued later. */
typedef bool (*HubProgress)(void *user, const char *file, uint64_t done, uint64_t total);

/* `name`: a known short name or OWNER/NAME. HUB_WAS_THERE: installed already, nothing was fetched;
 * without a revision the hub is not even asked. Errors: ERR_USAGE no such name, ERR_CONFLICT
 * another pull, another revision or a foreign folder is there, ERR_NOT_FOUND, ERR_DENIED the model
 * wants a token, ERR_UNSUPPORTED files are missing that a CLAP needs, ERR_LIMIT, ERR_FORMAT the
 * answer or a hash is wrong, ERR_IO disk full (before anything is fetched, when it can be
 * foreseen), ERR_NET. */
HubPull hub_pull(const HubOptions *options, const char *name, HubProgress progress, void *user,
                 GError **error);

typedef struct {
    char *repo, *revision; /* revision: the commit */
} HubSource;

/* What source.json in a model's folder says; false without an error when there is none. */
bool hub_source_read(const char *dir, HubSource *source, GError **error);
void hub_source_clear(HubSource *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HubSource, hub_source_clear)
