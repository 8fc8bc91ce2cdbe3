/* Reads tables as spreadsheets write them: RFC 4180, with ',' ';' or tab between the fields,
 * whichever the first line holds most of; quotes around fields that hold these, line ends or
 * quotes. A byte order mark is passed over; lines end with \n, \r\n or \r.
 *
 * Owner: the caller; the text is borrowed. Thread: one at a time. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define CSV_MAX_FIELDS 1024 /* of a row */

typedef struct Csv Csv;

/* `path` is for messages. */
Csv *csv_new(const char *path, const char *text, gsize len);
void csv_free(Csv *csv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Csv, csv_free)

/* The next row that is not empty: char *fields, bytes as they are, the caller's. NULL at the end,
 * and with an error ("PATH:LINE: …"): a quote that is not closed, text behind a closing quote, a
 * NUL, more than CSV_MAX_FIELDS. */
GPtrArray *csv_next(Csv *csv, GError **error);

/* The line, from 1, on which the last row began. */
gint64 csv_line(const Csv *csv);
