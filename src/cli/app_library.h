/* What commands do alike with a library: open it, find clips that the user names, read --filter,
 * show paths. */
#pragma once
#include "app.h"
#include "library.h"

#define WRITER_WAIT 10.0 /* seconds for another writer to end */

/* The library of -L, with the model of -m; another one, with its own model. */
Library *app_open_library(App *app, StoreMode mode, GError **error);
Library *app_open_other(App *app, const char *where, StoreMode mode, GError **error);

/* Nothing is there yet; and then: made with the model of -m, once that can be opened. */
bool app_library_is_new(const App *app);
Library *app_make_library(App *app, GError **error);

/* What -L, the environment or the default name. Borrowed. */
const char *app_library_name(const App *app);

/* text NULL → *filter NULL. Where the text is wrong, app->pointer shows it with a caret below. */
bool app_parse_filter(App *app, Library *library, const char *text, Filter **filter,
                      GError **error);

/* The part of `path` that is below `folder`; all of it when it is elsewhere. Borrowed. */
const char *app_path_from(const char *folder, const char *path);

/* "rain, wind"; the caller frees. */
char *app_tag_list(const Clip *clip, const char *joint);
