#!/usr/bin/env python3
"""Makes MODEL/background.safetensors: what `match` is measured against (docs/MODEL.md, "Match").

    tools/make_background.py build/earshot MODEL --sounds SOUNDS.csv --texts TEXTS.txt --fit HELD.csv

SOUNDS.csv (path): sounds of all kinds, at most --count of them. TEXTS.txt: sentences about sounds, one a line.
HELD.csv (path,label): sounds that the model was not trained on. Every label is searched for among them with
the standard logistic, its inverse gives z back, and the logistic of the file is fitted to whether the hits
that a person would see (the first 20) have the label. Needs numpy; everything else is asked of the program.
"""
import argparse
import csv
import json
import os
import random
import struct
import subprocess
import tempfile

import numpy as np

SLOPE, MIDDLE = 1.6, 3.0  # what the program takes when the file names none


def write(path, tensors, metadata):
    header, offset, parts = {"__metadata__": metadata}, 0, []
    for name, rows in tensors.items():
        data = rows.astype("<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(rows.shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    os.replace(path + ".new", path)


def manifest(path):
    """Rows whose path does not depend on where the program runs."""
    folder = os.path.dirname(os.path.abspath(path))
    with open(path, newline="") as f:
        return [dict(row, path=os.path.join(folder, row["path"])) for row in csv.DictReader(f)]


def embed(program, model, arguments):
    with tempfile.NamedTemporaryFile(suffix=".npy") as out:
        subprocess.run([program, "-q", "-m", model, "embed", "--format", "npy", "-o", out.name, *arguments], check=True)
        return np.load(out.name)


def embed_texts(program, model, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write("\n".join(texts) + "\n")
        f.flush()
        return embed(program, model, ["--text-file", f.name])


def seen_hits(program, model, rows, template):
    """z and right or wrong of the first 20 hits for each label, in a library of the held-out sounds."""
    labels = {os.path.realpath(row["path"]): row["label"] for row in rows}
    hits = []
    with tempfile.TemporaryDirectory() as library:
        subprocess.run([program, "-q", "-L", library, "-m", model, "index", *labels], check=True)
        for label in sorted(set(labels.values())):
            answer = subprocess.run([program, "-L", library, "--json", "search", "--mode", "vector", "-n", "20",
                                     template.format(label)], check=True, capture_output=True).stdout
            for hit in json.loads(answer)["hits"]:
                match = min(max(hit["match"], 1e-9), 1 - 1e-9)
                z = MIDDLE + np.log(match / (1 - match)) / SLOPE
                hits.append((z, labels[os.path.realpath(hit["path"])] == label))
    return np.array(hits, float)


def fit(hits):
    """Logistic regression of right on z, by Newton's steps."""
    x, y = np.stack([hits[:, 0], np.ones(len(hits))], 1), hits[:, 1]
    w = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-x @ w))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2), x.T @ (y - p))
        w += step
        if np.abs(step).max() < 1e-10:
            break
    return w[0], -w[1] / w[0]


def table(hits, slope, middle):
    """Expected calibration error over ten bins."""
    p, error = 1 / (1 + np.exp(-slope * (hits[:, 0] - middle))), 0
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        if inside.any():
            error += inside.mean() * abs(p[inside].mean() - hits[inside, 1].mean())
            print(f"match {low:.1f}-{low + 0.1:.1f}: {inside.sum():5} hits, {hits[inside, 1].mean():.2f} right")
    print(f"expected calibration error {error:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--sounds", required=True)
    parser.add_argument("--texts", required=True)
    parser.add_argument("--fit", required=True)
    parser.add_argument("--template", default="{}")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw, path = random.Random(args.seed), os.path.join(args.model, "background.safetensors")
    paths = sorted({row["path"] for row in manifest(args.sounds)})
    texts = sorted({line.strip() for line in open(args.texts) if line.strip()})
    tensors = {"sounds": embed(args.program, args.model, draw.sample(paths, min(args.count, len(paths)))),
               "texts": embed_texts(args.program, args.model, draw.sample(texts, min(args.count, len(texts))))}
    write(path, tensors, {"slope": str(SLOPE), "middle": str(MIDDLE)})
    hits = seen_hits(args.program, args.model, manifest(args.fit), args.template)
    slope, middle = fit(hits)
    write(path, tensors, {"slope": f"{slope:.4f}", "middle": f"{middle:.4f}"})
    print(f"{len(hits)} hits, {hits[:, 1].mean():.3f} right; slope {slope:.4f}, middle {middle:.4f}")
    table(hits, slope, middle)


if __name__ == "__main__":
    main()
