"""What the proofs share: a library as plain data, the plain model that its searches must agree with, and seeds.

    test_NAME.py EARSHOT [--long]      prints TAP. Needs Python's standard library only.

$EARSHOT_SEED takes back a seed that an earlier run printed.
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys

sys.path.insert(0, os.fspath(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from cli import EARSHOT, MODEL, Cli, main, tone  # noqa: E402 (and for those who import this)

LONG = "--long" in sys.argv
SEED = int(os.environ.get("EARSHOT_SEED") or random.SystemRandom().getrandbits(32))
QUERY = "a dog barking at night"
WORDS = ("dog", "rain", "wind", "night", "bell")
CLOSE = 1e-5  # between a cosine in the library and one of Python's


def say(text):
    print(f"# {text}", flush=True)


class Clip:
    """A clip as `export --vectors` has it: its paths with their stamps, and all the rest."""
    def __init__(self, row):
        self.paths = {path: tuple(sorted(stamp.items())) for path, stamp in zip(path_bytes(row), row.pop("stamps"))}
        self.vectors = row.get("vectors", [])
        self.added = row.pop("added")
        for name in ("path", "paths", "title", "path_base64", "paths_base64"):  # these follow from the paths and "said"
            row.pop(name, None)
        self.body = row

    def __eq__(self, other):
        return other is not None and self.body == other.body and self.paths == other.paths

    def __repr__(self):
        return f"{self.body['id']} {list(self.paths)} {self.body['windows']} windows, said {self.body['said']}"


def path_bytes(row):
    """The paths of a row, also those that JSON cannot hold."""
    return row.get("paths_base64") or row["paths"]


class Proof(Cli):
    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{SEED} {self.id()}")
        self.sounds = self.dir / "sounds"
        self.sounds.mkdir()

    # -- sounds --

    def sound(self, name, hertz=None, seconds=None, folder=None):
        """A short sound, by default one of its own kind."""
        path = (folder or self.sounds) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        hertz = hertz or self.random.randint(50, 3000)
        return tone(path, seconds=seconds or self.random.uniform(0.2, 3), hertz=hertz, rate=8000)

    def folder_of_sounds(self, count, first=0):
        for i in range(first, first + count):
            folder = self.random.choice(("", "dog/", "far away/rain/"))
            self.sound(f"{folder}{'_'.join(self.random.sample(WORDS, 2))}_{i:03}.wav")

    # -- a library as plain data --

    def document(self, *args, **more):
        return json.loads(self.run_it("--json", *args, **more).stdout)

    def check(self, library):
        done = subprocess.run([EARSHOT, "check", "--json", "-L", library], capture_output=True, cwd=self.dir, env=self.env,
                              timeout=120)
        checks = json.loads(done.stdout or b'{"checks": []}')["checks"]
        self.assertEqual((done.returncode, [row for row in checks if not row["ok"]]), (0, []), done.stderr)

    def clips(self, library):
        clips = map(Clip, self.rows("export", "--vectors", "-L", library))
        return {clip.body["id"]: clip for clip in clips}

    def failures(self, library):
        return sorted((row["path"], row["error"]) for row in self.rows("list", "--failed", "--json", "-L", library))

    def found(self, library, *args):
        return self.document("search", "-L", library, "-n", "10000", *args)["hits"]

    # -- a plain model of searching --

    def query(self):
        """The vector of QUERY, by the model alone."""
        if not hasattr(Proof, "query_vector"):
            Proof.query_vector, = self.rows("embed", "-m", MODEL, "--text", QUERY)
        return Proof.query_vector["embedding"]

    def cosines(self, clip):
        """[(cosine, start, end)] of each window, the best first."""
        dot = lambda vector: sum(a * b for a, b in zip(self.query(), vector))
        return sorted(((dot(v["embedding"]), v["start"], v["end"]) for v in clip.vectors), reverse=True)

    def same_cosines(self, found, wanted):
        """{what: cosine} both, and the hits in the order of their cosines."""
        self.assertEqual(found.keys(), wanted.keys())
        for what, cosine in found.items():
            self.assertAlmostEqual(cosine, wanted[what], delta=CLOSE)
        self.assertEqual(list(found.values()), sorted(found.values(), reverse=True))

    def words_of(self, clip):
        said = [field["value"] or "" for field in clip.body["said"]]
        return set(re.findall(r"[a-z]+", " ".join([*clip.paths, *said]).lower().replace(os.fspath(self.dir), "")))

    def agrees(self, library, clips):
        """What is found is what a plain look at all clips finds."""
        if not clips:
            return
        best = {id: self.cosines(clip)[0][0] for id, clip in clips.items()}
        windows = {(id, start, end): cosine for id, clip in clips.items() for cosine, start, end in self.cosines(clip)}
        for exact in ((), ("--exact",)):
            hits = self.found(library, "--mode", "vector", *exact, QUERY)
            self.same_cosines({hit["id"]: hit["cosine"] for hit in hits}, best)
        hits = self.found(library, "--mode", "vector", "--windows", QUERY)
        self.same_cosines({(hit["id"], hit["start"], hit["end"]): hit["cosine"] for hit in hits}, windows)
        word = self.random.choice(WORDS)
        self.assertEqual({hit["id"] for hit in self.found(library, "--mode", "bm25", word)},
                         {id for id, clip in clips.items() if word in self.words_of(clip)})

    def sound_library(self, library, check=True):
        """It opens, is whole (where that is to be checked), and is found in; its clips."""
        if check:
            self.check(library)
        clips = self.clips(library)
        self.agrees(library, clips)
        return clips


def prove():
    say(f"EARSHOT_SEED={SEED}{' --long' if LONG else ''}")
    main()
