/* A device that records, through PortAudio, which is known here alone. What it hears comes as
 * 16-bit samples of one channel: more the models do not hear, and a device with several gives its
 * first, or what its driver mixes.
 *
 * PortAudio's own thread puts samples into a ring of MIC_SECONDS; mic_read takes them out whenever
 * its caller finds the time. Samples for which the ring or the device had no room are lost, counted
 * and told.
 *
 * Owner: the caller. Thread: all calls from one. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIC_CHANNELS 1
#define MIC_RATE     48000 /* wherever the device can; else its own */
#define MIC_SECONDS  10    /* that a disk may sleep */

#define MIC_NONE                                                                                   \
    "no microphone: no device here records; connect one, or start the sound server (PulseAudio, "  \
    "PipeWire, JACK)"
#define MIC_GONE "no sound comes from it any more; is it still connected?"

typedef struct {
    int number; /* among those that record; what the user calls it by, as well as its name */
    char *name; /* UTF-8 */
    char *api;  /* "ALSA", "JACK" …; what PortAudio reaches it by */
    int index;  /* PortAudio's own number */
    int channels, rate; /* that it has; that it is recorded at */
    bool is_default;
} MicDevice;

typedef struct Mic Mic;

/* The devices that record → array of MicDevice, freed with its elements; empty when there are
 * none. */
GPtrArray *mic_devices(GError **error);

/* `device`: a number, a name or a part of one; NULL: the default. One line says what there is not,
 * or what fits twice. */
Mic *mic_open(const char *device, GError **error);
const char *mic_name(const Mic *mic);
int mic_rate(const Mic *mic); /* which it records at */

/* Until mic_stop stderr leads nowhere: PortAudio and the libraries below it talk. */
bool mic_start(Mic *mic, GError **error);

/* What has come, at most `most` → how many samples. Never waits. */
size_t mic_read(Mic *mic, int16_t *samples, size_t most);

bool mic_is_running(const Mic *mic); /* no longer: it was stopped, or is gone */
unsigned mic_overruns(const Mic *mic);

/* What came before can still be read. ERR_IO when the device does not answer any more; then nothing
 * but an error message may follow, and only from this thread. */
bool mic_stop(Mic *mic, GError **error);
void mic_close(Mic *mic);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mic, mic_close)
