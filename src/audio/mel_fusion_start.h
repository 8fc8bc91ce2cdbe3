/* The places of the three chunks, apart so that a test can compare them with the reference's. */
#pragma once
#include <glib.h>

/* First frame of the front (0), middle (1) or back (2) chunk of `chunk` frames in a clip of `total`
 * > `chunk`. */
gint64 mel_fusion_start(gint64 total, gint64 chunk, int third);
