/* Which files are sounds or videos, by their names alone.
 *
 * Thread: any. */
#pragma once
#include <stdbool.h>

/* By the ending, in any case; `name` may be a path. */
bool is_sound_name(const char *name);
