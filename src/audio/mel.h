/* Samples → log-mel spectrogram, as ClapFeatureExtractor of transformers computes it.
 *
 * STFT with a periodic Hann window, centred, reflect-padded; power; mel filter bank;
 * 10·log10(max(1e-10, x)) dB. Two filter banks: HTK scale without norm, and Slaney scale with
 * Slaney norm (librosa's default).
 *
 * Owner: the caller. Thread: a Mel holds FFT scratch and belongs to one worker. mel_run does not
 * allocate. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
    int rate;            /* Hz, ≥ 1 */
    int n_fft;           /* samples, 64 … 65536, a power of two */
    int hop;             /* samples, ≥ 1 */
    int bins;            /* mel bins, 1 … 1024 */
    double f_min, f_max; /* Hz, 0 ≤ f_min < f_max */
    bool slaney;         /* Slaney scale and norm; else HTK, no norm */
} MelConfig;

typedef struct Mel Mel;

/* ERR_UNSUPPORTED names the field that is out of range. */
Mel *mel_new(const MelConfig *config, GError **error);
void mel_free(Mel *mel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mel, mel_free)

/* As given to mel_new. Borrowed, valid until mel_free. */
const MelConfig *mel_config(const Mel *mel);

/* Frames of `count` samples: count / hop + 1. */
gsize mel_frames(const Mel *mel, gsize count);

/* samples[count] → out[mel_frames][bins], dB. count > n_fft / 2 (the reflection needs it). */
void mel_run(Mel *mel, const float *samples, gsize count, float *out);

/* Frames of which the caller has laid out the samples, padding included: frame f is
 * samples[f·hop … f·hop + n_fft). → out[frames][bins]. */
void mel_run_frames(Mel *mel, const float *samples, gsize frames, float *out);
