/* The codes of all errors, and the one table that gives each its exit status and its HTTP status.
 *
 * A message is one line, the thing first: "PATH: what is wrong". It is made where the fault is
 * found; nobody rewrites it on the way up unless they know something that the finder did not. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ERROR_MAX_MESSAGE 1000 /* bytes */

#define EARSHOT_ERROR (error_quark())
GQuark error_quark(void);

typedef enum {
    ERR_USAGE,       /* the request is wrong: option, filter, field */
    ERR_NOT_FOUND,   /* no such file, clip, model */
    ERR_DENIED,      /* not allowed to read or write it */
    ERR_IO,          /* reading or writing broke: disk full, device gone */
    ERR_FORMAT,      /* the bytes are not what they should be */
    ERR_UNSUPPORTED, /* valid, but not something we handle */
    ERR_LIMIT,       /* larger than a named limit */
    ERR_CONFLICT,    /* someone else holds it, or it is already there */
    ERR_NET,         /* the other side did not answer as agreed */
    ERR_CANCELLED,   /* stopped on request */
    ERR_CODES
} ErrorCode;

/* Sets *error and returns false, so that a function can end with `return error_fail(…)`. The
 * message is made printable, and loses its middle when it is longer than ERROR_MAX_MESSAGE: names
 * from files and from the network may stand in it as they are. */
bool error_fail(GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* "PATH: what `number`, an errno, means", with the code that fits. */
bool error_fail_errno(GError **error, const char *path, int number);

/* What the program leaves with when `error` ends it: 1, 2 or 130. Errors of other domains count
 * as 1. */
int error_exit_status(const GError *error);

/* What the server answers: 400 … 503. */
int error_http_status(const GError *error);

/* A short stable word for machines: "usage", "not_found" … */
const char *error_code_name(const GError *error);

/* `text` with control characters and broken UTF-8 replaced, so that a file's name cannot drive a
 * terminal or break a line. Caller frees. */
char *error_printable(const char *text);
