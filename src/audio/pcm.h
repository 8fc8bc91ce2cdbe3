/* Any audio file → mono float samples at the rate the model wants, as a stream.
 *
 * Decoding and resampling are FFmpeg's (libavformat, libavcodec, libswresample). Mono is the
 * arithmetic mean of all channels, taken before resampling. Memory does not grow with the file's
 * length. The file never makes us open another file or an address: formats that point elsewhere
 * (playlists, concat, HLS, DASH, references) are not probed for, and the only protocol is the file
 * itself.
 *
 * Owner: the caller of pcm_open. Thread: one Pcm belongs to one thread; different ones are
 * independent. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define PCM_MAX_CHANNELS 64
#define PCM_MIN_RATE     100     /* Hz; lower is taken for damage */
#define PCM_MAX_RATE     3072000 /* Hz */
#define PCM_MAX_TAGS     256     /* further tags are dropped */
#define PCM_MAX_TAG      65536   /* bytes of one tag's value; the rest is cut at a character */

typedef struct Pcm Pcm;

typedef struct {
    int rate;              /* Hz, of the file */
    int channels;          /* of the file */
    double seconds;        /* what the container claims; −1: it does not say */
    const char *container; /* FFmpeg's short name: "wav", "flac", "ogg" … */
    const char *codec;     /* "pcm_s16le", "opus" … */
    /* char* → char*: lower-case key → UTF-8 value, by FFmpeg's common names (title, artist, date
     * …). A BWF file's description is its "comment", its originator "encoded_by"; time_reference,
     * coding_history and umid keep their names. */
    GHashTable *tags;
} PcmInfo;

/* `rate` in Hz is what pcm_read delivers; 0: the file's own. Errors, one line each, the path first:
 * missing, unreadable, a directory, not a regular file (FIFO, device), empty, not audio, no audio
 * stream, 0 Hz, more than PCM_MAX_CHANNELS channels. */
Pcm *pcm_open(const char *path, int rate, GError **error);

/* The same for ears: two channels, unless the file has but one. More than two are mixed by where
 * their speakers stand. pcm_read counts the samples of both; they alternate, left first. */
Pcm *pcm_open_stereo(const char *path, int rate, GError **error);

int pcm_rate(const Pcm *pcm);     /* what is delivered, Hz */
int pcm_channels(const Pcm *pcm); /* 1 or 2 */

/* From here on a file that turns out to hold more than `seconds` of sound (0: no limit) is
 * ERR_LIMIT in pcm_read, "PATH: longer than 600 s". What is decoded counts, not what the header
 * claims. */
void pcm_set_most(Pcm *pcm, double seconds);

/* Fills up to `count` samples, an even number in stereo; returns how many, 0 at the end, −1 on
 * error. Samples that are NaN or infinite in the file become 0 (and pcm_warning says so). A file
 * that breaks off gives what could be decoded. */
gssize pcm_read(Pcm *pcm, float *samples, gsize count, GError **error);

/* The file's path as messages show it. Borrowed, valid until pcm_close. */
const char *pcm_path(const Pcm *pcm);

/* Borrowed, valid until pcm_close. */
const PcmInfo *pcm_info(const Pcm *pcm);

/* NULL, or one line about what was wrong with a file that could be used all the same (truncated,
 * damaged packets or Ogg pages, NaN samples). Complete once pcm_read has returned 0. Where nothing
 * says how long the whole is (AC-3, VOC, CAF and ASF written to a pipe), a cut between two packets
 * cannot be told. Borrowed, valid until the next call. */
const char *pcm_warning(const Pcm *pcm);

void pcm_close(Pcm *pcm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pcm, pcm_close)
