/* Writes tables as RFC 4180 has them, for csv.h to read.
 *
 * Thread: any, one at a time per stream. */
#pragma once
#include <stdio.h>

/* The text as a field, in quotes when it needs them; the caller frees. */
char *csv_field(const char *text);

/* fields[count] as a row, bytes as they are; NULL is an empty field. */
void csv_write_row(FILE *out, const char *const *fields, int count);
