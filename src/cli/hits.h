/* How hits are printed: a table for people, and formats for other programs.
 *
 * Thread: main's. */
#pragma once
#include "app.h"
#include "search.h"

typedef struct {
    App *app;
    const char *query, *mode, *library;
    const char *model; /* NULL: the library has none */
    const SearchOptions *options;
    const SearchResult *result;
    const char *query_id; /* of a TREC run; no white space */
    char path_end;        /* after each path: '\n', or NUL */
} Hits;

/* "table", "paths", "json", "csv", "m3u" or "trec". */
void hits_print(const Hits *hits, const char *format);

/* The formats, each in a file of its own kind. */
void hits_print_table(const Hits *hits); /* hits_table.c */
void hits_print_json(const Hits *hits);  /* hits_formats.c, as all below */
void hits_print_paths(const Hits *hits);
void hits_print_csv(const Hits *hits);
void hits_print_m3u(const Hits *hits);
void hits_print_trec(const Hits *hits);
