/* Was the file cut short? Asked of the bytes, for those containers whose demuxer does not tell. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* RIFF and AIFF: fewer bytes than the outermost chunk says (sizes that stand for "not known"
 * aside). W64, CAF, ASF (WMA), Matroska: fewer than the whole, or the part that holds the sound,
 * says. Ogg: the last page is incomplete or not marked as the last. Others: false. */
bool pcm_cut_short(int fd, gint64 size);
