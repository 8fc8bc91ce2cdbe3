/* FFmpeg, loaded when the first sound is opened. Debian's build pulls in 140 libraries, which cost
 * a process some 20 ms before its first line; most commands open no sound.
 *
 * Everything else in this module includes FFmpeg's own headers and calls it as ever: ffmpeg.c
 * defines the functions it calls, and each hands on to the library. A function that is called for
 * the first time gets a row in the table there.
 *
 * Thread: any. The libraries stay loaded. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Before any other call. ERR_UNSUPPORTED names the library that is not on this machine. */
bool ffmpeg_load(GError **error);
