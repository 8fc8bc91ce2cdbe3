#!/usr/bin/env python3
"""Synthetic sounds of our own, to learn from beside recordings: signal processing, espeak-ng's voices, General MIDI.

    tools/make_sounds.py OUT [--per-class N] [--only dsp,voices,music] [--seed S] [--jobs N]

writes OUT/KIND/NAME-NUMBER.flac, 48 kHz, five seconds each, and OUT/manifest.csv (path,label,caption; a row a caption).
The same seed gives the same samples. Needs numpy, soundfile and soxr; voices need espeak-ng, music fluidsynth and
fluid-soundfont-gm.
"""

import argparse
import csv
import multiprocessing
import os
import pathlib
import sys
import zlib

import numpy as np
import soundfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sounds import signal  # noqa: E402


def classes(kind):
    """{name: (captions, a function or several)}"""
    if kind == "dsp":
        from sounds.generators import GENERATORS

        return {
            name: (captions, lambda make=make: signal.recorded(make())) for name, (captions, make) in GENERATORS.items()
        }
    if kind == "voices":
        from sounds.voices import VOICES

        return VOICES
    from sounds.music import MUSIC

    return MUSIC


def make(job):
    """One file; a silent one is not kept."""
    out, kind, name, number, seed = job
    signal.begin([seed, zlib.crc32(f"{kind}/{name}".encode()), number])
    how = classes(kind)[name][1]
    samples = (how[number % len(how)] if isinstance(how, list) else how)()
    path = pathlib.Path(kind) / f"{name.replace(' ', '_')}-{number:03}.flac"
    if not np.isfinite(samples).all() or np.abs(samples).max() < 0.003:
        return None
    (out / kind).mkdir(parents=True, exist_ok=True)
    soundfile.write(out / path, np.clip(samples, -1, 1), signal.RATE, subtype="PCM_16")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--per-class", type=int, default=16)
    parser.add_argument("--only", default="dsp,voices,music")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    kinds = {kind: classes(kind) for kind in options.only.split(",")}
    jobs = [
        (options.out, kind, name, number, options.seed)
        for kind, rows in kinds.items()
        for name in rows
        for number in range(options.per_class * (6 if kind == "voices" else 1))
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(options.jobs) as pool:
        paths = pool.map(make, jobs, chunksize=8)
    with open(options.out / "manifest.csv", "w", newline="") as f:
        table = csv.writer(f)
        table.writerow(["path", "label", "caption"])
        for job, path in zip(jobs, paths):
            captions = kinds[job[1]][job[2]][0] if path else ()
            table.writerows([path, captions[0], caption] for caption in captions)
    print(f"{sum(path is not None for path in paths)} sounds of {sum(len(rows) for rows in kinds.values())} classes")


if __name__ == "__main__":
    main()
