#!/usr/bin/env python3
"""From a table of clips to manifests to learn from and to measure with.

    tools/make_manifests.py CLIPS.tsv OUT [--unseen N]

CLIPS.tsv has the columns file and category; files lie in clips/ beside it. Writes OUT/train.csv, OUT/held.csv (a fifth of
every category that has five clips or more) and, with --unseen, OUT/unseen.csv (N whole categories of 3 to 12 clips, which
are then in neither of the others): path,label. And OUT/labels.txt: all categories. The same seed, the same split.
"""
import argparse
import collections
import csv
import os
import pathlib
import random


def read(table):
    by_category = collections.defaultdict(list)
    with open(table, encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            by_category[row["category"]].append(row["file"])
    return {category: sorted(files) for category, files in sorted(by_category.items())}


def split(by_category, unseen, seed):
    draw = random.Random(seed)
    few = [c for c, files in by_category.items() if 3 <= len(files) <= 12]
    away = set(draw.sample(few, min(unseen, len(few))))
    parts = {"train": [], "held": [], "unseen": []}
    for category, files in by_category.items():
        files = list(files)
        draw.shuffle(files)
        held = max(1, round(0.2 * len(files))) if len(files) >= 5 else 0
        if category in away:
            parts["unseen"] += [(f, category) for f in files]
        else:
            parts["held"] += [(f, category) for f in files[:held]]
            parts["train"] += [(f, category) for f in files[held:]]
    return parts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--unseen", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    by_category = read(options.table)
    options.out.mkdir(parents=True, exist_ok=True)
    clips = os.path.abspath(options.table.parent / "clips")
    for name, rows in split(by_category, options.unseen, options.seed).items():
        if not rows:
            continue
        with open(options.out / f"{name}.csv", "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([("path", "label"), *((os.path.join(clips, file), label) for file, label in rows)])
        print(f"{name}: {len(rows)} sounds")
    (options.out / "labels.txt").write_text("\n".join(by_category) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
