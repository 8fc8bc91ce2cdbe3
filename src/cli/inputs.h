/* Inputs that commands take from files: lists of lines, and where output goes. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#define INPUT_MAX_LIST (256 << 20) /* bytes of a list file */

/* Lines of a text file ("-" is stdin) without their ends (\n or \r\n); a byte order mark and empty
 * lines are dropped. NULL-terminated, the caller's (g_strfreev). */
char **input_lines(const char *path, GError **error);

/* "dog, cat ,rain" → {"dog", "cat", "rain"}; the caller's. */
char **input_split_commas(const char *text);
