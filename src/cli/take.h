/* One take: from a microphone into a file, with the meter, until the user, the file's length or the
 * device ends it.
 *
 * The user ends it with Ctrl-C (app->stop, which is taken back: it is a normal end) or with Enter:
 * on a terminal, or as a line through a pipe. A pipe that holds something before the take begins is
 * left alone, as it is meant for somebody else: the loop over names, say, in which earshot was
 * started. The end of stdin ends nothing.
 *
 * Thread: main's. */
#pragma once
#include "app.h"
#include "meter.h"
#include "mic.h"
#include "wav_out.h"

/* `frames`: at most so many; 0: no limit. ERR_IO when the device is gone or the file cannot grow:
 * what was recorded before is in `out`. */
bool take_record(App *app, Mic *mic, WavOut *out, Meter *meter, uint64_t frames, GError **error);
