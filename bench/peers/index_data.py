#!/usr/bin/env python3
"""The synthetic vectors of the index's benches, for lack of a million embedded sounds: like CLAP's, they lie in one
narrow cone, in clusters of uneven size; texts lie in another cone.

  index_data.py FOLDER [ROWS]

writes to FOLDER, in half precision: rows.f16 (ROWS x 512, 1,000,000 unless told), gauss.f16 (100,000 directions without any
order); and in single precision queries that are in none of them: sound.f32, text.f32, gauss.f32 (500 each), and texts.f32
(1000 more texts, to calibrate with). All are unit vectors; the seed is fixed.
"""

import pathlib
import sys

import numpy as np

DIM, CLUSTERS, CHUNK, SEED = 512, 3000, 50_000, 41
CONE = 0.25  # energy of the mean that all sounds share: it has length 0.5


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class World:
    """Clusters around centres; each vector is the common mean, its centre, and a detail of its own."""

    def __init__(self):
        draw = np.random.default_rng(SEED)
        spectrum = np.sqrt((1 + np.arange(DIM) / 40) ** -2.2).astype(np.float32)

        def basis():
            return np.linalg.qr(draw.standard_normal((DIM, DIM)))[0].astype(np.float32)

        self.mean, other = unit(draw.standard_normal((2, DIM))).astype(np.float32)
        self.text_mean = unit(other - other @ self.mean * self.mean + 0.1 * self.mean)
        self.centres = unit((draw.standard_normal((CLUSTERS, DIM)) * spectrum).astype(np.float32) @ basis())
        self.detail_basis, self.noise_basis, self.spectrum = basis(), basis(), spectrum
        self.gains = (spectrum * np.exp(0.6 * draw.standard_normal((CLUSTERS, DIM)))).astype(np.float32)
        self.within = draw.uniform(0.6, 0.95, CLUSTERS).astype(np.float32)  # mean cosine of two members
        share = np.arange(1, CLUSTERS + 1) ** -0.8
        self.share = draw.permutation(share / share.sum())

    def members(self, draw, count):
        cluster = draw.choice(CLUSTERS, count, p=self.share)
        detail = draw.standard_normal((count, DIM), dtype=np.float32) * self.gains[cluster]
        return self.centres[cluster], unit(detail @ self.detail_basis), self.within[cluster][:, None]

    def sounds(self, seed, count):
        draw = np.random.default_rng([SEED, seed])
        centre, detail, within = self.members(draw, count)
        noise = draw.standard_normal((count, DIM), dtype=np.float32) * np.float32(0.1 / np.sqrt(DIM))
        return unit(np.sqrt(CONE) * self.mean + np.sqrt(within - CONE) * centre + np.sqrt(1 - within) * detail + noise)

    def texts(self, seed, count):
        draw = np.random.default_rng([SEED, seed])
        centre, detail, within = self.members(draw, count)
        meant = unit(np.sqrt(within - CONE) * centre + 0.5 * np.sqrt(1 - within) * detail)
        noise = unit((draw.standard_normal((count, DIM)) * self.spectrum).astype(np.float32) @ self.noise_basis)
        return unit(0.55 * self.text_mean + 0.42 * meant + 0.72 * noise)


def make(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    world = World()
    with open(folder / "rows.f16", "wb") as out:
        for first in range(0, rows, CHUNK):
            world.sounds(1000 + first // CHUNK, min(CHUNK, rows - first)).astype(np.float16).tofile(out)
    draw = np.random.default_rng([SEED, 4])
    unit(draw.standard_normal((100_000, DIM), dtype=np.float32)).astype(np.float16).tofile(folder / "gauss.f16")
    queries = {"sound": world.sounds(1, 500), "text": world.texts(2, 500), "texts": world.texts(3, 1000),
               "gauss": unit(draw.standard_normal((500, DIM), dtype=np.float32))}
    for name, values in queries.items():
        values.astype(np.float32).tofile(folder / f"{name}.f32")


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
