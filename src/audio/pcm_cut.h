/* Was the file cut short? Asked of the bytes, for those containers whose demuxer does not tell. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* RIFF and AIFF: fewer bytes than the outermost chunk says (sizes that stand for "not known"
 * aside). Ogg: the last page is incomplete or not marked as the last. Matroska: fewer bytes
 * than the segment says. Others: false. */
bool pcm_cut_short(int fd, gint64 size);
