#!/usr/bin/env python3
"""Compares the mel of one raw float32 file (48 kHz mono) per bank with ClapFeatureExtractor's.

    check_mel.py PROGRAM SOUND...

PROGRAM is `bench_audio`; called as `PROGRAM --mel htk|slaney IN.f32 OUT.f32` it writes the mel of all of IN. SOUND is
any file that the soundfile module reads; "noise", "sweep", "tone", "click" and "steep" are made here. Needs numpy,
soundfile, soxr and transformers.
"""
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
import soxr
from transformers import ClapFeatureExtractor

RATE = 48000


def made(name):
    t = np.arange(10 * RATE) / RATE
    rng = np.random.default_rng(1)
    if name == "noise":
        return rng.uniform(-1, 1, t.size)
    if name == "sweep":
        return np.sin(2 * np.pi * (20 * t + 1000 * t * t))
    if name == "tone":
        return 0.9 * np.sin(2 * np.pi * 1000.5 * t)
    if name == "click":
        return (np.arange(t.size) % 30011 == 777).astype(float)
    if name == "steep":
        return np.sin(2 * np.pi * 60 * t) + 1e-5 * rng.standard_normal(t.size)
    return None


def samples_of(name):
    samples = made(name)
    if samples is None:
        samples, rate = soundfile.read(name, dtype="float32", always_2d=True)
        samples = soxr.resample(samples.mean(axis=1), rate, RATE)
    return samples[: 10 * RATE].astype(np.float32)


def ours(program, bank, samples):
    with tempfile.NamedTemporaryFile() as source, tempfile.NamedTemporaryFile() as target:
        source.write(samples.tobytes())
        source.flush()
        subprocess.run([program, "--mel", bank, source.name, target.name], check=True)
        return np.fromfile(target.name, np.float32).reshape(-1, 64)


def main(program, names):
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14000)
    worst_loud = worst_quiet = 0.0
    compared = 0
    for name in names:
        try:
            samples = samples_of(name)
        except soundfile.LibsndfileError as error:
            print(error)
            continue
        if samples.size <= 512:
            print(f"{name}: shorter than half an FFT")
            continue
        compared += 1
        for bank, filters in ("htk", extractor.mel_filters), ("slaney", extractor.mel_filters_slaney):
            reference = extractor._np_extract_fbank_features(samples, filters)
            difference = np.abs(ours(program, bank, samples) - reference)
            loud = reference > reference.max(axis=1, keepdims=True) - 80
            worst_loud = max(worst_loud, difference[loud].max())
            worst_quiet = max(worst_quiet, difference[~loud].max(initial=0))
    print(f"{compared} of {len(names)} sounds: {worst_loud:.2e} dB within 80 dB of the frame's maximum, {worst_quiet:.2e} dB below")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
