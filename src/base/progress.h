/* Progress of long work, for whoever waits: a bar with rate and time left on a terminal, a line
 * every ten seconds elsewhere, nothing when quiet. Written to a stream that the caller names (the
 * program: stderr).
 *
 * Owner: the caller. Thread: progress_add may be called by any; the rest by the owner. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Progress Progress;

typedef enum { PROGRESS_QUIET, PROGRESS_LINES, PROGRESS_BAR } ProgressStyle;

/* PROGRESS_BAR when `out` is a terminal, PROGRESS_LINES otherwise, PROGRESS_QUIET when `quiet`. */
ProgressStyle progress_style_for(FILE *out, bool quiet);

/* `what` is a present participle ("embedding"), `unit` a plural ("files"); total 0 means unknown.
 * `bytes` units are shown scaled. Both strings are copied. */
Progress *progress_new(FILE *out, ProgressStyle style, const char *what, const char *unit,
                       uint64_t total);
void progress_add(Progress *progress, uint64_t done);

/* Clears the bar, so that another line can be printed; it comes back with the next progress_add. */
void progress_clear(Progress *progress);
void progress_free(Progress *progress); /* clears, too */
