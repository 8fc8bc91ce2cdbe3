#!/usr/bin/env python3
"""Times earshot and its peers in turn, pair by pair, and writes what came out to bench/results.

Run by script/bench, which sees to everything this needs. For each row: both sides compute the same thing from the
same file, which is checked; then they take turns (A B A B …), each time one call that is not timed and one that is,
pinned to the same cores. Quoted is the median of the pairs' ratios (peer's time / ours), with the least and the
greatest; and of each side the median and the least time.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

import numpy as np

from rows import MODELS, Process, Side, rows

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORES = sorted(os.sched_getaffinity(0))
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DISTURBED = 0.05  # processors that others may keep busy meanwhile
COLUMNS = ("date commit machine versions others row peer unit ours_median ours_min peer_median peer_min ratio_median "
           "ratio_min ratio_max pairs agreement goal reached").split()


class Failed(Exception):
    """One side could not do its part; the row says why."""


# ---- the two sides ------------------------------------------------------------------------------------------------


class Server:
    """A process that works on request: bench_model or peer.py."""

    def __init__(self, side, options):
        program = [options.bench] if side.ours else [sys.executable, HERE / "peer.py"]
        cores = CORES[-1:] if side.threads == 1 else CORES[:side.threads]
        threads = [] if side.ours else [str(side.threads)]
        told = {} if side.ours else {name: str(side.threads) for name in THREADS}
        self.windows = side.windows
        self.process = subprocess.Popen(
            [*program, side.kind, str(side.path), *threads], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | told,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if (line := self.answer()) != "ready":
            raise Failed(f"{side.kind}: {line}")

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line or line.startswith("error"):
            raise Failed(line or f"{self.process.args[0]}: ended with status {self.process.wait()}")
        return line

    def call(self, source, target="-"):
        self.process.stdin.write(f"{source} {target}\n")
        self.process.stdin.flush()
        return float(self.answer()) / self.windows

    def turn(self, source):
        self.call(source)
        return self.call(source)

    def result(self, source, work):
        self.call(source, work / "result.f32")
        return np.fromfile(work / "result.f32", np.float32)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Spawner:
    """A process started anew each turn: what a user waits for, and the most memory it held."""

    def __init__(self, side, options):
        self.command = [str(a).format(program=options.program, python=sys.executable, here=HERE) for a in side.command]
        self.peak_mb = 0

    def run(self, stdout):
        start = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=stdout, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(f"{self.command[0]}: ended with status {process.returncode}")
        self.peak_mb = max(self.peak_mb, usage.ru_maxrss / 1024)
        return (time.perf_counter() - start) * 1e3

    def turn(self, _):
        return self.run(subprocess.DEVNULL)

    def result(self, _, work):
        with open(work / "result.json", "w+b") as out:
            self.run(out)
            out.seek(0)
            found = json.load(out)
        return np.array(found["embedding"] if isinstance(found, dict) else found, np.float32)

    def close(self):
        pass


def open_side(side, options):
    return (Spawner if isinstance(side, Process) else Server)(side, options)


# ---- do both compute the same? --------------------------------------------------------------------------------------


def cosine(a, b):
    """The least cosine between the unit vectors of a and of b (a may hold several, b one)."""
    a, b = a.reshape(-1, 512), b.reshape(-1, 512)
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a.astype(np.float64), b.astype(np.float64)))
    return float((a @ b.T).min())


def decibels(a, b):
    """The greatest difference, where the louder of the two is within 80 dB of its frame's maximum."""
    a, b = a.reshape(-1, 64), b.reshape(-1, 64)
    near = np.maximum(a, b) > b.max(axis=1, keepdims=True) - 80
    return float(np.abs(a - b)[near].max())


def correlation(a, b):
    """Correlation of two decodings where they lie best on each other (codecs differ in the delay they leave)."""
    if abs(len(a) - len(b)) > 4800:
        return 0.0
    at, n, most = len(b) // 2, 1 << 16, 2400
    lag = int(np.argmax(np.correlate(a[at - most:at + n + most], b[at:at + n], "valid"))) - most
    return float(np.corrcoef(a[at + lag:at + lag + n], b[at:at + n])[0, 1])


AGREE = {"cosine": (cosine, lambda value, limit: value >= limit), "dB": (decibels, lambda value, limit: value <= limit),
         "correlation": (correlation, lambda value, limit: value >= limit)}


def agreement(row, ours, options):
    """How near ours is to the exact answer; the peer itself may be an approximation of its own."""
    measure, good = AGREE[row.agree]
    judge = open_side(row.judge, options)
    try:
        value = measure(ours.result(row.source, options.work), judge.result(row.source, options.work))
    finally:
        judge.close()
    if not good(value, row.limit):
        raise Failed(f"does not compute the same: {row.agree} {value:.8f}, wanted {row.limit}")
    return value


# ---- was the machine ours? --------------------------------------------------------------------------------------------


def busy_seconds():
    """Processor time that anyone on this machine has spent, since it started."""
    spent = [int(word) for word in pathlib.Path("/proc/stat").read_text(encoding="utf-8").split()[1:9]]
    idle = spent[3] + spent[4]
    return (sum(spent) - idle) / os.sysconf("SC_CLK_TCK")


def own_seconds(sides):
    """Of that, what this program and what it started has spent."""
    total = sum(os.times()[:4])
    for side in sides:
        if isinstance(side, Server):
            fields = pathlib.Path(f"/proc/{side.process.pid}/stat").read_text(encoding="utf-8").split(") ")[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


class Others:
    """Processors that others kept busy since it was made, as a mean: 0.02 is well, 0.5 spoils a figure."""

    def __init__(self, sides):
        self.sides, self.start = sides, time.monotonic()
        self.before = busy_seconds() - own_seconds(sides)

    def mean(self):
        after = busy_seconds() - own_seconds(self.sides)
        return max(0.0, after - self.before) / (time.monotonic() - self.start)


# ---- one row ----------------------------------------------------------------------------------------------------------


def fastest(sides, source, options):
    """Of several forms of a peer, the one that is fastest here."""
    best = None
    for side in sides if len(sides) > 1 else ():
        server = open_side(side, options)
        took = statistics.median(server.turn(source) for _ in range(5))
        server.close()
        best = min(best or (took, side), (took, side), key=lambda found: found[0])
    return best[1] if best else sides[0]


def take_turns(row, sides, count):
    others = Others(sides)
    times = [tuple(side.turn(row.source) for side in sides) for _ in range(count + 2)]
    return times[2:], others.mean()


def take_turns_in_peace(row, sides, options):
    """Again while others disturb, as long as there is patience; the least disturbed series counts, whatever it says."""
    patience = time.monotonic() + options.patience
    best = None
    while best is None or best[1] > DISTURBED and time.monotonic() < patience:
        wait_for_peace(patience)
        found = take_turns(row, sides, row.pairs(options.pairs))
        best = min(best or found, found, key=lambda series: series[1])
    return best


def wait_for_peace(until):
    while time.monotonic() < until:
        others = Others(())
        time.sleep(0.5)
        if others.mean() <= DISTURBED:
            return


def measure_row(row, options):
    ours = peer = None
    try:
        ours = open_side(row.ours, options)
        agreed = agreement(row, ours, options)
        peer = open_side(fastest(row.peers, row.source, options), options)
        times, others = take_turns_in_peace(row, (ours, peer), options)
        return times, agreed, others, (ours, peer)
    finally:
        for side in (ours, peer):
            if side:
                side.close()


def summary(row, times, agreed, others, sides):
    """Times of a row, or with unit MB the peak memory of its processes, as a line of the table."""
    if row.unit == "MB":
        times = [tuple(side.peak_mb for side in sides)]
    ours, peer = zip(*times)
    ratios = [b / a for a, b in times]
    found = dict(ours_median=statistics.median(ours), ours_min=min(ours), peer_median=statistics.median(peer),
                 peer_min=min(peer), ratio_median=statistics.median(ratios), ratio_min=min(ratios),
                 ratio_max=max(ratios), pairs=len(times))
    reached = ""
    if row.goal:
        figure, limit = row.goal
        reached = found[figure] >= limit if figure.startswith("ratio") else found[figure] <= limit
    shown = {name: f"{value:.4g}" if name != "pairs" else value for name, value in found.items()}
    return shown | dict(agreement=f"{agreed:.8f}", others=f"{others:.2f}", reached={True: "yes", False: "no"}.get(reached, ""))


def header():
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True)
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line[:10] == "model name"]
    flags = open("/proc/cpuinfo", encoding="utf-8").read()
    extras = "+".join(f for f in ("avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if f in flags)
    packages = "torch transformers onnxruntime tokenizers librosa soundfile soxr numpy".split()
    return dict(date=datetime.date.today().isoformat(), commit=commit.stdout.strip(),
                machine=f"{names[0] if names else platform.machine()}, {len(CORES)} cores, {extras}",
                versions=" ".join(f"{p}={version(p)}" for p in packages))


def goal_text(row):
    if not row.goal:
        return ""
    figure, limit = row.goal
    return f">= {limit:g} x" if figure.startswith("ratio") else f"<= {limit:g} {row.unit}"


def print_row(line):
    if "ours_median" not in line:
        return print(f"| {line['row']} | {line['peer']} | {line['reached']} |", flush=True)
    print("| {row} | {ours_median} (min {ours_min}) {unit} | {peer}: {peer_median} (min {peer_min}) | "
          "**{ratio_median}** ({ratio_min} … {ratio_max}, n = {pairs}) | {goal} {reached} | {agreement} | {others} |"
          .format(**line), flush=True)


# ---- what is timed, made ------------------------------------------------------------------------------------------------


def make_sounds(work):
    """One minute of 44.1 kHz stereo, tones over noise, in four formats; and ten seconds of it as raw samples."""
    source = ("aevalsrc='0.2*sin(440*2*PI*t+3*sin(2*PI*t))+0.1*sin(3100*2*PI*t)*mod(t,2)"
              "|0.2*sin(523*2*PI*t)+0.1*sin(2*PI*(200*t+60*t*t))*mod(t,3)/3':s=44100:d=60")
    graph = f"{source}[tones];anoisesrc=a=0.05:c=pink:r=44100:d=60:seed=1,aformat=cl=stereo[noise];[tones][noise]amix"
    encoders = dict(wav=["pcm_s16le"], flac=["flac"], mp3=["libmp3lame", "-b:a", "192k"], ogg=["libvorbis", "-q:a", "5"])
    for name, encoder in encoders.items():
        if not (work / f"minute.{name}").exists():
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", graph, "-ac", "2", "-c:a", *encoder,
                            work / f"minute.{name}"], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", "20", "-t", "10", "-i", work / "minute.wav", "-ac", "1",
                    "-ar", "48000", "-f", "f32le", work / "samples.f32"], check=True)


def make_models(options):
    """Checkpoints in full size with random weights, their bf16 and int8 forms, and the peers' ONNX files."""
    for name in MODELS:
        model = options.work / name
        if not (model / "vocab.json").exists():
            subprocess.run([sys.executable, ROOT / "tools" / "make_refs.py", "--full", name, "--seed", "1", "-o", model],
                           check=True, stderr=subprocess.DEVNULL)
            link_vocabulary(model, options)
        if not (options.work / f"{name}-onnx" / "text-int8-channel.onnx").exists():
            subprocess.run([sys.executable, HERE / "export.py", model, options.work / f"{name}-onnx"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for kind in ("bf16", "int8"):
            if not (options.work / f"{name}-{kind}").exists():
                subprocess.run([options.program, "-q", "model", "convert", model, "-o", options.work / f"{name}-{kind}",
                                "--type", kind], check=True, stdout=subprocess.DEVNULL)


def link_vocabulary(model, options):
    """RoBERTa's own vocabulary where there is one (loading it is part of the work), else the one of the tests."""
    from tokenizers import ByteLevelBPETokenizer
    from tokenizers.processors import RobertaProcessing

    real = os.environ.get("EARSHOT_ROBERTA")
    names = [("vocab.json", "vocab-roberta-base.json"), ("merges.txt", "merges-roberta-base.txt")]
    for name, real_name in names[::-1]:
        folder = pathlib.Path(real) if real else ROOT / "tests" / "ref" / "vocab"
        shutil.copy(folder / (real_name if (folder / real_name).exists() else name), model / name)
    print(f"vocabulary: {'of RoBERTa' if real else 'the small one of the tests (EARSHOT_ROBERTA is not set)'}")
    tokenizer = ByteLevelBPETokenizer(str(model / "vocab.json"), str(model / "merges.txt"))
    tokenizer.post_processor = RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")),
                                                 ("<s>", tokenizer.token_to_id("<s>")), add_prefix_space=False)
    tokenizer.save(str(options.work / f"{model.name}.tokenizer.json"))


def make_inputs(options):
    make_sounds(options.work)
    make_models(options)
    np.array([0, 102, 2345, 17, 999, 12345, 8, 2], np.int32).tofile(options.work / "ids.i32")
    front_end = open_side(Side("mel-features", options.work / MODELS[0]), options)
    front_end.call(options.work / "samples.f32", options.work / "mel.f32")
    front_end.close()


# ---- all of it --------------------------------------------------------------------------------------------------------


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help="earshot")
    parser.add_argument("--bench", type=pathlib.Path, required=True, help="bench_model")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where models and sounds are made, and kept")
    parser.add_argument("--pairs", type=int, default=30, help="turns a row (30; rows of seconds take fewer)")
    parser.add_argument("--patience", type=float, default=0, metavar="SECONDS",
                        help="wait, and measure a row again, this long while others keep the machine busy (0)")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="rows whose name contains one of these")
    parser.add_argument("--out", type=pathlib.Path, help="the CSV file to add to (bench/results/peers-DATE-COMMIT.csv)")
    parser.add_argument("--list", action="store_true", help="print the rows' names and stop")
    return parser.parse_args()


def main():
    options = parse()
    options.work = options.work.absolute()
    if not options.list:
        options.work.mkdir(parents=True, exist_ok=True)
        make_inputs(options)
    table = [row for row in rows(options.work) if any(word in row.name for word in options.only)]
    if options.list:
        return print("\n".join(f"{row.name}: {row.peer_name}" for row in table))
    about = header()
    out = options.out or ROOT / "bench" / "results" / f"peers-{about['date']}-{about['commit']}.csv"
    faults = 0
    with open(out, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        if file.tell() == 0:
            writer.writeheader()
        for row in table:
            line = about | dict(row=row.name, peer=row.peer_name, unit=row.unit, goal=goal_text(row))
            try:
                line |= summary(row, *measure_row(row, options))
            except Failed as why:
                faults += 1
                line |= dict(reached=f"not measured: {why}")
            writer.writerow(line)
            file.flush()
            print_row(line)
    print(f"written to {out}")
    return faults > 0


if __name__ == "__main__":
    sys.exit(main())
