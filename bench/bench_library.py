#!/usr/bin/env python3
"""What a library costs its user, whole processes timed: indexing a folder, indexing it again, many files, memory, and the
first search of a cold process.

    bench_library.py EARSHOT --model DIR --tiny DIR --sounds FOLDER [--small DIR] [--only NAME...]

--model: a checkpoint of full size. --tiny: a small one; indexing with it costs little but decoding, the mel, hashing and
writing, so that its CPU time over that of --model bounds their share from above. --small: the model of the cold searches (--model
when it is not given). NAMEs: folder, files (2 minutes), memory, search. Needs ffmpeg and numpy.
Prints one line a figure: name, value, unit.
"""
import argparse
import itertools
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CLIPS, WINDOWS_PER_CLIP, FILES = 50_000, 2, 100_000


def measured(*command, status=(0,)):
    """Runs it: (wall seconds, CPU seconds, peak bytes)."""
    began = time.monotonic()
    child = subprocess.Popen([os.fspath(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read().decode(errors="replace")
    _, code, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode not in status:
        sys.exit(f"{command}: {said}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def say(name, value, unit):
    print(f"{name}\t{value:.4g}\t{unit}", flush=True)


def weights(model):
    return sum(file.stat().st_size for file in pathlib.Path(model).glob("*.safetensors"))


class Bench:
    def __init__(self, args, folder):
        self.program, self.model, self.tiny, self.sounds, self.dir = args.earshot, args.model, args.tiny, args.sounds, folder
        self.small = args.small or args.model
        self.names = (folder / f"library{i}" for i in itertools.count())

    def index(self, model, *paths, library=None, **how):
        return measured(self.program, "-q", "-L", library or next(self.names), "-m", model, "index", *paths, **how)

    def folder(self):
        """Throughput, the share of everything but the towers, and how busy both cores are."""
        wall, full, peak = self.index(self.model, self.sounds)
        _, rest, _ = self.index(self.tiny, self.sounds)
        say("folder, full-size model", wall, "s")
        say("folder, CPU", 100 * full / wall / os.cpu_count(), "% of all cores")
        say("decoding, mel, hashing, writing: at most", 100 * rest / full, "% of the CPU time")
        say("folder, peak above the weights", (peak - weights(self.model)) / 1e6, "MB")

    def files(self):
        """Many small files of different content, and the same again."""
        folder = self.dir / "many"
        folder.mkdir()
        head = bytes.fromhex("52494646") + (36 + 1600).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") \
            + (1).to_bytes(2, "little") * 2 + (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") \
            + (2).to_bytes(2, "little") + (16).to_bytes(2, "little") + b"data" + (1600).to_bytes(4, "little")
        for i in range(FILES):
            (folder / f"{i:06d}.wav").write_bytes(head + i.to_bytes(4, "little") * 400)
        library = next(self.names)
        wall, _, peak = self.index(self.tiny, folder, library=library)
        say(f"{FILES} small files, tiny model", wall, "s")
        say(f"{FILES} small files, peak above the weights", (peak - weights(self.tiny)) / 1e6, "MB")
        again = [self.index(self.tiny, folder, library=library)[0] for _ in range(5)]
        say(f"{FILES} files unchanged", statistics.median(again), "s")
        shutil.rmtree(folder)

    def memory(self):
        """One file of twelve hours, one of 64 channels."""
        for name, source, options in (("12 hours", "sine=r=8000:d=43200", ["-c:a", "flac"]),
                                      ("64 channels", "aevalsrc=" + "|".join(["0.1*sin(440*t)"] * 64) + ":d=30:s=48000", [])):
            file = self.dir / f"{name.replace(' ', '-')}.{'flac' if options else 'wav'}"
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *options, file], check=True)
            wall, _, peak = self.index(self.tiny, file)
            say(f"a file of {name}, tiny model", wall, "s")
            say(f"a file of {name}, peak above the weights", (peak - weights(self.tiny)) / 1e6, "MB")

    def search(self):
        """A cold `earshot search` over 100,000 windows of drawn vectors; files are in the page cache."""
        import numpy as np
        library = next(self.names)
        first = sorted(pathlib.Path(self.sounds).iterdir())[0]
        self.index(self.small, first, library=library)
        shown = subprocess.run([self.program, "-L", library, "export", "--vectors"], check=True, capture_output=True, text=True)
        like = json.loads(shown.stdout)
        draw = np.random.default_rng(1)
        centres = draw.standard_normal((1000, like["model"]["dim"]))
        words = [f"word{i}" for i in range(3000)]
        lines = self.dir / "lines.jsonl"
        with lines.open("w") as out:
            for i in range(CLIPS):
                rows = centres[draw.integers(1000)] + draw.standard_normal((WINDOWS_PER_CLIP, centres.shape[1]))
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                sha = draw.bytes(32).hex()
                title = " ".join(words[min(int(draw.zipf(1.3)), 3000) - 1] for _ in range(6))
                out.write(json.dumps({
                    "id": sha[:16], "sha256": sha, "path": f"/none/{i}.wav", "paths": [f"/none/{i}.wav"], "duration": 20.0,
                    "rate": 48000, "channels": 1, "windows": WINDOWS_PER_CLIP, "model": like["model"],
                    "said": [{"name": "title", "value": title, "source": "meta"}],
                    "vectors": [{"start": 10.0 * w, "end": 10.0 * w + 10, "embedding": [round(float(x), 5) for x in row]}
                                for w, row in enumerate(rows)]}) + "\n")
        measured(self.program, "-q", "-L", library, "import", lines)
        lines.unlink()
        for mode in ("hybrid", "vector", "bm25"):
            times = [measured(self.program, "-L", library, "search", "--mode", mode, "word7 rain word30")[0]
                     for _ in range(21)]
            say(f"cold search, {CLIPS * WINDOWS_PER_CLIP} windows, {mode}", 1000 * statistics.median(times), "ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("earshot")
    for name in ("--model", "--tiny", "--sounds"):
        parser.add_argument(name, required=True)
    parser.add_argument("--small")
    parser.add_argument("--only", nargs="+", default=["folder", "files", "memory", "search"])
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="earshot-bench-") as folder:
        bench = Bench(args, pathlib.Path(folder))
        for name in args.only:
            getattr(bench, name)()


if __name__ == "__main__":
    main()
