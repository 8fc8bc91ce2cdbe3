/* The functions of PortAudio that mic.c calls, each handing on to the library once that is
 * loaded. */
#include "mic_portaudio.h"

#include "error.h"

#include <dlfcn.h>
#include <portaudio.h>

#define SONAME "libportaudio.so.2"

/* X(result, name, parameters, arguments). The header's prototypes check each row. */
/* clang-format off */
#define FUNCTIONS(X)                                                                                                   \
    X(PaError, Pa_Initialize, (void), ())                                                                              \
    X(PaError, Pa_Terminate, (void), ())                                                                               \
    X(const char *, Pa_GetErrorText, (PaError error), (error))                                                         \
    X(const PaHostErrorInfo *, Pa_GetLastHostErrorInfo, (void), ())                                                    \
    X(const PaHostApiInfo *, Pa_GetHostApiInfo, (PaHostApiIndex api), (api))                                           \
    X(PaDeviceIndex, Pa_GetDeviceCount, (void), ())                                                                    \
    X(PaDeviceIndex, Pa_GetDefaultInputDevice, (void), ())                                                             \
    X(const PaDeviceInfo *, Pa_GetDeviceInfo, (PaDeviceIndex device), (device))                                        \
    X(PaError, Pa_IsFormatSupported,                                                                                   \
      (const PaStreamParameters *in, const PaStreamParameters *out, double rate), (in, out, rate))                     \
    X(PaError, Pa_OpenStream,                                                                                          \
      (PaStream **stream, const PaStreamParameters *in, const PaStreamParameters *out, double rate,                    \
       unsigned long frames, PaStreamFlags flags, PaStreamCallback *callback, void *user),                             \
      (stream, in, out, rate, frames, flags, callback, user))                                                          \
    X(const PaStreamInfo *, Pa_GetStreamInfo, (PaStream * stream), (stream))                                           \
    X(PaError, Pa_StartStream, (PaStream * stream), (stream))                                                          \
    X(PaError, Pa_IsStreamActive, (PaStream * stream), (stream))                                                       \
    X(PaError, Pa_StopStream, (PaStream * stream), (stream))                                                           \
    X(PaError, Pa_CloseStream, (PaStream * stream), (stream))
/* clang-format on */

/* What the library exports; written once, by the first portaudio_load. */
static struct {
#define MEMBER(result, name, parameters, arguments) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
} loaded;

#define HAND_ON(result, name, parameters, arguments)                                               \
    result name parameters {                                                                       \
        return loaded.name arguments;                                                              \
    }
FUNCTIONS(HAND_ON)

static const struct {
    const char *name;
    void *place;
} rows[] = {
#define ROW(result, name, parameters, arguments) {#name, &loaded.name},
    FUNCTIONS(ROW)};

bool portaudio_load(GError **error) {
    void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_fail(error, ERR_UNSUPPORTED,
                          SONAME ": not on this machine; install PortAudio (libportaudio2)");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        *(void **)rows[i].place = dlsym(library, rows[i].name);
        if (!*(void **)rows[i].place)
            return error_fail(error, ERR_UNSUPPORTED, SONAME ": has no %s", rows[i].name);
    }
    return true;
}
