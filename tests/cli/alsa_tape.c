/* A microphone for tests: an ALSA capture device that plays a file of samples (S16_LE) as if it
 * were heard now, and silence when it has come to the end of it. libasound loads it as it loads any
 * plugin:
 *
 *     pcm_type.tape { lib "/build/tests/alsa_tape.so" }
 *     pcm.booth { type tape file "/tmp/tone.raw" rate 44100 channels 1 speed 1 gone_after 0
 *                 hasty 0 }
 *
 * A device takes one rate and one number of channels. speed N: time passes N times as fast.
 * gone_after N: N milliseconds after the start it is unplugged; 0: never. A reader that comes late
 * is waited for, so that a busy machine loses nothing; with hasty 1 it has an overrun, as real
 * hardware has.
 *
 * Owner: libasound, which closes it. Thread: the recording one's. */
#pragma GCC visibility push(default) /* libasound looks the opening function up by name */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 5000000 /* how often the reader is woken */

typedef struct {
    snd_pcm_ioplug_t io;
    FILE *samples;
    long rate, channels, speed, gone_after, hasty;
    int64_t started; /* ns */
    bool gone;
    long before, end; /* frames: the file's place when the device was prepared, and after the last
                         transfer */
} Tape;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int on_start(snd_pcm_ioplug_t *io) {
    Tape *tape = io->private_data;
    struct itimerspec every = {{0, TICK_NS}, {0, TICK_NS}};
    tape->started = now();
    return timerfd_settime(io->poll_fd, 0, &every, NULL) == 0 ? 0 : -errno;
}

static int on_stop(snd_pcm_ioplug_t *io) {
    struct itimerspec never = {0};
    return timerfd_settime(io->poll_fd, 0, &never, NULL) == 0 ? 0 : -errno;
}

static int on_prepare(snd_pcm_ioplug_t *io) {
    Tape *tape = io->private_data;
    tape->before = tape->end;
    return tape->gone ? -ENODEV : 0;
}

/* Where the hardware writes now, within the buffer. Of a whole buffer's step nothing would be
 * seen. */
static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io) {
    Tape *tape = io->private_data;
    int64_t passed = now() - tape->started, size = (int64_t)io->buffer_size;
    int64_t frames = passed / 1000 * tape->rate * tape->speed / 1000000;
    int64_t most = (int64_t)io->appl_ptr + size - 1;
    if (tape->gone_after && passed / 1000000 >= tape->gone_after) tape->gone = true;
    if (tape->gone) return -ENODEV;
    if (frames > most && tape->hasty) return -EPIPE;
    return (snd_pcm_sframes_t)((frames < most ? frames : most) % size);
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t frames) {
    Tape *tape = io->private_data;
    size_t frame_bytes = 2 * (size_t)tape->channels;
    char *into = (char *)areas->addr + (areas->first + areas->step * offset) / 8;
    long at = tape->before + (long)io->appl_ptr; /* what was not taken up is given again */
    tape->end = at + (long)frames;
    fseek(tape->samples, at * (long)frame_bytes, SEEK_SET);
    size_t read = fread(into, frame_bytes, frames, tape->samples);
    memset(into + read * frame_bytes, 0, (frames - read) * frame_bytes);
    return (snd_pcm_sframes_t)frames;
}

static int on_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count,
                           unsigned short *revents) {
    uint64_t ticks;
    (void)!read(io->poll_fd, &ticks, sizeof ticks);
    *revents = fds->revents & POLLIN;
    return 0;
}

static int on_close(snd_pcm_ioplug_t *io) {
    Tape *tape = io->private_data;
    if (tape->samples) fclose(tape->samples);
    close(io->poll_fd);
    free(tape);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = on_start,
    .stop = on_stop,
    .prepare = on_prepare,
    .pointer = on_pointer,
    .transfer = on_transfer,
    .poll_revents = on_poll_revents,
    .close = on_close,
};

static int limit(snd_pcm_ioplug_t *io, int what, unsigned least, unsigned most) {
    return snd_pcm_ioplug_set_param_minmax(io, what, least, most);
}

static int describe(Tape *tape) {
    static const unsigned accesses[] = {SND_PCM_ACCESS_MMAP_INTERLEAVED,
                                        SND_PCM_ACCESS_RW_INTERLEAVED};
    static const unsigned formats[] = {SND_PCM_FORMAT_S16_LE};
    snd_pcm_ioplug_t *io = &tape->io;
    unsigned rate = (unsigned)tape->rate, channels = (unsigned)tape->channels;
    int fault = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses);
    if (!fault) fault = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, formats);
    if (!fault) fault = limit(io, SND_PCM_IOPLUG_HW_RATE, rate, rate);
    if (!fault) fault = limit(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels);
    if (!fault) fault = limit(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
    if (!fault) fault = limit(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16);
    return fault;
}

static int create(Tape *tape, snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream,
                  int mode) {
    tape->io.version = SND_PCM_IOPLUG_VERSION;
    tape->io.name = "a tape that is played as if it were recorded";
    tape->io.callback = &callbacks;
    tape->io.private_data = tape;
    tape->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    tape->io.poll_events = POLLIN;
    int fault = snd_pcm_ioplug_create(&tape->io, name, stream, mode);
    if (fault) {
        on_close(&tape->io);
        return fault;
    }
    fault = describe(tape);
    if (fault)
        snd_pcm_ioplug_delete(&tape->io);
    else
        *pcm = tape->io.pcm;
    return fault;
}

static long number(snd_config_t *conf, const char *name) {
    snd_config_t *found;
    long value = 0;
    if (snd_config_search(conf, name, &found) == 0) snd_config_get_integer(found, &value);
    return value;
}

SND_PCM_PLUGIN_DEFINE_FUNC(tape) {
    snd_config_t *found;
    const char *file = "";
    if (stream != SND_PCM_STREAM_CAPTURE) return -EINVAL;
    if (snd_config_search(conf, "file", &found) == 0) snd_config_get_string(found, &file);
    Tape *tape = calloc(1, sizeof *tape);
    if (!tape) return -ENOMEM;
    tape->rate = number(conf, "rate");
    tape->channels = number(conf, "channels");
    tape->speed = number(conf, "speed");
    tape->gone_after = number(conf, "gone_after");
    tape->hasty = number(conf, "hasty");
    if (tape->speed == 0) tape->speed = 1;
    tape->samples = fopen(file, "rb");
    if (!tape->samples) {
        free(tape);
        return -ENOENT;
    }
    return create(tape, pcmp, name, stream, mode);
}
SND_PCM_PLUGIN_SYMBOL(tape);
