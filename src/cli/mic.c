/* Recording with PortAudio. */
#include "mic.h"

#include "error.h"
#include "mic_portaudio.h"
#include "ring.h"

#include <fcntl.h>
#include <math.h>
#include <portaudio.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEE_LIST    "see earshot record --list-devices"
#define PATIENCE_MS 3000 /* a block comes every few, but a sound server may take seconds */

struct Mic {
    MicDevice *device; /* in `devices` */
    GPtrArray *devices;
    PaStream *stream; /* NULL until it is open */
    int rate;
    Ring *ring; /* NULL until it is open; put by PortAudio's thread, taken by ours */
    int voice;  /* what hush gave when it was started */
    bool lost;  /* its thread cannot be stopped, and keeps all of this */
    atomic_uint blocks, overruns;
};

/* -- PortAudio's voice -- */

/* JACK, ALSA and PortAudio itself each write to stderr what they do not find, and each has another
 * switch for it, behind another library's header. What they say comes back as an error code, so
 * stderr is closed to all of them while they look. → what unhush opens it with. */
static int hush(void) {
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int nowhere = kept < 0 ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return kept;
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    return kept;
}

static void unhush(int kept) {
    if (kept < 0) return;
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static bool fail(GError **error, const char *thing, PaError code) {
    const PaHostErrorInfo *host =
        code == paUnanticipatedHostError ? Pa_GetLastHostErrorInfo() : NULL;
    const char *why = host && *host->errorText ? host->errorText : Pa_GetErrorText(code);
    return error_fail(error, ERR_IO, "%s: %s", thing, why);
}

/* Pairs with end_portaudio. */
static bool begin_portaudio(GError **error) {
    if (!portaudio_load(error)) return false;
    int kept = hush();
    PaError code = Pa_Initialize();
    unhush(kept);
    return code == paNoError || fail(error, "sound devices", code);
}

static void end_portaudio(void) {
    int kept = hush();
    Pa_Terminate();
    unhush(kept);
}

/* -- devices -- */

static PaStreamParameters parameters_of(int index) {
    const PaDeviceInfo *info = Pa_GetDeviceInfo(index);
    return (PaStreamParameters){.device = index,
                                .channelCount = MIC_CHANNELS,
                                .sampleFormat = paInt16,
                                .suggestedLatency = info->defaultHighInputLatency};
}

static MicDevice *device_new(int index, int number) {
    const PaDeviceInfo *info = Pa_GetDeviceInfo(index);
    PaStreamParameters in = parameters_of(index);
    bool usual = Pa_IsFormatSupported(&in, NULL, MIC_RATE) == paFormatIsSupported;
    MicDevice *device = g_new0(MicDevice, 1);
    *device = (MicDevice){.number = number,
                          .name = g_utf8_make_valid(info->name, -1),
                          .api = g_strdup(Pa_GetHostApiInfo(info->hostApi)->name),
                          .index = index,
                          .channels = info->maxInputChannels,
                          .rate = usual ? MIC_RATE : (int)lround(info->defaultSampleRate),
                          .is_default = index == Pa_GetDefaultInputDevice()};
    return device;
}

static void device_free(void *user) {
    MicDevice *device = user;
    g_free(device->name);
    g_free(device->api);
    g_free(device);
}

static GPtrArray *list_devices(void) {
    GPtrArray *devices = g_ptr_array_new_with_free_func(device_free);
    int kept = hush();
    for (int i = 0; i < Pa_GetDeviceCount(); i++)
        if (Pa_GetDeviceInfo(i)->maxInputChannels > 0)
            g_ptr_array_add(devices, device_new(i, (int)devices->len));
    unhush(kept);
    return devices;
}

GPtrArray *mic_devices(GError **error) {
    if (!begin_portaudio(error)) return NULL;
    GPtrArray *devices = list_devices();
    end_portaudio();
    return devices;
}

/* -- choosing one -- */

static MicDevice *default_of(const GPtrArray *devices) {
    for (guint i = 0; i < devices->len; i++)
        if (((MicDevice *)devices->pdata[i])->is_default) return devices->pdata[i];
    return devices->pdata[0];
}

static bool fits(const MicDevice *device, const char *name, bool whole) {
    g_autofree char *has = g_utf8_casefold(device->name, -1);
    g_autofree char *wanted = g_utf8_casefold(name, -1);
    return whole ? strcmp(has, wanted) == 0 : strstr(has, wanted) != NULL;
}

/* The first that fits; *other: one more that does, or NULL. */
static MicDevice *find_name(const GPtrArray *devices, const char *name, bool whole,
                            MicDevice **other) {
    MicDevice *found = NULL;
    *other = NULL;
    for (guint i = 0; i < devices->len && !*other; i++) {
        if (!fits(devices->pdata[i], name, whole)) continue;
        *(found ? other : &found) = devices->pdata[i];
    }
    return found;
}

static MicDevice *by_number(const GPtrArray *devices, const char *text, GError **error) {
    guint64 number = g_ascii_strtoull(text, NULL, 10);
    if (number < devices->len) return devices->pdata[number];
    error_fail(error, ERR_NOT_FOUND, "device %s: there is none of this number; " SEE_LIST, text);
    return NULL;
}

static MicDevice *by_name(const GPtrArray *devices, const char *name, GError **error) {
    MicDevice *other, *found = find_name(devices, name, true, &other);
    if (found) return found; /* one name in two of PortAudio's worlds is one device */
    found = find_name(devices, name, false, &other);
    if (!found)
        error_fail(error, ERR_NOT_FOUND, "%s: no device that records is called so; " SEE_LIST,
                   name);
    else if (other)
        error_fail(error, ERR_CONFLICT, "%s: fits more than one device (\"%s\", \"%s\"); " SEE_LIST,
                   name, found->name, other->name);
    return other ? NULL : found;
}

static MicDevice *choose(const GPtrArray *devices, const char *wanted, GError **error) {
    if (devices->len == 0) {
        error_fail(error, ERR_NOT_FOUND, MIC_NONE);
        return NULL;
    }
    if (!wanted) return default_of(devices);
    bool numeric = *wanted && !wanted[strspn(wanted, "0123456789")];
    return (numeric ? by_number : by_name)(devices, wanted, error);
}

/* -- recording -- */

/* PortAudio's thread: nothing here waits or allocates. */
static int take_block(const void *in, void *out, unsigned long frames,
                      const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags,
                      void *user) {
    Mic *mic = user;
    bool kept = ring_put(mic->ring, in, frames * MIC_CHANNELS);
    atomic_fetch_add_explicit(&mic->blocks, 1, memory_order_relaxed);
    if (!kept || flags & paInputOverflow)
        atomic_fetch_add_explicit(&mic->overruns, 1, memory_order_relaxed);
    return paContinue;
}

static bool open_stream(Mic *mic, GError **error) {
    PaStreamParameters in = parameters_of(mic->device->index);
    int kept = hush();
    PaError code = Pa_OpenStream(&mic->stream, &in, NULL, mic->device->rate,
                                 paFramesPerBufferUnspecified, paNoFlag, take_block, mic);
    unhush(kept);
    if (code != paNoError) return fail(error, mic->device->name, code);
    mic->rate = (int)lround(Pa_GetStreamInfo(mic->stream)->sampleRate);
    mic->ring = ring_new((size_t)mic->rate * MIC_CHANNELS * MIC_SECONDS);
    return true;
}

Mic *mic_open(const char *device, GError **error) {
    if (!begin_portaudio(error)) return NULL;
    Mic *mic = g_new0(Mic, 1);
    mic->devices = list_devices();
    mic->device = choose(mic->devices, device, error);
    if (mic->device && open_stream(mic, error)) return mic;
    mic_close(mic);
    return NULL;
}

const char *mic_name(const Mic *mic) {
    return mic->device->name;
}

int mic_rate(const Mic *mic) {
    return mic->rate;
}

bool mic_start(Mic *mic, GError **error) {
    mic->voice = hush();
    PaError code = Pa_StartStream(mic->stream);
    if (code == paNoError) return true;
    unhush(mic->voice);
    return fail(error, mic->device->name, code);
}

size_t mic_read(Mic *mic, int16_t *samples, size_t most) {
    return ring_take(mic->ring, samples, most);
}

bool mic_is_running(const Mic *mic) {
    return Pa_IsStreamActive(mic->stream) == 1;
}

unsigned mic_overruns(const Mic *mic) {
    return atomic_load_explicit(&mic->overruns, memory_order_relaxed);
}

/* A block comes, or PortAudio has ended by itself, before our patience does. */
static bool is_alive(const Mic *mic) {
    unsigned before = atomic_load_explicit(&mic->blocks, memory_order_relaxed);
    for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
        if (!mic_is_running(mic)) return true;
        if (atomic_load_explicit(&mic->blocks, memory_order_relaxed) != before) return true;
        g_usleep(10000);
    }
    return false;
}

/* When a device goes, PortAudio 19.6 tries without end to get it back, tells stderr each time, and
 * waits for itself when it is to stop. That thread then waits for stderr's lock for as long as the
 * program lasts, and what it uses is left to it. */
bool mic_stop(Mic *mic, GError **error) {
    mic->lost = !is_alive(mic);
    if (mic->lost)
        flockfile(stderr);
    else
        Pa_StopStream(mic->stream);
    unhush(mic->voice);
    return !mic->lost || error_fail(error, ERR_IO, "%s: " MIC_GONE, mic->device->name);
}

/* The stream goes first: its thread uses the ring. */
void mic_close(Mic *mic) {
    if (!mic || mic->lost) return;
    if (mic->stream) Pa_CloseStream(mic->stream);
    end_portaudio();
    ring_free(mic->ring);
    g_ptr_array_unref(mic->devices);
    g_free(mic);
}
