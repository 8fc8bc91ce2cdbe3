/* What FFmpeg does not tell of an Ogg file: whether its end is there, and whether pages were left
 * out because their checksums are wrong. Asked of the bytes. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* The last page is incomplete or not marked as the last. */
bool pcm_ogg_lacks_end(int fd, gint64 size);

/* Pages with a wrong checksum, and gaps between pages. Reads the whole file. */
int pcm_ogg_bad_pages(int fd);
