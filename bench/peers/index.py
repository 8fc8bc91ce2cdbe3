#!/usr/bin/env python3
"""Times the vector index beside hnswlib and FAISS, one thread each, and writes bench/results/index-DATE.csv.

  index.py BENCH_INDEX FOLDER [--rows N ...] [--rounds 5] [--peers hnswlib faiss] [--gauss]

FOLDER is what index_data.py made. For each number of rows: all make their index of the same rows; the truth is found by
going through all of them in single precision; each peer's ef or nprobe is the first of a ladder that gives recall@10
>= 0.99; then the sides take turns, all queries each, and each round gives a ratio of mean times on the thread's CPU clock,
the peer's / ours. Quoted is the median of the ratios. Indexes of hnswlib and the truth are kept in FOLDER, since they take
minutes. Needs Debian's libhnswlib-dev and g++, and numpy and faiss-cpu 1.15.1 in the Python that runs it.
"""

import argparse
import csv
import datetime
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DIM, WANTED = 512, 0.99
EFS = (10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 780, 960, 1280, 2000, 4000)
NPROBES = tuple((n, 60) for n in (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)) + ((256, 120), (512, 120), (1024, 200))
COLUMNS = ("date commit machine rows data queries k keep side setting recall ms_mean ms_median ratio_median ratio_min "
           "ratio_max build_wall_s build_cpu_s resident_bytes_a_vector open_ms first_query_ms").split()


def keeps(ids, keep):
    return ((ids.astype(np.uint64) * 2654435761 & 0xFFFFFFFF) >> 8) % keep == 0


def truth_of(folder, data, count, name, k, keep):
    """The k best of the first `count` rows by single precision, kept in a file."""
    known = folder / f"truth-{data}-{count}-{name}-{k}-{keep}.npy"
    if known.exists():
        return np.load(known)
    rows = np.memmap(folder / f"{data}.f16", np.float16, "r").reshape(-1, DIM)[:count]
    queries = np.fromfile(folder / f"{name}.f32", np.float32).reshape(-1, DIM)
    best, cosines = (np.zeros((len(queries), 0), t) for t in (np.int32, np.float32))
    for first in range(0, count, 100_000):
        ids = np.arange(first, min(count, first + 100_000), dtype=np.int32)
        ids = ids[keeps(ids, keep)] if keep > 1 else ids
        cosines = np.hstack([cosines, queries @ rows[ids].astype(np.float32).T])
        best = np.hstack([best, np.broadcast_to(ids, (len(queries), len(ids)))])
        if cosines.shape[1] > k:
            top = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
            best, cosines = np.take_along_axis(best, top, 1), np.take_along_axis(cosines, top, 1)
    np.save(known, best)
    return best


def recall(found, truth):
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth)]))


class Program:
    """bench_index or index_hnsw: a line in, a line out."""

    def __init__(self, command, folder):
        self.out = folder / "found.i32"
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.built = ("", "")
        while (line := self.process.stdout.readline().strip()) != "ready":
            if not line.startswith("built"):
                sys.exit(f"{command[0]}: {line or 'ended'}")
            self.built = tuple(line.split()[1:])

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def run(self, queries, setting, k, keep):
        times = self.ask(f"search {queries} {setting} {k} {keep} {self.out}")
        return times, np.fromfile(self.out, np.int32).reshape(-1, k)

    def resident(self):
        return self.ask("resident")[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Faiss:
    """IVF of RaBitQ codes, refined in half precision; one call for all queries, so that Python costs nothing."""

    def __init__(self, rows, count, lists):
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(1)
        start, wall = time.process_time(), time.monotonic()
        self.index = faiss.index_factory(DIM, f"RR,IVF{lists},RaBitQ,Refine(SQfp16)", faiss.METRIC_INNER_PRODUCT)
        self.index.train(rows[:: max(1, count // 50_000)].astype(np.float32))
        for first in range(0, count, 50_000):
            self.index.add(rows[first:first + 50_000].astype(np.float32))
        self.built = (f"{time.monotonic() - wall:.3f}", f"{time.process_time() - start:.3f}")

    def run(self, queries, setting, k, keep):
        values = np.fromfile(queries, np.float32).reshape(-1, DIM)
        self.faiss.extract_index_ivf(self.faiss.downcast_index(self.index.base_index)).nprobe = setting[0]
        self.index.k_factor = setting[1]
        start = time.thread_time()
        found = self.index.search(values, k)[1]
        mean = (time.thread_time() - start) * 1e3 / len(values)
        return [mean, float("nan")], found

    def resident(self):
        return float("nan")

    def close(self):
        pass


def climb(side, ladder, queries, k, truth):
    """The first setting that finds enough; else the last."""
    for setting in ladder:
        found = recall(side.run(queries, setting, k, 1)[1], truth)
        if found >= WANTED:
            break
    return setting


def open_sides(options, folder, data, count):
    rows = np.memmap(folder / f"{data}.f16", np.float16, "r").reshape(-1, DIM)[:count]
    texts = folder / ("gauss.f32" if data == "gauss" else "texts.f32")
    ours = Program([options.bench, folder / f"{data}.f16", count, texts, folder / "ours.index", options.threads], folder)
    sides = {"earshot": (ours, None)}
    if "hnswlib" in options.peers:
        program, file = folder / "index_hnsw", folder / f"hnsw-{data}-{count}.bin"
        subprocess.run(["g++", "-O3", "-march=native", "-o", program, HERE / "index_hnsw.cc", "-lpthread"], check=True)
        threads = 0 if file.exists() else 2
        sides["hnswlib"] = (Program([program, folder / f"{data}.f16", count, file, threads], folder), EFS)
    if "faiss" in options.peers:
        sides["FAISS"] = (Faiss(rows, count, 1024 if count > 200_000 else 256), NPROBES)
    return sides


def take_turns(sides, settings, queries, k, keep, rounds):
    times = {name: [] for name in settings}
    found = {}
    for _ in range(rounds):
        for name, setting in settings.items():
            taken, found[name] = sides[name][0].run(queries, setting, k, keep)
            times[name].append(taken)
    return times, found


def measure(options, folder, data, count, out):
    sides = open_sides(options, folder, data, count)
    ours = sides["earshot"][0]
    opened = [ours.ask("open") for _ in range(3)]
    for name in ("gauss",) if data == "gauss" else ("sound", "text"):
        kind = "text" if name == "text" else "sound"
        queries = folder / f"{name}.f32"
        for k, keep in ((10, 1), (100, 1), (10, 100), (10, 10), (10, 2), (100, 10)):
            truth = truth_of(folder, data, count, name, k, keep)
            alone = k != 10 or keep != 1
            settings = {"earshot": kind}
            for peer in () if alone else [peer for peer in sides if peer != "earshot"]:
                settings[peer] = climb(sides[peer][0], sides[peer][1], queries, k, truth)
            times, found = take_turns(sides, settings, queries, k, keep, options.rounds)
            for side, setting in settings.items():
                ratios = [peer[0] / own[0] for peer, own in zip(times[side], times["earshot"])]
                row = dict(rows=count, data=data, queries=name, k=k, keep=f"1/{keep}", side=side, setting=str(setting),
                           recall=f"{recall(found[side], truth):.4f}", build_wall_s=sides[side][0].built[0],
                           ms_mean=f"{statistics.median(t[0] for t in times[side]):.4f}",
                           ms_median=f"{statistics.median(t[1] for t in times[side]):.4f}",
                           ratio_median=f"{statistics.median(ratios):.3f}", ratio_min=f"{min(ratios):.3f}",
                           ratio_max=f"{max(ratios):.3f}", build_cpu_s=sides[side][0].built[1],
                           resident_bytes_a_vector=f"{sides[side][0].resident() / count:.0f}")
                if side == "earshot":
                    row |= dict(open_ms=f"{statistics.median(o[0] for o in opened):.2f}",
                                first_query_ms=f"{statistics.median(o[1] for o in opened):.2f}")
                print(row, flush=True)
                out(row)
    for side, _ in sides.values():
        side.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="to build ours with")
    parser.add_argument("--peers", nargs="*", default=["hnswlib", "faiss"])
    parser.add_argument("--gauss", action="store_true", help="100,000 directions without clusters, too")
    options = parser.parse_args()
    today = datetime.date.today().isoformat()
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, text=True, capture_output=True).stdout.strip()
    same = dict(date=today, commit=commit, machine=f"{platform.machine()} {platform.node()}")
    path = ROOT / "bench" / "results" / f"index-{today}.csv"
    fresh = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        if fresh:
            table.writeheader()

        def out(row):
            table.writerow(same | row)
            file.flush()

        for count in options.rows:
            measure(options, options.folder, "rows", count, out)
        if options.gauss:
            measure(options, options.folder, "gauss", 100_000, out)


if __name__ == "__main__":
    main()
