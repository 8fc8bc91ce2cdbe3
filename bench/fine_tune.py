#!/usr/bin/env python3
"""What fine-tuning gains: names sounds by the folders they lie in, or by their own names, learns the projections from most of them and measures on
the rest, before and after.

    bench/fine_tune.py EARSHOT FOLDER [--by folder|name] [--most 300] [--seed 1] [--model builtin] [-- TRAIN OPTIONS...]

A name is the words of the folder, or of the file ("wolf hit" of wolf-hit-2.ogg); names of three sounds or more count. A third
of every name's sounds (drawn by the seed) is held out; of the rest at most --most are learnt from. Prints the seconds of `earshot train --only projections` and R@1 both ways (of
a name among the sounds; of a sound among the names) and mAP@10 before and after, on the held-out part.
"""
import argparse
import collections
import csv
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

SOUNDS = {".aif", ".aiff", ".flac", ".mp3", ".ogg", ".opus", ".wav"}


def sounds_of(folder, by_name):
    by = collections.defaultdict(list)
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUNDS):
        words = path.stem if by_name else path.parent.name
        by[re.sub(r"[^a-z]+", " ", words.lower()).strip() or "other"].append(path)
    return {name: paths for name, paths in sorted(by.items()) if len(paths) >= 3}


def readable(earshot, paths):
    """Those that can be heard at all."""
    done = subprocess.run([earshot, "-q", "embed", *map(str, paths)], capture_output=True, text=True)
    return {json.loads(line)["path"] for line in done.stdout.splitlines()}


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator="\n").writerows([("path", "label"), *rows])


def measured(earshot, model, manifest):
    said = subprocess.run([earshot, "-m", model, "--json", "eval", "zeroshot", manifest], check=True, capture_output=True)
    found = json.loads(said.stdout)
    return found["text_to_audio"]["r@1"], found["accuracy"], found["map@10"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("earshot")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--by", choices=("folder", "name"), default="folder")
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="builtin")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    o, train = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1:]
    draw, learnt, held = random.Random(o.seed), [], []
    by = sounds_of(o.folder.resolve(), o.by == "name")
    good = readable(o.earshot, [p for paths in by.values() for p in paths])
    for name, paths in by.items():
        paths = [p for p in paths if str(p) in good]
        draw.shuffle(paths)
        cut = len(paths) // 3
        held += [(p, name) for p in paths[:cut]]
        learnt += [(p, name) for p in paths[cut:]]
    draw.shuffle(learnt)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        write(work / "learn.csv", learnt[:o.most])
        write(work / "held.csv", held)
        before = measured(o.earshot, o.model, work / "held.csv")
        began = time.monotonic()
        subprocess.run([o.earshot, "-q", "train", "--from", o.model, "--data", work / "learn.csv", "--only", "projections", "-o",
                        work / "mine", *train], check=True, stdout=sys.stderr)
        took = time.monotonic() - began
        after = measured(o.earshot, work / "mine", work / "held.csv")
    print(f"{len(by)} names, {min(len(learnt), o.most)} sounds learnt from in {took:.1f} s, {len(held)} held out")
    for what, a, b in zip(("text to sound R@1", "sound to name R@1", "text to sound mAP@10"), before, after):
        print(f"{what:22} {a:.3f} -> {b:.3f}")


if __name__ == "__main__":
    main()
