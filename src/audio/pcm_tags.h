/* The tags of a container and its stream (artist, title, the fields of a BWF chunk …) as one table.
 */
#pragma once
#include <glib.h>
#include <libavutil/dict.h>

#define PCM_MAX_TAG_KEY 256 /* bytes */

/* Adds lower-case key → UTF-8 value for each tag, unless the key is there already or the table is
 * full. `tags` frees both. */
void pcm_tags_add(GHashTable *tags, const AVDictionary *dictionary);
