#!/usr/bin/env python3
"""One peer as a process that does one kind of work on request and says how long it took.

    peer.py KIND PATH THREADS

The protocol is that of bench_model.c: a line `IN OUT` on stdin names a file to read and one to write the result
to (raw f32; `-`: nowhere); the answer is the milliseconds that the work alone took, or `error: why`. So earshot
and its peers can be timed in turn, each in a process with its own threads and settings.
"""

import os
import sys
import time
import warnings

import numpy as np


def ort_session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.force_spinning_stop", "1")  # do not burn the other's turn
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def torch_setup(threads):
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    return torch


def read_mel(path, bins=64):
    return np.fromfile(path, np.float32).reshape(1, 1, -1, bins)


def read_ids(path):
    return np.fromfile(path, np.int32).astype(np.int64)[None]


# ---- the peers: each takes PATH and THREADS and returns (prepare, work): a file → its input → the result ----------


def ort(path, threads, read):
    session = ort_session(path, threads)
    return read, lambda x: session.run(None, {"x": x})[0]


def ort_twice(path, threads, read):
    """Throughput: one session of one thread for each of `threads` workers, one window each."""
    from concurrent.futures import ThreadPoolExecutor

    sessions = [ort_session(path, 1) for _ in range(threads)]
    pool = ThreadPoolExecutor(threads)
    return read, lambda x: np.stack(list(pool.map(lambda s: s.run(None, {"x": x})[0], sessions)))


def torch_model(path, threads, read, dtype="float32", compiled=False):
    torch = torch_setup(threads)
    from transformers import ClapModel
    from transformers.utils import logging

    from towers import AudioTower, TextTower

    logging.disable_progress_bar()
    model = ClapModel.from_pretrained(path, dtype=getattr(torch, dtype)).eval()
    tower = (AudioTower if read is read_mel else TextTower)(model)
    if compiled:
        torch._inductor.config.freezing = True  # packs the weights; without it both types are slower
        tower = torch.compile(tower)

    def prepare(file):
        x = torch.from_numpy(read(file))
        return x.to(getattr(torch, dtype)) if x.is_floating_point() else x

    return prepare, lambda x: tower(x).float().numpy()


def features(path, threads):
    """ClapFeatureExtractor, as people call it."""
    torch_setup(threads)
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor.from_pretrained(path)
    return (lambda file: np.fromfile(file, np.float32),
            lambda x: extractor(x, sampling_rate=extractor.sampling_rate, return_tensors="np")["input_features"])


def stft(path, threads):
    """The same arithmetic on torch.stft, as LAION's own code does it."""
    torch = torch_setup(threads)
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor.from_pretrained(path)
    fused = extractor.truncation == "fusion"
    filters = extractor.mel_filters if fused else extractor.mel_filters_slaney
    filters = torch.from_numpy(np.ascontiguousarray(filters, np.float32))
    window = torch.hann_window(extractor.fft_window_size)

    def work(x):
        spectrum = torch.stft(x, extractor.fft_window_size, extractor.hop_length, window=window, center=True,
                              pad_mode="reflect", return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        return (10 * torch.log10(torch.clamp(power.T @ filters, min=1e-10))).numpy()

    return lambda file: torch.from_numpy(np.fromfile(file, np.float32)), work


def librosa_load(path, threads):
    import librosa

    return lambda file: file, lambda file: librosa.load(file, sr=int(path), mono=True)[0]


def soundfile_soxr(path, threads):
    import soundfile
    import soxr

    def work(file):
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        return soxr.resample(samples.mean(axis=1), rate, int(path), quality="HQ")

    return lambda file: file, work


KINDS = {
    "audio-ort": lambda path, threads: ort(path, threads, read_mel),
    "audio-ort-twice": lambda path, threads: ort_twice(path, threads, read_mel),
    "audio-torch": lambda path, threads: torch_model(path, threads, read_mel),
    "audio-torch-compile": lambda path, threads: torch_model(path, threads, read_mel, compiled=True),
    "audio-torch-bf16": lambda path, threads: torch_model(path, threads, read_mel, "bfloat16"),
    "audio-torch-compile-bf16": lambda path, threads: torch_model(path, threads, read_mel, "bfloat16", True),
    "text-ort": lambda path, threads: ort(path, threads, read_ids),
    "text-torch": lambda path, threads: torch_model(path, threads, read_ids),
    "mel-features": features,
    "mel-stft": stft,
    "decode-librosa": librosa_load,
    "decode-soxr": soundfile_soxr,
}


def serve(prepare, work, out):
    for line in sys.stdin:
        source, target = line.split()
        x = prepare(source)
        start = time.perf_counter()
        y = work(x)
        took = (time.perf_counter() - start) * 1e3
        if target != "-":
            np.ascontiguousarray(y, np.float32).tofile(target)
        print(f"{took:.6f}", file=out, flush=True)


def main():
    kind, path, threads = sys.argv[1:4]
    warnings.filterwarnings("ignore")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that chat on stdout must not break the protocol
    try:
        prepare, work = KINDS[kind](path, int(threads))
        print("ready", file=out, flush=True)
        serve(prepare, work, out)
    except Exception as error:
        print(f"error: {kind}: {error!r}".replace("\n", " ")[:300], file=out, flush=True)
        raise


if __name__ == "__main__":
    main()
