/* The loop between the microphone's ring and the file. */
#include "take.h"

#include "error.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS      50
#define SILENT_TICKS (3000 / TICK_MS) /* without a single sample: none will come */
#define BLOCK        16384            /* samples */

typedef struct {
    Mic *mic;
    WavOut *out;
    Meter *meter;
    uint64_t frames; /* at most; UINT64_MAX: no limit */
} Take;

/* -- Enter -- */

static bool can_read(int fd) {
    struct pollfd in = {.fd = fd, .events = POLLIN};
    return poll(&in, 1, 0) > 0 && in.revents & POLLIN;
}

/* Where Enter would come from; -1: nowhere. */
static int enter_source(void) {
    struct stat st;
    if (isatty(STDIN_FILENO)) return STDIN_FILENO;
    bool pipe = fstat(STDIN_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
    return pipe && !can_read(STDIN_FILENO) ? STDIN_FILENO : -1;
}

/* In the background a terminal's lines are for the shell, and reading one would stop us. What is
 * not the terminal we were started from has no foreground. */
static bool is_ours(int fd) {
    pid_t foreground = tcgetpgrp(fd);
    return foreground < 0 || foreground == getpgrp();
}

/* Waits a tick at most. True when Enter was pressed; *source becomes -1 at the end of stdin. */
static bool wait_for_enter(int *source) {
    struct pollfd in = {.fd = *source >= 0 && is_ours(*source) ? *source : -1, .events = POLLIN};
    char byte;
    if (poll(&in, 1, TICK_MS) <= 0 || !in.revents) return false;
    if (read(in.fd, &byte, 1) == 1) return byte == '\n';
    *source = -1;
    return false;
}

/* -- samples -- */

static bool is_full(const Take *take) {
    return wav_out_frames(take->out) >= take->frames;
}

/* All that has come, into the file; *got: how many samples. */
static bool move(Take *take, size_t *got, GError **error) {
    int16_t block[BLOCK];
    *got = 0;
    for (size_t count; !is_full(take); *got += count) {
        uint64_t left = (take->frames - wav_out_frames(take->out)) * MIC_CHANNELS;
        count = mic_read(take->mic, block, (size_t)MIN(left, BLOCK));
        if (count == 0) return true;
        if (!wav_out_add(take->out, block, count, error)) return false;
        meter_take(take->meter, block, count,
                   (double)wav_out_frames(take->out) / mic_rate(take->mic));
    }
    return true;
}

/* Until somebody wants an end, or the device gives none. */
static bool follow(const App *app, Take *take, GError **error) {
    int source = enter_source(), silent = 0;
    bool entered = false;
    while (!entered && !is_full(take) && !g_atomic_int_get(app->stop)) {
        size_t got;
        bool running = mic_is_running(take->mic);
        if (!move(take, &got, error)) return false;
        silent = got ? 0 : silent + 1;
        if (!running || silent >= SILENT_TICKS)
            return error_fail(error, ERR_IO, "%s: " MIC_GONE, mic_name(take->mic));
        entered = !is_full(take) && wait_for_enter(&source);
    }
    return true;
}

bool take_record(App *app, Mic *mic, WavOut *out, Meter *meter, uint64_t frames, GError **error) {
    Take take = {mic, out, meter, frames ? frames : UINT64_MAX / MIC_CHANNELS};
    size_t rest;
    if (!mic_start(mic, error)) return false;
    bool well = follow(app, &take, error);
    well = mic_stop(mic, well ? error : NULL) && well;
    well = well && move(&take, &rest, error);
    meter_clear(meter);
    g_atomic_int_set(app->stop, 0);
    return well && wav_out_sync(out, error);
}
