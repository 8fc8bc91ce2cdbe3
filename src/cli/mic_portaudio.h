/* PortAudio, loaded when the first recording begins. Debian's build pulls in ALSA, JACK and six
 * more, which cost every command 1.6 ms before its first line; and where nobody records, none of
 * them has to be there.
 *
 * mic.c includes PortAudio's own header and calls it as ever: mic_portaudio.c defines the functions
 * it calls, and each hands on to the library. A function that is called for the first time gets a
 * row in the table there.
 *
 * Thread: main's. The library stays loaded. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Before any other call. ERR_UNSUPPORTED when the library is not on this machine. */
bool portaudio_load(GError **error);
