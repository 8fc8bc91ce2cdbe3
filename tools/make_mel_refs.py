#!/usr/bin/env python3
"""Records tests/ref/mel from ClapFeatureExtractor of transformers (needs numpy, torch, transformers).

Files hold raw little-endian float32. `manifest` has one line per signal, `name window`: NAME.f32 are the samples,
NAME.htk.f32 and NAME.slaney.f32 the mels [frames][64] of them, repeat-padded to `window` samples where that is not 0.
`starts` has lines `total chunk front middle back`: where the reference's three ranges of chunk starts have their element
n/2. fusion.f32 is a clip, fusion.mels.f32 its four mels [4][21][64] for a window of 9600 samples with those starts.
"""
import pathlib

import numpy as np
import transformers
from transformers import ClapFeatureExtractor

RATE = 48000
FUSION_WINDOW = 9600
HERE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "ref" / "mel"


def signals():
    rng = np.random.default_rng(20240601)
    t = np.arange(16000) / RATE
    click = np.zeros(3000)
    click[1234] = 0.8
    steep = np.sin(2 * np.pi * 60 * t[:6000]) + 1e-5 * rng.standard_normal(6000)
    return [
        ("noise", 0, rng.uniform(-1, 1, 9601)),
        ("quiet", 0, 1e-4 * rng.standard_normal(4800)),
        ("sweep", 0, 0.7 * np.sin(2 * np.pi * (30 * t + 30000 * t * t))),
        ("tone", 0, 0.9 * np.sin(2 * np.pi * 1000.5 * t[:4800])),
        ("steep", 0, steep),
        ("click", 0, click),
        ("silence", 0, np.zeros(2000)),
        ("least", 0, rng.uniform(-1, 1, 513)),
        ("short", 24000, rng.uniform(-1, 1, 1000)),
        ("single", 9600, np.array([0.25])),
    ]


def write(name, values):
    np.ascontiguousarray(values, dtype="<f4").tofile(HERE / f"{name}.f32")


def pad(samples, window):
    tiled = np.tile(samples, window // samples.size)
    return np.pad(tiled, (0, window - tiled.size))


def write_mels(extractor):
    lines = []
    for name, window, samples in signals():
        samples = samples.astype(np.float32)
        padded = pad(samples, window) if window else samples
        write(name, samples)
        write(f"{name}.htk", extractor._np_extract_fbank_features(padded, extractor.mel_filters))
        write(f"{name}.slaney", extractor._np_extract_fbank_features(padded, extractor.mel_filters_slaney))
        if window:
            ours = extractor._np_extract_fbank_features(padded, extractor.mel_filters)
            theirs, _ = extractor._get_input_mel(samples, window, "fusion", "repeatpad")
            assert np.array_equal(ours, theirs[0])
        lines.append(f"{name} {window}\n")
    (HERE / "manifest").write_text("".join(lines))


def starts(total, chunk):
    ranges = np.array_split(np.arange(total - chunk + 1), 3)
    return [int(r[len(r) // 2]) if len(r) else 0 for r in ranges]


def write_starts():
    pairs = [(total, 21) for total in range(22, 36)] + [(1002, 1001), (1500, 1001), (4320001, 1001)]
    rows = [[total, chunk, *starts(total, chunk)] for total, chunk in pairs]
    (HERE / "starts").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))


def write_fusion(extractor):
    rng = np.random.default_rng(7)
    t = np.arange(26123) / RATE
    samples = 0.5 * np.sin(2 * np.pi * (100 * t + 9000 * t * t)) + 0.01 * rng.standard_normal(t.size)
    samples = samples.astype(np.float32)
    np.random.choice = lambda choices: choices[len(choices) // 2]
    mels, longer = extractor._get_input_mel(samples, FUSION_WINDOW, "fusion", "repeatpad")
    assert longer
    write("fusion", samples)
    write("fusion.mels", mels)


if __name__ == "__main__":
    HERE.mkdir(parents=True, exist_ok=True)
    with_config = ClapFeatureExtractor(frequency_min=50, frequency_max=14000)
    write_mels(with_config)
    write_starts()
    write_fusion(with_config)
    (HERE / "versions").write_text(f"transformers {transformers.__version__}, numpy {np.__version__}\n")
