/* The loop between the microphone's ring and the file. */
#include "take.h"

#include "error.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS      50
#define SILENT_TICKS (5000 / TICK_MS) /* without a sample; Bluetooth takes its time to begin */
#define BLOCK        16384            /* samples */

typedef struct {
    Mic *mic;
    WavOut *out;
    Meter *meter;
    uint64_t frames; /* at most */
    int enter;       /* where Enter comes from; -1: nowhere */
    int silent;      /* ticks without a sample */
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

/* Waits a tick at most. True when Enter was pressed. */
static bool wait_for_enter(Take *take) {
    int fd = take->enter >= 0 && is_ours(take->enter) ? take->enter : -1;
    struct pollfd in = {.fd = fd, .events = POLLIN};
    char byte;
    int ready = poll(&in, 1, TICK_MS);
    if (ready == 0) take->silent++; /* move says otherwise */
    if (ready <= 0) return false;
    if (read(fd, &byte, 1) == 1) return byte == '\n';
    take->enter = -1;
    return false;
}

/* -- samples -- */

static bool is_full(const Take *take) {
    return wav_out_frames(take->out) >= take->frames;
}

/* All that has come, into the file. */
static bool move(Take *take, GError **error) {
    int16_t block[BLOCK];
    while (!is_full(take)) {
        uint64_t left = (take->frames - wav_out_frames(take->out)) * MIC_CHANNELS;
        size_t count = mic_read(take->mic, block, (size_t)MIN(left, BLOCK));
        if (count == 0) return true;
        if (!wav_out_add(take->out, block, count, error)) return false;
        take->silent = 0;
        meter_take(take->meter, block, count,
                   (double)wav_out_frames(take->out) / mic_rate(take->mic));
    }
    return true;
}

/* Until somebody wants an end, or the device gives none. */
static bool follow(const App *app, Take *take, GError **error) {
    for (bool entered = false; !entered && !g_atomic_int_get(app->stop);) {
        bool running = mic_is_running(take->mic);
        if (!move(take, error)) return false;
        if (is_full(take)) return true;
        if (!running || take->silent >= SILENT_TICKS)
            return error_fail(error, ERR_IO, "%s: " MIC_GONE, mic_name(take->mic));
        entered = wait_for_enter(take);
    }
    return true;
}

bool take_record(App *app, Mic *mic, WavOut *out, Meter *meter, uint64_t frames, GError **error) {
    uint64_t most = frames ? frames : UINT64_MAX / MIC_CHANNELS;
    Take take = {mic, out, meter, most, enter_source(), 0};
    if (!mic_start(mic, error)) return false;
    bool well = follow(app, &take, error);
    well = mic_stop(mic, well ? error : NULL) && well;
    well = well && move(&take, error);
    meter_clear(meter);
    g_atomic_int_set(app->stop, 0);
    return well && wav_out_sync(out, error);
}
